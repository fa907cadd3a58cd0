//! What each fate leaves behind: stop code, reasons and exit code, as a client would find them.

use serde_json::{Value, json};

use super::{GROUP, Stage, balanced};
use crate::sandbox::ecs::{Fate, Rule};

/// A service of one task that meets this fate; the first stopped task.
fn stopped(fate: Fate, definition: Value, settings: Value) -> (Value, Stage) {
    let mut stage = Stage::new();
    stage.register("web", definition);
    stage.plane.set_fates(vec![Rule { times: Some(1), ..Rule::new(fate) }]);
    stage.create(1, settings);
    stage.rest();
    assert_eq!(stage.primary()["rolloutState"], "COMPLETED");
    let stopped = stage.tasks("STOPPED");
    assert_eq!(stopped.len(), 1);
    (stopped[0].clone(), stage)
}

fn plain(fate: Fate) -> Value {
    stopped(fate, json!({}), json!({})).0
}

fn checked() -> Value {
    let check = json!({ "command": ["CMD", "true"] });
    let ports = json!([{ "containerPort": 80 }]);
    json!({ "containerDefinitions": [{ "name": "web", "image": "web:1", "healthCheck": check, "portMappings": ports }] })
}

#[test]
fn pull_that_fails_leaves_a_reason_and_no_exit_code() {
    let task = plain(Fate::FailPull { reason: None });
    assert_eq!(task["stopCode"], "TaskFailedToStart");
    assert!(task["stoppedReason"].as_str().unwrap().starts_with("CannotPullContainerError: "));
    assert_eq!(task["containers"][0]["reason"], task["stoppedReason"]);
    assert_eq!((task["containers"][0].get("exitCode"), task.get("startedAt")), (None, None));
}

#[test]
fn exit_leaves_its_code() {
    let task = plain(Fate::ExitCode { code: 7, after: 0.0 });
    assert_eq!(
        (&task["stopCode"], &task["stoppedReason"]),
        (&json!("EssentialContainerExited"), &json!("Essential container in task exited"))
    );
    assert_eq!(task["containers"][0]["exitCode"], 7);
    assert!(task["startedAt"].as_f64().unwrap() <= task["stoppedAt"].as_f64().unwrap());
}

#[test]
fn out_of_memory_leaves_137() {
    let task = plain(Fate::OutOfMemory { after: 0.1 });
    assert_eq!(task["containers"][0]["exitCode"], 137);
    assert!(task["containers"][0]["reason"].as_str().unwrap().starts_with("OutOfMemoryError: "));
}

#[test]
fn interrupted_task_is_replaced_and_no_failure() {
    let (task, mut stage) = stopped(Fate::SpotInterruption { after: 5.0 }, json!({}), json!({}));
    assert_eq!(
        (&task["stopCode"], &task["stoppedReason"]),
        (&json!("SpotInterruption"), &json!("Your Spot Task was interrupted."))
    );
    assert_eq!((&stage.primary()["failedTasks"], &stage.service()["runningCount"]), (&json!(0), &json!(1)));
}

#[test]
fn failed_initialization_has_its_own_error() {
    let task = plain(Fate::ResourceInitialization { reason: None });
    assert_eq!(task["stopCode"], "TaskFailedToStart");
    assert!(task["stoppedReason"].as_str().unwrap().starts_with("ResourceInitializationError: "));
    assert_eq!(task.get("pullStartedAt"), None);
}

#[test]
fn failed_container_check_is_told() {
    let (task, mut stage) = stopped(Fate::HealthCheckFails, checked(), json!({}));
    assert_eq!((&task["stopCode"], &task["healthStatus"]), (&json!("ServiceSchedulerInitiated"), &json!("UNHEALTHY")));
    assert_eq!(task["stoppedReason"], "Task failed container health checks");
    assert!(stage.events().join("\n").contains("failed container health checks."));
    assert_eq!(stage.tasks("RUNNING")[0]["healthStatus"], "HEALTHY");
}

#[test]
fn failed_target_check_names_the_group() {
    let reason = "Health checks failed with these codes: [500]";
    let (task, mut stage) = stopped(Fate::ElbHealthCheckFails { reason: Some(reason.into()) }, json!({}), balanced());
    assert_eq!(task["stoppedReason"], format!("Task failed ELB health checks in (target-group {GROUP})"));
    let text = format!("(port 80) is unhealthy in (target-group {GROUP}) due to (reason {reason}).");
    assert!(stage.events().join("\n").contains(&text));
}

#[test]
fn failed_check_of_a_container_without_one_is_the_load_balancers() {
    let (task, mut stage) = stopped(Fate::HealthCheckFails, json!({}), balanced());
    assert_eq!((&task["stopCode"], &task["healthStatus"]), (&json!("ServiceSchedulerInitiated"), &json!("UNKNOWN")));
    assert_eq!(task["stoppedReason"], format!("Task failed ELB health checks in (target-group {GROUP})"));
    let text =
        format!("(service web) (port 80) is unhealthy in (target-group {GROUP}) due to (reason Health checks failed).");
    assert!(stage.events().contains(&text), "{:#?}", stage.events());
    assert_eq!(stage.plane.warnings(), [""; 0]);
}

#[test]
fn failed_check_that_nobody_makes_is_a_warning_said_once() {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    stage.fate("web", Fate::HealthCheckFails);
    stage.create(3, json!({}));
    stage.rest();
    assert_eq!(stage.primary()["rolloutState"], "COMPLETED");
    let said = stage.plane.warnings();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("a task of web:1 (service:web) counts as healthy, as healthCheckFails"), "{said:?}");
    stage.fate("web", Fate::ElbHealthCheckFails { reason: None });
    stage.call("UpdateService", json!({ "service": "web", "forceNewDeployment": true }));
    stage.rest();
    assert!(stage.plane.warnings()[0].contains("it is behind no load balancer"));
}

#[test]
fn task_that_never_starts_stays_pending() {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    stage.fate("web", Fate::NeverStarts);
    stage.create(1, json!({}));
    stage.pass(100.0);
    assert_eq!(
        (&stage.service()["pendingCount"], &stage.tasks("RUNNING")[0]["lastStatus"]),
        (&json!(1), &json!("PENDING"))
    );
}

#[test]
fn task_without_capacity_is_an_event() {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    stage.plane.set_fates(vec![Rule { times: Some(2), ..Rule::new(Fate::NoCapacity { reason: None }) }]);
    stage.create(1, json!({}));
    stage.rest();
    let said = stage.events().join("\n");
    assert!(said.contains("was unable to place a task. Reason: Capacity is unavailable at this time."), "{said}");
    assert_eq!(stage.primary()["rolloutState"], "COMPLETED");
}

#[test]
fn sidecar_that_is_not_essential_may_end() {
    let containers =
        json!([{ "name": "web", "image": "web:1" }, { "name": "setup", "image": "setup:1", "essential": false }]);
    let mut stage = Stage::new();
    stage.register("web", json!({ "containerDefinitions": containers }));
    let rule = Rule { container: Some("setup".into()), ..Rule::new(Fate::ExitCode { code: 0, after: 0.0 }) };
    stage.plane.set_fates(vec![rule]);
    stage.create(1, json!({}));
    stage.rest();
    let task = stage.tasks("RUNNING")[0].clone();
    assert_eq!(
        (&task["containers"][1]["lastStatus"], &task["containers"][1]["exitCode"]),
        (&json!("STOPPED"), &json!(0))
    );
    assert_eq!(task["containers"][0]["lastStatus"], "RUNNING");
}

#[test]
fn essential_container_takes_the_others_along() {
    let containers = json!([{ "name": "web", "image": "web:1" }, { "name": "log", "image": "log:1" }]);
    let (task, _) =
        stopped(Fate::ExitCode { code: 0, after: 0.2 }, json!({ "containerDefinitions": containers }), json!({}));
    assert_eq!((&task["containers"][0]["exitCode"], &task["containers"][1]["exitCode"]), (&json!(0), &json!(137)));
}

#[test]
fn container_writes_its_lines_once_and_only_if_it_runs() {
    let written = |fate: Fate| {
        let mut stage = Stage::new();
        let logs = json!({ "logDriver": "awslogs", "options": { "awslogs-group": "g" } });
        let web = json!({ "name": "web", "image": "web:1", "logConfiguration": logs });
        let role = "arn:aws:iam::111122223333:role/execution";
        stage.register("web", json!({ "containerDefinitions": [web], "executionRoleArn": role }));
        stage.plane.set_fates(vec![Rule { log: vec!["one".into(), "two".into()], times: Some(1), ..Rule::new(fate) }]);
        stage.create(1, json!({}));
        stage.pass(20.0);
        stage.plane.outputs()
    };
    let outputs = written(Fate::ExitCode { code: 1, after: 0.0 });
    assert_eq!(outputs.len(), 2, "its substitute has nothing to write, but a stream: {outputs:?}");
    assert_eq!((outputs[0].lines.len(), &outputs[0].container["name"]), (2, &json!("web")));
    assert!(outputs[1].lines.is_empty());
    let of_substitute = written(Fate::FailPull { reason: None });
    assert!(of_substitute.len() == 1 && of_substitute[0].lines.is_empty(), "{of_substitute:?}");
}

#[test]
fn target_that_fails_its_checks_is_unhealthy_while_ecs_still_waits() {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    let reason = "Health checks failed with these codes: [502]";
    stage.fate("web", Fate::ElbHealthCheckFails { reason: Some(reason.into()) });
    let mut settings = balanced();
    settings["healthCheckGracePeriodSeconds"] = json!(60_000);
    stage.create(1, settings);
    stage.pass(5.0);
    let target = stage.plane.targets(GROUP).remove(0);
    assert_eq!((target.state, target.port), ("unhealthy", 80));
    assert_eq!(target.reason, Some(("Target.ResponseCodeMismatch", reason.into())));
    assert!(stage.tasks("STOPPED").is_empty(), "the grace period is not over");
    assert!(stage.plane.target_groups()[GROUP].of_addresses);
}
