//! The end of a watch in words, and what can be done about it.

use std::time::Duration;

use super::judge::READY;
use crate::deploy::diagnose::Evidence;
use crate::deploy::edit::short;
use crate::deploy::judge::Verdict;
use crate::deploy::rollout::{Charge, Ended};
use crate::deploy::wait::Until;
use crate::report::Outcome;

pub fn conclude(charge: &Charge, id: &str, verdict: Verdict) -> Ended {
    let name = short(charge.revision);
    let advice = match &verdict {
        Verdict::TimedOut(_) => Some(format!("Wait on with `{}`, or undo it with `{}`.", wait_on(charge), stop(id))),
        // Its wait ended, but it did not.
        Verdict::Failed { why } if why.contains("goes on trying") => Some(format!("Undo it with `{}`.", stop(id))),
        Verdict::Paused(_) => Some(format!("Let the traffic go over with `{}`.", go_on(id))),
        _ => None,
    };
    let (outcome, text) = match verdict {
        Verdict::Done => (Outcome::Succeeded, format!("{name} is deployed")),
        Verdict::Reached(Until::Bake | Until::ProductionTraffic | Until::Completion) => (
            Outcome::Succeeded,
            format!("{name} has the production traffic; the end of the old tasks is not waited for"),
        ),
        Verdict::Paused(_) => {
            (Outcome::Succeeded, format!("{name} is {READY} and waits to be told to shift the traffic"))
        }
        Verdict::RolledBack { to, why, complete } => {
            let state = if complete { "was rolled back" } else { "is being rolled back" };
            (Outcome::RolledBack, format!("{name} failed and {state} to {to}: {why}"))
        }
        Verdict::Failed { why } => (Outcome::Failed, format!("{name} failed: {why}")),
        Verdict::Gone(status) => (Outcome::Failed, format!("{name} failed: the service is {status}")),
        Verdict::Replaced { by } => (Outcome::Replaced, format!("{name} was replaced by a newer deployment, {by}")),
        Verdict::TimedOut(how) | Verdict::Going(how) => {
            (Outcome::TimedOut, format!("time is up, but deployment {id} of {name} goes on: {how}"))
        }
    };
    Ended { advice, ..ended(outcome, text) }
}

pub fn interrupted(charge: &Charge, id: &str) -> Ended {
    let name = short(charge.revision);
    let text = format!("interrupted: deployment {id} of {name} goes on in CodeDeploy without being watched");
    let advice = format!("Wait on with `{}`, or undo it with `{}`.", wait_on(charge), stop(id));
    Ended { advice: Some(advice), ..ended(Outcome::Interrupted, text) }
}

pub fn ended(outcome: Outcome, text: String) -> Ended {
    let (causes, evidence, trouble) = (Vec::new(), Evidence::default(), Vec::new());
    Ended { outcome, text, advice: None, deployment: None, causes, evidence, trouble, took: Duration::ZERO }
}

/// Another job may wait for it as well.
fn wait_on(charge: &Charge) -> String {
    let deploy = charge.deploy;
    format!(
        "dockless verify-revision-is-deployed --cluster {} --service-name {} --task-definition-arn {}",
        deploy.cluster,
        deploy.service,
        short(charge.revision)
    )
}

pub fn stop(id: &str) -> String {
    format!("aws deploy stop-deployment --deployment-id {id} --auto-rollback-enabled")
}

pub fn go_on(id: &str) -> String {
    format!("aws deploy continue-deployment --deployment-id {id} --deployment-wait-type READY_WAIT")
}
