//! Task sets as somebody who deploys by himself uses them.

use serde_json::{Value, json};

use super::{GROUP, Stage, balanced};
use crate::sandbox::ecs::Fate;

const NETWORK: &str = r#"{ "awsvpcConfiguration": { "subnets": ["subnet-1"] } }"#;

/// An EXTERNAL service of two tasks.
fn external() -> Stage {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    let controller = json!({ "type": "EXTERNAL" });
    stage.call("CreateService", json!({ "serviceName": "web", "deploymentController": controller, "desiredCount": 2 }));
    stage.rest();
    stage
}

fn set(stage: &mut Stage, definition: &str, more: Value) -> String {
    let network: Value = serde_json::from_str(NETWORK).unwrap();
    let mut body = json!({ "cluster": "default", "service": "web", "taskDefinition": definition, "launchType": "FARGATE",
        "networkConfiguration": network });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = stage.call("CreateTaskSet", body);
    assert_eq!(made["taskSet"]["stabilityStatus"], "STABILIZING");
    made["taskSet"]["id"].as_str().unwrap().to_owned()
}

fn named(id: &str, member: &str) -> Value {
    json!({ "cluster": "default", "service": "web", member: id })
}

#[test]
fn task_sets_run_side_by_side_until_one_is_deleted() {
    let mut stage = external();
    stage.register("web", json!({}));
    let blue = set(&mut stage, "web:1", balanced());
    stage.rest();
    stage.call("UpdateServicePrimaryTaskSet", named(&blue, "primaryTaskSet"));
    let green = set(&mut stage, "web:2", json!({ "scale": { "value": 50.0, "unit": "PERCENT" }, "externalId": "d-1" }));
    stage.rest();
    let service = stage.service();
    assert_eq!((&service["runningCount"], &service["deployments"]), (&json!(3), &json!([])));
    let sets = service["taskSets"].as_array().unwrap();
    let of = |at: usize, member: &str| sets[at][member].clone();
    assert_eq!((of(0, "id"), of(0, "status"), of(0, "runningCount")), (json!(blue), json!("PRIMARY"), json!(2)));
    assert_eq!((of(1, "id"), of(1, "status"), of(1, "externalId")), (json!(green), json!("ACTIVE"), json!("d-1")));
    assert_eq!(of(0, "loadBalancers")[0]["targetGroupArn"], GROUP);
    assert!(sets.iter().all(|set| set["stabilityStatus"] == "STEADY_STATE"));
    assert!(stage.events().last().unwrap().ends_with("has reached a steady state."));

    stage.call("UpdateServicePrimaryTaskSet", named(&green, "primaryTaskSet"));
    assert!(stage.service()["taskDefinition"].as_str().unwrap().ends_with("web:2"));
    let forceless = named(&blue, "taskSet");
    assert!(stage.refusal("DeleteTaskSet", forceless.clone()).contains("force"));
    let mut forced = forceless;
    forced["force"] = json!(true);
    assert_eq!(stage.call("DeleteTaskSet", forced)["taskSet"]["status"], "DRAINING");
    stage.rest();
    let service = stage.service();
    assert_eq!((service["taskSets"].as_array().unwrap().len(), &service["runningCount"]), (1, &json!(1)));
}

#[test]
fn task_set_whose_tasks_fail_never_is_steady() {
    let mut stage = external();
    stage.fate("web", Fate::ExitCode { code: 3, after: 0.0 });
    set(&mut stage, "web:1", json!({}));
    stage.pass(600.0);
    let described = stage.call("DescribeTaskSets", json!({ "cluster": "default", "service": "web" }));
    assert_eq!(described["taskSets"][0]["stabilityStatus"], "STABILIZING");
    let lost =
        stage.call("DescribeTaskSets", json!({ "cluster": "default", "service": "web", "taskSets": ["ecs-svc/1"] }));
    assert_eq!((&lost["taskSets"], &lost["failures"][0]["reason"]), (&json!([]), &json!("MISSING")));
}

#[test]
fn task_sets_are_refused_where_they_cannot_be() {
    let mut stage = Stage::with_service(1, json!({}));
    let body = json!({ "cluster": "default", "service": "web", "taskDefinition": "web:1" });
    assert!(stage.refusal("CreateTaskSet", body).contains("Task sets are only supported"));
    let mut stage = external();
    let wrong = json!([{ "targetGroupArn": GROUP, "containerName": "wbe", "containerPort": 80 }]);
    let body = json!({ "cluster": "default", "service": "web", "taskDefinition": "web:1", "loadBalancers": wrong,
        "networkConfiguration": serde_json::from_str::<Value>(NETWORK).unwrap() });
    assert!(stage.refusal("CreateTaskSet", body).contains("The container wbe does not exist in the task definition."));
    let gone = named("ecs-svc/1", "taskSet");
    assert!(stage.refusal("DeleteTaskSet", gone).starts_with("TaskSetNotFoundException"));
}

#[test]
fn task_sets_outlive_a_restart_and_the_service_takes_them_along() {
    let mut stage = external();
    set(&mut stage, "web:1", json!({ "externalId": "d-1" }));
    stage.pass(0.3);
    let documents = stage.plane.changes().into_iter().filter_map(|change| Some((change.key, change.document?)));
    stage.plane = crate::sandbox::ecs::Plane::restore(documents.collect()).unwrap();
    stage.rest();
    let service = stage.service();
    assert_eq!((&service["taskSets"][0]["externalId"], &service["runningCount"]), (&json!("d-1"), &json!(2)));
    stage.call("DeleteService", json!({ "service": "web", "force": true }));
    stage.rest();
    assert_eq!(stage.service()["status"], "INACTIVE");
}
