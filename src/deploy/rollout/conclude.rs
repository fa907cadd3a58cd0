//! The end of a watch in words: what became of the deployment, and the command that does something about it.

use super::{Charge, Ended};
use crate::deploy::Error;
use crate::deploy::diagnose::Evidence;
use crate::deploy::ecs::CallError;
use crate::deploy::edit::short;
use crate::deploy::halt::Halt;
use crate::deploy::judge::{Memory, Verdict};
use crate::deploy::plan::{Deploy, Step};
use crate::deploy::wait::Until;
use crate::report::Outcome;

pub fn conclude(charge: &Charge, verdict: Verdict) -> Ended {
    let name = short(charge.revision);
    let (asked_back, advice) = (charge.deploy.goes_back(), advice(charge, &verdict));
    let runs = runs(charge, &verdict);
    let (outcome, text) = match verdict {
        Verdict::Done if asked_back => {
            (Outcome::Failed, format!("{name} had come through before it could be rolled back"))
        }
        Verdict::Done => (Outcome::Succeeded, format!("{name} is deployed")),
        Verdict::Reached(Until::Bake) => (Outcome::Succeeded, format!("{name} bakes, and that is not waited for")),
        Verdict::Reached(_) => {
            (Outcome::Succeeded, format!("{name} has the production traffic; what follows is not waited for"))
        }
        Verdict::Paused(stage) => (Outcome::Succeeded, format!("{name} is paused at {stage} and waits for an answer")),
        Verdict::RolledBack { to, complete: true, .. } if asked_back => {
            (Outcome::Succeeded, format!("{name} was rolled back to {to}"))
        }
        Verdict::RolledBack { to, complete: false, .. } if asked_back => {
            (Outcome::TimedOut, format!("time is up, but the rollback of {name} to {to} goes on"))
        }
        Verdict::RolledBack { to, why, complete } => {
            let state = if complete { "was rolled back" } else { "is being rolled back" };
            (Outcome::RolledBack, format!("{name} failed and {state} to {to}: {why}"))
        }
        Verdict::Gone(status) => {
            (Outcome::Failed, format!("{name} failed: the service was deleted meanwhile (it is {status})"))
        }
        Verdict::Failed { why } => (Outcome::Failed, format!("{name} failed: {why}")),
        Verdict::Replaced { by } => (Outcome::Replaced, format!("{name} was replaced by a newer deployment, {by}")),
        Verdict::TimedOut(how) | Verdict::Going(how) if asked_back => {
            (Outcome::TimedOut, format!("time is up, but the rollback of {name} goes on: {how}"))
        }
        Verdict::TimedOut(how) | Verdict::Going(how) => {
            (Outcome::TimedOut, format!("time is up, but the deployment of {name} goes on: {how}"))
        }
    };
    Ended { advice, runs, ..plain(outcome, text) }
}

/// What was gone back to, in full: it is of the same account and region.
pub fn runs(charge: &Charge, verdict: &Verdict) -> Option<String> {
    let Verdict::RolledBack { to, .. } = verdict else { return None };
    let (place, _) = charge.revision.rsplit_once('/')?;
    to.contains(':').then(|| format!("{place}/{to}"))
}

/// Said at once: a CI system that cancels a job kills it some ten seconds later.
pub fn interrupted(charge: &Charge, memory: &Memory) -> Ended {
    let (name, deploy) = (short(charge.revision), charge.deploy);
    let id = memory.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    let text = format!("interrupted: the deployment of {name}{id} goes on in ECS without being watched");
    let advice = match has_way_back(deploy) {
        true => format!("Undo it with `{}`, or wait on with `{}`.", undo(deploy, name), wait_on(deploy)),
        false => format!("Wait on with `{}`.", wait_on(deploy)),
    };
    Ended::halted(Halt::Interrupted, text, Some(advice))
}

/// Nobody knows how it ends, but for whoever asks next.
pub fn unwatched(charge: &Charge, source: CallError) -> Error {
    let (name, deploy) = (short(charge.revision), charge.deploy);
    let undo = match has_way_back(deploy) {
        true => format!(", or undo it with `{}`", undo(deploy, name)),
        false => String::new(),
    };
    let advice = format!("The deployment goes on: wait for its end with `{}`{undo}.", wait_on(deploy));
    Error::Unwatched { service: deploy.service.clone(), advice, source }
}

impl Ended {
    pub fn halted(halt: Halt, text: String, advice: Option<String>) -> Self {
        Ended { advice, ..plain(halt.outcome(), text) }
    }
}

fn plain(outcome: Outcome, text: String) -> Ended {
    Ended {
        outcome,
        text,
        advice: None,
        deployment: None,
        runs: None,
        causes: Vec::new(),
        evidence: Evidence::default(),
        trouble: Vec::new(),
        took: std::time::Duration::ZERO,
    }
}

fn advice(charge: &Charge, verdict: &Verdict) -> Option<String> {
    let (name, deploy) = (short(charge.revision), charge.deploy);
    let first = !has_way_back(deploy);
    match verdict {
        Verdict::TimedOut(_) | Verdict::RolledBack { complete: false, .. } if first => {
            Some(format!("Wait on with `{}`.", wait_on(deploy)))
        }
        Verdict::TimedOut(_) => {
            Some(format!("Wait on with `{}`, or undo it with `{}`.", wait_on(deploy), undo(deploy, name)))
        }
        Verdict::Failed { .. } if !first => Some(format!("Go back to what ran before with `{}`.", undo(deploy, name))),
        Verdict::Paused(_) => Some(format!("Answer with `{0}` or `{0} --rollback`.", answer(deploy))),
        _ => None,
    }
}

/// Not where nothing ran well before, as in a service that was just made, and not on the way back.
fn has_way_back(deploy: &Deploy) -> bool {
    !matches!(deploy.step, Step::Create(_)) && !deploy.before.unproven && !deploy.goes_back()
}

/// The command that undoes this revision and, run twice, undoes nothing else.
pub fn undo(deploy: &Deploy, name: &str) -> String {
    undo_command(&deploy.cluster, &deploy.service, name)
}

pub fn undo_command(cluster: &str, service: &str, name: &str) -> String {
    command("rollback", cluster, service) + &format!(" --from {name}")
}

pub fn wait_on(deploy: &Deploy) -> String {
    command("wait", &deploy.cluster, &deploy.service)
}

pub fn answer(deploy: &Deploy) -> String {
    command("continue", &deploy.cluster, &deploy.service)
}

pub fn command(name: &str, cluster: &str, service: &str) -> String {
    format!("dockless {name} --cluster {cluster} --service-name {service}")
}
