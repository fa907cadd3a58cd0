//! Faults between us and ECS: the verdict is the same as without them, or says who is to blame.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::stage::{Rehearsal, breaker, rule, says};

/// The fault, together with tasks that are healthy and with tasks that are not.
pub async fn right_all_the_same(faults: Value) -> [Rehearsal; 2] {
    let run = async |fate: Value, code: i32, part: &str| {
        let rehearsal = Rehearsal::with_service(breaker(true)).await;
        let mut document = faults.clone();
        document["fates"] = json!([{ "family": "shop:2", "fate": fate }]);
        rehearsal.sandbox.set_faults(document).await;
        says(&rehearsal.deploy(&[]).await, code, &[part]);
        rehearsal
    };
    let (well, ill) = tokio::join!(
        run(json!("healthy"), 0, "shop:2 is deployed"),
        run(json!({ "exitCode": { "code": 3 } }), 4, "shop:2 failed and was rolled back to shop:1"),
    );
    [well, ill]
}

/// A burst of throttling, every third call failing, and answers that are late or stale.
#[tokio::test]
async fn foul_weather_changes_no_verdict() {
    let throttled = rule("ecs:*", 4, json!({ "throttle": {} }));
    let failing = json!({ "rules": [{ "on": "ecs:*", "every": 3, "then": { "status": 500 } }] });
    let behind = json!({ "lag": { "serviceDeployments": 2.0, "currentDeployment": 60.0 } });
    let run = async |faults: Value| {
        for rehearsal in right_all_the_same(faults).await {
            rehearsal.end().await;
        }
    };
    join_all([throttled, failing, behind].map(run)).await;
}

/// The answer to the update is lost, and the record of deployments may not be read.
#[tokio::test]
async fn call_that_fails_is_neither_repeated_nor_missed() {
    let lost = right_all_the_same(rule("ecs:UpdateService", 1, json!("lose_answer")));
    let denied = right_all_the_same(rule("ecs:ListServiceDeployments", 1000, json!("deny")));
    let (lost, denied) = tokio::join!(lost, denied);
    for rehearsal in lost {
        let input = json!({ "cluster": "main", "service": "shop" });
        let made = rehearsal.ecs("ListServiceDeployments", input).await;
        assert_eq!(made["serviceDeployments"].as_array().unwrap().len(), 2, "no second one of ours: {made}");
        rehearsal.end().await;
    }
    for rehearsal in denied {
        assert_eq!(rehearsal.count("", " 400").await, 1, "asked once");
        rehearsal.end().await;
    }
}

#[tokio::test]
async fn denied_action_is_named() {
    let run = async |action: &str| {
        let rehearsal = Rehearsal::with_service(json!({})).await;
        rehearsal.sandbox.set_faults(rule(action, 1000, json!("deny"))).await;
        says(&rehearsal.deploy(&[]).await, 1, &[action]);
        rehearsal.sandbox.set_faults(json!({})).await;
        assert!(rehearsal.service().await["taskDefinition"].as_str().unwrap().ends_with("shop:1"));
        rehearsal.end().await;
    };
    join_all(["ecs:DescribeServices", "ecs:RegisterTaskDefinition", "ecs:UpdateService"].map(run)).await;
}
