//! The state can be stored and taken up again in the midst of a rollout, the same calls give the same answers,
//! and a large account is as quick as a small one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Stage, balanced};
use crate::sandbox::ecs::{Fate, Plane};

fn story(keep: impl Fn(Plane) -> Plane) -> Vec<Value> {
    let settings =
        json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } } });
    let mut stage = Stage::with_service(2, settings);
    stage.fate("web:2", Fate::ExitCode { code: 1, after: 0.2 });
    stage.deploy();
    let mut seen = Vec::new();
    for _ in 0..60 {
        stage.pass(0.2);
        stage.plane = keep(std::mem::replace(&mut stage.plane, Plane::new("", "")));
        seen.push(stage.service());
    }
    assert_eq!(stage.release()["status"], "ROLLBACK_SUCCESSFUL");
    seen
}

#[test]
fn same_calls_give_the_same_answers() {
    assert_eq!(story(|plane| plane), story(|plane| plane));
}

#[test]
fn rollout_goes_on_after_the_state_was_stored_whole() {
    let stored = story(|plane| serde_json::from_str(&serde_json::to_string(&plane).unwrap()).unwrap());
    assert_eq!(stored, story(|plane| plane));
}

#[test]
fn rollout_goes_on_after_the_state_was_stored_in_parts() {
    let mut stage = Stage::with_service(2, balanced());
    let mut kept: BTreeMap<String, Box<RawValue>> = BTreeMap::new();
    let mut save = |plane: &mut Plane| {
        for change in plane.changes() {
            match change.document {
                Some(document) => kept.insert(change.key, document),
                None => kept.remove(&change.key),
            };
        }
        kept.clone()
    };
    save(&mut stage.plane);
    stage.deploy();
    stage.pass(1.0);
    let documents = save(&mut stage.plane);
    assert!(documents.contains_key("definition/web:2") && documents.contains_key("service/default/web"));
    let before = stage.service();
    stage.plane = Plane::restore(documents).unwrap();
    assert_eq!(stage.service(), before);
    stage.rest();
    assert_eq!(stage.release()["status"], "SUCCESSFUL");
    assert_eq!(stage.register("web", json!({})).rsplit(':').next(), Some("3"));
}

#[test]
fn nothing_to_do_is_nothing_to_wait_for() {
    let mut stage = Stage::with_service(2, json!({}));
    let next = stage.plane.next_wake();
    assert!(next.is_none(), "{next:?}");
    stage.plane.changes();
    stage.pass(3600.0);
    assert_eq!(stage.plane.changes().len(), 1);
}

/// Alarms are kept with their services, so a large account is not looked through at its start.
#[test]
fn services_at_rest_are_left_alone_after_a_restore() {
    let mut stage = account(20, 50);
    stage.plane = Plane::restore(stage.plane.documents()).unwrap();
    let next = stage.plane.next_wake();
    assert!(next.is_none_or(|at| at > stage.now.after(1000.0)), "{next:?}");
    stage.pass(1.0);
    let changes: Vec<String> = stage.plane.changes().into_iter().map(|change| change.key).collect();
    assert_eq!(changes, ["world"]);
}

/// A task is stopped, and the process is killed before its service has noticed.
#[test]
fn service_notices_after_a_restore_what_it_had_not_yet() {
    let mut stage = Stage::with_service(2, json!({}));
    let task = stage.tasks("RUNNING")[0]["taskArn"].clone();
    stage.call("StopTask", json!({ "task": task }));
    stage.plane = Plane::restore(stage.plane.documents()).unwrap();
    stage.rest();
    assert_eq!(stage.service()["runningCount"], 2);
}

fn account(definitions: usize, services: usize) -> Stage {
    let mut stage = Stage::new();
    for number in 0..definitions {
        stage.register(&format!("family-{}", number % 10), json!({}));
    }
    for number in 0..services {
        let body = json!({
            "serviceName": format!("service-{number}"), "taskDefinition": format!("family-{}", number % 10), "desiredCount": 2,
            "launchType": "FARGATE", "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
        });
        stage.call("CreateService", body);
    }
    stage.rest();
    stage
}

/// The best of many, as the machine may be busy with other things.
fn best(mut work: impl FnMut()) -> Duration {
    let run = |_| {
        let begin = Instant::now();
        work();
        begin.elapsed()
    };
    (0..30).map(run).min().unwrap()
}

fn describing_ten(stage: &mut Stage, apart: usize) -> Duration {
    let ten: Vec<String> = (0..10).map(|number| format!("service-{}", number * apart)).collect();
    best(|| {
        let answer = stage.call("DescribeServices", json!({ "services": ten }));
        assert_eq!(answer["services"][9]["runningCount"], 2);
    })
}

#[test]
fn large_account_is_as_quick_as_a_small_one() {
    let (definitions, services) = if cfg!(debug_assertions) { (2000, 200) } else { (10_000, 1000) };
    let (mut small, mut large) = (account(10, 10), account(definitions, services));
    let (few, many) = (describing_ten(&mut small, 1), describing_ten(&mut large, services / 10));
    assert!(many < few * 3 + Duration::from_millis(1), "ten of 10: {few:?}, ten of {services}: {many:?}");
    let registering = |stage: &mut Stage| best(|| drop(stage.register("family-1", json!({}))));
    let (few, many) = (registering(&mut small), registering(&mut large));
    assert!(many < few * 3 + Duration::from_millis(1), "registering: {few:?}, {many:?}");
    let idle = best(|| (0..1000).for_each(|_| large.pass(0.0001)));
    assert!(idle < Duration::from_millis(50), "{idle:?} for a thousand idle ticks");
}
