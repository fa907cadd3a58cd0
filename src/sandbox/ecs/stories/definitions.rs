//! Task definitions: what goes in comes out, and what ECS refuses is refused.

use serde_json::{Value, json};

use super::Stage;

#[test]
fn unknown_members_survive_at_every_depth() {
    let mut stage = Stage::new();
    let log = json!({ "logDriver": "json-file", "unknownInside": { "deep": [1, { "deeper": "x" }] } });
    let container = json!({ "name": "web", "image": "web:1", "unknownFlag": true, "logConfiguration": log });
    let number: Value = serde_json::from_str(r#"{"a":0.10}"#).unwrap();
    let arn = stage.register("web", json!({ "containerDefinitions": [container], "unknownTop": number }));
    let shown = stage.call("DescribeTaskDefinition", json!({ "taskDefinition": arn }))["taskDefinition"].clone();
    assert_eq!(shown["unknownTop"].to_string(), r#"{"a":0.10}"#);
    assert_eq!(shown["containerDefinitions"][0]["unknownFlag"], true);
    assert_eq!(shown["containerDefinitions"][0]["logConfiguration"]["unknownInside"]["deep"][1]["deeper"], "x");
}

#[test]
fn described_definition_registers_again_without_ecs_own_members() {
    let mut stage = Stage::new();
    stage.register("web", json!({}));
    let described = stage.call("DescribeTaskDefinition", json!({ "taskDefinition": "web" }))["taskDefinition"].clone();
    let mut body = described.clone();
    for own in [
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
    ] {
        assert!(body.as_object_mut().unwrap().shift_remove(own).is_some(), "{own}");
    }
    let again = stage.call("RegisterTaskDefinition", body)["taskDefinition"].clone();
    assert_eq!((&again["revision"], &again["containerDefinitions"]), (&json!(2), &described["containerDefinitions"]));
}

#[test]
fn ecs_adds_its_defaults_and_attributes() {
    let mut stage = Stage::new();
    let image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web@sha256:00";
    let role = "arn:aws:iam::111122223333:role/exec";
    let ports = json!([{ "containerPort": 80 }]);
    stage.register(
        "web",
        json!({
            "cpu": ".25 vCPU", "memory": "1 GB", "executionRoleArn": role,
            "containerDefinitions": [{ "name": "web", "image": image, "portMappings": ports }],
        }),
    );
    let shown = stage.call("DescribeTaskDefinition", json!({ "taskDefinition": "web:1" }))["taskDefinition"].clone();
    assert_eq!((&shown["cpu"], &shown["memory"], &shown["volumes"]), (&json!("256"), &json!("1024"), &json!([])));
    assert_eq!(
        shown["containerDefinitions"][0]["portMappings"][0],
        json!({ "containerPort": 80, "protocol": "tcp", "hostPort": 80 })
    );
    assert_eq!(shown["containerDefinitions"][0]["essential"], true);
    assert!(shown["requiresAttributes"].to_string().contains("ecs.capability.execution-role-ecr-pull"));
    assert!(shown["compatibilities"].to_string().contains("FARGATE"));
}

#[test]
fn tags_stand_beside_the_definition() {
    let mut stage = Stage::new();
    let tags = json!([{ "key": "team", "value": "shop" }]);
    stage.register("web", json!({ "tags": tags }));
    let plain = stage.call("DescribeTaskDefinition", json!({ "taskDefinition": "web" }));
    assert_eq!((plain.get("tags"), plain["taskDefinition"].get("tags")), (None, None));
    assert_eq!(
        stage.call("DescribeTaskDefinition", json!({ "taskDefinition": "web", "include": ["TAGS"] }))["tags"],
        tags
    );
}

#[test]
fn revisions_are_listed_and_deregistered() {
    let mut stage = Stage::new();
    let arns: Vec<String> = (0..3).map(|_| stage.register("web", json!({}))).collect();
    stage.register("worker", json!({}));
    stage.call("DeregisterTaskDefinition", json!({ "taskDefinition": arns[2] }));
    let newest =
        stage.call("DescribeTaskDefinition", json!({ "taskDefinition": "web" }))["taskDefinition"]["revision"].clone();
    assert_eq!(newest, 2);
    let listed = stage.call("ListTaskDefinitions", json!({ "familyPrefix": "web", "sort": "DESC" }));
    assert_eq!(listed["taskDefinitionArns"], json!([arns[1], arns[0]]));
    let inactive = stage.call("ListTaskDefinitions", json!({ "status": "INACTIVE" }));
    assert_eq!(inactive["taskDefinitionArns"], json!([arns[2]]));
    assert_eq!(
        stage.call("ListTaskDefinitionFamilies", json!({ "familyPrefix": "w" }))["families"],
        json!(["web", "worker"])
    );
    assert!(stage.refusal("RunTask", json!({ "taskDefinition": arns[2] })).contains("TaskDefinition is inactive"));
}

#[test]
fn deleted_revision_goes_and_its_number_stays_taken() {
    let mut stage = Stage::new();
    let arn = stage.register("web", json!({}));
    let active = stage.call("DeleteTaskDefinitions", json!({ "taskDefinitions": [arn] }));
    assert!(active["failures"][0]["reason"].as_str().unwrap().contains("ACTIVE"));
    stage.call("DeregisterTaskDefinition", json!({ "taskDefinition": arn }));
    let deleted = stage.call("DeleteTaskDefinitions", json!({ "taskDefinitions": [arn] }));
    assert_eq!(deleted["taskDefinitions"][0]["status"], "DELETE_IN_PROGRESS");
    assert!(
        stage
            .refusal("DescribeTaskDefinition", json!({ "taskDefinition": arn }))
            .contains("Unable to describe task definition.")
    );
    assert!(stage.register("web", json!({})).ends_with("web:2"));
}

#[test]
fn deleted_revision_stays_while_a_service_uses_it() {
    let mut stage = Stage::with_service(1, json!({}));
    stage.call("DeregisterTaskDefinition", json!({ "taskDefinition": "web:1" }));
    stage.call("DeleteTaskDefinitions", json!({ "taskDefinitions": ["web:1"] }));
    stage.call("UpdateService", json!({ "service": "web", "desiredCount": 2 }));
    stage.rest();
    assert_eq!(stage.service()["runningCount"], 2);
    let shown = stage.call("DescribeTaskDefinition", json!({ "taskDefinition": "web:1" }));
    assert_eq!(shown["taskDefinition"]["status"], "DELETE_IN_PROGRESS");
    stage.call("DeleteService", json!({ "service": "web", "force": true }));
    stage.pass(4000.0);
    assert!(stage.attempt("DescribeTaskDefinition", json!({ "taskDefinition": "web:1" })).is_err());
}

#[test]
fn definitions_are_refused_as_ecs_does() {
    let mut stage = Stage::new();
    let container = |more: Value| {
        let mut container = json!({ "name": "web", "image": "web:1" });
        container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "containerDefinitions": [container] })
    };
    let mut refuse = |more: Value, said: &str| {
        let mut body = json!({
            "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
            "containerDefinitions": [{ "name": "web", "image": "web:1" }],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refusal = stage.refusal("RegisterTaskDefinition", body);
        assert!(refusal.contains(said), "{refusal}");
    };
    refuse(json!({ "family": "a b" }), "Family contains invalid characters.");
    refuse(json!({ "memory": "4096" }), "No Fargate configuration exists for given values: 256 CPU, 4096 memory.");
    refuse(json!({ "cpu": null }), "Fargate requires that 'cpu' be defined at the task level.");
    refuse(json!({ "networkMode": "bridge" }), "Fargate only supports network mode");
    refuse(json!({ "cpu": "lots" }), "Invalid 'cpu' setting for task.");
    refuse(json!({ "containerDefinitions": [] }), "Container list cannot be empty.");
    refuse(container(json!({ "image": "" })), "Container.image should not be null or empty.");
    refuse(container(json!({ "essential": false })), "at least one essential container");
    refuse(container(json!({ "portMappings": [{ "containerPort": 80, "hostPort": 8080 }] })), "must match");
    let twice =
        json!({ "environment": [{ "name": "A", "value": "" }], "secrets": [{ "name": "A", "valueFrom": "b" }] });
    refuse(container(twice), "such as 'A'");
    refuse(json!({ "containerDefinitions": [{ "name": "a", "image": "a" }, { "name": "a", "image": "b" }] }), "unique");
    refuse(
        container(json!({ "image": "1.dkr.ecr.eu-west-1.amazonaws.com/web" })),
        "execution role ARN to support ECR images.",
    );
    let small = json!({ "family": "web", "containerDefinitions": [{ "name": "web", "image": "web" }] });
    let refusal = stage.refusal("RegisterTaskDefinition", small);
    assert!(refusal.contains("At least one of 'memory' or 'memoryReservation' must be specified."), "{refusal}");
}
