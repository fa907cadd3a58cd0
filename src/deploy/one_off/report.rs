//! What came of it, for people and for the steps that follow.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::watch::Seen;
use super::{Ended, Plan, Started, State};
use crate::deploy::diagnose::{Evidence, screen};
use crate::deploy::summary::spelled;
use crate::report::{Export, Outcome, Report};

pub fn report(plan: &Plan, started: &Started, ended: &Ended) -> Report {
    Report {
        outcome: ended.outcome,
        lines: started.tasks.clone(),
        document: document(plan, started, ended),
        exports: exports(&started.tasks),
        summary: summary(plan, ended),
    }
}

/// The name of the CircleCI orb. Several tasks are parted by blanks, as a shell's `for` takes them.
fn exports(tasks: &[String]) -> Vec<Export> {
    let export = Export { name: "task-arn", variables: &["ORB_STR_TASK_ARN"], value: tasks.join(" ") };
    if tasks.is_empty() { Vec::new() } else { vec![export] }
}

fn document(plan: &Plan, started: &Started, ended: &Ended) -> Value {
    json!({
        "cluster": plan.cluster,
        "task_definition_arn": plan.arn,
        "tasks": ended.tasks.iter().map(task).collect::<Vec<_>>(),
        "failures": started.answer["failures"],
        "exit_code": ended.exit_code(),
        "message": ended.text,
        "advice": ended.advice,
        "causes": ended.causes,
        "evidence": ended.evidence,
        "warnings": plan.warnings,
        "seconds": ended.took.as_secs(),
    })
}

fn task(seen: &Seen) -> Value {
    let stopped = seen.document.as_ref().map(|_| seen.stopped()).unwrap_or_default();
    let codes: Map<String, Value> =
        stopped.containers.iter().map(|container| (container.name.clone(), container.exit.into())).collect();
    let (state, code) = match &seen.state {
        State::Going(_) => ("going", None),
        State::Succeeded => ("succeeded", Some(0)),
        State::Failed(code) => ("failed", *code),
    };
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    json!({
        "task_arn": seen.arn,
        "state": state,
        "exit_code": code,
        "exit_codes": codes,
        "stop_code": text(&stopped.code),
        "stopped_reason": text(&stopped.reason),
    })
}

fn summary(plan: &Plan, ended: &Ended) -> String {
    let mut text = String::new();
    let took = if ended.took.is_zero() { String::new() } else { format!(" ({})", spelled(ended.took)) };
    let _ = writeln!(text, "**{} in {}**: {}{took}", plan.revision, plan.cluster, ended.text);
    let _ = ended.advice.as_ref().map_or(Ok(()), |advice| writeln!(text, "{advice}"));
    if ended.outcome == Outcome::Failed || !ended.causes.is_empty() {
        let used = text.lines().count();
        // What was passed on while it came is not said twice.
        let log = ended.evidence.log.clone().filter(|_| !ended.streamed);
        text.push_str(&screen(&ended.causes, &Evidence { log, ..ended.evidence.clone() }, &[], used));
    }
    text
}
