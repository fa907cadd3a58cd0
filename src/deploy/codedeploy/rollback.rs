//! Back to what CodeDeploy deployed last with success. While a deployment goes on, CodeDeploy is asked to stop it and
//! to go back, for the old tasks still run. After its end the last good AppSpec is handed over once more as it was, with
//! its hooks; what stands and what was undone before is read off the successes as for any other service.

use serde_json::{Map, Value};

use super::appspec::{Spec, appspec};
use super::client::CodeDeploy;
use super::observe::{Found, locate, unknown};
use super::ongoing::{self, Ongoing, definition_of};
use super::options::Options;
use super::past::{Success, successes};
use super::plan::{Handover, before, check_active, target};
use super::serving;
use super::word::Word;
use crate::deploy::edit::{registrable, short};
use crate::deploy::history::Revision;
use crate::deploy::image::take_apart;
use crate::deploy::plan::{Plan, Step, images};
use crate::deploy::rollback::{Rollback, at, candidates, describe, full_name, nothing_but, same_content, standing};
use crate::deploy::rollout::undo_command;
use crate::deploy::verify::{existing_service, joining};
use crate::deploy::{Ecs, Error};

/// What there is to go back from, and to.
pub struct Seen {
    service: Value,
    way: Way,
}

enum Way {
    /// `from` does not lead, but this does.
    Elsewhere(String),
    Ongoing(Found, Box<Ongoing>),
    To(Found, Box<Candidate>),
}

/// A revision to go back to.
struct Candidate {
    /// The answer of DescribeTaskDefinition.
    described: Value,
    /// The AppSpec that it was deployed with.
    text: Option<String>,
    why: String,
    /// Revisions that were passed over, and why.
    skipped: Vec<String>,
}

pub async fn observe_rollback(request: &Rollback, ecs: &dyn Ecs, api: &dyn CodeDeploy) -> Result<Seen, Error> {
    let service = existing_service(&request.cluster, &request.service, ecs).await?;
    check_active((&request.cluster, &request.service), &service)?;
    let found = locate(&service, api).await?;
    let ongoing = match &found {
        Some(found) => ongoing::ongoing(&service, found, api).await?,
        None => None,
    };
    let serves = serving(&service).and_then(definition_of).unwrap_or_default();
    let leads = ongoing.as_ref().map_or(&serves, |ongoing| &ongoing.revision).clone();
    let to = request.to.as_ref().map(|to| full_name(to, &leads)).transpose()?;
    let way = match (&request.from, to, found, ongoing) {
        (Some(from), ..) if short(from) != short(&leads) => Way::Elsewhere(leads),
        (_, Some(to), Some(found), Some(ongoing)) if short(&to) != short(&ongoing.serves) => {
            return Err(in_the_way(request, &found, &ongoing));
        }
        (_, _, Some(found), Some(ongoing)) => Way::Ongoing(found, Box::new(ongoing)),
        (_, Some(to), Some(found), None) => Way::To(found, Box::new(named(&to, ecs).await?)),
        (_, None, Some(found), None) => {
            let candidate = last_good(request, &found, &serves, ecs, api).await?;
            Way::To(found, Box::new(candidate))
        }
        (_, Some(_), None, _) => return Err(unknown(&service)),
        (_, None, None, _) => return Err(nothing_before(request, &serves, &[])),
    };
    Ok(Seen { service, way })
}

/// A group takes one deployment at a time, so there is no other way than its own.
fn in_the_way(request: &Rollback, found: &Found, ongoing: &Ongoing) -> Error {
    let why = format!(
        "deployment {} of {} still goes on in group '{}' and can only go back to {}",
        ongoing.info.id,
        short(&ongoing.revision),
        found.group,
        short(&ongoing.serves)
    );
    let first = undo_command(&request.cluster, &request.service, short(&ongoing.revision));
    Error::input("to", why, format!("Take it back first: `{first}`."))
}

async fn named(to: &str, ecs: &dyn Ecs) -> Result<Candidate, Error> {
    let (described, why) = (describe(to, ecs).await?, format!("going back to {}, as asked for", short(to)));
    Ok(Candidate { described, text: None, why, skipped: Vec::new() })
}

/// The best of the successes that brings something else than what runs now. Where the last deployment failed without
/// having got the traffic, that is what runs.
async fn last_good(
    request: &Rollback,
    found: &Found,
    serves: &str,
    ecs: &dyn Ecs,
    api: &dyn CodeDeploy,
) -> Result<Candidate, Error> {
    let no_history = |source| Error::NoHistory { service: request.service.clone(), source };
    let successes = successes(found, api).await.map_err(no_history)?;
    let live = describe(serves, ecs).await?;
    let mut skipped = Vec::new();
    for success in in_order(&successes, short(serves), is_well(found)) {
        let described = match describe(&success.definition, ecs).await {
            Err(Error::NoDefinition { .. }) => {
                skipped.push(format!("{} was deleted", success.definition));
                continue;
            }
            described => described?,
        };
        if success.definition != short(serves) && is_same(&described, &live) {
            skipped.push(format!("{} has the same content and the same images", success.definition));
            continue;
        }
        let why = format!("{} is the last that reached success before{}", success.definition, at(success.finished_at));
        return Ok(Candidate { described, text: Some(success.text.clone()), why, skipped });
    }
    Err(nothing_before(request, serves, &skipped))
}

/// Whether what serves is what the last deployment was to bring.
fn is_well(found: &Found) -> bool {
    found.info["lastAttemptedDeployment"]["status"] == "Succeeded"
}

/// Those to try, the best first.
fn in_order<'a>(successes: &'a [Success], live: &str, well: bool) -> Vec<&'a Success> {
    let revision = |success: &Success| Revision {
        arn: success.id.clone(),
        definition: success.definition.clone(),
        digests: Vec::new(),
    };
    let stack = standing(successes.iter().rev().map(revision));
    let order = candidates(stack, live, well);
    order.iter().filter_map(|one| successes.iter().find(|success| success.id == one.arn)).collect()
}

/// Images that both name a digest for are compared by it, others by name.
fn is_same(one: &Value, other: &Value) -> bool {
    let images = |described: &Value| {
        let body = registrable(described).unwrap_or_default();
        let kept = |image: String| take_apart(&image).digest.map_or(image.clone(), str::to_owned);
        images(&body).into_iter().map(|(name, image)| (name, kept(image))).collect::<Vec<_>>()
    };
    same_content(one, other) && images(one) == images(other)
}

fn nothing_before(request: &Rollback, runs: &str, skipped: &[String]) -> Error {
    let (service, runs) = (request.service.clone(), short(runs).to_owned());
    Error::NothingBefore { service, known: nothing_but(&runs), skipped: skipped.join("; ") }
}

pub fn plan_rollback(request: &Rollback, seen: &Seen) -> Result<Plan, Error> {
    let whom = (request.cluster.as_str(), request.service.as_str());
    match &seen.way {
        Way::Elsewhere(leads) => {
            let mut plan = joining(whom, leads, Step::Nothing, before(&seen.service), None);
            let from = short(request.from.as_deref().unwrap_or_default());
            plan.notes.push(format!("the service runs {}, not {from}: nothing to undo", short(leads)));
            Ok(plan)
        }
        Way::Ongoing(found, ongoing) => Ok(take_back(request, &seen.service, found, ongoing)),
        Way::To(found, candidate) => hand_over(request, &seen.service, found, candidate),
    }
}

fn take_back(request: &Rollback, service: &Value, found: &Found, ongoing: &Ongoing) -> Plan {
    let whom = (request.cluster.as_str(), request.service.as_str());
    let (id, name, to) = (&ongoing.info.id, short(&ongoing.revision), short(&ongoing.serves));
    let (word, note) = match ongoing.returns {
        true => (None, format!("CodeDeploy rolls {name} back to {to} already")),
        false => (Some(Word::Back), format!("deployment {id} of {name} still goes on: CodeDeploy goes back to {to}")),
    };
    let mut plan = ongoing::plan(whom, service, found, ongoing, word, request.wait);
    if let Some(Step::CodeDeploy(handover)) = plan.deploy.as_mut().map(|deploy| &mut deploy.step) {
        handover.back = true;
    }
    plan.notes.push(note);
    plan
}

fn hand_over(request: &Rollback, service: &Value, found: &Found, candidate: &Candidate) -> Result<Plan, Error> {
    let described = &candidate.described["taskDefinition"];
    let base = described["taskDefinitionArn"].as_str().unwrap_or_default();
    let body = registrable(&candidate.described)?;
    // A deregistered revision can be read and copied, but not deployed.
    let gone = described["status"].as_str().is_some_and(|status| status != "ACTIVE");
    let serves = serving(service).and_then(definition_of).unwrap_or_default();
    let step = match serves == base {
        true => Step::Nothing,
        false => Step::CodeDeploy(Box::new(handover(service, found, candidate, serves.clone())?)),
    };
    let idle = matches!(step, Step::Nothing);
    let whom = (request.cluster.as_str(), request.service.as_str());
    let mut plan = joining(whom, base, step, before(service), request.wait);
    plan.notes.extend(notes(candidate, &body, short(base), idle, gone));
    plan.images = images(&body);
    plan.register = (gone && !idle).then_some(Value::Object(body));
    Ok(plan)
}

/// The AppSpec as it was, else one for the service as it is.
fn handover(service: &Value, found: &Found, candidate: &Candidate, serves: String) -> Result<Handover, Error> {
    let spec = match &candidate.text {
        Some(text) => Spec::Kept(text.clone()),
        None => {
            let target = target(&Options::default(), service, &candidate.described["taskDefinition"])?;
            Spec::Made(appspec(service, &target, None))
        }
    };
    let names = (found.application.clone(), found.group.clone());
    Ok(Handover { join: None, spec, ..Handover::joining(service, names, String::new(), serves) })
}

fn notes(candidate: &Candidate, body: &Map<String, Value>, name: &str, idle: bool, gone: bool) -> Vec<String> {
    let mut notes: Vec<String> = candidate.skipped.iter().map(|skipped| format!("passed over: {skipped}")).collect();
    if idle {
        notes.insert(0, format!("the service runs {name} already: nothing to undo"));
        return notes;
    }
    notes.insert(0, candidate.why.clone());
    if gone {
        notes.push(format!("{name} was deregistered: a copy of it is registered"));
    }
    if let Some((container, image)) = images(body).iter().find(|(_, image)| take_apart(image).digest.is_none()) {
        notes.push(format!(
            "{name} names {container}'s image by tag: what '{image}' is by now will run, for CodeDeploy keeps no digests"
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
