//! `requiresAttributes` and `compatibilities`: what ECS reads out of a task definition about where it can run.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fargate::offers;
use crate::sandbox::ecs::input::Object;

/// Where the task could run, whatever it asked for.
pub fn compatibilities(document: &Object) -> Vec<Value> {
    let number = |member: &str| document.get(member)?.as_str()?.parse().ok();
    let awsvpc = document.get("networkMode").is_some_and(|mode| mode == "awsvpc");
    let sized = matches!((number("cpu"), number("memory")), (Some(cpu), Some(memory)) if offers(cpu, memory));
    let mut places = vec![json!("EC2")];
    match awsvpc {
        true if sized => places.extend([json!("MANAGED_INSTANCES"), json!("FARGATE")]),
        true => {}
        false => places.push(json!("EXTERNAL")),
    }
    places
}

/// Attributes that a container instance must have, in ECS's names.
pub fn attributes(document: &Object) -> Vec<Value> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    names.insert("com.amazonaws.ecs.capability.docker-remote-api.1.18".into());
    if document.get("networkMode").is_some_and(|mode| mode == "awsvpc") {
        names.insert("ecs.capability.task-eni".into());
    }
    if document.contains_key("taskRoleArn") {
        names.insert("com.amazonaws.ecs.capability.task-iam-role".into());
    }
    let role = document.contains_key("executionRoleArn");
    for container in document.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten() {
        names.extend(of_container(container, role).into_iter().map(String::from));
        names.extend(log_driver(container));
    }
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

fn of_container(container: &Value, role: bool) -> Vec<&'static str> {
    let ecr = container["image"].as_str().is_some_and(|image| image.contains(".dkr.ecr."));
    let awslogs = container["logConfiguration"]["logDriver"] == "awslogs";
    let secrets: Vec<&str> = container["secrets"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|secret| secret["valueFrom"].as_str())
        .collect();
    let is_asm = |from: &&str| from.contains(":secretsmanager:");
    let wanted = [
        (ecr, "com.amazonaws.ecs.capability.ecr-auth"),
        (ecr && role, "ecs.capability.execution-role-ecr-pull"),
        (awslogs && role, "ecs.capability.execution-role-awslogs"),
        (container.get("healthCheck").is_some(), "ecs.capability.container-health-check"),
        (container.get("dependsOn").is_some(), "ecs.capability.container-ordering"),
        (container.get("environmentFiles").is_some(), "ecs.capability.env-files.s3"),
        (secrets.iter().any(is_asm), "ecs.capability.secrets.asm.environment-variables"),
        (!secrets.iter().all(is_asm), "ecs.capability.secrets.ssm.environment-variables"),
    ];
    wanted.into_iter().filter(|(needed, _)| *needed).map(|(_, name)| name).collect()
}

fn log_driver(container: &Value) -> Option<String> {
    let driver = container["logConfiguration"]["logDriver"].as_str()?;
    Some(format!("com.amazonaws.ecs.capability.logging-driver.{driver}"))
}
