//! The state can be stored and taken up again in the midst of a rollout, the same calls give the same answers,
//! and a large account is as quick as a small one.

use std::collections::BTreeMap;
use std::time::Instant;

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
    let mut kept: BTreeMap<String, Value> = BTreeMap::new();
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

#[test]
fn large_account_is_quick() {
    let mut stage = Stage::new();
    // The full size when optimised; a debug build on a busy machine is given a fifth of it.
    let (share, limit) = if cfg!(debug_assertions) { (5, 20) } else { (1, 1) };
    for number in 0..10_000 / share {
        stage.register(&format!("family-{}", number % 100), json!({}));
    }
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
    for number in 0..1000 / share {
        let name = format!("service-{number}");
        let body = json!({
            "serviceName": name, "taskDefinition": format!("family-{}", number % 100), "desiredCount": 2,
            "launchType": "FARGATE", "networkConfiguration": network,
        });
        stage.call("CreateService", body);
    }
    stage.rest();
    let ten: Vec<String> = (0..10).map(|number| format!("service-{}", number * 19)).collect();
    let begin = Instant::now();
    for _ in 0..20 {
        let answer = stage.call("DescribeServices", json!({ "services": ten }));
        assert_eq!(answer["services"][9]["runningCount"], 2);
    }
    let each = begin.elapsed() / 20;
    assert!(each.as_millis() < limit, "{each:?}");
    let begin = Instant::now();
    for _ in 0..1000 {
        stage.pass(0.001);
    }
    assert!(begin.elapsed().as_millis() < 100, "{:?} for a thousand idle ticks", begin.elapsed());
}
