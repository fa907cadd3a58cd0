//! What UpdateService moves and what it leaves alone, the other controllers, and the end of a service.

use serde_json::{Value, json};

use super::{GROUP, REGISTRY, Stage, balanced};
use crate::sandbox::ecs::Lag;

fn update(stage: &mut Stage, more: Value) -> Value {
    let mut body = json!({ "service": "web" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.call("UpdateService", body)["service"].clone()
}

#[test]
fn omitted_keeps_and_empty_removes() {
    let mut stage = Stage::with_service(1, balanced());
    let kept = update(&mut stage, json!({ "desiredCount": 2 }));
    assert_eq!(kept["loadBalancers"][0]["targetGroupArn"], GROUP);
    let removed = update(&mut stage, json!({ "loadBalancers": [] }));
    assert_eq!(removed["loadBalancers"], json!([]));
}

#[test]
fn unknown_members_survive() {
    let mut stage = Stage::with_service(1, json!({ "unknownSetting": { "a": [1] }, "loadBalancers": [] }));
    let hooks = json!([{ "targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"], "unknownDetail": 1 }]);
    let shown =
        update(&mut stage, json!({ "deploymentConfiguration": { "lifecycleHooks": hooks, "unknownMode": "x" } }));
    assert_eq!(shown["unknownSetting"], json!({ "a": [1] }));
    assert_eq!(shown["deploymentConfiguration"]["lifecycleHooks"][0]["unknownDetail"], 1);
    assert_eq!(shown["deploymentConfiguration"]["unknownMode"], "x");
}

#[test]
fn capacity_providers_take_the_place_of_a_launch_type() {
    let strategy = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
    let mut stage = Stage::with_service(1, json!({ "capacityProviderStrategy": strategy, "launchType": null }));
    let service = stage.service();
    assert_eq!((service.get("launchType"), &service["deployments"][0]["capacityProviderStrategy"]), (None, &strategy));
    let task = stage.tasks("RUNNING")[0].clone();
    assert_eq!((&task["capacityProviderName"], &task["launchType"]), (&json!("FARGATE_SPOT"), &json!("FARGATE")));
}

#[test]
fn only_some_members_start_a_deployment() {
    let mut stage = Stage::with_service(1, balanced());
    let id = stage.primary()["id"].clone();
    let quiet = json!({
        "desiredCount": 2, "healthCheckGracePeriodSeconds": 5, "enableECSManagedTags": true, "taskDefinition": "web:1",
        "deploymentConfiguration": { "minimumHealthyPercent": 50 },
    });
    let kept = update(&mut stage, quiet);
    assert_eq!(kept["deployments"][0]["id"], id);
    assert_eq!(kept["deploymentConfiguration"]["maximumPercent"], 200);
    for moving in
        [json!({ "forceNewDeployment": true }), json!({ "platformVersion": "1.4.0" }), json!({ "loadBalancers": [] })]
    {
        stage.rest();
        let before = stage.primary()["id"].clone();
        let after = update(&mut stage, moving.clone());
        assert_ne!(after["deployments"][0]["id"], before, "{moving}");
        assert_eq!(after["deployments"][0]["rolloutState"], "IN_PROGRESS");
    }
}

#[test]
fn scaling_starts_and_stops_tasks_without_a_deployment() {
    let mut stage = Stage::with_service(1, json!({}));
    update(&mut stage, json!({ "desiredCount": 3 }));
    stage.rest();
    assert_eq!(stage.service()["runningCount"], 3);
    update(&mut stage, json!({ "desiredCount": 0 }));
    stage.rest();
    let service = stage.service();
    assert_eq!((&service["runningCount"], &service["deployments"][0]["desiredCount"]), (&json!(0), &json!(0)));
    assert!(stage.events().last().unwrap().ends_with("has reached a steady state."));
    let stopped = stage.tasks("STOPPED");
    assert!(stopped.iter().all(|task| {
        task["stoppedReason"].as_str().unwrap().starts_with("Scaling activity initiated by (deployment ecs-svc/")
    }));
}

#[test]
fn task_that_is_stopped_by_hand_is_replaced() {
    let mut stage = Stage::with_service(2, json!({}));
    let arn = stage.tasks("RUNNING")[0]["taskArn"].clone();
    stage.call("StopTask", json!({ "task": arn }));
    stage.rest();
    let service = stage.service();
    assert_eq!((&service["runningCount"], &service["deployments"][0]["failedTasks"]), (&json!(2), &json!(0)));
}

#[test]
fn tasks_carry_the_service_s_tags() {
    let tags = json!([{ "key": "team", "value": "shop" }]);
    let mut stage =
        Stage::with_service(1, json!({ "tags": tags, "propagateTags": "SERVICE", "enableECSManagedTags": true }));
    let task = stage.tasks("RUNNING")[0].clone();
    let keys: Vec<&str> = task["tags"].as_array().unwrap().iter().map(|tag| tag["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["aws:ecs:clusterName", "aws:ecs:serviceName", "team"]);
    assert_eq!((&task["group"], &task["startedBy"]), (&json!("service:web"), &stage.primary()["id"]));
}

#[test]
fn service_drains_and_its_name_is_free_again() {
    let mut stage = Stage::with_service(2, balanced());
    assert!(stage.refusal("DeleteService", json!({ "service": "web" })).contains("scaled above 0"));
    let gone = stage.call("DeleteService", json!({ "service": "web", "force": true }));
    assert_eq!(gone["service"]["status"], "DRAINING");
    assert_eq!(stage.call("ListServices", json!({}))["serviceArns"], json!([]));
    assert!(
        stage
            .refusal("UpdateService", json!({ "service": "web" }))
            .contains("ServiceNotActiveException: Service was not ACTIVE.")
    );
    stage.rest();
    let service = stage.service();
    assert_eq!((&service["status"], &service["runningCount"]), (&json!("INACTIVE"), &json!(0)));
    stage.create(1, json!({}));
    assert_eq!(stage.service()["status"], "ACTIVE");
    stage.rest();
}

#[test]
fn missing_services_are_failures() {
    let mut stage = Stage::with_service(1, json!({}));
    let arn = stage.service()["serviceArn"].clone();
    let answer = stage.call("DescribeServices", json!({ "services": [arn, "none"] }));
    assert_eq!(answer["services"].as_array().unwrap().len(), 1);
    let missing = json!({ "arn": "arn:aws:ecs:eu-west-1:111122223333:service/default/none", "reason": "MISSING" });
    assert_eq!(answer["failures"], json!([missing]));
}

#[test]
fn service_requests_are_refused_as_ecs_does() {
    let mut stage = Stage::with_service(1, json!({}));
    let base = json!({
        "serviceName": "other", "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["s"] } },
    });
    let mut refuse = |more: Value, said: &str| {
        let mut body = base.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refusal = stage.refusal("CreateService", body);
        assert!(refusal.contains(said), "{refusal}");
    };
    refuse(json!({ "serviceName": "web" }), "InvalidParameterException: Creation of service was not idempotent.");
    refuse(json!({ "cluster": "none" }), "ClusterNotFoundException: Cluster not found.");
    refuse(json!({ "taskDefinition": "none" }), "ClientException: TaskDefinition not found.");
    refuse(json!({ "networkConfiguration": null }), "Network Configuration must be provided");
    let balancer = |name: &str, port: u32| json!({ "loadBalancers": [{ "targetGroupArn": GROUP, "containerName": name, "containerPort": port }] });
    refuse(balancer("no", 80), "The container no does not exist in the task definition.");
    refuse(balancer("web", 81), "The container web did not have a container port 81 defined.");
    refuse(
        json!({ "deploymentConfiguration": { "minimumHealthyPercent": 100, "maximumPercent": 100 } }),
        "will block deployments",
    );
    assert!(
        stage
            .refusal("UpdateService", json!({ "service": "none" }))
            .contains("ServiceNotFoundException: Service not found.")
    );
    assert!(stage.refusal("DescribeServices", json!({ "services": [] })).contains("Services cannot be empty."));
    assert!(stage.refusal("InventService", json!({})).starts_with("UnknownOperationException"));
}

#[test]
fn code_deploy_keeps_its_deployments_to_itself() {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    stage.register("web", json!({}));
    let mut settings = balanced();
    settings["deploymentController"] = json!({ "type": "CODE_DEPLOY" });
    settings["taskDefinition"] = json!("web:1");
    stage.create(1, settings);
    stage.rest();
    let service = stage.service();
    assert_eq!(
        (&service["deployments"], &service["taskSets"][0]["stabilityStatus"]),
        (&json!([]), &json!("STEADY_STATE"))
    );
    for (more, what) in [
        (
            json!({ "taskDefinition": "web:2" }),
            "Unable to update task definition on services with a CODE_DEPLOY deployment controller.",
        ),
        (
            json!({ "forceNewDeployment": true }),
            "Cannot force a new deployment on services with a CODE_DEPLOY deployment controller.",
        ),
        (json!({ "platformVersion": "1.4.0" }), "Unable to update platform version"),
    ] {
        let mut body = json!({ "service": "web" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert!(stage.refusal("UpdateService", body).contains(what));
    }
    assert_eq!(update(&mut stage, json!({ "desiredCount": 2 }))["desiredCount"], 2);
    stage.rest();
    assert_eq!(stage.service()["runningCount"], 2);
    assert!(
        stage.refusal("ListServiceDeployments", json!({ "service": "web" })).starts_with("UnsupportedFeatureException")
    );
}

#[test]
fn external_service_waits_for_its_task_sets() {
    let mut stage = Stage::new();
    stage.call(
        "CreateService",
        json!({ "serviceName": "web", "deploymentController": { "type": "EXTERNAL" }, "desiredCount": 2 }),
    );
    stage.rest();
    let service = stage.service();
    assert_eq!((&service["taskSets"], service.get("taskDefinition")), (&json!([]), None));
    assert!(stage.refusal("UpdateService", json!({ "service": "web", "taskDefinition": "web" })).contains("EXTERNAL"));
}

#[test]
fn revision_records_the_digest_that_runs() {
    let mut stage = Stage::with_registry();
    let digest = stage.push("v1", "first");
    stage.register_own("v1");
    stage.create(1, json!({}));
    stage.rest();
    let arn = stage.release()["targetServiceRevision"]["arn"].clone();
    let answer = stage.call(
        "DescribeServiceRevisions",
        json!({ "serviceRevisionArns": [arn, "arn:aws:ecs:r:1:service-revision/a/b/c"] }),
    );
    let image = json!({ "containerName": "web", "image": format!("{REGISTRY}/web:v1"), "imageDigest": digest });
    assert_eq!(answer["serviceRevisions"][0]["containerImages"], json!([image]));
    assert_eq!(answer["failures"][0]["reason"], "MISSING");
    assert_eq!(stage.tasks("RUNNING")[0]["containers"][0]["imageDigest"], json!(digest));
}

#[test]
fn tag_is_resolved_once_per_deployment() {
    let mut stage = Stage::with_registry();
    let old = stage.push("v1", "first");
    stage.register_own("v1");
    stage.create(1, json!({}));
    stage.rest();
    let digest = |stage: &mut Stage| -> Vec<Value> {
        let mut all: Vec<Value> =
            stage.tasks("RUNNING").iter().map(|task| task["containers"][0]["imageDigest"].clone()).collect();
        all.dedup();
        all
    };
    let new = stage.push("v1", "second");
    update(&mut stage, json!({ "desiredCount": 3 }));
    stage.rest();
    assert_eq!(digest(&mut stage), [json!(old)], "a scale-out runs what the deployment runs");
    update(&mut stage, json!({ "forceNewDeployment": true }));
    stage.rest();
    assert_eq!(digest(&mut stage), [json!(new)]);
}

#[test]
fn new_deployment_is_listed_late_and_the_current_one_is_stale() {
    let mut stage = Stage::with_service(1, json!({}));
    stage.pass(10.0);
    let old = stage.release()["serviceDeploymentArn"].clone();
    stage.plane.set_lag(Lag { service_deployments: 2.0, current_deployment: 4.0, ..Lag::default() });
    stage.deploy();
    assert_eq!(stage.release()["serviceDeploymentArn"], old);
    stage.pass(2.0);
    assert_ne!(stage.release()["serviceDeploymentArn"], old);
    assert_eq!(stage.service()["currentServiceDeployment"], old);
    stage.pass(2.0);
    assert_ne!(stage.service()["currentServiceDeployment"], old);
}

#[test]
fn service_deployments_are_filtered_and_paged() {
    let mut stage = Stage::with_service(1, json!({}));
    let begin = stage.now.seconds();
    stage.pass(1.0);
    for _ in 0..3 {
        stage.deploy();
        stage.rest();
    }
    let page = stage.call("ListServiceDeployments", json!({ "service": "web", "maxResults": 3 }));
    assert_eq!(page["serviceDeployments"].as_array().unwrap().len(), 3);
    let rest = stage.call("ListServiceDeployments", json!({ "service": "web", "nextToken": page["nextToken"] }));
    assert_eq!(rest["serviceDeployments"].as_array().unwrap().len(), 1);
    let after = json!({ "service": "web", "createdAt": { "after": begin }, "status": ["SUCCESSFUL"] });
    assert_eq!(stage.call("ListServiceDeployments", after)["serviceDeployments"].as_array().unwrap().len(), 3);
    let none = json!({ "service": "web", "status": ["IN_PROGRESS"] });
    assert_eq!(stage.call("ListServiceDeployments", none)["serviceDeployments"], json!([]));
}
