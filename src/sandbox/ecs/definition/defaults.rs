//! What ECS writes into a task definition that did not say it. A later DescribeTaskDefinition shows these, so
//! a client that compares must reckon with them.

use serde_json::{Value, json};

use super::fargate::{cpu_units, mebibytes};
use crate::sandbox::ecs::input::Object;

const TASK_LISTS: &[&str] = &["volumes", "placementConstraints"];
const CONTAINER_LISTS: &[&str] = &["portMappings", "environment", "mountPoints", "volumesFrom", "systemControls"];

/// The document with ECS's defaults; what was said stays as it was said.
pub fn fill(document: &mut Object) {
    for member in TASK_LISTS {
        document.entry(*member).or_insert_with(|| json!([]));
    }
    normalise(document, "cpu", cpu_units);
    normalise(document, "memory", mebibytes);
    let awsvpc = document.get("networkMode").is_some_and(|mode| mode == "awsvpc");
    let containers = document.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
        fill_container(container, awsvpc);
    }
}

/// Sizes come back as plain numbers: `1 GB` as `1024`.
fn normalise(document: &mut Object, member: &str, read: fn(&str) -> Option<u64>) {
    if let Some(size) = document.get(member).and_then(Value::as_str).and_then(read) {
        document.insert(member.into(), size.to_string().into());
    }
}

fn fill_container(container: &mut Object, awsvpc: bool) {
    container.entry("cpu").or_insert_with(|| json!(0));
    container.entry("essential").or_insert_with(|| json!(true));
    for member in CONTAINER_LISTS {
        container.entry(*member).or_insert_with(|| json!([]));
    }
    let ports = container.get_mut("portMappings").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        fill_port(port, awsvpc);
    }
    if let Some(check) = container.get_mut("healthCheck").and_then(Value::as_object_mut) {
        for (member, usual) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
            check.entry(member).or_insert_with(|| json!(usual));
        }
    }
}

fn fill_port(port: &mut Object, awsvpc: bool) {
    port.entry("protocol").or_insert_with(|| json!("tcp"));
    let Some(inside) = port.get("containerPort").cloned() else { return };
    port.entry("hostPort").or_insert_with(|| if awsvpc { inside } else { json!(0) });
}
