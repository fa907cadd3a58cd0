//! Faults between us and ECS: the verdict is the same as without them, or says who is to blame.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::stage::{Rehearsal, breaker, rule, says};

/// The fault, together with tasks that are healthy and with tasks that are not.
async fn right_all_the_same(faults: Value) -> [Rehearsal; 2] {
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

async fn end(rehearsals: [Rehearsal; 2]) {
    for rehearsal in rehearsals {
        rehearsal.end().await;
    }
}

#[tokio::test]
async fn burst_of_throttling_is_waited_out() {
    end(right_all_the_same(rule("ecs:*", 4, json!({ "throttle": {} }))).await).await;
}

#[tokio::test]
async fn every_third_call_may_fail() {
    end(right_all_the_same(json!({ "rules": [{ "on": "ecs:*", "every": 3, "then": { "status": 500 } }] })).await).await;
}

#[tokio::test]
async fn lost_answer_to_the_update_is_no_second_deployment() {
    for rehearsal in right_all_the_same(rule("ecs:UpdateService", 1, json!("lose_answer"))).await {
        let input = json!({ "cluster": "main", "service": "shop" });
        let made = rehearsal.ecs("ListServiceDeployments", input).await;
        assert_eq!(made["serviceDeployments"].as_array().unwrap().len(), 2, "{made}");
        rehearsal.end().await;
    }
}

#[tokio::test]
async fn late_and_stale_answers_do_not_mislead() {
    let lag = json!({ "serviceDeployments": 2.0, "currentDeployment": 60.0 });
    end(right_all_the_same(json!({ "lag": lag })).await).await;
}

#[tokio::test]
async fn record_that_may_not_be_read_is_done_without() {
    for rehearsal in right_all_the_same(rule("ecs:ListServiceDeployments", 1000, json!("deny"))).await {
        assert_eq!(rehearsal.sandbox.requests().await.iter().filter(|line| line.ends_with(" 400")).count(), 1);
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
