//! Tasks that somebody else runs: what the plane wants, and what it makes of the reports.

use serde_json::{Value, json};

use super::{GROUP, Stage, balanced};
use crate::sandbox::ecs::{Fate, TaskEvent, Wish};

fn service() -> (Stage, String) {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    stage.plane.set_usual_fate(Some(Fate::External));
    stage.create(1, balanced());
    stage.pass(1.0);
    let wants = stage.plane.wants();
    assert_eq!((wants.len(), wants[0].wish, wants[0].service.as_deref()), (1, Wish::Run, Some("web")));
    assert_eq!(wants[0].definition["containerDefinitions"][0]["image"], "web:1");
    assert_eq!(wants[0].load_balancers[0]["targetGroupArn"], GROUP);
    let arn = wants[0].task_arn.clone();
    (stage, arn)
}

fn report(stage: &mut Stage, arn: &str, event: TaskEvent) {
    let now = stage.now;
    stage.plane.task_event(arn, event, now);
}

fn state(stage: &mut Stage, arn: &str) -> Value {
    stage.call("DescribeTasks", json!({ "tasks": [arn] }))["tasks"][0].clone()
}

#[test]
fn task_runs_when_it_is_reported_and_serves_when_it_is_healthy() {
    let (mut stage, arn) = service();
    report(&mut stage, &arn, TaskEvent::Started);
    assert_eq!(state(&mut stage, &arn)["lastStatus"], "RUNNING");
    stage.pass(30.0);
    assert_eq!(
        (stage.plane.targets(GROUP)[0].state, &stage.primary()["rolloutState"]),
        ("initial", &json!("IN_PROGRESS"))
    );
    report(&mut stage, &arn, TaskEvent::Healthy);
    stage.rest();
    assert_eq!(
        (stage.plane.targets(GROUP)[0].state, &stage.primary()["rolloutState"]),
        ("healthy", &json!("COMPLETED"))
    );
}

#[test]
fn task_that_exits_is_replaced() {
    let (mut stage, arn) = service();
    report(&mut stage, &arn, TaskEvent::Started);
    report(&mut stage, &arn, TaskEvent::Exited { container: Some("web".into()), code: 3 });
    stage.pass(2.0);
    assert_eq!(state(&mut stage, &arn)["containers"][0]["exitCode"], 3);
    let wants = stage.plane.wants();
    assert_eq!(wants.len(), 1);
    assert_ne!(wants[0].task_arn, arn);
    assert_eq!(stage.primary()["failedTasks"], 1);
}

#[test]
fn container_that_others_waited_for_may_be_over_before_the_task_is_up() {
    let mut stage = Stage::new();
    let container = |name: &str, essential| json!({ "name": name, "image": "web:1", "essential": essential });
    stage.register("web", json!({ "containerDefinitions": [container("web", true), container("init", false)] }));
    stage.plane.set_usual_fate(Some(Fate::External));
    stage.create(1, json!({}));
    stage.pass(1.0);
    let arn = stage.plane.wants()[0].task_arn.clone();
    let exited = |name: &str, code| TaskEvent::Exited { container: Some(name.into()), code };
    report(&mut stage, &arn, exited("init", 0));
    assert_eq!(state(&mut stage, &arn)["lastStatus"], "PENDING");
    report(&mut stage, &arn, TaskEvent::Started);
    let task = state(&mut stage, &arn);
    let words = [0, 1].map(|at| task["containers"][at]["lastStatus"].clone());
    assert_eq!((&task["lastStatus"], words), (&json!("RUNNING"), [json!("RUNNING"), json!("STOPPED")]));
}

#[test]
fn container_that_waited_in_vain_ends_its_task_if_it_is_essential() {
    let (mut stage, arn) = service();
    let reason = "CannotStartContainerError: dependency graph: …".to_owned();
    report(&mut stage, &arn, TaskEvent::NeverStarted { container: "web".into(), reason: reason.clone() });
    let task = state(&mut stage, &arn);
    let container = &task["containers"][0];
    assert_eq!((&container["exitCode"], &container["reason"]), (&json!(143), &json!(reason)));
    assert_eq!(task["stopCode"], "EssentialContainerExited");
}

#[test]
fn task_that_cannot_start_says_why() {
    let (mut stage, arn) = service();
    report(&mut stage, &arn, TaskEvent::FailedToStart("CannotPullContainerError: no such image".into()));
    let task = state(&mut stage, &arn);
    assert_eq!(
        (&task["stopCode"], &task["stoppedReason"]),
        (&json!("TaskFailedToStart"), &json!("CannotPullContainerError: no such image"))
    );
}

#[test]
fn stopping_task_drains_then_ends_with_its_own_code() {
    let (mut stage, arn) = service();
    report(&mut stage, &arn, TaskEvent::Started);
    report(&mut stage, &arn, TaskEvent::Healthy);
    stage.rest();
    stage.call("UpdateService", json!({ "service": "web", "desiredCount": 0 }));
    stage.pass(0.3);
    assert!(stage.plane.wants()[0].draining);
    stage.pass(1.0);
    assert_eq!(stage.plane.wants()[0].wish, Wish::Stop);
    report(&mut stage, &arn, TaskEvent::Exited { container: None, code: 143 });
    stage.rest();
    let task = state(&mut stage, &arn);
    assert_eq!(
        (&task["containers"][0]["exitCode"], &task["stopCode"]),
        (&json!(143), &json!("ServiceSchedulerInitiated"))
    );
    assert!(stage.plane.wants().is_empty());
}

#[test]
fn unhealthy_report_stops_the_task() {
    let (mut stage, arn) = service();
    report(&mut stage, &arn, TaskEvent::Started);
    report(&mut stage, &arn, TaskEvent::Unhealthy);
    stage.pass(1.0);
    assert!(state(&mut stage, &arn)["stoppedReason"].as_str().unwrap().starts_with("Task failed ELB health checks"));
}

#[test]
fn tasks_whose_runner_is_gone_are_stopped_at_once_and_replaced() {
    let (mut stage, arn) = service();
    report(&mut stage, &arn, TaskEvent::Started);
    report(&mut stage, &arn, TaskEvent::Healthy);
    stage.rest();
    let now = stage.now;
    stage.plane.lose_tasks(false, now);
    let lost = state(&mut stage, &arn);
    assert_eq!((&lost["lastStatus"], &lost["stopCode"]), (&json!("STOPPED"), &json!("TerminationNotice")));
    assert_eq!((&stage.service()["runningCount"], stage.plane.targets(GROUP).len()), (&json!(0), 0));
    stage.pass(2.0);
    let wants = stage.plane.wants();
    assert_eq!((wants.len(), wants[0].task_arn != arn), (1, true));
    assert_eq!(stage.primary()["failedTasks"], 0, "the new version is not to blame");
}

/// Simulated tasks go on in a server that comes up again, unless tasks are really to run from then on.
#[test]
fn simulated_tasks_are_lost_only_to_real_ones() {
    let mut stage = Stage::with_service(2, json!({}));
    let now = stage.now;
    stage.plane.lose_tasks(false, now);
    assert_eq!(stage.service()["runningCount"], 2);
    stage.plane.lose_tasks(true, now);
    assert_eq!(stage.service()["runningCount"], 0);
    stage.rest();
    assert_eq!(stage.service()["runningCount"], 2);
}
