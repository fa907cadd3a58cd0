//! Services of no task at all and of more tasks than one answer holds.

use serde_json::{Value, json};

use super::Stage;

fn scale(stage: &mut Stage, count: u32) {
    stage.call("UpdateService", json!({ "service": "web", "desiredCount": count }));
}

/// All pages of ListTasks, and how many there were.
fn listed(stage: &mut Stage, status: &str) -> (Vec<Value>, usize) {
    let (mut arns, mut pages) = (Vec::new(), 0);
    let mut body = json!({ "serviceName": "web", "desiredStatus": status });
    loop {
        let page = stage.call("ListTasks", body.clone());
        arns.extend(page["taskArns"].as_array().unwrap().clone());
        pages += 1;
        match page.get("nextToken") {
            Some(token) => body["nextToken"] = token.clone(),
            None => return (arns, pages),
        }
    }
}

#[test]
fn service_is_scaled_to_nothing_and_back() {
    let mut stage = Stage::with_service(2, json!({}));
    let release = stage.release()["serviceDeploymentArn"].clone();
    scale(&mut stage, 0);
    stage.rest();
    let service = stage.service();
    assert_eq!(
        (&service["desiredCount"], &service["runningCount"], &service["pendingCount"]),
        (&json!(0), &json!(0), &json!(0))
    );
    let primary = &service["deployments"][0];
    assert_eq!((&primary["rolloutState"], &primary["desiredCount"]), (&json!("COMPLETED"), &json!(0)));
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1, "no new deployment");
    assert!(stage.events().last().unwrap().contains("has reached a steady state."));
    assert!(stage.tasks("RUNNING").is_empty());
    scale(&mut stage, 2);
    stage.rest();
    assert_eq!(stage.service()["runningCount"], 2);
    assert_eq!(stage.release()["serviceDeploymentArn"], release);
}

#[test]
fn deployment_of_no_tasks_succeeds_and_is_where_a_rollback_would_go() {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    stage.create(0, json!({}));
    stage.rest();
    assert_eq!((&stage.release()["status"], &stage.primary()["runningCount"]), (&json!("SUCCESSFUL"), &json!(0)));
    let definition = stage.deploy();
    stage.rest();
    assert_eq!(
        (&stage.release()["status"], &stage.service()["taskDefinition"]),
        (&json!("SUCCESSFUL"), &json!(definition))
    );
    assert!(listed(&mut stage, "STOPPED").0.is_empty(), "nothing was ever started");
}

#[test]
fn deployment_to_a_service_that_was_scaled_to_nothing_meanwhile_succeeds() {
    let mut stage = Stage::with_service(2, json!({}));
    stage.deploy();
    stage.pass(0.5);
    scale(&mut stage, 0);
    stage.rest();
    assert_eq!((&stage.release()["status"], &stage.service()["runningCount"]), (&json!("SUCCESSFUL"), &json!(0)));
}

#[test]
fn tasks_beyond_a_hundred_are_listed_in_pages_and_described_by_hundreds() {
    let mut stage = Stage::with_service(250, json!({}));
    let (arns, pages) = listed(&mut stage, "RUNNING");
    assert_eq!((arns.len(), pages), (250, 3));
    let mut seen: Vec<String> = Vec::new();
    for hundred in arns.chunks(100) {
        let answer = stage.call("DescribeTasks", json!({ "tasks": hundred }));
        assert_eq!(answer["failures"], json!([]));
        seen.extend(answer["tasks"].as_array().unwrap().iter().map(|task| task["taskArn"].to_string()));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 250);
    let refusal = stage.refusal("DescribeTasks", json!({ "tasks": arns[..101] }));
    assert!(refusal.contains("more than 100"), "{refusal}");
    stage.deploy();
    stage.rest();
    let service = stage.service();
    assert_eq!((&service["runningCount"], &stage.release()["status"]), (&json!(250), &json!("SUCCESSFUL")));
    assert_eq!(listed(&mut stage, "STOPPED").0.len(), 250, "the old ones");
    scale(&mut stage, 0);
    stage.rest();
    assert_eq!(listed(&mut stage, "STOPPED").0.len(), 500);
}
