//! The reads before a rollback: the service, its history, and the definition to go back to. Older policies do not
//! allow the history; then only what is plainly known is taken, and nothing guessed.

use serde_json::{Value, json};

use super::choose::{candidates, nothing_but, standing};
use super::{Candidate, Rollback, Seen, Way};
use crate::deploy::Error;
use crate::deploy::ecs::{CallError, Ecs, Operation};
use crate::deploy::edit::{registrable, short};
use crate::deploy::history::{self, Past, Revision};
use crate::deploy::observe::find_service;
use crate::deploy::snapshot::Service;

/// Candidates that are looked at, at most.
const LOOKED_AT: usize = 10;

pub async fn observe_rollback(request: &Rollback, ecs: &dyn Ecs) -> Result<Seen, Error> {
    let raw = find_service(&request.cluster, &request.service, ecs).await?;
    let raw = raw.map_err(|why| Error::NoService {
        service: request.service.clone(),
        cluster: request.cluster.clone(),
        why,
    })?;
    check(request, &raw)?;
    let live = leading(&raw);
    let way = match (&request.from, &request.to) {
        (Some(from), _) if !is_named(&live, from) => Way::Elsewhere,
        (_, Some(to)) => Way::To(named(to, &live, ecs).await?),
        _ => by_history(request, &raw, &live, ecs).await?,
    };
    Ok(Seen { raw, way })
}

fn check(request: &Rollback, raw: &Value) -> Result<(), Error> {
    let service = request.service.clone();
    let controller = raw["deploymentController"]["type"].as_str().unwrap_or("ECS");
    if controller != "ECS" {
        return Err(Error::Controller { service, controller: controller.to_owned() });
    }
    let status = raw["status"].as_str().unwrap_or("ACTIVE");
    if status != "ACTIVE" {
        let (cluster, status) = (request.cluster.clone(), status.to_owned());
        return Err(Error::Inactive { service, cluster, status });
    }
    Ok(())
}

/// The definition of the PRIMARY deployment.
fn leading(raw: &Value) -> String {
    let service = Service::read(raw);
    service.primary().map_or(service.task_definition.clone(), |primary| primary.task_definition.clone())
}

/// By ARN or FAMILY:REVISION.
fn is_named(definition: &str, name: &str) -> bool {
    definition == name || short(definition) == name
}

/// The revision that was asked for; a number is one of the family that runs.
pub fn full_name(to: &str, live: &str) -> Result<String, Error> {
    let family = short(live).split(':').next().unwrap_or_default();
    let number = to.bytes().all(|byte| byte.is_ascii_digit());
    let name = if number { format!("{family}:{to}") } else { to.to_owned() };
    if !name.contains(':') {
        let hint = "Give its ARN, FAMILY:REVISION or the revision's number.";
        return Err(Error::input("to", format!("'{to}' names no revision"), hint));
    }
    Ok(name)
}

async fn named(to: &str, live: &str, ecs: &dyn Ecs) -> Result<Candidate, Error> {
    let name = full_name(to, live)?;
    let described = describe(&name, ecs).await?;
    let why = format!("going back to {}, as asked for", short(&name));
    Ok(Candidate { described, pinned: Vec::new(), why, skipped: Vec::new() })
}

async fn by_history(request: &Rollback, raw: &Value, live: &str, ecs: &dyn Ecs) -> Result<Way, Error> {
    let pasts = match history::deployments(&request.cluster, &request.service, ecs).await {
        Ok(pasts) => pasts,
        Err(why) => return without_history(request, raw, live, why, ecs).await,
    };
    match pasts.first() {
        Some(newest) if newest.is_forward() => ongoing(request, newest, &pasts, ecs).await,
        Some(newest) if newest.is_rolling_back() => {
            let (record, target) = (history::deployment(&newest.arn, ecs).await?, revision(&newest.target, ecs).await?);
            Ok(Way::Returning { record, target })
        }
        // Whoever says from where knows what runs; a bare word is not taken twice.
        Some(newest) if newest.status == "ROLLBACK_SUCCESSFUL" && request.from.is_none() => {
            Ok(Way::Undone(revision(&newest.target, ecs).await?.definition))
        }
        _ => last_good(request, &pasts, live, ecs).await.map(Way::To),
    }
}

/// What runs beside it is not always what ECS goes back to: that has to have reached success.
async fn ongoing(request: &Rollback, newest: &Past, pasts: &[Past], ecs: &dyn Ecs) -> Result<Way, Error> {
    let record = history::deployment(&newest.arn, ecs).await?;
    let target = revision(&newest.target, ecs).await?;
    let sources = record["sourceServiceRevisions"].as_array().into_iter().flatten();
    let sources: Vec<&str> = sources.filter_map(|source| source["arn"].as_str()).collect();
    let source = sources.iter().copied().find(|source| may_be_good(source, pasts));
    let first = sources.first().copied();
    let success = pasts.iter().find(|past| past.succeeded()).map(|past| past.target.as_str());
    match source.or(success) {
        Some(source) => {
            let source = revision(source, ecs).await?;
            Ok(Way::Ongoing { record, target, source })
        }
        None => Err(Error::NothingBefore {
            service: request.service.clone(),
            known: "no revision".into(),
            skipped: match first {
                Some(source) => format!("{} never reached it", short(&revision(source, ecs).await?.definition)),
                None => String::new(),
            },
        }),
    }
}

/// Of what was deployed before the time that ECS remembers the success is not remembered either. The newest deployment
/// goes on, and says nothing of what was before it, even of the same revision.
fn may_be_good(revision: &str, pasts: &[Past]) -> bool {
    let mut own = pasts.iter().skip(1).filter(|past| past.target == revision).peekable();
    own.peek().is_none() || own.any(Past::succeeded)
}

async fn revision(arn: &str, ecs: &dyn Ecs) -> Result<Revision, Error> {
    Ok(history::revisions(&[arn], ecs).await?.pop().unwrap_or_default())
}

/// The best of the successes that brings something else than what runs now.
async fn last_good(request: &Rollback, pasts: &[Past], live: &str, ecs: &dyn Ecs) -> Result<Candidate, Error> {
    let well = pasts.first().is_some_and(|newest| newest.succeeded() || newest.status == "ROLLBACK_SUCCESSFUL");
    let successes: Vec<&Past> = pasts.iter().filter(|past| past.succeeded()).collect();
    let mut arns: Vec<&str> = successes.iter().map(|past| past.target.as_str()).collect();
    arns.dedup();
    let known = history::revisions(&arns, ecs).await?;
    let of = |past: &&Past| known.iter().find(|revision| revision.arn == past.target).cloned();
    let stack = standing(successes.iter().rev().filter_map(of));
    let now = stack.last().cloned().filter(|top| well && top.definition == live);
    let mut skipped = Vec::new();
    for candidate in candidates(stack, live, well).into_iter().take(LOOKED_AT) {
        let described = match describe(&candidate.definition, ecs).await {
            Err(Error::NoDefinition { .. }) => {
                skipped.push(format!("{} was deleted", short(&candidate.definition)));
                continue;
            }
            described => described?,
        };
        if same_images(&candidate, now.as_ref()) && same_content(&described, &describe(live, ecs).await?) {
            skipped.push(format!("{} has the same content and the same images", short(&candidate.definition)));
            continue;
        }
        let when = successes.iter().find(|past| past.target == candidate.arn).and_then(|past| past.finished_at);
        let why = format!("{} is the last that reached success before{}", short(&candidate.definition), at(when));
        let pinned = if candidate.definition == live { candidate.digests } else { Vec::new() };
        return Ok(Candidate { described, pinned, why, skipped });
    }
    let known = if successes.is_empty() { "no revision".into() } else { nothing_but(short(live)) };
    known_good(request, live, ecs).await?.ok_or_else(|| Error::NothingBefore {
        service: request.service.clone(),
        known,
        skipped: skipped.join("; "),
    })
}

/// `, on 2026-01-31T12:00:00Z`
pub fn at(seconds: Option<f64>) -> String {
    let at = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds as i64).ok());
    at.map(|at| format!(", on {at}")).unwrap_or_default()
}

fn same_images(one: &Revision, now: Option<&Revision>) -> bool {
    now.is_some_and(|now| !now.digests.is_empty() && now.digests == one.digests)
}

/// Whether two revisions of a definition say the same, images aside: those are compared by digest. What runs is not
/// different for its tags.
pub fn same_content(one: &Value, other: &Value) -> bool {
    let content = |described: &Value| {
        let mut body = registrable(described).ok().map(Value::Object).unwrap_or_default();
        body.as_object_mut().map(|body| body.shift_remove("tags"));
        for container in body["containerDefinitions"].as_array_mut().into_iter().flatten() {
            container["image"].take();
        }
        body
    };
    content(one) == content(other)
}

/// What ran before, as the caller knows it.
async fn known_good(request: &Rollback, live: &str, ecs: &dyn Ecs) -> Result<Option<Candidate>, Error> {
    match request.known_good.as_ref().filter(|known| *known != live) {
        Some(known) => {
            let (described, why) = (describe(known, ecs).await?, format!("{} ran before", short(known)));
            Ok(Some(Candidate { described, pinned: Vec::new(), why, skipped: Vec::new() }))
        }
        None => Ok(None),
    }
}

/// An older deployment that was completed and still has tasks is surely good.
async fn without_history(
    request: &Rollback,
    raw: &Value,
    live: &str,
    why: CallError,
    ecs: &dyn Ecs,
) -> Result<Way, Error> {
    let service = Service::read(raw);
    let good = service.deployments.iter().find(|one| one.is("COMPLETED") && one.task_definition != live);
    if let Some(good) = good {
        let described = describe(&good.task_definition, ecs).await?;
        let why = format!("{} still runs beside it", short(&good.task_definition));
        return Ok(Way::To(Candidate { described, pinned: Vec::new(), why, skipped: Vec::new() }));
    }
    match known_good(request, live, ecs).await? {
        Some(candidate) => Ok(Way::To(candidate)),
        None => Err(Error::NoHistory { service: request.service.clone(), source: why }),
    }
}

pub async fn describe(definition: &str, ecs: &dyn Ecs) -> Result<Value, Error> {
    let body = json!({"taskDefinition": definition, "include": ["TAGS"]});
    match ecs.call(Operation::DescribeTaskDefinition, body).await {
        Ok(answer) => Ok(answer.body),
        Err(why) if why.is_not_found() => {
            Err(Error::NoDefinition { family: short(definition).to_owned(), source: why })
        }
        Err(why) => Err(Error::Call(why)),
    }
}
