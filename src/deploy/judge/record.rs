//! What ECS's own record says of a deployment. It decides where it has come to an end, and for the strategies that
//! shift traffic, whose deployments look finished before they are.

use super::progress::progress;
use super::{Memory, Verdict, Watched, named};
use crate::deploy::edit::short;
use crate::deploy::snapshot::{Deployment, Record, Service};
use crate::deploy::wait::{OnPause, Until};

/// Nothing where the service's deployments know as much.
pub fn by_record(record: &Record, service: &Service, memory: &Memory, watched: &Watched) -> Option<Verdict> {
    match record.status.as_str() {
        "SUCCESSFUL" => Some(successful(service, memory, watched)),
        "ROLLBACK_SUCCESSFUL" => Some(Verdict::RolledBack {
            to: returned_to(service, memory, watched),
            why: why(record, memory),
            complete: true,
        }),
        "ROLLBACK_FAILED" => {
            let why = record.why().unwrap_or_else(|| "no reason given".into());
            Some(Verdict::Failed { why: format!("the rollback failed as well: {why}") })
        }
        "STOPPED" => Some(stopped(record, service.primary(), memory)),
        "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => Some(Verdict::Going(progress(service, Some("rolling back")))),
        "PENDING" | "IN_PROGRESS" => on_its_way(record, service, watched),
        "STOP_REQUESTED" if !watched.before.rolling => Some(Verdict::Going(progress(service, Some("stopping")))),
        _ => None,
    }
}

/// Of a deployment that was over before we looked the success may be long past.
fn successful(service: &Service, memory: &Memory, watched: &Watched) -> Verdict {
    let other = |primary: &&Deployment| {
        primary.task_definition != watched.task_definition && !watched.before.ids.contains(&primary.id)
    };
    match service.primary().filter(other) {
        Some(primary) if !memory.seen => Verdict::Replaced { by: named(primary) },
        _ => Verdict::Done,
    }
}

fn on_its_way(record: &Record, service: &Service, watched: &Watched) -> Option<Verdict> {
    let stage = record.stage.as_deref();
    if !record.pauses.is_empty() && watched.on_pause == OnPause::Leave {
        return Some(Verdict::Paused(stage.unwrap_or("a lifecycle hook").to_owned()));
    }
    if watched.until != Until::Completion && stage.is_some_and(|stage| watched.until.is_reached(stage)) {
        return Some(Verdict::Reached(watched.until));
    }
    let paused = stage.filter(|_| !record.pauses.is_empty()).map(|stage| format!("paused at {stage}"));
    let stage = paused.as_deref().or(stage);
    (!watched.before.rolling || paused.is_some()).then(|| Verdict::Going(progress(service, stage)))
}

/// The list of deployments may be older than the record: then ours still leads in it.
fn returned_to(service: &Service, memory: &Memory, watched: &Watched) -> String {
    let ours = |deployment: &&Deployment| Some(&deployment.id) == memory.id.as_ref();
    let definition = match service.primary().filter(|primary| !ours(primary)) {
        Some(primary) => Some(&primary.task_definition),
        None => watched.before.definitions.first(),
    };
    definition.map_or("the revision before".into(), |definition| short(definition).to_owned())
}

fn why(record: &Record, memory: &Memory) -> String {
    let ours = memory.gave_up.as_ref().map(|(_, why)| why.clone()).filter(|why| !why.is_empty());
    record.why().or(ours).unwrap_or_else(|| "ECS does not say why".into())
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
