//! The verdict on a deployment of CodeDeploy's. Pure. `Succeeded` is success and nothing else is: a rollback is a
//! deployment of its own, which succeeds when ours has failed.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use super::snapshot::{Info, Look};
use crate::deploy::edit::short;
use crate::deploy::judge::Verdict;
use crate::deploy::wait::{OnPause, Until, Wait};

/// What is waited for.
#[derive(Debug, Clone)]
pub struct Watched {
    pub revision: String,
    /// The revision that served before.
    pub before: String,
    pub deadline: SystemTime,
    pub wait: Wait,
    /// It was told to shift the traffic, which it may not show yet.
    pub answered: bool,
    /// It was asked to stop and go back.
    pub back: bool,
}

/// What earlier looks have shown.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// When it was first seen to have ended badly.
    pub ended: Option<SystemTime>,
    /// It is certain that tasks of ours will never run, and why. CodeDeploy goes on for an hour all the same.
    pub hopeless: Option<String>,
}

/// How long CodeDeploy may take from the end of a deployment to the one that goes back.
const GRACE: Duration = Duration::from_secs(60);

pub const READY: &str = "Ready";

impl Memory {
    pub fn note(&mut self, look: &Look, now: SystemTime) {
        if matches!(look.info.status.as_str(), "Failed" | "Stopped") {
            self.ended.get_or_insert(now);
        }
    }
}

/// `memory` has noted this look already.
pub fn judge(look: &Look, memory: &Memory, watched: &Watched, now: SystemTime) -> Verdict {
    let late = now >= watched.deadline;
    match stand(look, memory, watched, now) {
        Verdict::Going(_) if late && look.info.rollback.is_some() => rolled_back(look, watched, false),
        Verdict::Going(_) if late && look.info.is_over() => Verdict::Failed { why: why(look) },
        Verdict::Going(how) if late => Verdict::TimedOut(how),
        verdict => verdict,
    }
}

fn stand(look: &Look, memory: &Memory, watched: &Watched, now: SystemTime) -> Verdict {
    let info = &look.info;
    match (info.status.as_str(), &memory.hopeless) {
        ("Succeeded", _) => Verdict::Done,
        ("Failed" | "Stopped", _) => ended_badly(look, memory, watched, now),
        _ if watched.back => {
            Verdict::Going(format!("told to go back; {}", look.progress(&watched.revision, &watched.before)))
        }
        (READY, _) if watched.answered => Verdict::Going("told to shift the traffic".into()),
        (READY, _) if watched.wait.on_pause == OnPause::Leave => Verdict::Paused(READY.into()),
        (READY, _) => Verdict::Going(format!(
            "ready, and waits to be told to shift the traffic; {}",
            look.progress(&watched.revision, &watched.before)
        )),
        _ if info.lingers && watched.wait.until != Until::Completion => Verdict::Reached(watched.wait.until),
        (_, Some(why)) => Verdict::Failed { why: format!("{why}; CodeDeploy goes on trying for up to an hour") },
        _ => Verdict::Going(look.progress(&watched.revision, &watched.before)),
    }
}

fn ended_badly(look: &Look, memory: &Memory, watched: &Watched, now: SystemTime) -> Verdict {
    let info = &look.info;
    let waited = memory.ended.and_then(|ended| now.duration_since(ended).ok()).unwrap_or_default();
    match (&look.rollback, &info.rollback, &look.newer) {
        (Some(back), ..) => went_back(back, look, watched),
        (None, Some(id), _) => Verdict::Going(format!("failed, rolling back ({id})")),
        (None, None, _) if (info.goes_back || watched.back) && info.rollback_message.is_empty() && waited < GRACE => {
            Verdict::Going("failed, CodeDeploy is about to roll back".into())
        }
        (None, None, Some(newer)) if info.status == "Stopped" => Verdict::Replaced { by: newer.clone() },
        _ => Verdict::Failed { why: why(look) },
    }
}

fn went_back(back: &Info, look: &Look, watched: &Watched) -> Verdict {
    match back.status.as_str() {
        "Succeeded" => rolled_back(look, watched, true),
        "Failed" | "Stopped" => {
            let why = format!("{}; the rollback {} failed as well: {}", why(look), back.id, back.why());
            Verdict::Failed { why }
        }
        status => Verdict::Going(format!("failed, rolling back ({}: {status})", back.id)),
    }
}

fn rolled_back(look: &Look, watched: &Watched, complete: bool) -> Verdict {
    Verdict::RolledBack { to: short(&watched.before).to_owned(), why: why(look), complete }
}

/// With the lifecycle event, where one failed and says more than its name.
fn why(look: &Look) -> String {
    let failed = look.target.as_ref().and_then(|target| target.failed.clone());
    let why = look.info.why();
    match failed.filter(|failed| failed.contains(':')) {
        Some(failed) => format!("{why}; {failed}"),
        None => why,
    }
}
