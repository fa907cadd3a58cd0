//! What came of it all, for people and for the steps that follow.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::apply::Applied;
use super::diagnose::screen;
use super::edit::short;
use super::plan::{Deploy, Plan, Step};
use super::request::name_in_arn;
use super::rollout::{Ended, wait_on};
use crate::report::{Export, Outcome, Report};

/// Changes that are shown where the causes of a failure need the room.
const CHANGES: usize = 4;

pub fn report(plan: &Plan, applied: &Applied, ended: Option<&Ended>) -> Report {
    let outcome = outcome(plan, ended);
    Report {
        outcome,
        lines: vec![applied.revision.clone()],
        document: document(plan, applied, ended),
        exports: exports(plan, applied, ended),
        summary: summary(plan, applied, ended),
    }
}

/// The report of a dry run: the plan itself, and no effect.
pub fn planned(plan: &Plan) -> Report {
    Report {
        outcome: Outcome::Planned,
        lines: Vec::new(),
        document: plan.document(),
        exports: Vec::new(),
        summary: plan.to_string(),
    }
}

fn outcome(plan: &Plan, ended: Option<&Ended>) -> Outcome {
    match ended {
        Some(ended) => ended.outcome,
        None if plan.is_empty() => Outcome::NothingToDo,
        None => Outcome::Succeeded,
    }
}

fn deployment<'a>(applied: &'a Applied, ended: Option<&'a Ended>) -> Option<&'a String> {
    let started = applied.started.as_ref().and_then(|started| started.deployment.as_ref());
    ended.and_then(|ended| ended.deployment.as_ref()).or(started)
}

fn document(plan: &Plan, applied: &Applied, ended: Option<&Ended>) -> Value {
    let images: serde_json::Map<String, Value> =
        plan.images.iter().map(|(container, image)| (container.clone(), image.clone().into())).collect();
    json!({
        "task_definition_arn": applied.revision,
        "deployed_revision": deployed(plan, applied, ended),
        "registered": applied.registered.is_some(),
        "cluster": plan.deploy.as_ref().map(|deploy| &deploy.cluster),
        "service": plan.deploy.as_ref().map(|deploy| &deploy.service),
        "deployment_id": deployment(applied, ended),
        "images": images,
        "changes": plan.changes,
        "message": ended.map(|ended| &ended.text),
        "advice": advice(plan, applied, ended),
        "causes": ended.map(|ended| &ended.causes),
        "evidence": ended.map(|ended| &ended.evidence),
        "events": ended.map(|ended| &ended.trouble),
        "seconds": ended.map(|ended| ended.took.as_secs()),
    })
}

/// What the service runs now: after a rollback that is not what was brought.
fn deployed<'a>(plan: &Plan, applied: &'a Applied, ended: Option<&'a Ended>) -> Option<&'a str> {
    let runs = ended.and_then(|ended| ended.runs.as_deref());
    plan.deploy.as_ref().map(|_| runs.unwrap_or(&applied.revision))
}

/// The names of the CircleCI orb, so that later steps of a pipeline go on as they are.
fn exports(plan: &Plan, applied: &Applied, ended: Option<&Ended>) -> Vec<Export> {
    let export = |name, variables, value: &str| Export { name, variables, value: value.to_owned() };
    let mut exports = vec![export("task-definition-arn", &["CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN"], &applied.revision)];
    if let Some(deployed) = deployed(plan, applied, ended) {
        exports.push(export("deployed-revision", &["CCI_ORB_AWS_ECS_DEPLOYED_REVISION"], deployed));
    }
    if let Some(id) = deployment(applied, ended) {
        exports.push(export("deployment-id", &["CCI_ORB_AWS_ECS_DEPLOYMENT_ID"], id));
    }
    exports
}

fn summary(plan: &Plan, applied: &Applied, ended: Option<&Ended>) -> String {
    let mut text = String::new();
    let _ = headline(&mut text, plan, applied, ended);
    let advice = advice(plan, applied, ended).map(|advice| format!("{advice}\n")).unwrap_or_default();
    let _ = body(&mut text, plan, ended, advice.lines().count());
    // The cause comes first, and then what can be done.
    let blank = if text.lines().count() > 1 && !advice.is_empty() { "\n" } else { "" };
    text + blank + &advice
}

/// What can be done about it; of a deployment that was not waited for, how its end is learned.
fn advice(plan: &Plan, applied: &Applied, ended: Option<&Ended>) -> Option<String> {
    match (ended, &plan.deploy, &applied.started) {
        (Some(ended), ..) => ended.advice.clone(),
        (None, Some(deploy), Some(_)) if deploy.goes_back() => Some(format!("Wait for it with `{}`.", wait_on(deploy))),
        (None, Some(deploy), Some(_)) => {
            let (wait, revision) = (wait_on(deploy), short(&applied.revision));
            Some(format!("Its verdict comes with `{wait} --task-definition-arn {revision}`."))
        }
        _ => None,
    }
}

fn headline(text: &mut String, plan: &Plan, applied: &Applied, ended: Option<&Ended>) -> std::fmt::Result {
    let revision = short(&applied.revision);
    let target = plan
        .deploy
        .as_ref()
        .map(|deploy| format!("{} in {}", name_in_arn(&deploy.service), name_in_arn(&deploy.cluster)));
    match (ended, &target) {
        (Some(ended), Some(target)) => writeln!(text, "**{target}**: {} ({})", ended.text, spelled(ended.took)),
        (_, Some(target)) if plan.is_empty() => writeln!(text, "**{target}**: already runs {revision}, nothing to do"),
        (_, Some(target)) if plan.deploy.as_ref().is_some_and(Deploy::goes_back) => {
            writeln!(text, "**{target}**: the rollback of {revision} has begun, not waited for")
        }
        (_, Some(target)) => match plan.deploy.as_ref().map(|deploy| &deploy.step) {
            Some(Step::Create(_)) => writeln!(text, "**{target}**: created with {revision}, not waited for"),
            _ => writeln!(text, "**{target}**: the deployment of {revision} has begun, not waited for"),
        },
        (_, None) if applied.registered.is_some() => writeln!(text, "registered **{revision}**"),
        (_, None) => writeln!(text, "**{revision}** already is as asked for, nothing to do"),
    }
}

fn body(text: &mut String, plan: &Plan, ended: Option<&Ended>, kept: usize) -> std::fmt::Result {
    let failed = ended.filter(|ended| ended.outcome != Outcome::Succeeded);
    let most = if failed.is_some() { CHANGES } else { usize::MAX };
    if !plan.changes.is_empty() {
        writeln!(text, "\n```diff")?;
        plan.changes.iter().take(most).try_for_each(|change| writeln!(text, "{change}"))?;
        let more = plan.changes.len().saturating_sub(most);
        if more > 0 {
            writeln!(text, "  … and {more} more")?;
        }
        writeln!(text, "```")?;
    }
    if let Some(ended) = failed {
        let used = kept + usize::from(kept > 0) + text.lines().filter(|line| !line.starts_with("```")).count();
        text.push_str(&screen(&ended.causes, &ended.evidence, &ended.trouble, used));
    }
    Ok(())
}

/// `3 min 20 s`
pub fn spelled(took: Duration) -> String {
    match (took.as_secs() / 60, took.as_secs() % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}
