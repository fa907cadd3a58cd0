//! The `awslogs` driver: where a container's lines go.

use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub group: String,
    pub stream: String,
}

/// The place that a container's `logConfiguration` names, or none if it logs elsewhere. Without a prefix the stream
/// has the name of Docker's container id, for which the task's id stands here.
pub fn destination(container: &Value, task: &str) -> Option<Destination> {
    let (logs, name) = (&container["logConfiguration"], container["name"].as_str()?);
    if logs["logDriver"] != "awslogs" {
        return None;
    }
    let group = logs["options"]["awslogs-group"].as_str()?.to_owned();
    let stream = match logs["options"]["awslogs-stream-prefix"].as_str() {
        Some(prefix) => format!("{prefix}/{name}/{task}"),
        None => task.to_owned(),
    };
    Some(Destination { group, stream })
}
