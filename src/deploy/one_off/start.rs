//! RunTask and StopTask. RunTask answers HTTP 200 even if it started nothing, so what could not be placed is counted
//! and named. A token makes sure that a call whose answer was lost starts nothing twice.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Error, Plan};
use crate::clock::Clock;
use crate::deploy::apply::token;
use crate::deploy::diagnose::{Cause, cure};
use crate::deploy::ecs::{Ecs, Operation};
use crate::deploy::halt::{Halt, Halts};
use crate::deploy::observe::no_cluster;
use crate::deploy::rollout::within;
use crate::report::Events;

/// What RunTask did.
#[derive(Debug, Clone, Default)]
pub struct Started {
    /// ARNs.
    pub tasks: Vec<String>,
    /// Why others were not started.
    pub unplaced: Vec<Cause>,
    /// The answer as it came; null if it was not waited for.
    pub answer: Value,
    /// What came while it was called.
    pub cut: Option<Halt>,
}

/// An answer that is on its way is worth a moment even where the run is to end: it names what was started.
pub async fn start(
    plan: &Plan,
    ecs: &dyn Ecs,
    clock: &Clock,
    events: &Events,
    halts: &Halts,
) -> Result<Started, Error> {
    plan.warnings.iter().for_each(|warning| events.warn(warning.clone(), None));
    let mut calling = Box::pin(run(plan, ecs, clock));
    let started = tokio::select! {
        biased;
        started = &mut calling => started?,
        halt = halts.first() => match within(clock, calling).await {
            Some(started) => Started { cut: Some(halt), ..started? },
            None => Started { cut: Some(halt), ..Started::default() },
        },
    };
    if !started.tasks.is_empty() {
        events.step(format!("started {} of {}", tasks(&started.tasks), plan.revision));
    }
    Ok(started)
}

async fn run(plan: &Plan, ecs: &dyn Ecs, clock: &Clock) -> Result<Started, Error> {
    let mut body = Value::Object(plan.body.clone());
    body["clientToken"] = token(&body, clock).into();
    let cluster = plan.body["cluster"].as_str().unwrap_or("default");
    let answer = ecs.call(Operation::RunTask, body).await.map_err(|why| no_cluster(cluster, why))?.body;
    let started = answer["tasks"].as_array().into_iter().flatten();
    let tasks: Vec<String> = started.filter_map(|task| task["taskArn"].as_str()).map(str::to_owned).collect();
    let unplaced = if tasks.len() < plan.count { unplaced(&answer, plan.count - tasks.len()) } else { Vec::new() };
    Ok(Started { tasks, unplaced, answer, cut: None })
}

/// One reason each. On instances of EC2 every instance that was looked at has its entry, so entries are no tasks.
fn unplaced(answer: &Value, count: usize) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for failure in answer["failures"].as_array().into_iter().flatten() {
        let text = |member: &str| failure[member].as_str().unwrap_or_default();
        let detail = if text("detail").is_empty() { String::new() } else { format!(" ({})", text("detail")) };
        let text = format!("ECS was unable to place a task: {}{detail}", text("reason"));
        let place = failure["arn"].as_str().map(id).into_iter().map(str::to_owned);
        match causes.iter_mut().find(|cause| cause.text == text) {
            Some(cause) => cause.tasks.extend(place),
            None => causes.push(Cause { count, hint: cure(&text), tasks: place.collect(), text }),
        }
    }
    if causes.is_empty() {
        let text = "ECS started fewer tasks than it was asked for, and gives no reason".to_owned();
        causes.push(Cause { count, text, hint: None, tasks: Vec::new() });
    }
    causes
}

/// Asks each to stop, and gives back those that could not be asked, with the reason.
pub async fn stop(cluster: &str, tasks: &[String], reason: &str, ecs: &dyn Ecs) -> Vec<String> {
    let ask = |task: &String| json!({ "cluster": cluster, "task": task, "reason": reason });
    let asked = join_all(tasks.iter().map(|task| ecs.call(Operation::StopTask, ask(task)))).await;
    let failed = tasks.iter().zip(asked).filter_map(|(task, answer)| Some((task, answer.err()?)));
    failed.map(|(task, why)| format!("{}: {why}", id(task))).collect()
}

/// The last part of an ARN.
pub fn id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// `task 0123`, `tasks 0123, 4567`
pub fn tasks(arns: &[String]) -> String {
    let ids: Vec<&str> = arns.iter().map(|arn| id(arn)).collect();
    format!("{} {}", if ids.len() == 1 { "task" } else { "tasks" }, ids.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_that_were_not_placed_are_told_by_reason_with_a_cure() {
        let entry = |arn: &str, reason: &str| json!({ "arn": format!("arn:aws:ecs:::container-instance/main/{arn}"), "reason": reason });
        let answer =
            json!({ "failures": [entry("a", "RESOURCE:MEMORY"), entry("b", "RESOURCE:MEMORY"), entry("c", "AGENT")] });
        let causes = unplaced(&answer, 1);
        let told: Vec<_> =
            causes.iter().map(|cause| (cause.count, cause.text.as_str(), cause.tasks.join(" "))).collect();
        let wanted = [
            (1, "ECS was unable to place a task: RESOURCE:MEMORY", "a b".to_owned()),
            (1, "ECS was unable to place a task: AGENT", "c".to_owned()),
        ];
        assert_eq!(told, wanted);
        assert!(causes.iter().all(|cause| cause.hint.is_some()));
        assert!(unplaced(&json!({ "failures": [] }), 2)[0].text.contains("no reason"));
    }
}
