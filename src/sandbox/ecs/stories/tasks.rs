//! One-off tasks, and the listing of tasks.

use serde_json::{Value, json};

use super::Stage;
use crate::sandbox::ecs::{Fate, Lag, Rule};

fn request(more: Value) -> Value {
    let mut body = json!({
        "taskDefinition": "job",
        "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.register("job", json!({ "tags": [{ "key": "team", "value": "shop" }] }));
    stage
}

fn describe(stage: &mut Stage, arn: &Value) -> Value {
    stage.call("DescribeTasks", json!({ "tasks": [arn], "include": ["TAGS"] }))["tasks"][0].clone()
}

#[test]
fn one_off_task_runs_to_its_exit_code() {
    let mut stage = stage();
    stage.fate("job", Fate::ExitCode { code: 7, after: 2.0 });
    let arn = stage.call("RunTask", request(json!({})))["tasks"][0]["taskArn"].clone();
    let mut seen = vec!["PROVISIONING".to_owned()];
    for _ in 0..200 {
        stage.pass(0.05);
        let status = describe(&mut stage, &arn)["lastStatus"].as_str().unwrap().to_owned();
        if seen.last() != Some(&status) {
            seen.push(status);
        }
    }
    assert_eq!(seen, ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEPROVISIONING", "STOPPED"]);
    assert_eq!(describe(&mut stage, &arn)["containers"][0]["exitCode"], 7);
}

#[test]
fn one_off_task_succeeds_by_itself() {
    let mut stage = stage();
    let task = stage.call("RunTask", request(json!({ "startedBy": "ci" })))["tasks"][0].clone();
    assert_eq!(
        (&task["lastStatus"], &task["group"], &task["startedBy"]),
        (&json!("PROVISIONING"), &json!("family:job"), &json!("ci"))
    );
    stage.rest();
    assert_eq!(describe(&mut stage, &task["taskArn"])["containers"][0]["exitCode"], 0);
    let by = stage.call("ListTasks", json!({ "startedBy": "ci", "desiredStatus": "STOPPED" }));
    assert_eq!(by["taskArns"], json!([task["taskArn"]]));
}

#[test]
fn task_carries_its_overrides_tags_and_address() {
    let mut stage = stage();
    let overrides =
        json!({ "containerOverrides": [{ "name": "web", "command": ["migrate"], "unknownMember": 1 }], "cpu": "512" });
    let more = json!({ "overrides": overrides, "propagateTags": "TASK_DEFINITION", "enableECSManagedTags": true, "tags": [{ "key": "run", "value": "1" }] });
    let task = stage.call("RunTask", request(more))["tasks"][0].clone();
    assert_eq!(
        (&task["overrides"]["containerOverrides"][0]["unknownMember"], &task["cpu"]),
        (&json!(1), &json!("512"))
    );
    assert_eq!(task["tags"].as_array().unwrap().len(), 3);
    let details = task["attachments"][0]["details"].as_array().unwrap();
    assert!(details.iter().any(|one| one["name"] == "privateIPv4Address"));
}

#[test]
fn what_cannot_be_placed_is_a_failure_with_http_200() {
    let mut stage = stage();
    let rule = Rule { from: 2, ..Rule::new(Fate::NoCapacity { reason: Some("RESOURCE:MEMORY".into()) }) };
    stage.plane.set_fates(vec![rule]);
    let answer = stage.call("RunTask", request(json!({ "count": 3 })));
    assert_eq!(
        (answer["tasks"].as_array().unwrap().len(), &answer["failures"][1]["reason"]),
        (1, &json!("RESOURCE:MEMORY"))
    );
}

#[test]
fn client_token_makes_the_call_idempotent() {
    let mut stage = stage();
    let first = stage.call("RunTask", request(json!({ "clientToken": "a" })));
    let again = stage.call("RunTask", request(json!({ "clientToken": "a" })));
    assert_eq!(first["tasks"][0]["taskArn"], again["tasks"][0]["taskArn"]);
    assert!(
        stage.refusal("RunTask", request(json!({ "clientToken": "a", "count": 2 }))).starts_with("ConflictException")
    );
}

#[test]
fn task_is_stopped_by_a_user() {
    let mut stage = stage();
    stage.fate("job", Fate::Healthy);
    let arn = stage.call("RunTask", request(json!({})))["tasks"][0]["taskArn"].clone();
    stage.pass(10.0);
    let stopping = stage.call("StopTask", json!({ "task": arn, "reason": "enough" }))["task"].clone();
    assert_eq!((&stopping["desiredStatus"], &stopping["lastStatus"]), (&json!("STOPPED"), &json!("RUNNING")));
    stage.rest();
    let task = describe(&mut stage, &arn);
    assert_eq!(
        (&task["stopCode"], &task["stoppedReason"], &task["lastStatus"]),
        (&json!("UserInitiated"), &json!("enough"), &json!("STOPPED"))
    );
}

#[test]
fn stopped_task_is_forgotten_after_an_hour() {
    let mut stage = stage();
    let arn = stage.call("RunTask", request(json!({})))["tasks"][0]["taskArn"].clone();
    stage.pass(3000.0);
    assert_eq!(describe(&mut stage, &arn)["lastStatus"], "STOPPED");
    stage.pass(700.0);
    let answer = stage.call("DescribeTasks", json!({ "tasks": [arn] }));
    assert_eq!((&answer["tasks"], &answer["failures"][0]["reason"]), (&json!([]), &json!("MISSING")));
}

#[test]
fn new_task_may_be_missing_for_a_while() {
    let mut stage = stage();
    stage.plane.set_lag(Lag { new_task: 2.0, ..Lag::default() });
    let arn = stage.call("RunTask", request(json!({})))["tasks"][0]["taskArn"].clone();
    assert_eq!(stage.call("DescribeTasks", json!({ "tasks": [arn] }))["failures"][0]["reason"], "MISSING");
    stage.pass(2.0);
    assert_eq!(stage.call("DescribeTasks", json!({ "tasks": [arn] }))["failures"], json!([]));
}

#[test]
fn tasks_are_listed_in_pages() {
    let mut stage = stage();
    stage.call("RunTask", request(json!({ "count": 5 })));
    let (mut token, mut all) = (None, Vec::new());
    loop {
        let mut body = json!({ "maxResults": 2, "family": "job" });
        if let Some(token) = token.take() {
            body["nextToken"] = token;
        }
        let page = stage.call("ListTasks", body);
        all.extend(page["taskArns"].as_array().unwrap().clone());
        match page.get("nextToken") {
            Some(next) => token = Some(next.clone()),
            None => break,
        }
    }
    all.sort_by_key(Value::to_string);
    all.dedup();
    assert_eq!(all.len(), 5);
}

#[test]
fn task_requests_are_refused_as_ecs_does() {
    let mut stage = stage();
    let mut refuse = |operation: &str, body: Value, said: &str| {
        let refusal = stage.refusal(operation, body);
        assert!(refusal.contains(said), "{refusal}");
    };
    refuse("RunTask", request(json!({ "taskDefinition": "none" })), "ClientException: TaskDefinition not found.");
    refuse(
        "RunTask",
        json!({ "taskDefinition": "job" }),
        "Network Configuration must be provided when networkMode 'awsvpc'",
    );
    refuse("RunTask", request(json!({ "count": 11 })), "Count");
    let both = json!({ "capacityProviderStrategy": [{ "capacityProvider": "FARGATE" }] });
    refuse("RunTask", request(both), "both a launch type and capacity provider");
    let stray = json!({ "overrides": { "containerOverrides": [{ "name": "no" }] } });
    refuse("RunTask", request(stray), "Override for container named no is not a container in the TaskDefinition.");
    refuse("RunTask", request(json!({ "cluster": "none" })), "ClusterNotFoundException: Cluster not found.");
    refuse("DescribeTasks", json!({ "tasks": [] }), "Tasks cannot be empty.");
    refuse("DescribeTasks", json!({ "tasks": ["abc"] }), "taskId length should be one of [32,36]");
    refuse("StopTask", json!({ "task": "0".repeat(32) }), "The referenced task was not found.");
}
