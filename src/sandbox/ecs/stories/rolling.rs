//! Rolling updates that go well.

use serde_json::json;

use super::{GROUP, Stage, balanced};
use crate::sandbox::ecs::Pace;

#[test]
fn service_starts_in_progress_and_reaches_a_steady_state() {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    stage.create(2, json!({}));
    let first = stage.primary();
    assert_eq!(
        (&first["rolloutState"], &first["runningCount"], &first["desiredCount"]),
        (&json!("IN_PROGRESS"), &json!(0), &json!(2))
    );
    stage.rest();
    let done = stage.service();
    assert_eq!((&done["runningCount"], &done["pendingCount"]), (&json!(2), &json!(0)));
    let id = done["deployments"][0]["id"].as_str().unwrap();
    assert_eq!(done["deployments"][0]["rolloutStateReason"], format!("ECS deployment {id} completed."));
    let events = stage.events();
    assert!(events[0].starts_with("(service web) has started 2 tasks: (task "), "{events:?}");
    assert_eq!(events[1], format!("(service web) (deployment {id}) deployment completed."));
    assert_eq!(events[2], "(service web) has reached a steady state.");
}

#[test]
fn rolling_update_of_two_tasks_takes_a_few_seconds() {
    let mut stage = Stage::with_service(2, balanced());
    let begin = stage.now;
    stage.deploy();
    let service = stage.service();
    let states: Vec<_> =
        service["deployments"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["PRIMARY", "ACTIVE"]);
    stage.rest();
    assert!(stage.now.seconds() - begin.seconds() < 6.0, "{}", stage.now.seconds() - begin.seconds());
    let service = stage.service();
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(service["taskDefinition"], "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:2");
    let release = stage.release();
    assert_eq!(
        (&release["status"], &release["targetServiceRevision"]["runningTaskCount"]),
        (&json!("SUCCESSFUL"), &json!(2))
    );
    let said = stage.events().join("\n");
    for text in [
        format!("(service web) registered 1 targets in (target-group {GROUP})").as_str(),
        "has begun draining connections on",
        "deregistered",
        "running tasks: (task ",
    ] {
        assert!(said.contains(text) || said.contains(&text.replace(" 1 ", " 2 ")), "{text} is not in\n{said}");
    }
}

#[test]
fn rolling_update_never_leaves_the_bounds() {
    let bounds = json!({ "deploymentConfiguration": { "minimumHealthyPercent": 50, "maximumPercent": 100 } });
    let mut stage = Stage::with_service(4, bounds);
    stage.deploy();
    for _ in 0..200 {
        stage.pass(0.05);
        let tasks = stage.tasks("RUNNING");
        let running = tasks.iter().filter(|task| task["lastStatus"] == "RUNNING").count();
        assert!(tasks.len() <= 4 && running >= 2, "{} tasks, {running} running", tasks.len());
    }
    assert_eq!(stage.primary()["rolloutState"], "COMPLETED");
}

#[test]
fn rolling_update_at_real_pace_takes_minutes() {
    let mut stage = Stage::new();
    stage.plane.set_pace(Pace::real());
    stage.register("web", json!({}));
    stage.create(2, balanced());
    stage.pass(600.0);
    let begin = stage.now;
    stage.deploy();
    stage.until(|stage| stage.plane.services.values().all(|service| service.releases[0].is_over()));
    let minutes = (stage.now.seconds() - begin.seconds()) / 60.0;
    assert!((5.0..10.0).contains(&minutes), "{minutes}");
    assert_eq!(stage.release()["status"], "SUCCESSFUL");
}

#[test]
fn one_long_tick_ends_where_many_short_ones_do() {
    let run = |steps: u32| {
        let mut stage = Stage::with_service(3, balanced());
        stage.deploy();
        for _ in 0..steps {
            stage.pass(20.0 / f64::from(steps));
        }
        stage.service()
    };
    assert_eq!(run(1), run(400));
}
