//! The verdict on a deployment, from what is seen of the service now and what is remembered of earlier looks.
//! Pure. A deployment is known by its id, never by its task definition: a forced deployment that was rolled
//! back leaves the same definition running.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use super::edit::short;
use super::plan::Before;
use super::snapshot::{Deployment, Record, Service, Snapshot};

/// The deployment that is waited for.
#[derive(Debug, Clone)]
pub struct Watched {
    pub task_definition: String,
    /// False if only the count of a finished deployment changes.
    pub fresh: bool,
    pub before: Before,
    pub deadline: SystemTime,
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
}

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Not over; how far it is.
    Going(String),
    Done,
    /// ECS went back to `to`; `complete` if that is over.
    RolledBack {
        to: String,
        why: String,
        complete: bool,
    },
    Failed {
        why: String,
    },
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

impl Memory {
    /// Adds one look.
    pub fn note(&mut self, snapshot: &Snapshot, watched: &Watched, now: SystemTime) {
        let service = &snapshot.service;
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
        Verdict::Going(how) if now >= watched.deadline => overdue(snapshot, memory, how),
        verdict => verdict,
    }
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
        return Verdict::Failed { why: format!("the service was deleted meanwhile (it is {})", service.status) };
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

/// ECS's own record decides where it has come to an end, and for the strategies that shift traffic, whose
/// deployments look finished before they are.
fn by_record(record: &Record, service: &Service, memory: &Memory, watched: &Watched) -> Option<Verdict> {
    let why = |otherwise: &str| record.why().unwrap_or_else(|| otherwise.to_owned());
    let primary = service.primary();
    match record.status.as_str() {
        "SUCCESSFUL" => Some(Verdict::Done),
        "ROLLBACK_SUCCESSFUL" => Some(Verdict::RolledBack {
            to: primary.map(|primary| short(&primary.task_definition).to_owned()).unwrap_or_default(),
            why: why("ECS does not say why"),
            complete: true,
        }),
        "ROLLBACK_FAILED" => {
            Some(Verdict::Failed { why: format!("the rollback failed as well: {}", why("no reason given")) })
        }
        "STOPPED" => Some(stopped(record, primary, memory)),
        "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => Some(Verdict::Going(progress(service, Some("rolling back")))),
        "PENDING" | "IN_PROGRESS" | "STOP_REQUESTED" if !watched.before.rolling => {
            Some(Verdict::Going(progress(service, record.stage.as_deref())))
        }
        _ => None,
    }
}

/// STOPPED is what becomes of a deployment that failed and of one that was replaced.
fn stopped(record: &Record, primary: Option<&Deployment>, memory: &Memory) -> Verdict {
    let triggered = record.breaker.as_deref() == Some("TRIGGERED") || memory.gave_up.is_some();
    let other = primary.filter(|primary| memory.id.as_ref().is_some_and(|id| *id != primary.id));
    match other {
        Some(primary) if !triggered => Verdict::Replaced { by: named(primary) },
        _ => {
            let reason = memory.gave_up.as_ref().map(|(_, why)| why.clone()).filter(|why| !why.is_empty());
            Verdict::Failed { why: record.why().or(reason).unwrap_or_else(|| "the deployment was stopped".into()) }
        }
    }
}

/// Our deployment is the PRIMARY one.
fn lead(ours: &Deployment, service: &Service, memory: &Memory, watched: &Watched, now: SystemTime) -> Verdict {
    let enough = ours.running >= ours.desired;
    match ours.rollout.as_deref() {
        // An emulator may leave the deployment that was there and change only the service.
        _ if ours.task_definition != watched.task_definition => Verdict::Going(progress(service, None)),
        // Old tasks may go on draining: that is not waited for.
        Some("COMPLETED") if watched.fresh || ours.running == ours.desired => Verdict::Done,
        Some("FAILED") if watched.before.rollback && !is_over(memory, now) => {
            Verdict::Going(progress(service, Some("failed, ECS is about to roll back")))
        }
        Some("FAILED") => Verdict::Failed { why: ours.reason.clone() },
        // Without a state: as many tasks as wanted, and none of an older deployment left.
        None if enough && ours.pending == 0 && service.deployments.len() == 1 => Verdict::Done,
        _ => Verdict::Going(progress(service, None)),
    }
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
    let likely = returned && watched.before.rollback && (failed || memory.failed > 0 || other);
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

/// `web:8 1 of 3 running, 2 pending; web:7 3 running`
fn progress(service: &Service, remark: Option<&str>) -> String {
    let mut parts: Vec<String> = service.deployments.iter().map(one).filter(|part| !part.is_empty()).collect();
    parts.extend(remark.map(str::to_owned));
    parts.join("; ")
}

fn one(deployment: &Deployment) -> String {
    let Deployment { running, desired, pending, failed, .. } = deployment;
    let name = short(&deployment.task_definition);
    if deployment.status != "PRIMARY" {
        return if running + pending > 0 { format!("{name} {running} running") } else { String::new() };
    }
    let mut text = format!("{name} {running} of {desired} running");
    if *pending > 0 {
        text.push_str(&format!(", {pending} pending"));
    }
    if *failed > 0 {
        text.push_str(&format!(", {failed} failed"));
    }
    text
}
