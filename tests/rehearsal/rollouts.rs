//! What becomes of the tasks decides the verdict.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::stage::{Rehearsal, breaker, says};

#[tokio::test]
async fn healthy_tasks_succeed() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let ended = rehearsal.deploy(&[]).await;
    says(&ended, 0, &["shop in main: shop:2 is deployed"]);
    rehearsal.end().await;
}

/// The deployment before has the same revision and is over: what it came to says nothing of this one.
#[tokio::test]
async fn second_deployment_of_a_revision_has_its_own_verdict() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    says(&rehearsal.deploy(&[]).await, 0, &["shop:2 is deployed"]);
    // The rollback starts tasks of the same revision: those of ours fail alone.
    let fate = json!({ "family": "shop:2", "times": 4, "fate": { "exitCode": { "code": 3 } } });
    rehearsal.sandbox.set_faults(json!({ "fates": [fate] })).await;
    let again = rehearsal.deploy(&[]).await;
    says(&again, 4, &["shop:2 failed and was rolled back to shop:2", "container web exited with 3"]);
    rehearsal.end().await;
}

/// What befalls the tasks, and what is said of it: cause and cure.
fn fates() -> Vec<(Value, [&'static str; 2])> {
    vec![
        (json!({ "failPull": {} }), ["tasks: CannotPullContainerError: ", "check that it was pushed"]),
        (json!({ "exitCode": { "code": 3 } }), ["tasks: container web exited with 3", "in the container's log"]),
        (json!("healthCheckFails"), ["tasks: Task failed container health checks", "health check"]),
        (json!({ "outOfMemory": {} }), ["exited with 137: OutOfMemoryError", "Raise the memory of the task"]),
        (json!({ "resourceInitialization": {} }), ["tasks: ResourceInitializationError: ", "secret"]),
    ]
}

#[tokio::test]
async fn failing_tasks_are_rolled_back_and_explained() {
    let run = async |(fate, parts): (Value, [&'static str; 2])| {
        let rehearsal = Rehearsal::with_service(breaker(true)).await;
        rehearsal.fate(fate).await;
        let ended = rehearsal.deploy(&[]).await;
        says(&ended, 4, &["shop in main: shop:2 failed and was rolled back to shop:1: ", parts[0], parts[1]]);
        assert!(rehearsal.service().await["taskDefinition"].as_str().unwrap().ends_with("shop:1"));
        rehearsal.end().await;
    };
    join_all(fates().into_iter().map(run)).await;
}

/// Without a check of its own the container fails the load balancer's; without either, the log says so.
#[tokio::test]
async fn failed_health_check_needs_somebody_who_checks() {
    let group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/0123456789abcdef";
    let balancer = json!([{ "targetGroupArn": group, "containerName": "web", "containerPort": 80 }]);
    let unchecked = async |more: Value, code: i32, part: &str| {
        let rehearsal = Rehearsal::without_service().await;
        let image = format!("{}/shop:v1", rehearsal.sandbox.running.registry());
        let web = json!({ "name": "web", "image": image, "memory": 128, "portMappings": [{ "containerPort": 80 }] });
        let definition = json!({ "family": "shop", "containerDefinitions": [web] });
        rehearsal.ecs("RegisterTaskDefinition", definition).await;
        let mut service = breaker(true);
        service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rehearsal.create_service(service).await;
        let fate = json!({ "family": "shop:3", "fate": "healthCheckFails" });
        rehearsal.sandbox.set_faults(json!({ "fates": [fate] })).await;
        let ended = rehearsal.deploy(&[]).await;
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
        let log = rehearsal.sandbox.log_file();
        rehearsal.end().await;
        log
    };
    let part = format!("Task failed ELB health checks in (target-group {group})");
    let (behind, alone) =
        tokio::join!(unchecked(json!({ "loadBalancers": balancer }), 4, &part), unchecked(json!({}), 0, "is deployed"));
    let warning = " warning: a task of shop:3 (service:shop) counts as healthy, as healthCheckFails";
    assert_eq!((behind.contains(warning), alone.contains(warning)), (false, true), "{alone}");
}

/// Nothing is told to fail here: the image is not in the sandbox's registry, or was deleted from it.
#[tokio::test]
async fn image_that_is_not_in_the_registry_is_rolled_back_and_explained() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    let digest = json!({ "repositoryName": "shop", "imageIds": [{ "imageTag": "v2" }] });
    let (_, deleted) = rehearsal.sandbox.ecr("BatchDeleteImage", digest).await;
    assert_eq!(deleted["failures"], json!([]));
    let ended = rehearsal.deploy(&["--verification-timeout=60s"]).await;
    let reason = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref ";
    says(&ended, 4, &["shop:2 failed and was rolled back to shop:1: ", reason, "/shop:v2: not found", "it was pushed"]);
    rehearsal.end().await;
}

/// Crash loops, tasks that hang, and tasks for which there is no place.
#[tokio::test]
async fn rollouts_that_never_end_take_all_the_time_and_are_explained() {
    let run = async |breaker: Value, fate: Value, part: &str| {
        let rehearsal = Rehearsal::with_service(breaker).await;
        rehearsal.fate(fate).await;
        let ended = rehearsal.deploy(&["--verification-timeout=4s"]).await;
        says(&ended, 6, &["time is up, but the deployment of shop:2 goes on: shop:2 0 of 2 running", part]);
        rehearsal.end().await;
    };
    tokio::join!(
        run(json!({}), json!({ "exitCode": { "code": 3 } }), "tasks: container web exited with 3"),
        run(breaker(true), json!("neverStarts"), "2 pending"),
        run(json!({}), json!({ "noCapacity": {} }), "was unable to place a task because"),
    );
}

/// A breaker that is not to roll back, and a first deployment, which has nothing to go back to.
#[tokio::test]
async fn failure_without_a_way_back_fails() {
    let unwilling = async {
        let rehearsal = Rehearsal::with_service(breaker(false)).await;
        rehearsal.fate(json!({ "failPull": {} })).await;
        let ended = rehearsal.deploy(&[]).await;
        says(&ended, 3, &["shop in main: shop:2 failed: ", "tasks: CannotPullContainerError"]);
        rehearsal.end().await;
    };
    let first = async {
        let rehearsal = Rehearsal::without_service().await;
        rehearsal.fate(json!({ "failPull": {} })).await;
        // The breaker's own words, which a cause that nothing mends would not wait for.
        let words = ["--create-service", "--enable-circuit-breaker", "--desired-count=1", "--fail-fast=false"];
        let ended = rehearsal.deploy(&words).await;
        says(&ended, 3, &["shop in main: shop:2 failed: ", "No rollback candidate", "tasks: CannotPullContainerError"]);
        rehearsal.end().await;
    };
    tokio::join!(unwilling, first);
}

/// Ours is under way and cannot end by itself, when somebody else does something.
async fn meanwhile(other: impl AsyncFnOnce(&Rehearsal), code: i32, part: &str) {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    rehearsal.fate(json!("neverStarts")).await;
    let other = async {
        while rehearsal.service().await["deployments"].as_array().unwrap().len() < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        other(&rehearsal).await;
    };
    let (ended, ()) = tokio::join!(rehearsal.deploy(&[]), other);
    says(&ended, code, &[part]);
    rehearsal.end().await;
}

/// A newer deployment, a rollback by hand, and the end of the service.
#[tokio::test]
async fn what_others_do_meanwhile_is_told() {
    let deploy = async |rehearsal: &Rehearsal| {
        let input =
            json!({ "cluster": "main", "service": "shop", "taskDefinition": "shop:1", "forceNewDeployment": true });
        rehearsal.ecs("UpdateService", input).await;
    };
    let stop = async |rehearsal: &Rehearsal| {
        let ours = json!({ "cluster": "main", "service": "shop", "status": ["PENDING", "IN_PROGRESS"] });
        let listed = rehearsal.ecs("ListServiceDeployments", ours).await;
        let arn = &listed["serviceDeployments"][0]["serviceDeploymentArn"];
        rehearsal.ecs("StopServiceDeployment", json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" })).await;
    };
    let delete = async |rehearsal: &Rehearsal| {
        rehearsal.ecs("DeleteService", json!({ "cluster": "main", "service": "shop", "force": true })).await;
    };
    tokio::join!(
        meanwhile(deploy, 5, "shop:2 was replaced by a newer deployment, shop:1 (ecs-svc/"),
        meanwhile(stop, 4, "shop:2 failed and was rolled back to shop:1: "),
        meanwhile(delete, 3, "the service was deleted meanwhile"),
    );
}

/// The fault of that name: a newer deployment of the same revision, once ours has begun.
#[tokio::test]
async fn deployment_that_a_fault_replaces_is_told() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    let rule = json!({ "on": "ecs:DescribeServices", "skip": 2, "times": 1, "then": "replace_deployment" });
    let never = json!({ "family": "shop:2", "fate": "neverStarts" });
    rehearsal.sandbox.set_faults(json!({ "rules": [rule], "fates": [never] })).await;
    says(&rehearsal.deploy(&[]).await, 5, &["shop:2 was replaced by a newer deployment, shop:2 (ecs-svc/"]);
    rehearsal.end().await;
}

/// What a service with two target groups needs.
pub fn shifting(strategy: &str) -> Value {
    let group =
        |name: &str| format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/0123456789abcdef");
    let rule = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/lb/1/2/3";
    let advanced = json!({ "alternateTargetGroupArn": group("green"), "productionListenerRule": rule,
        "roleArn": "arn:aws:iam::123456789012:role/lb" });
    let balancer = json!({ "targetGroupArn": group("blue"), "containerName": "web", "containerPort": 80,
        "advancedConfiguration": advanced });
    json!({ "loadBalancers": [balancer],
        "deploymentConfiguration": { "strategy": strategy, "bakeTimeInMinutes": 1 } })
}

/// The first part of the traffic waits for a minute.
fn canary() -> Value {
    let mut service = shifting("CANARY");
    service["deploymentConfiguration"]["canaryConfiguration"] =
        json!({ "canaryPercent": 50.0, "canaryBakeTimeInMinutes": 1 });
    service
}

/// Nobody answers the question before the traffic is shifted.
pub fn paused() -> Value {
    let mut service = shifting("BLUE_GREEN");
    let limit = json!({ "timeoutInMinutes": 1, "action": "ROLLBACK" });
    let stages = ["POST_SCALE_UP"];
    service["deploymentConfiguration"]["lifecycleHooks"] =
        json!([{ "targetType": "PAUSE", "lifecycleStages": stages, "timeoutConfiguration": limit }]);
    service
}

#[tokio::test]
async fn shifted_traffic_is_success_after_the_bake_and_a_question_without_an_answer_a_rollback() {
    let run = async |service: Value, code: i32, part: &str| {
        let rehearsal = Rehearsal::with_service(service).await;
        says(&rehearsal.deploy(&[]).await, code, &[part]);
        let service = rehearsal.service().await;
        assert_eq!(service["deployments"].as_array().unwrap().len(), 1, "not before it is over: {service}");
        rehearsal.end().await;
    };
    tokio::join!(
        run(shifting("BLUE_GREEN"), 0, "shop in main: shop:2 is deployed"),
        run(canary(), 0, "shop in main: shop:2 is deployed"),
        run(paused(), 4, "shop:2 failed and was rolled back to shop:1: "),
    );
}
