//! Blue/green, linear and canary: stages, traffic, hooks and the ways back.

use serde_json::{Value, json};

use super::{GROUP, Stage};
use crate::sandbox::ecs::{Fate, HookAnswer};

const GREEN: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/green/0123456789abcdef";
const ROLE: &str = "arn:aws:iam::111122223333:role/ecs";

fn staged(configuration: Value) -> Value {
    let rule = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/lb/1/2/3";
    let advanced = json!({ "alternateTargetGroupArn": GREEN, "productionListenerRule": rule, "roleArn": ROLE });
    let balancer = json!({ "targetGroupArn": GROUP, "containerName": "web", "containerPort": 80, "advancedConfiguration": advanced });
    json!({ "loadBalancers": [balancer], "deploymentConfiguration": configuration })
}

fn pause(stage: &str, minutes: u32, action: &str) -> Value {
    let limit = json!({ "timeoutInMinutes": minutes, "action": action });
    json!([{ "targetType": "PAUSE", "lifecycleStages": [stage], "timeoutConfiguration": limit }])
}

fn weight(release: &Value) -> (f64, f64) {
    let of = |summary: &Value| summary["requestedProductionTrafficWeight"].as_f64().unwrap();
    (of(&release["sourceServiceRevisions"][0]), of(&release["targetServiceRevision"]))
}

/// The distinct pairs of stage and production weight that a client sees who looks often.
fn course(stage: &mut Stage) -> Vec<(String, f64)> {
    let mut seen: Vec<(String, f64)> = Vec::new();
    for _ in 0..2000 {
        let release = stage.release();
        if release["status"] != "IN_PROGRESS" && release["status"] != "PENDING" {
            break;
        }
        let now = (release["lifecycleStage"].as_str().unwrap_or("").to_owned(), weight(&release).1);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        stage.pass(0.02);
    }
    seen
}

#[test]
fn blue_green_goes_through_its_stages() {
    let mut stage = Stage::with_service(2, staged(json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1 })));
    stage.deploy();
    let course = course(&mut stage);
    let stages: Vec<&str> = course.iter().map(|(name, _)| name.as_str()).filter(|name| !name.is_empty()).collect();
    let expected = [
        "PRE_SCALE_UP",
        "SCALE_UP",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
        "CLEAN_UP",
    ];
    assert_eq!(stages, expected);
    assert_eq!(course.last().unwrap().1, 100.0);
    assert_eq!(stage.release()["status"], "SUCCESSFUL");
    assert_eq!(stage.service()["deployments"].as_array().unwrap().len(), 1);
}

#[test]
fn blue_green_alternates_between_its_target_groups() {
    let mut stage = Stage::with_service(1, staged(json!({ "strategy": "BLUE_GREEN" })));
    let mut groups = Vec::new();
    for _ in 0..3 {
        let arn = stage.release()["targetServiceRevision"]["arn"].clone();
        let revisions = stage.call("DescribeServiceRevisions", json!({ "serviceRevisionArns": [arn] }));
        groups.push(
            revisions["serviceRevisions"][0]["resolvedConfiguration"]["loadBalancers"][0]["targetGroupArn"].clone(),
        );
        stage.deploy();
        stage.rest();
    }
    assert_eq!(groups, [GROUP, GREEN, GROUP]);
    assert_eq!(stage.plane.targets(GREEN).len(), 1);
    assert_eq!(stage.plane.targets(GREEN)[0].state, "healthy");
}

#[test]
fn blue_keeps_running_until_the_bake_is_over() {
    let mut stage = Stage::with_service(2, staged(json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 30 })));
    stage.deploy();
    stage.pass(20.0);
    let (release, service) = (stage.release(), stage.service());
    assert_eq!((&release["lifecycleStage"], weight(&release)), (&json!("BAKE_TIME"), (0.0, 100.0)));
    assert_eq!(
        (&service["runningCount"], &service["deployments"][0]["rolloutState"]),
        (&json!(4), &json!("IN_PROGRESS"))
    );
    stage.rest();
    assert_eq!(stage.service()["runningCount"], 2);
}

#[test]
fn canary_with_bake() {
    let canary = json!({ "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5 });
    let mut stage = Stage::with_service(
        2,
        staged(json!({ "strategy": "CANARY", "canaryConfiguration": canary, "bakeTimeInMinutes": 1 })),
    );
    stage.deploy();
    let mut shares: Vec<f64> = course(&mut stage).iter().map(|(_, share)| *share).collect();
    shares.dedup();
    assert_eq!(shares, [0.0, 10.0, 100.0]);
    assert_eq!(stage.release()["status"], "SUCCESSFUL");
}

#[test]
fn linear_shifts_in_equal_steps() {
    let linear = json!({ "stepPercent": 40.0, "stepBakeTimeInMinutes": 2 });
    let mut stage = Stage::with_service(1, staged(json!({ "strategy": "LINEAR", "linearConfiguration": linear })));
    stage.deploy();
    let mut shares: Vec<f64> = course(&mut stage).iter().map(|(_, share)| *share).collect();
    shares.dedup();
    assert_eq!(shares, [0.0, 40.0, 80.0, 100.0]);
}

#[test]
fn alarm_in_a_canary_gives_the_traffic_back() {
    let alarms = json!({ "alarmNames": ["errors"], "enable": true, "rollback": true });
    let mut stage = Stage::with_service(2, staged(json!({ "strategy": "CANARY", "alarms": alarms })));
    let blue: Vec<Value> = stage.tasks("RUNNING").iter().map(|task| task["taskArn"].clone()).collect();
    stage.deploy();
    stage.pass(8.0);
    assert_eq!(weight(&stage.release()), (95.0, 5.0));
    let now = stage.now;
    stage.plane.set_alarm("errors", true, now);
    assert_eq!(weight(&stage.release()), (100.0, 0.0));
    stage.rest();
    assert_eq!(stage.release()["status"], "ROLLBACK_SUCCESSFUL");
    let left: Vec<Value> = stage.tasks("RUNNING").iter().map(|task| task["taskArn"].clone()).collect();
    assert_eq!(left, blue, "the tasks that served all along go on serving");
}

fn paused(configuration: Value) -> (Stage, Value) {
    let mut stage = Stage::with_service(1, staged(configuration));
    stage.deploy();
    stage.pass(10.0);
    let release = stage.release();
    assert_eq!(release["lifecycleHookDetails"][0]["status"], "AWAITING_ACTION", "{release}");
    (stage, release)
}

#[test]
fn pause_hook_waits_for_a_person() {
    let hooks = pause("POST_TEST_TRAFFIC_SHIFT", 60, "ROLLBACK");
    let (mut stage, release) = paused(json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": hooks }));
    assert_eq!(release["lifecycleStage"], "POST_TEST_TRAFFIC_SHIFT");
    let hook = release["lifecycleHookDetails"][0]["hookId"].clone();
    let body = json!({ "serviceDeploymentArn": release["serviceDeploymentArn"], "hookId": hook, "action": "CONTINUE" });
    stage.call("ContinueServiceDeployment", body.clone());
    stage.rest();
    let release = stage.release();
    assert_eq!(
        (&release["status"], &release["lifecycleHookDetails"][0]["status"]),
        (&json!("SUCCESSFUL"), &json!("SUCCEEDED"))
    );
    assert!(stage.refusal("ContinueServiceDeployment", body).contains("not awaiting"));
}

#[test]
fn pause_hook_can_be_answered_with_a_rollback() {
    let hooks = pause("PRE_PRODUCTION_TRAFFIC_SHIFT", 60, "CONTINUE");
    let (mut stage, release) = paused(json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": hooks }));
    let hook = release["lifecycleHookDetails"][0]["hookId"].clone();
    let body = json!({ "serviceDeploymentArn": release["serviceDeploymentArn"], "hookId": hook, "action": "ROLLBACK" });
    stage.call("ContinueServiceDeployment", body);
    stage.rest();
    assert_eq!(stage.release()["status"], "ROLLBACK_SUCCESSFUL");
}

#[test]
fn pause_hook_times_out() {
    for (action, status) in [("ROLLBACK", "ROLLBACK_SUCCESSFUL"), ("CONTINUE", "SUCCESSFUL")] {
        let hooks = pause("POST_SCALE_UP", 30, action);
        let (mut stage, _) = paused(json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": hooks }));
        stage.rest();
        let release = stage.release();
        assert_eq!(
            (&release["status"], &release["lifecycleHookDetails"][0]["status"]),
            (&json!(status), &json!("TIMED_OUT"))
        );
    }
}

fn lambda(stage: &str) -> Value {
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:smoke-test";
    json!([{ "hookTargetArn": arn, "roleArn": ROLE, "lifecycleStages": [stage] }])
}

#[test]
fn lambda_hook_is_asked_until_it_has_an_answer() {
    for (answer, status) in [(HookAnswer::Succeeded, "SUCCESSFUL"), (HookAnswer::Failed, "ROLLBACK_SUCCESSFUL")] {
        let configuration = json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": lambda("POST_TEST_TRAFFIC_SHIFT") });
        let mut stage = Stage::with_service(1, staged(configuration));
        stage.plane.set_hook("smoke-test", vec![HookAnswer::InProgress, HookAnswer::InProgress, answer]);
        stage.deploy();
        stage.rest();
        assert_eq!(stage.release()["status"], status);
    }
}

#[test]
fn stopping_in_the_bake_time_rolls_back() {
    let mut stage = Stage::with_service(1, staged(json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 60 })));
    stage.deploy();
    stage.pass(20.0);
    let arn = stage.release()["serviceDeploymentArn"].clone();
    stage.call("StopServiceDeployment", json!({ "serviceDeploymentArn": arn }));
    stage.rest();
    let release = stage.release();
    assert_eq!((&release["status"], weight(&release)), (&json!("ROLLBACK_SUCCESSFUL"), (100.0, 0.0)));
    assert_eq!(release["rollback"]["serviceRevisionArn"], release["sourceServiceRevisions"][0]["arn"]);
}

#[test]
fn green_that_never_comes_up_is_rolled_back_after_a_day() {
    let mut stage = Stage::with_service(1, staged(json!({ "strategy": "BLUE_GREEN" })));
    stage.fate("web:2", Fate::NeverStarts);
    stage.deploy();
    stage.pass(1300.0);
    assert_eq!(stage.release()["lifecycleStage"], "SCALE_UP");
    stage.pass(200.0);
    assert_eq!(stage.release()["status"], "ROLLBACK_SUCCESSFUL");
}

#[test]
fn newer_deployment_first_reconciles() {
    let mut stage = Stage::with_service(1, staged(json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 60 })));
    stage.deploy();
    stage.pass(2.0);
    stage.deploy();
    let stages: Vec<String> = course(&mut stage).into_iter().map(|(name, _)| name).take(3).collect();
    assert!(stages.contains(&"RECONCILE_SERVICE".to_owned()), "{stages:?}");
    stage.rest();
    assert_eq!((&stage.release()["status"], &stage.service()["runningCount"]), (&json!("SUCCESSFUL"), &json!(1)));
}

#[test]
fn strategy_that_shifts_traffic_needs_the_means() {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    let mut body = super::balanced();
    body["deploymentConfiguration"] = json!({ "strategy": "CANARY" });
    let create = json!({
        "serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["s"] } },
        "loadBalancers": body["loadBalancers"], "deploymentConfiguration": body["deploymentConfiguration"],
    });
    assert!(stage.refusal("CreateService", create).contains("advancedConfiguration"));
}
