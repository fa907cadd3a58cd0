//! Rules and schedules, which really start tasks: as boto3 sees them, through a restart, and with faults.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::support::{Sandbox, program, run};
use crate::support::record::{self, agree};

const CLUSTER: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/main";

impl Sandbox {
    pub async fn events(&self, operation: &str, input: Value) -> Value {
        let (status, answer) = self.aws("AWSEvents", operation, input).await.unwrap();
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }
}

/// A target that starts a task of this definition, which need not exist.
pub fn target(id: &str, definition: &str) -> Value {
    let arn = format!("arn:aws:ecs:us-east-1:123456789012:task-definition/{definition}");
    json!({ "Id": id, "Arn": CLUSTER, "RoleArn": "arn:aws:iam::123456789012:role/starter",
        "EcsParameters": { "TaskDefinitionArn": arn } })
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_drives_rules_and_schedules() {
    let dir = tempfile::tempdir().unwrap();
    let record = record::file_or(dir.path().join("record"));
    let path = record.clone();
    let sandbox = Sandbox::start_with(|options| options.record = Some(path)).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/schedules.py");
    let mut story = program("python3");
    story.arg(script).envs(sandbox.running.environment());
    tokio::task::spawn_blocking(move || run(&mut story)).await.unwrap();
    tokio::task::spawn_blocking(move || agree(&record)).await.unwrap();
}

/// The starts that the log has, each with its status and code.
async fn starts(sandbox: &Sandbox) -> Vec<String> {
    sandbox.requests().await.into_iter().filter(|line| line.starts_with("START ")).collect()
}

#[tokio::test]
async fn rule_that_cannot_start_its_task_says_so_in_the_log_and_goes_on() {
    let sandbox = Sandbox::start().await;
    sandbox.events("PutRule", json!({ "Name": "nightly", "ScheduleExpression": "rate(1 minute)" })).await;
    sandbox.events("PutTargets", json!({ "Rule": "nightly", "Targets": [target("1", "gone:1")] })).await;
    while starts(&sandbox).await.len() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(starts(&sandbox).await[0], "START events-rule/nightly 400");
}

#[tokio::test]
async fn timetable_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start_in(dir.path(), |_| {}).await;
    sandbox.events("PutRule", json!({ "Name": "monthly", "ScheduleExpression": "cron(0 0 L * ? *)" })).await;
    let targets =
        json!([target("1", "job:1"), { "Id": "2", "Arn": "arn:aws:sqs:us-east-1:1:q", "Unknown": { "kept": true } }]);
    sandbox.events("PutTargets", json!({ "Rule": "monthly", "Targets": targets })).await;
    let _ = sandbox.end().await;
    let sandbox = Sandbox::start_in(dir.path(), |_| {}).await;
    let kept = sandbox.events("ListTargetsByRule", json!({ "Rule": "monthly" })).await;
    assert_eq!(kept, json!({ "Targets": targets }));
}

#[tokio::test]
async fn fault_lets_entries_fail_and_keeps_the_targets_as_they_were() {
    let sandbox = Sandbox::start().await;
    sandbox.events("PutRule", json!({ "Name": "daily", "ScheduleExpression": "rate(1 day)" })).await;
    let put = async |definition: &str| {
        let targets = json!([target("1", definition), target("2", definition)]);
        sandbox.events("PutTargets", json!({ "Rule": "daily", "Targets": targets })).await
    };
    put("job:1").await;
    let then =
        json!({ "fail_entries": { "target": "2", "code": "ConcurrentModificationException", "message": "later" } });
    sandbox.set_faults(json!({ "rules": [{ "on": "events:PutTargets", "times": 1, "then": then }] })).await;
    let failed = json!([{ "TargetId": "2", "ErrorCode": "ConcurrentModificationException", "ErrorMessage": "later" }]);
    assert_eq!(put("job:2").await, json!({ "FailedEntryCount": 1, "FailedEntries": failed }));
    let kept = sandbox.events("ListTargetsByRule", json!({ "Rule": "daily" })).await;
    assert_eq!(kept["Targets"], json!([target("1", "job:2"), target("2", "job:1")]));
    assert_eq!(put("job:2").await["FailedEntryCount"], 0);
}
