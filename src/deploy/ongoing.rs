//! The deployment that is under way on a service, whoever began it: to be waited for, or to be answered where a PAUSE
//! hook holds it. Both are plans for the same engine.

use serde_json::{Value, json};

use super::Error;
use super::codedeploy::check_own;
use super::ecs::{Ecs, Operation};
use super::edit::short;
use super::history::{self, Past};
use super::plan::{Before, Order, Plan, Step};
use super::snapshot::{Deployment, Pause, Record, Service};
use super::summary::planned;
use super::verify::{existing_service, joining, seen};
use super::wait::Wait;
use crate::report::Report;

/// Waits for whatever is in progress.
#[derive(Debug)]
pub struct Follow {
    /// Name or ARN.
    pub cluster: String,
    /// Name or ARN.
    pub service: String,
    pub wait: Wait,
}

/// Answers a PAUSE hook.
#[derive(Debug)]
pub struct Continue {
    /// Name or ARN.
    pub cluster: String,
    /// Name or ARN.
    pub service: String,
    /// Back instead of on.
    pub back: bool,
    pub wait: Option<Wait>,
}

/// Joins what goes on. Where nothing does, the plan is empty and says what runs.
pub async fn observe_follow(request: &Follow, ecs: &dyn Ecs) -> Result<Plan, Error> {
    let raw = existing_service(&request.cluster, &request.service, ecs).await?;
    check_own(&request.service, &raw)?;
    let service = Service::read(&raw);
    let whom = (request.cluster.as_str(), request.service.as_str());
    // Without the right to read records, or where there are none, the service's own list serves.
    let pasts = history::deployments(&request.cluster, &request.service, ecs).await.unwrap_or_default();
    if let Some(newest) = pasts.first().filter(|newest| is_under_way(newest)) {
        let definition = definition_of(newest, ecs).await?;
        let step = join(newest, &definition, &service);
        let before = others(&raw, &service, &definition);
        let unproven = before.unproven && !pasts.iter().any(Past::succeeded);
        return Ok(joining(whom, &definition, step, Before { unproven, ..before }, Some(request.wait)));
    }
    let primary = service.primary();
    let definition = primary.map_or(&service.task_definition, |primary| &primary.task_definition).clone();
    let before = others(&raw, &service, &definition);
    match primary.filter(|primary| primary.is("IN_PROGRESS") || primary.is("FAILED")) {
        Some(primary) => {
            let (deployment, since) = (Some(primary.id.clone()), primary.created_at);
            let step = Step::Join { deployment, since, record: None };
            let before = Before { rollback: before.rollback && !primary.is("FAILED"), ..before };
            Ok(joining(whom, &definition, step, before, Some(request.wait)))
        }
        // What came to nothing is what one waits for, as long as nothing newer has reached success.
        None => match pasts.first().filter(|newest| came_to_nothing(newest)) {
            Some(newest) => {
                let bad = definition_of(newest, ecs).await?;
                let step = Step::Join { deployment: None, since: newest.created_at, record: Some(newest.arn.clone()) };
                Ok(joining(whom, &bad, step, seen(&raw, &service), Some(request.wait)))
            }
            None => {
                let mut plan = joining(whom, &definition, Step::Nothing, before, None);
                plan.notes.push(at_rest(&service, &definition));
                Ok(plan)
            }
        },
    }
}

fn is_under_way(past: &Past) -> bool {
    past.is_forward() || past.is_rolling_back()
}

fn join(newest: &Past, definition: &str, service: &Service) -> Step {
    let ours = service.deployments.iter().find(|deployment| deployment.task_definition == definition);
    let deployment = ours.map(|ours| ours.id.clone());
    Step::Join { deployment, since: newest.created_at, record: Some(newest.arn.clone()) }
}

fn came_to_nothing(past: &Past) -> bool {
    ["ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED"].contains(&past.status.as_str())
}

/// `nothing is in progress: web:7 runs, 2 of 2 tasks`
fn at_rest(service: &Service, definition: &str) -> String {
    let Service { running, desired, .. } = service;
    format!("nothing is in progress: {} runs, {running} of {desired} tasks", short(definition))
}

/// The service without the deployment of this definition.
fn others(raw: &Value, service: &Service, definition: &str) -> Before {
    let others = service.deployments.iter().filter(|other| other.task_definition != definition);
    let unproven = !others.clone().any(Deployment::may_be_good);
    let (ids, definitions) = others.map(|other| (other.id.clone(), other.task_definition.clone())).unzip();
    Before { ids, definitions, record: None, unproven, ..seen(raw, service) }
}

async fn definition_of(past: &Past, ecs: &dyn Ecs) -> Result<String, Error> {
    let revision = history::revisions(&[&past.target], ecs).await?.pop();
    revision.map(|revision| revision.definition).ok_or_else(|| Error::Document {
        what: "the answer to DescribeServiceRevisions",
        why: "the revision that is being deployed is not in it".into(),
    })
}

/// Finds the hook that waits and plans the answer to it.
pub async fn observe_continue(request: &Continue, ecs: &dyn Ecs) -> Result<Plan, Error> {
    let raw = existing_service(&request.cluster, &request.service, ecs).await?;
    check_own(&request.service, &raw)?;
    let not_paused = |state: String| Error::NotPaused { service: request.service.clone(), state };
    let pasts = history::deployments(&request.cluster, &request.service, ecs).await?;
    let Some(newest) = pasts.first().filter(|newest| is_under_way(newest)) else {
        return Err(not_paused("nothing is in progress".into()));
    };
    let definition = definition_of(newest, ecs).await?;
    let record = Record::read(&history::deployment(&newest.arn, ecs).await?);
    if record.pauses.is_empty() {
        let stage = record.stage.as_deref().unwrap_or(&record.status);
        return Err(not_paused(format!(
            "the deployment of {} goes on by itself (it is at {stage})",
            short(&definition)
        )));
    }
    let service = Service::read(&raw);
    let Step::Join { deployment, .. } = join(newest, &definition, &service) else { unreachable!("it is made so") };
    let order = Order {
        operation: Operation::ContinueServiceDeployment,
        bodies: answers(&newest.arn, &record.pauses, request.back),
        record: newest.arn.clone(),
        deployment,
        back: request.back,
        to: None,
    };
    let step = Step::Order(Box::new(order));
    let before = others(&raw, &service, &definition);
    let before = Before { rollback: before.rollback || request.back, ..before };
    let whom = (request.cluster.as_str(), request.service.as_str());
    let mut plan = joining(whom, &definition, step, before, request.wait);
    let stage = record.stage.as_deref().unwrap_or("a lifecycle hook");
    let does = if request.back { "goes back" } else { "goes on" };
    plan.notes.push(format!("{} is paused at {stage} and {does}", short(&definition)));
    Ok(plan)
}

/// The report of a dry run of a plan that brings nothing new: why, and which calls.
pub fn intended(plan: &Plan) -> Report {
    let mut summary = plan.notes.join("\n");
    if plan.notes.is_empty() {
        summary = format!("the deployment of {} would be waited for", short(&plan.base));
    }
    for call in plan.calls() {
        let body = serde_json::to_string_pretty(&call.body).unwrap_or_default();
        summary.push_str(&format!("\n\n{} {body}", call.operation));
    }
    Report { summary, ..planned(plan) }
}

/// One answer takes all back; to go on, each hook wants its own.
fn answers(arn: &str, pauses: &[Pause], back: bool) -> Vec<Value> {
    let action = if back { "ROLLBACK" } else { "CONTINUE" };
    let answered = if back { &pauses[..1] } else { pauses };
    let answer = |pause: &Pause| json!({"serviceDeploymentArn": arn, "hookId": pause.hook, "action": action});
    answered.iter().map(answer).collect()
}
