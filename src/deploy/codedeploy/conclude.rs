//! The end of a watch in words, and what can be done about it.

use std::time::Duration;

use super::judge::READY;
use crate::deploy::diagnose::Evidence;
use crate::deploy::edit::short;
use crate::deploy::judge::Verdict;
use crate::deploy::rollout::{Charge, Ended, answer, runs, undo, wait_on};
use crate::deploy::wait::Until;
use crate::report::Outcome;

pub fn conclude(charge: &Charge, id: &str, verdict: Verdict) -> Ended {
    let name = short(charge.revision);
    let (asked_back, advice) = (charge.deploy.goes_back(), advice(charge, &verdict));
    let runs = runs(charge, &verdict);
    let (outcome, text) = match verdict {
        Verdict::Done if asked_back => {
            (Outcome::Failed, format!("{name} had come through before it could be rolled back"))
        }
        Verdict::Done => (Outcome::Succeeded, format!("{name} is deployed")),
        Verdict::Reached(Until::Bake | Until::ProductionTraffic | Until::Completion) => (
            Outcome::Succeeded,
            format!("{name} has the production traffic; the end of the old tasks is not waited for"),
        ),
        Verdict::Paused(_) => {
            (Outcome::Succeeded, format!("{name} is {READY} and waits to be told to shift the traffic"))
        }
        Verdict::RolledBack { to, complete: true, .. } if asked_back => {
            (Outcome::Succeeded, format!("{name} was rolled back to {to}"))
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
    Ended { advice, runs, ..ended(outcome, text) }
}

pub fn interrupted(charge: &Charge, id: &str) -> Ended {
    let name = short(charge.revision);
    let text = format!("interrupted: deployment {id} of {name} goes on in CodeDeploy without being watched");
    Ended { advice: Some(on_its_way(charge)), ..ended(Outcome::Interrupted, text) }
}

pub fn ended(outcome: Outcome, text: String) -> Ended {
    let (causes, evidence, trouble) = (Vec::new(), Evidence::default(), Vec::new());
    Ended { outcome, text, advice: None, deployment: None, runs: None, causes, evidence, trouble, took: Duration::ZERO }
}

fn advice(charge: &Charge, verdict: &Verdict) -> Option<String> {
    let deploy = charge.deploy;
    match verdict {
        Verdict::TimedOut(_) => Some(on_its_way(charge)),
        // The wait ended, but the deployment did not.
        Verdict::Failed { why } if why.contains("goes on trying") => Some(format!("Undo it with `{}`.", back(charge))),
        Verdict::Done if deploy.goes_back() => Some(format!("Undo it with `{}`.", back(charge))),
        Verdict::Paused(_) => Some(format!("Answer with `{0}` or `{0} --rollback`.", answer(deploy))),
        _ => None,
    }
}

/// What can be done about a deployment that goes on. One that goes back already has no other way.
fn on_its_way(charge: &Charge) -> String {
    let wait = wait_on(charge.deploy);
    match charge.deploy.goes_back() {
        true => format!("Wait on with `{wait}`."),
        false => format!("Undo it with `{}`, or wait on with `{wait}`.", back(charge)),
    }
}

fn back(charge: &Charge) -> String {
    undo(charge.deploy, short(charge.revision))
}
