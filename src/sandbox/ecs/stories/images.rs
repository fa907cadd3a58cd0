//! Images of the account's own registry: what was never pushed, or is gone, does not start.

use serde_json::{Value, json};

use super::{REGISTRY, Stage};
use crate::sandbox::ecs::{Fate, TaskEvent};

fn breaker() -> Value {
    json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } } })
}

fn not_found(reference: &str) -> String {
    format!(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {reference}: {reference}: not found"
    )
}

/// A service of one task whose image is there.
fn service() -> (Stage, String) {
    let mut stage = Stage::with_registry();
    let digest = stage.push("v1", "first");
    stage.register_own("v1");
    stage.create(1, breaker());
    stage.rest();
    assert_eq!(stage.release()["status"], "SUCCESSFUL");
    (stage, digest)
}

fn update(stage: &mut Stage, more: Value) {
    let mut body = json!({ "service": "web" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.call("UpdateService", body);
}

/// The digest that the newest service revision has settled on.
fn settled(stage: &mut Stage) -> Option<Value> {
    let arn = stage.release()["targetServiceRevision"]["arn"].clone();
    let answer = stage.call("DescribeServiceRevisions", json!({ "serviceRevisionArns": [arn] }));
    answer["serviceRevisions"][0]["containerImages"][0].get("imageDigest").cloned()
}

#[test]
fn tag_that_was_never_pushed_is_rolled_back() {
    let (mut stage, _) = service();
    let definition = stage.register_own("v2");
    update(&mut stage, json!({ "taskDefinition": definition }));
    stage.rest();
    assert_eq!(stage.release()["status"], "ROLLBACK_SUCCESSFUL");
    let failed = stage.tasks("STOPPED");
    let failed = failed.iter().find(|task| task["taskDefinitionArn"] == definition.as_str()).unwrap();
    assert_eq!(failed["stopCode"], "TaskFailedToStart");
    assert_eq!(failed["stoppedReason"], not_found(&format!("{REGISTRY}/web:v2")));
    let container = &failed["containers"][0];
    assert_eq!((&container["reason"], container.get("imageDigest")), (&failed["stoppedReason"], None));
}

#[test]
fn digest_that_was_never_pushed_is_not_found_either() {
    let mut stage = Stage::with_registry();
    let digest = stage.push("v1", "first");
    stage.remove_image(&digest);
    stage.register_own(&digest);
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
    let body = json!({ "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network });
    let arn = stage.call("RunTask", body)["tasks"][0]["taskArn"].clone();
    stage.rest();
    let task = stage.call("DescribeTasks", json!({ "tasks": [arn] }))["tasks"][0].clone();
    assert_eq!(task["stoppedReason"], not_found(&format!("{REGISTRY}/web@{digest}")));
    assert_eq!(task["containers"][0].get("exitCode"), None);
}

#[test]
fn revision_without_an_image_shows_no_digest_until_there_is_one() {
    let mut stage = Stage::with_registry();
    stage.register_own("v1");
    stage.create(1, json!({}));
    stage.pass(1.2);
    assert_eq!(settled(&mut stage), None);
    let digest = stage.push("v1", "late");
    stage.rest();
    assert_eq!(settled(&mut stage), Some(json!(digest)));
    assert_eq!(stage.release()["status"], "SUCCESSFUL", "a push in time mends it");
}

#[test]
fn deployment_that_failed_often_goes_on_without_a_digest() {
    let mut stage = Stage::with_registry();
    stage.register_own("v1");
    stage.create(1, json!({}));
    stage.pass(12.0);
    let digest = stage.push("v1", "late");
    stage.rest();
    assert_eq!(settled(&mut stage), None);
    assert_eq!(stage.tasks("RUNNING")[0]["containers"][0]["imageDigest"], json!(digest));
}

/// The tag moved on and the old image was removed: a scale-out of the deployment that settled on it fails.
#[test]
fn scale_out_fails_once_the_settled_digest_is_gone() {
    let (mut stage, old) = service();
    stage.push("v1", "second");
    stage.remove_image(&old);
    update(&mut stage, json!({ "desiredCount": 2 }));
    stage.pass(3.0);
    let failed = stage.tasks("STOPPED")[0]["stoppedReason"].clone();
    assert_eq!(failed, not_found(&format!("{REGISTRY}/web:v1@{old}")));
    update(&mut stage, json!({ "forceNewDeployment": true }));
    stage.rest();
    assert_eq!(stage.service()["runningCount"], 2, "a new deployment settles on the new image");
}

#[test]
fn fate_that_is_worse_than_a_missing_image_comes_first() {
    let mut stage = Stage::with_registry();
    stage.register_own("v1");
    stage.fate("web", Fate::ResourceInitialization { reason: None });
    stage.create(1, json!({}));
    stage.pass(1.0);
    assert!(stage.tasks("STOPPED")[0]["stoppedReason"].as_str().unwrap().starts_with("ResourceInitializationError"));
}

#[test]
fn task_that_really_runs_is_left_to_its_runner() {
    let mut stage = Stage::with_registry();
    stage.register_own("v1");
    stage.plane.set_usual_fate(Some(Fate::External));
    stage.create(1, json!({}));
    stage.pass(1.0);
    let arn = stage.plane.wants()[0].task_arn.clone();
    let now = stage.now;
    stage.plane.task_event(&arn, TaskEvent::Started, now);
    assert_eq!(stage.tasks("RUNNING")[0]["lastStatus"], "RUNNING");
}
