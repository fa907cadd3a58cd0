//! Stories of whole deployments, told in simulated time to ECS and CodeDeploy together.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::sandbox::{Control, Ecs, Refusal};

const BLUE: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/blue/0123456789abcdef";

/// A service of two tasks on `web:1`, the definition `web:2`, and a deployment group for it.
struct Stage {
    plane: Ecs,
    now: SystemTime,
}

impl Stage {
    fn new(more: Value) -> Self {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let mut stage = Stage { plane: Ecs::new("111122223333", "eu-west-1"), now };
        stage.ecs("CreateCluster", json!({ "clusterName": "main" }));
        for image in ["web:1", "web:2"] {
            let web = json!({ "name": "web", "image": image, "portMappings": [{ "containerPort": 80 }] });
            let definition = json!({ "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
                "cpu": "256", "memory": "512", "containerDefinitions": [web] });
            stage.ecs("RegisterTaskDefinition", definition);
        }
        let balancer = json!({ "targetGroupArn": BLUE, "containerName": "web", "containerPort": 80 });
        let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
        stage.ecs(
            "CreateService",
            json!({ "cluster": "main", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 2,
            "launchType": "FARGATE", "networkConfiguration": network, "loadBalancers": [balancer],
            "deploymentController": { "type": "CODE_DEPLOY" } }),
        );
        stage.rest();
        stage.code("CreateApplication", json!({ "applicationName": "app", "computePlatform": "ECS" }));
        stage.code("CreateDeploymentGroup", group(more));
        stage
    }

    fn ecs(&mut self, operation: &str, body: Value) -> Value {
        self.plane.call(operation, body, self.now).unwrap_or_else(|why| panic!("{operation}: {why}"))
    }

    fn code(&mut self, operation: &str, body: Value) -> Value {
        self.attempt(operation, body).unwrap_or_else(|why| panic!("{operation}: {why}"))
    }

    fn attempt(&mut self, operation: &str, body: Value) -> Result<Value, Refusal> {
        self.plane.codedeploy(operation, body, self.now)
    }

    /// Deploys with this AppSpec and answers the id.
    fn deploy(&mut self, spec: Value) -> String {
        let body = json!({ "applicationName": "app", "deploymentGroupName": "web",
            "revision": { "revisionType": "AppSpecContent", "appSpecContent": { "content": spec.to_string() } } });
        self.code("CreateDeployment", body)["deploymentId"].as_str().unwrap().to_owned()
    }

    fn get(&mut self, id: &str) -> Value {
        self.code("GetDeployment", json!({ "deploymentId": id }))["deploymentInfo"].clone()
    }

    fn target(&mut self, id: &str) -> Value {
        let body = json!({ "deploymentId": id, "targetId": "main:web" });
        self.code("GetDeploymentTarget", body)["deploymentTarget"]["ecsTarget"].clone()
    }

    fn service(&mut self) -> Value {
        self.ecs("DescribeServices", json!({ "cluster": "main", "services": ["web"] }))["services"][0].clone()
    }

    fn step(&mut self) -> bool {
        let soon = self.now + Duration::from_secs(1000);
        let Some(next) = self.plane.next_wake().filter(|next| *next < soon) else { return false };
        self.now = next.max(self.now);
        self.plane.tick(self.now);
        true
    }

    /// Lets time pass until nothing but the memory of stopped tasks is left to wait for.
    fn rest(&mut self) {
        assert!((0..20_000).any(|_| !self.step()), "never comes to rest");
    }

    fn until(&mut self, id: &str, status: &str) {
        for _ in 0..20_000 {
            if self.get(id)["status"] == status {
                return;
            }
            assert!(self.step(), "{}", self.get(id));
        }
    }

    fn primary(&mut self) -> String {
        let service = self.service();
        service["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    }

    fn restart(&mut self) {
        let changes = self.plane.changes().into_iter().filter_map(|(key, document)| Some((key, document?)));
        let documents = changes.collect();
        self.plane = Ecs::new("0", "none");
        self.plane.restore(documents).unwrap();
    }
}

fn group(more: Value) -> Value {
    let pair = json!({ "targetGroups": [{ "name": "blue" }, { "name": "green" }],
        "prodTrafficRoute": { "listenerArns": ["arn:listener"] } });
    let mut body = json!({
        "applicationName": "app",
        "deploymentGroupName": "web",
        "serviceRoleArn": "arn:aws:iam::111122223333:role/codedeploy",
        "deploymentStyle": { "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" },
        "blueGreenDeploymentConfiguration": {
            "terminateBlueInstancesOnDeploymentSuccess": { "action": "TERMINATE", "terminationWaitTimeInMinutes": 5 },
            "deploymentReadyOption": { "actionOnTimeout": "CONTINUE_DEPLOYMENT" },
        },
        "loadBalancerInfo": { "targetGroupPairInfoList": [pair] },
        "ecsServices": [{ "clusterName": "main", "serviceName": "web" }],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn spec(definition: &str) -> Value {
    let properties = json!({ "TaskDefinition": definition,
        "LoadBalancerInfo": { "ContainerName": "web", "ContainerPort": 80 } });
    let service = json!({ "Type": "AWS::ECS::Service", "Properties": properties });
    json!({ "version": 0.0, "Resources": [{ "TargetService": service }] })
}

fn back() -> Value {
    json!({ "autoRollbackConfiguration": { "enabled": true, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST"] } })
}

#[test]
fn deployment_replaces_the_task_set() {
    let mut stage = Stage::new(json!({}));
    let before = stage.service();
    let id = stage.deploy(spec("web:2"));
    assert_eq!(stage.get(&id)["status"], "Created");
    assert_eq!(
        stage.attempt("ListDeploymentTargets", json!({ "deploymentId": id })).unwrap_err().code,
        "DeploymentNotStartedException"
    );
    stage.until(&id, "InProgress");
    for _ in 0..400 {
        if stage.get(&id)["instanceTerminationWaitTimeStarted"] == true {
            break;
        }
        stage.step();
    }
    let target = stage.target(&id);
    let sets = target["taskSetsInfo"].as_array().unwrap();
    let seen: Vec<_> =
        sets.iter().map(|set| (&set["taskSetLabel"], &set["status"], &set["targetGroup"]["name"])).collect();
    let wanted =
        [("Green", "PRIMARY", "green"), ("Blue", "ACTIVE", "blue")].map(|(a, b, c)| (json!(a), json!(b), json!(c)));
    assert!(seen.iter().zip(&wanted).all(|(a, b)| (a.0, a.1, a.2) == (&b.0, &b.1, &b.2)), "{target}");
    assert_eq!((&sets[0]["trafficWeight"], &sets[0]["runningCount"]), (&json!(100.0), &json!(2)));
    let names: Vec<&str> = target["lifecycleEvents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["lifecycleEventName"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["BeforeInstall", "Install", "AfterInstall", "BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic"]
    );
    stage.until(&id, "Succeeded");
    stage.rest();
    let service = stage.service();
    let sets = service["taskSets"].as_array().unwrap();
    assert_eq!((sets.len(), &sets[0]["externalId"], &sets[0]["startedBy"]), (1, &json!(id), &json!("CODE_DEPLOY")));
    assert_ne!(sets[0]["id"], before["taskSets"][0]["id"]);
    assert_eq!(sets[0]["networkConfiguration"], before["taskSets"][0]["networkConfiguration"]);
    assert!(service["loadBalancers"][0]["targetGroupArn"].as_str().unwrap().contains("targetgroup/green/"));
    assert_eq!(stage.primary(), "web:2");
    let shown = stage.code("GetDeploymentGroup", json!({ "applicationName": "app", "deploymentGroupName": "web" }));
    assert_eq!(shown["deploymentGroupInfo"]["lastSuccessfulDeployment"]["deploymentId"], json!(id));
}

#[test]
fn deployment_that_fails_is_rolled_back_by_another() {
    let mut stage = Stage::new(back());
    let fates = json!([{ "family": "web:2", "fate": { "exitCode": { "code": 3 } } }]);
    stage.plane.set_fates(fates).unwrap();
    let id = stage.deploy(spec("web:2"));
    stage.until(&id, "Failed");
    let failed = stage.get(&id);
    assert!(failed["errorInformation"]["message"].as_str().unwrap().contains("replacement task set"), "{failed}");
    let second = failed["rollbackInfo"]["rollbackDeploymentId"].as_str().unwrap().to_owned();
    stage.until(&second, "Succeeded");
    let rollback = stage.get(&second);
    assert_eq!(
        (&rollback["creator"], &rollback["rollbackInfo"]["rollbackTriggeringDeploymentId"]),
        (&json!("codeDeployRollback"), &json!(id))
    );
    stage.rest();
    assert_eq!((stage.primary().as_str(), stage.service()["taskSets"].as_array().unwrap().len()), ("web:1", 1));
    let listed = stage.code("ListDeployments", json!({ "applicationName": "app", "deploymentGroupName": "web" }));
    assert_eq!(listed["deployments"], json!([second, id]));
}

#[test]
fn failure_without_rollback_leaves_the_old_set_serving_and_the_next_deployment_cleans_up() {
    let mut stage = Stage::new(json!({}));
    stage.plane.set_fates(json!([{ "family": "web:2", "fate": "neverStarts" }])).unwrap();
    let id = stage.deploy(spec("web:2"));
    stage.until(&id, "Failed");
    assert_eq!((stage.get(&id).get("rollbackInfo"), stage.primary().as_str()), (None, "web:1"));
    assert_eq!(stage.service()["taskSets"].as_array().unwrap().len(), 2);
    let again = stage.deploy(spec("web:1"));
    stage.until(&again, "Succeeded");
    stage.rest();
    assert_eq!(stage.service()["taskSets"].as_array().unwrap().len(), 1);
}

#[test]
fn what_ecs_refuses_fails_the_deployment() {
    let mut stage = Stage::new(json!({}));
    let mut wrong = spec("web:2");
    wrong["Resources"][0]["TargetService"]["Properties"]["LoadBalancerInfo"]["ContainerName"] = json!("wbe");
    for (spec, code, part) in [
        (wrong, "ECS_UPDATE_ERROR", "The container wbe does not exist in the task definition."),
        (json!({}), "INVALID_REVISION", "Exactly one target service"),
    ] {
        let id = stage.deploy(spec);
        stage.until(&id, "Failed");
        let error = stage.get(&id)["errorInformation"].clone();
        assert_eq!(error["code"], code);
        assert!(error["message"].as_str().unwrap().contains(part), "{error}");
    }
}

#[test]
fn one_deployment_of_a_group_at_a_time_and_a_stop_ends_it() {
    let mut stage = Stage::new(json!({}));
    let id = stage.deploy(spec("web:2"));
    let body = json!({ "applicationName": "app", "deploymentGroupName": "web",
        "revision": { "revisionType": "AppSpecContent", "appSpecContent": { "content": "{}" } } });
    let refused = stage.attempt("CreateDeployment", body).unwrap_err();
    assert_eq!(refused.code, "DeploymentLimitExceededException");
    assert_eq!(refused.message, format!("The Deployment Group 'web' already has an active Deployment '{id}'"));
    for _ in 0..5 {
        stage.step();
    }
    let stopped = stage.code("StopDeployment", json!({ "deploymentId": id, "autoRollbackEnabled": true }));
    assert_eq!(stopped["status"], "Pending");
    let shown = stage.get(&id);
    assert_eq!(shown["status"], "Stopped");
    let second = shown["rollbackInfo"]["rollbackDeploymentId"].as_str().unwrap().to_owned();
    stage.until(&second, "Succeeded");
    let again = stage.attempt("StopDeployment", json!({ "deploymentId": id })).unwrap_err();
    assert_eq!(again.code, "DeploymentAlreadyCompletedException");
    stage.rest();
    assert_eq!(stage.primary(), "web:1");
}

#[test]
fn deployment_waits_for_a_word_and_survives_a_restart() {
    let mut more = group(json!({}))["blueGreenDeploymentConfiguration"].clone();
    more["deploymentReadyOption"] = json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 30 });
    let mut stage = Stage::new(json!({ "blueGreenDeploymentConfiguration": more }));
    let id = stage.deploy(spec("web:2"));
    stage.until(&id, "Ready");
    stage.restart();
    assert_eq!(stage.primary(), "web:1");
    stage.code("ContinueDeployment", json!({ "deploymentId": id, "deploymentWaitType": "READY_WAIT" }));
    for _ in 0..400 {
        if stage.get(&id)["instanceTerminationWaitTimeStarted"] == true {
            break;
        }
        stage.step();
    }
    assert_eq!(stage.primary(), "web:2");
    let early = stage.now;
    stage.code("ContinueDeployment", json!({ "deploymentId": id, "deploymentWaitType": "TERMINATION_WAIT" }));
    stage.until(&id, "Succeeded");
    assert!(stage.now.duration_since(early).unwrap() < Duration::from_secs(1));
    let id = stage.deploy(spec("web:1"));
    stage.until(&id, "Stopped");
    assert_eq!(stage.primary(), "web:2", "nobody said a word");
}

#[test]
fn canary_shifts_a_part_first() {
    let config = "CodeDeployDefault.ECSCanary10Percent5Minutes";
    let mut stage = Stage::new(json!({ "deploymentConfigName": config }));
    let id = stage.deploy(spec("web:2"));
    let mut weights = Vec::new();
    while stage.get(&id)["status"] != "Succeeded" {
        assert!(stage.step());
        let target = stage.attempt("GetDeploymentTarget", json!({ "deploymentId": id, "targetId": "main:web" }));
        let sets = target.unwrap_or_default()["deploymentTarget"]["ecsTarget"]["taskSetsInfo"].clone();
        let green = sets.as_array().into_iter().flatten().find(|set| set["taskSetLabel"] == "Green").cloned();
        let weight = green.and_then(|green| green["trafficWeight"].as_f64()).unwrap_or_default();
        if weights.last() != Some(&weight) {
            weights.push(weight);
        }
    }
    assert_eq!(weights, [0.0, 10.0, 100.0]);
    let group = |name: &str| {
        let targets = stage.plane.targets(name);
        targets.iter().map(|target| target.weight).collect::<Vec<_>>()
    };
    assert!(!group(BLUE).contains(&100), "the old group serves no more");
}

#[test]
fn group_is_refused_without_what_ecs_needs() {
    let mut stage = Stage::new(json!({}));
    for (more, code) in [
        (json!({ "deploymentStyle": null }), "InvalidDeploymentStyleException"),
        (json!({ "loadBalancerInfo": null }), "InvalidTargetGroupPairException"),
        (json!({ "ecsServices": [{ "clusterName": "main", "serviceName": "other" }] }), "InvalidECSServiceException"),
        (json!({}), "ECSServiceMappingLimitExceededException"),
        (json!({ "serviceRoleArn": "" }), "RoleRequiredException"),
        (json!({ "deploymentGroupName": "a b" }), "InvalidDeploymentGroupNameException"),
    ] {
        let mut body = group(more.clone());
        if more.get("deploymentGroupName").is_none() {
            body["deploymentGroupName"] = json!("second");
        }
        assert_eq!(stage.attempt("CreateDeploymentGroup", body).unwrap_err().code, code);
    }
    let missing = json!({ "applicationName": "nope", "deploymentGroupName": "web" });
    let refused = stage.attempt("GetDeploymentGroup", missing).unwrap_err();
    assert_eq!(refused.message, "No application found for name: nope");
}
