//! Rolling updates that fail: the circuit breaker, with and without a way back, alarms, the throttle, and a
//! newer deployment that takes an older one's place.

use serde_json::{Value, json};

use super::{Stage, balanced};
use crate::sandbox::ecs::{AlarmPlan, Fate, Rule};

fn breaker(rollback: bool) -> Value {
    json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": rollback } } })
}

fn crash() -> Fate {
    Fate::ExitCode { code: 3, after: 0.1 }
}

#[test]
fn breaker_rolls_back() {
    let mut stage = Stage::with_service(2, breaker(true));
    stage.fate("web:2", crash());
    stage.deploy();
    let failing = stage.primary()["id"].as_str().unwrap().to_owned();
    stage.until(|stage| stage.plane.services.values().all(|service| service.deployments[0].rollback));
    let service = stage.service();
    let deployments = service["deployments"].as_array().unwrap();
    assert_eq!(
        (&deployments[0]["status"], &deployments[0]["rolloutState"]),
        (&json!("PRIMARY"), &json!("IN_PROGRESS"))
    );
    let back = deployments[0]["id"].as_str().unwrap();
    assert_eq!(
        deployments[0]["rolloutStateReason"],
        format!("ECS deployment circuit breaker: rolling back to deploymentId {back}.")
    );
    let failed = deployments.iter().find(|one| one["id"] == failing.as_str()).unwrap();
    assert_eq!((&failed["status"], &failed["rolloutState"]), (&json!("ACTIVE"), &json!("FAILED")));
    assert_eq!(failed["rolloutStateReason"], "ECS deployment circuit breaker: tasks failed to start.");
    assert!(failed["failedTasks"].as_u64().unwrap() >= 3);
    stage.rest();
    let (release, service) = (stage.release(), stage.service());
    assert_eq!(
        (&release["status"], &release["deploymentCircuitBreaker"]["status"]),
        (&json!("ROLLBACK_SUCCESSFUL"), &json!("TRIGGERED"))
    );
    assert!(service["taskDefinition"].as_str().unwrap().ends_with("web:1"));
    assert_eq!((service["deployments"].as_array().unwrap().len(), &service["runningCount"]), (1, &json!(2)));
    let said = stage.events().join("\n");
    assert!(said.contains(&format!("(deployment {failing}) deployment failed: tasks failed to start.")), "{said}");
    assert!(said.contains(&format!("rolling back to deployment {back}.")), "{said}");
}

#[test]
fn rollback_keeps_the_old_tasks_until_new_ones_are_healthy() {
    let mut stage = Stage::with_service(2, breaker(true));
    stage.fate("web:2", crash());
    stage.deploy();
    for _ in 0..400 {
        stage.pass(0.05);
        assert!(stage.service()["runningCount"].as_u64().unwrap() >= 2);
    }
    assert_eq!(stage.release()["status"], "ROLLBACK_SUCCESSFUL");
}

#[test]
fn breaker_without_rollback_stalls() {
    let mut stage = Stage::with_service(2, breaker(false));
    stage.fate("web:2", crash());
    stage.deploy();
    stage.rest();
    let (primary, release) = (stage.primary(), stage.release());
    assert_eq!((&primary["status"], &primary["rolloutState"]), (&json!("PRIMARY"), &json!("FAILED")));
    assert_eq!(release["status"], "STOPPED");
    assert!(release["stoppedAt"].as_f64().is_some());
    assert_eq!(stage.service()["runningCount"], 2);
}

#[test]
fn first_deployment_has_nothing_to_go_back_to() {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    stage.fate("web", crash());
    stage.create(2, breaker(true));
    stage.rest();
    assert_eq!(stage.primary()["rolloutState"], "FAILED");
    let release = stage.release();
    assert_eq!((&release["status"], release.get("rollback")), (&json!("ROLLBACK_FAILED"), None));
    assert_eq!(release["statusReason"], "No rollback candidate was found to run the rollback.");
}

#[test]
fn rollback_that_fails_too_ends_failed() {
    let mut stage = Stage::with_service(2, breaker(true));
    stage.fate("web", crash());
    stage.deploy();
    stage.rest();
    assert_eq!(stage.release()["status"], "ROLLBACK_FAILED");
    assert_eq!(stage.primary()["rolloutState"], "FAILED");
}

#[test]
fn healthy_task_resets_the_breaker_unless_told_otherwise() {
    let run = |reset: bool| {
        let breaker = json!({ "enable": true, "rollback": false, "resetOnHealthyTask": reset });
        let mut stage =
            Stage::with_service(1, json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": breaker } }));
        // Two crash, one becomes healthy and crashes, two crash, then all is well.
        let late = Rule { from: 3, times: Some(1), ..Rule::family(Fate::ExitCode { code: 1, after: 0.7 }, "web:2") };
        let early = Rule { times: Some(4), ..Rule::family(crash(), "web:2") };
        stage.plane.set_fates(vec![late, early]);
        stage.deploy();
        stage.rest();
        stage.primary()["rolloutState"].as_str().unwrap().to_owned()
    };
    assert_eq!((run(true), run(false)), ("COMPLETED".into(), "FAILED".into()));
}

#[test]
fn crash_loop_without_breaker_goes_on() {
    let mut stage = Stage::with_service(1, json!({}));
    stage.fate("web:2", crash());
    stage.deploy();
    stage.pass(60.0);
    let primary = stage.primary();
    assert_eq!(primary["rolloutState"], "IN_PROGRESS");
    assert!(primary["failedTasks"].as_u64().unwrap() > 10);
    assert_eq!(stage.service()["runningCount"].as_u64().unwrap().min(1), 1);
}

#[test]
fn tasks_that_never_run_bring_on_the_throttle() {
    let mut stage = Stage::with_service(1, json!({}));
    stage.fate("web:2", Fate::FailPull { reason: None });
    stage.deploy();
    stage.pass(120.0);
    assert!(stage.events().join("\n").contains("is unable to consistently start tasks successfully."));
    let started = stage.tasks("STOPPED").len();
    assert!(started < 20, "{started} starts in two minutes");
}

#[test]
fn newer_deployment_replaces_one_that_is_going_on() {
    let mut stage = Stage::with_service(2, balanced());
    stage.deploy();
    let first = stage.release()["serviceDeploymentArn"].clone();
    stage.pass(1.0);
    stage.deploy();
    assert_eq!(stage.service()["deployments"].as_array().unwrap().len(), 3);
    let status = |stage: &mut Stage| {
        let answer = stage.call("DescribeServiceDeployments", json!({ "serviceDeploymentArns": [first.clone()] }));
        answer["serviceDeployments"][0]["status"].clone()
    };
    assert_eq!(status(&mut stage), "STOP_REQUESTED");
    stage.rest();
    assert_eq!(status(&mut stage), "STOPPED");
    assert_eq!(stage.release()["status"], "SUCCESSFUL");
    assert!(stage.service()["taskDefinition"].as_str().unwrap().ends_with("web:3"));
}

#[test]
fn deployment_in_the_midst_of_a_rollback_has_nothing_to_go_back_to() {
    let mut stage = Stage::with_service(1, breaker(true));
    stage.plane.set_fates(vec![Rule::family(crash(), "web:2"), Rule::family(crash(), "web:3")]);
    stage.deploy();
    stage.until(|stage| stage.plane.services.values().all(|service| service.deployments[0].rollback));
    stage.deploy();
    stage.rest();
    assert_eq!(
        (&stage.release()["status"], &stage.primary()["rolloutState"]),
        (&json!("ROLLBACK_FAILED"), &json!("FAILED"))
    );
    assert_eq!(stage.service()["runningCount"], 1);
}

#[test]
fn alarm_without_rollback_stops_the_deployment() {
    let mut stage = Stage::with_service(1, watched(false));
    stage.deploy();
    stage.pass(0.5);
    let now = stage.now;
    stage.plane.set_alarm("errors", true, now);
    stage.rest();
    assert_eq!(
        (&stage.release()["status"], &stage.release()["alarms"]["status"]),
        (&json!("STOPPED"), &json!("TRIGGERED"))
    );
    assert_eq!(stage.primary()["rolloutState"], "FAILED");
}

fn watched(rollback: bool) -> Value {
    json!({ "deploymentConfiguration": { "alarms": { "alarmNames": ["errors"], "enable": true, "rollback": rollback } } })
}

#[test]
fn alarm_in_the_bake_time_rolls_back() {
    let mut stage = Stage::with_service(1, watched(true));
    stage.deploy();
    stage.until(|stage| stage.plane.services.values().any(|service| service.releases[0].stage.is_some()));
    assert_eq!(
        (&stage.release()["lifecycleStage"], &stage.primary()["rolloutState"]),
        (&json!("BAKE_TIME"), &json!("IN_PROGRESS"))
    );
    let now = stage.now;
    stage.plane.set_alarm("errors", true, now);
    stage.rest();
    let release = stage.release();
    assert_eq!(
        (&release["status"], &release["alarms"]["triggeredAlarmNames"]),
        (&json!("ROLLBACK_SUCCESSFUL"), &json!(["errors"]))
    );
    assert!(stage.events().join("\n").contains("deployment failed: alarm detected."));
}

#[test]
fn alarm_that_fired_before_is_ignored() {
    let mut stage = Stage::with_service(1, watched(true));
    let now = stage.now;
    stage.plane.set_alarm("errors", true, now);
    stage.deploy();
    stage.rest();
    assert_eq!(stage.release()["status"], "SUCCESSFUL");
}

/// And no sooner, and not in the deployment of another revision; the one after it meets it anew.
#[test]
fn planned_alarm_goes_off_in_the_midst_of_its_deployment() {
    let mut stage = Stage::with_service(1, watched(true));
    let plan = |family: &str| AlarmPlan {
        name: "errors".into(),
        cluster: None,
        service: Some("web".into()),
        family: Some(family.into()),
        after: 0.7,
    };
    stage.plane.plan_alarms(vec![plan("web:2"), plan("web:4")]);
    for wanted in ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL", "ROLLBACK_SUCCESSFUL"] {
        stage.deploy();
        stage.pass(0.6);
        assert_eq!(stage.release()["status"], "IN_PROGRESS");
        stage.pass(0.2);
        assert_eq!(stage.release()["alarms"]["status"] == "TRIGGERED", wanted != "SUCCESSFUL");
        stage.rest();
        assert_eq!(stage.release()["status"], wanted);
    }
}

#[test]
fn stopping_a_deployment_rolls_it_back() {
    let mut stage = Stage::with_service(2, json!({}));
    stage.fate("web:2", Fate::NeverStarts);
    stage.deploy();
    stage.pass(5.0);
    let release = stage.release();
    assert_eq!(
        (&release["status"], &release["targetServiceRevision"]["pendingTaskCount"]),
        (&json!("IN_PROGRESS"), &json!(2))
    );
    let arn = release["serviceDeploymentArn"].clone();
    assert!(
        stage
            .refusal("StopServiceDeployment", json!({ "serviceDeploymentArn": arn, "stopType": "ABORT" }))
            .contains("stopType")
    );
    stage.call("StopServiceDeployment", json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" }));
    assert_eq!(stage.release()["status"], "ROLLBACK_REQUESTED");
    stage.rest();
    assert_eq!(stage.release()["status"], "ROLLBACK_SUCCESSFUL");
    assert!(
        stage.refusal("StopServiceDeployment", json!({ "serviceDeploymentArn": arn })).starts_with("ConflictException")
    );
}

#[test]
fn percents_that_leave_no_room_are_told() {
    let mut stage = Stage::with_service(1, json!({ "deploymentConfiguration": { "maximumPercent": 150 } }));
    stage.deploy();
    stage.pass(10.0);
    assert!(stage.events().join("\n").contains("was unable to stop or start tasks during a deployment"));
    assert_eq!(stage.primary()["rolloutState"], "IN_PROGRESS");
}

#[test]
fn early_success_does_not_wait_for_the_old_tasks() {
    let early = json!({ "enable": true, "healthyPercent": 100, "sourceServiceRevisionCleanup": "DEFERRED" });
    let settings = json!({ "loadBalancers": balanced()["loadBalancers"], "deploymentConfiguration": { "earlySuccessCriteria": early } });
    let mut stage = Stage::with_service(2, settings);
    stage.plane.set_pace(crate::sandbox::ecs::Pace { draining: 30.0, ..Default::default() });
    stage.deploy();
    stage.pass(8.0);
    assert_eq!(stage.release()["status"], "SUCCESSFUL");
    assert_eq!(stage.service()["deployments"].as_array().unwrap().len(), 2);
    assert!(stage.events().last().unwrap().contains("deployment completed."));
    stage.rest();
    assert!(stage.events().last().unwrap().contains("has reached a steady state."));
}
