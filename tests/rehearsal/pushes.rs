//! Faults between us and the registry: a push survives them, or says who is to blame.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::conditions;
use super::stage::{Rehearsal, rule};

/// Content that does not pack well.
fn noise() -> Vec<u8> {
    let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(7), next).take(1_000_000).map(|state| (state >> 24) as u8).collect()
}

async fn survives(faults: Value) -> Rehearsal {
    let rehearsal = Rehearsal::start().await;
    rehearsal.sandbox.set_faults(faults).await;
    let ended = rehearsal.push(&noise(), &["--output=json"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let image = json!({ "repositoryName": "shop", "imageIds": [{ "imageTag": "v1" }] });
    let (_, found) = rehearsal.sandbox.ecr("DescribeImages", image).await;
    assert_eq!(found["imageDetails"][0]["imageDigest"], document["digest"], "{found}");
    rehearsal
}

#[tokio::test]
async fn burst_of_throttling_is_waited_out() {
    let throttle = |on: &str, times: u32| json!({ "on": on, "times": times, "then": { "throttle": {} } });
    let rules = [throttle("POST /", 2), throttle("PUT /v2/*", 2), throttle("HEAD /v2/*", 2)];
    let rehearsal = survives(json!({ "rules": rules })).await;
    assert_eq!(rehearsal.count("PUT", " 429").await, 2);
    rehearsal.end().await;
}

#[tokio::test]
async fn every_fourth_request_may_fail() {
    let rehearsal = survives(json!({ "rules": [{ "on": "*", "every": 4, "then": { "status": 500 } }] })).await;
    assert!(rehearsal.count("", " 500").await > 2);
    rehearsal.end().await;
}

#[tokio::test]
async fn upload_that_is_cut_begins_anew() {
    let rehearsal = survives(rule("PUT /v2/*/blobs/*", 2, json!({ "cut": { "after": 100_000 } }))).await;
    let sessions = rehearsal.count("POST /v2/", " 202").await;
    let (cut, stored) = (rehearsal.count("PUT", " null").await, rehearsal.count("PUT /v2/shop/blobs", " 201").await);
    assert!(cut > 0, "a layer is larger than what comes through");
    assert_eq!(sessions, stored + cut, "a new session for each that was cut");
    rehearsal.end().await;
}

#[tokio::test]
async fn login_that_expires_on_the_way_is_renewed() {
    let run = async |(on, skip): (&str, u32)| {
        let rule = json!({ "on": on, "skip": skip, "then": "expire_token" });
        let rehearsal = survives(json!({ "rules": [rule] })).await;
        assert!(rehearsal.count("", " 401").await > 0, "{on}");
        rehearsal.end().await;
    };
    let requests = [("PUT /v2/*/blobs/*", 0), ("PUT /v2/*/manifests/*", 0), ("POST /v2/*", 1)];
    join_all(requests.map(run)).await;
}

#[tokio::test]
async fn ways_of_ecr_are_no_trouble() {
    survives(rule("*", 1000, json!("ecr_strict"))).await.end().await;
}

#[tokio::test]
async fn denied_action_is_named() {
    let actions = ["ecr:GetAuthorizationToken", "ecr:CreateRepository", "ecr:InitiateLayerUpload", "ecr:PutImage"];
    let run = async |action: &str| {
        let rehearsal = Rehearsal::start().await;
        rehearsal.sandbox.set_faults(rule(action, 1000, json!("deny"))).await;
        let ended = rehearsal.push(b"hello", &[]).await;
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        assert!(ended.stderr.contains(action), "{action}: {}", ended.stderr);
        rehearsal.end().await;
    };
    join_all(actions.map(run)).await;
}

#[tokio::test]
async fn clock_that_is_wrong_is_no_trouble() {
    for rule in [conditions::clock(3600), conditions::clock(-3600)] {
        conditions::end_of_one_that_met_it(survives(json!({ "rules": [rule] })).await).await;
    }
}
