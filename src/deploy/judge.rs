//! The verdict on a deployment, from what is seen of the service now and what is remembered of earlier looks.
//! Pure. A deployment is known by its id, never by its task definition: a forced deployment that was rolled
//! back leaves the same definition running.

mod progress;
mod record;

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use super::edit::short;
use super::plan::Before;
use super::snapshot::{Deployment, Record, Service, Snapshot};
use super::wait::{OnPause, Until};
pub use progress::progress;
use record::by_record;

/// The deployment that is waited for.
#[derive(Debug, Clone)]
pub struct Watched {
    pub task_definition: String,
    /// False if only the count of a finished deployment changes.
    pub fresh: bool,
    /// The count that was asked for, if one was.
    pub count: Option<i64>,
    pub before: Before,
    pub deadline: SystemTime,
    pub until: Until,
    pub on_pause: OnPause,
}

/// What earlier looks have shown. Answers of ECS may be older than those before them.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// Our deployment, once known.
    pub id: Option<String>,
    pub seen: bool,
    /// Looks in a row without our deployment.
    pub missing: u32,
    /// Most failed tasks ever counted; ECS resets its count.
    pub failed: i64,
    /// When our deployment was first FAILED, and why.
    pub gave_up: Option<(SystemTime, String)>,
    /// ECS said that it rolls back, in an event or a reason.
    pub rolling_back: bool,
    /// Looks in which the service had another count than was asked for.
    pub miscounted: u32,
    /// Since when it is certain that tasks of ours will never run, and why.
    pub hopeless: Option<(SystemTime, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Not over; how far it is.
    Going(String),
    Done,
    /// As far as was to be waited for, and not over.
    Reached(Until),
    /// A PAUSE hook holds it at this stage, and that is where it was to be left.
    Paused(String),
    /// ECS went back to `to`; `complete` if that is over.
    RolledBack {
        to: String,
        why: String,
        complete: bool,
    },
    Failed {
        why: String,
    },
    /// The service was deleted meanwhile; its status.
    Gone(String),
    /// A newer deployment took over.
    Replaced {
        by: String,
    },
    TimedOut(String),
}

/// How long ECS may take from giving up on a deployment to going back, where it is set to go back. Without an
/// earlier deployment that was completed it never does.
const GRACE: Duration = Duration::from_secs(60);

/// Looks without our deployment, while an older one leads, until the list is believed.
const STALE: u32 = 3;

/// How long the circuit breaker is given to do what it will do anyway, once it is certain that it has to. A large
/// service may take an hour to count up to its threshold.
const FOLLOWED: Duration = Duration::from_secs(300);

impl Memory {
    /// Adds one look.
    pub fn note(&mut self, snapshot: &Snapshot, watched: &Watched, now: SystemTime) {
        let service = &snapshot.service;
        self.miscounted += u32::from(watched.count.is_some_and(|count| count != service.desired));
        if self.id.is_none() {
            self.id = adopt(service, watched);
        }
        let Some(id) = self.id.clone() else { return };
        match service.deployment(&id) {
            Some(ours) => {
                self.seen = true;
                self.missing = 0;
                self.failed = self.failed.max(ours.failed);
                if ours.is("FAILED") && self.gave_up.is_none() {
                    self.gave_up = Some((now, ours.reason.clone()));
                }
            }
            None => self.missing += 1,
        }
        // An earlier rollback, seen in an answer from before our call, is not ours.
        let told = service.primary().filter(|primary| primary.id != id && tells_of_rollback(&primary.reason));
        let later = |primary: &Deployment| !watched.before.ids.contains(&primary.id);
        self.rolling_back |= told.is_some_and(|primary| later(primary) || service.deployment(&id).is_some());
    }
}

/// Texts of ECS: "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1." as the reason of the
/// deployment that takes over, "rolling back to deployment ecs-svc/1." in an event.
pub fn tells_of_rollback(text: &str) -> bool {
    text.contains("rolling back to") || text.contains("rolled back")
}

/// Our deployment, where the answer to our call did not name it.
fn adopt(service: &Service, watched: &Watched) -> Option<String> {
    let primary = service.primary()?;
    let ours = primary.task_definition == watched.task_definition && !watched.before.ids.contains(&primary.id);
    ours.then(|| primary.id.clone())
}

/// What is to be said of the deployment now. `memory` has noted this snapshot already.
pub fn judge(snapshot: &Snapshot, memory: &Memory, watched: &Watched, now: SystemTime) -> Verdict {
    match stand(snapshot, memory, watched, now) {
        Verdict::Done if snapshot.record_expected && !watched.before.rolling => {
            Verdict::Going(progress(&snapshot.service, None))
        }
        // The list may be newer than the record: only the record knows whether ECS or a person put another first.
        Verdict::Replaced { .. }
            if snapshot.record.as_ref().is_some_and(Record::is_going) && now < watched.deadline =>
        {
            Verdict::Going(progress(&snapshot.service, None))
        }
        Verdict::Going(how) if now >= watched.deadline => overdue(snapshot, memory, how),
        Verdict::Going(how) => despair(snapshot, memory, watched, now).unwrap_or(Verdict::Going(how)),
        verdict => verdict,
    }
}

/// Waiting on is of no use. Where ECS will go back by itself that is worth a moment: it says that all is well again.
fn despair(snapshot: &Snapshot, memory: &Memory, watched: &Watched, now: SystemTime) -> Option<Verdict> {
    let (since, why) = memory.hopeless.as_ref()?;
    let ours = memory.id.as_ref().and_then(|id| snapshot.service.deployment(id));
    let leads = ours.is_some_and(|ours| ours.status == "PRIMARY" && ours.running == 0);
    let ending = snapshot.record.as_ref().is_some_and(|record| !record.is_going());
    let waited = now.duration_since(*since).unwrap_or_default();
    if !leads || ending || (watched.before.rollback && waited < FOLLOWED) {
        return None;
    }
    Some(Verdict::Failed { why: format!("{why}; no further attempt can mend that, but ECS goes on trying") })
}

fn overdue(snapshot: &Snapshot, memory: &Memory, how: String) -> Verdict {
    match (&memory.gave_up, snapshot.service.primary()) {
        (_, Some(primary)) if memory.rolling_back && Some(&primary.id) != memory.id.as_ref() => {
            rolled_back(primary, memory, false)
        }
        (Some((_, why)), _) => Verdict::Failed { why: why.clone() },
        _ => Verdict::TimedOut(how),
    }
}

fn stand(snapshot: &Snapshot, memory: &Memory, watched: &Watched, now: SystemTime) -> Verdict {
    let service = &snapshot.service;
    let gone = match service.status.as_str() {
        "INACTIVE" | "DRAINING" => true,
        // Also said of a service that was created a moment ago.
        "MISSING" => memory.seen && memory.missing >= STALE,
        _ => false,
    };
    if gone {
        return Verdict::Gone(service.status.clone());
    }
    if let Some(verdict) = snapshot.record.as_ref().and_then(|record| by_record(record, service, memory, watched)) {
        return verdict;
    }
    let Some(id) = &memory.id else { return Verdict::Going(progress(service, None)) };
    match (service.deployment(id), service.primary()) {
        (Some(ours), _) if ours.status == "PRIMARY" => lead(ours, service, memory, watched, now),
        (_, None) => Verdict::Going(progress(service, None)),
        (None, Some(primary)) if is_stale(primary, memory, watched) => Verdict::Going(progress(service, None)),
        (ours, Some(primary)) => yielded(ours, primary, service, memory, watched),
    }
}

/// Our deployment is the PRIMARY one.
fn lead(ours: &Deployment, service: &Service, memory: &Memory, watched: &Watched, now: SystemTime) -> Verdict {
    let enough = ours.running >= ours.desired;
    match ours.rollout.as_deref() {
        // An emulator may leave the deployment that was there and change only the service.
        _ if ours.task_definition != watched.task_definition => Verdict::Going(progress(service, None)),
        // Old tasks may go on draining: that is not waited for.
        Some("COMPLETED")
            if is_counted(service, memory, watched) && (watched.fresh || ours.running == ours.desired) =>
        {
            Verdict::Done
        }
        Some("FAILED") if watched.before.rollback && !is_over(memory, now) => {
            Verdict::Going(progress(service, Some("failed, ECS is about to roll back")))
        }
        Some("FAILED") => Verdict::Failed { why: ours.reason.clone() },
        // Without a state: as many tasks as wanted, and none of an older deployment left.
        None if enough && ours.pending == 0 && service.deployments.len() == 1 => Verdict::Done,
        _ => Verdict::Going(progress(service, None)),
    }
}

/// Whether the answer is from after our call, as far as its count tells. Scaling may have changed it since: a count
/// that stays different is believed.
fn is_counted(service: &Service, memory: &Memory, watched: &Watched) -> bool {
    watched.fresh || memory.miscounted >= STALE || watched.count.is_none_or(|count| count == service.desired)
}

fn is_over(memory: &Memory, now: SystemTime) -> bool {
    memory.gave_up.as_ref().is_some_and(|(since, _)| now.duration_since(*since).is_ok_and(|passed| passed >= GRACE))
}

/// A list without our deployment, led by one from before our call, is most likely an old answer.
fn is_stale(primary: &Deployment, memory: &Memory, watched: &Watched) -> bool {
    let older = watched.before.ids.contains(&primary.id);
    older && !memory.rolling_back && memory.gave_up.is_none() && (!memory.seen || memory.missing < STALE)
}

/// Another deployment leads: ECS went back, or somebody deployed anew.
fn yielded(
    ours: Option<&Deployment>,
    primary: &Deployment,
    service: &Service,
    memory: &Memory,
    watched: &Watched,
) -> Verdict {
    let failed = memory.gave_up.is_some();
    let returned = watched.before.definitions.contains(&primary.task_definition);
    let other = primary.task_definition != watched.task_definition;
    // What was there before our deployment may have left the list: an older revision behind a failed one tells as much.
    let behind = failed && other && is_earlier(&primary.task_definition, &watched.task_definition);
    let likely = watched.before.rollback && (behind || returned && (failed || memory.failed > 0 || other));
    // One from before our call cannot have replaced ours: ECS went back to it.
    let older = watched.before.ids.contains(&primary.id);
    if memory.rolling_back || older || likely {
        return match primary.rollout.as_deref() {
            Some("IN_PROGRESS") => Verdict::Going(progress(service, Some("rolling back"))),
            Some("FAILED") => Verdict::Failed { why: format!("the rollback failed as well: {}", primary.reason) },
            _ => rolled_back(primary, memory, true),
        };
    }
    match &memory.gave_up {
        Some((_, why)) => Verdict::Failed { why: ours.map_or(why, |ours| &ours.reason).clone() },
        None => Verdict::Replaced { by: named(primary) },
    }
}

/// An earlier revision of the same family.
fn is_earlier(one: &str, other: &str) -> bool {
    let family = |definition: &str| short(definition).split(':').next().map(str::to_owned);
    let number = |definition: &str| short(definition).split(':').nth(1).and_then(|number| number.parse::<u64>().ok());
    family(one) == family(other) && number(one) < number(other)
}

fn rolled_back(primary: &Deployment, memory: &Memory, complete: bool) -> Verdict {
    let given = memory.gave_up.as_ref().map(|(_, why)| why.clone()).filter(|why| !why.is_empty());
    let why = given.unwrap_or_else(|| match memory.failed {
        0 => "ECS does not say why".into(),
        1 => "a task failed".into(),
        n => format!("{n} tasks failed"),
    });
    Verdict::RolledBack { to: short(&primary.task_definition).to_owned(), why, complete }
}

fn named(deployment: &Deployment) -> String {
    format!("{} ({})", short(&deployment.task_definition), deployment.id)
}
