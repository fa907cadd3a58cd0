//! What ECS refuses in a task definition. Only what is surely wrong: a member that nobody here knows passes.
//! Texts are ECS's where they are known from reports; a remark says where they are ours.

use std::collections::HashSet;

use serde_json::Value;

use super::fargate::{cpu_units, mebibytes, offers};
use crate::sandbox::ecs::error::{ApiError, client, invalid};
use crate::sandbox::ecs::input::{list, one_of, required, text};

type Verdict = Result<(), ApiError>;

pub fn check(body: &Value) -> Verdict {
    check_family(body)?;
    one_of(body, "networkMode", &["bridge", "host", "awsvpc", "none"])?;
    let containers = list(body, "containerDefinitions")?;
    if containers.is_empty() {
        return Err(client("Container list cannot be empty.")); // our wording
    }
    check_names(containers)?;
    let task_memory = size(body, "memory", mebibytes)?;
    size(body, "cpu", cpu_units)?;
    for container in containers {
        check_container(container, task_memory.is_some(), body["networkMode"] == "awsvpc")?;
    }
    if containers.iter().all(|container| container["essential"] == false) {
        return Err(client("A task definition must have at least one essential container.")); // our wording
    }
    if wants_fargate(body)? { check_fargate(body, containers) } else { Ok(()) }
}

fn check_family(body: &Value) -> Verdict {
    let family = required(body, "family", "Family can not be blank.")?;
    let plain = family.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    if plain && family.len() <= 255 { Ok(()) } else { Err(client("Family contains invalid characters.")) }
}

fn check_names(containers: &[Value]) -> Verdict {
    let mut seen = HashSet::new();
    for container in containers {
        let name = required(container, "name", "Container.name should not be null or empty.")?;
        if !seen.insert(name) {
            return Err(client(format!("Container names must be unique within a task definition: '{name}'."))); // our wording
        }
    }
    Ok(())
}

fn check_container(container: &Value, sized: bool, awsvpc: bool) -> Verdict {
    let name = container["name"].as_str().unwrap_or_default();
    if text(container, "image")?.is_none_or(|image| image.trim().is_empty()) {
        return Err(client("Container.image should not be null or empty."));
    }
    if !sized && container.get("memory").is_none() && container.get("memoryReservation").is_none() {
        let wanted = "At least one of 'memory' or 'memoryReservation' must be specified.";
        return Err(client(format!("Invalid setting for container '{name}'. {wanted}")));
    }
    check_memory(container, name)?;
    check_ports(container, awsvpc)?;
    check_environment(container)
}

fn check_memory(container: &Value, name: &str) -> Verdict {
    let (hard, soft) = (container["memory"].as_i64(), container["memoryReservation"].as_i64());
    let wrong = match (hard, soft) {
        (Some(hard), _) if hard < 4 => "The value for 'memory' must be at least 4.",
        (Some(hard), Some(soft)) if soft > hard => "The value for 'memory' must be greater than 'memoryReservation'.",
        _ => return Ok(()),
    };
    Err(client(format!("Invalid setting for container '{name}'. {wrong}")))
}

fn check_ports(container: &Value, awsvpc: bool) -> Verdict {
    for port in list(container, "portMappings")? {
        let (inside, outside) = (port["containerPort"].as_i64(), port["hostPort"].as_i64());
        if awsvpc && outside.is_some_and(|outside| outside != 0 && Some(outside) != inside) {
            let wrong = "When networkMode=awsvpc, the host ports and container ports in port mappings must match.";
            return Err(client(wrong));
        }
    }
    Ok(())
}

fn check_environment(container: &Value) -> Verdict {
    let mut names: HashSet<&str> = list(container, "environment")?.iter().filter_map(|v| v["name"].as_str()).collect();
    for secret in list(container, "secrets")? {
        let name = secret["name"].as_str().unwrap_or_default();
        if !names.insert(name) {
            return Err(client(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on the \
                 container, such as '{name}'."
            )));
        }
    }
    Ok(())
}

/// A size in the task's own words; anything that is no number is refused.
fn size(body: &Value, member: &str, read: fn(&str) -> Option<u64>) -> Result<Option<u64>, ApiError> {
    let Some(written) = text(body, member)? else { return Ok(None) };
    read(written).map(Some).ok_or_else(|| client(format!("Invalid '{member}' setting for task.")))
}

pub fn wants_fargate(body: &Value) -> Result<bool, ApiError> {
    const KNOWN: &[&str] = &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"];
    let wanted = list(body, "requiresCompatibilities")?;
    match wanted.iter().find(|word| !word.as_str().is_some_and(|word| KNOWN.contains(&word))) {
        Some(word) => Err(invalid(format!("Unknown compatibility: {word}."))), // our wording
        None => Ok(wanted.iter().any(|word| word == "FARGATE")),
    }
}

fn check_fargate(body: &Value, containers: &[Value]) -> Verdict {
    if body["networkMode"] != "awsvpc" {
        return Err(client("Fargate only supports network mode ‘awsvpc’."));
    }
    let Some(cpu) = size(body, "cpu", cpu_units)? else {
        return Err(client("Fargate requires that 'cpu' be defined at the task level."));
    };
    let Some(memory) = size(body, "memory", mebibytes)? else {
        return Err(client("Fargate requires that 'memory' be defined at the task level."));
    };
    if !offers(cpu, memory) {
        let asked = format!("No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.");
        return Err(client(format!("{asked} See the Amazon ECS documentation for the valid values.")));
    }
    if body.get("executionRoleArn").is_none() { check_role_is_not_needed(containers) } else { Ok(()) }
}

fn check_role_is_not_needed(containers: &[Value]) -> Verdict {
    let needs = |what: &str| {
        Err(client(format!("Fargate requires task definition to have execution role ARN to support {what}.")))
    };
    for container in containers {
        if container["image"].as_str().is_some_and(|image| image.contains(".dkr.ecr.")) {
            return needs("ECR images");
        }
        if container["logConfiguration"]["logDriver"] == "awslogs" {
            return needs("log driver awslogs");
        }
        if !list(container, "secrets")?.is_empty() {
            return needs("container secrets"); // our wording
        }
    }
    Ok(())
}
