//! How a task ended, from what DescribeTasks shows of it. Pure. A task is well if the containers that count exited
//! with 0 and nobody and nothing else stopped it.
//!
//! ECS stops all containers of a task once an essential one ends, and says nothing of the order. So of several
//! essential containers with different ends it cannot be told which one was only taken along: one that counts is
//! named, or it is the one that these tasks run another command in, or all count.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::plan::containers;
use crate::deploy::diagnose::{Container, Stopped};

/// Whose exit code counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counting {
    /// This one alone.
    Only(String),
    /// This one; the other essential ones may end by the signal that stops them.
    Main { main: String, others: Vec<String> },
    /// Every one of these.
    All(Vec<String>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// With ECS's own word for how far it is.
    Going(String),
    Succeeded,
    /// The exit code that is to blame; none if it never started.
    Failed(Option<i64>),
}

impl Counting {
    pub fn of(definition: &Value, overrides: &Map<String, Value>, only: Option<&str>) -> Counting {
        if let Some(only) = only {
            return Counting::Only(only.to_owned());
        }
        let name = |container: &Value| container["name"].as_str().unwrap_or_default().to_owned();
        let essential: Vec<String> =
            containers(definition).filter(|container| container["essential"] != false).map(name).collect();
        let entries = overrides.get("containerOverrides").and_then(Value::as_array).into_iter().flatten();
        let told = entries.filter(|entry| !entry["command"].is_null()).map(name);
        let told: Vec<String> = told.filter(|name| essential.contains(name)).collect();
        match told.as_slice() {
            [main] if essential.len() > 1 => {
                let others = essential.iter().filter(|name| *name != main).cloned().collect();
                Counting::Main { main: main.clone(), others }
            }
            _ => Counting::All(essential),
        }
    }

    /// The container to blame and its code, if any is.
    fn fault(&self, task: &Stopped) -> Option<Option<i64>> {
        let found = |name: &String| task.containers.iter().find(|container| container.name == *name);
        let zero = |name: &String| blame(found(name), |code| code == 0);
        let signalled = |name: &String| blame(found(name), |code| matches!(code, 0 | 137 | 143));
        match self {
            Counting::Only(name) => zero(name),
            Counting::Main { main, others } => zero(main).or_else(|| others.iter().find_map(signalled)),
            Counting::All(names) => {
                // One that failed by itself says more than one that was taken along.
                names.iter().find_map(signalled).or_else(|| names.iter().find_map(zero))
            }
        }
    }

    /// What to do where it cannot be told which container mattered.
    pub fn advice(&self, task: &Stopped) -> Option<String> {
        let Counting::All(names) = self else { return None };
        let code = |name: &&String| task.containers.iter().find(|c| c.name == **name).and_then(|c| c.exit);
        let done: Vec<&String> = names.iter().filter(|name| code(name) == Some(0)).collect();
        let taken: Vec<&String> = names.iter().filter(|name| matches!(code(name), Some(137 | 143))).collect();
        match (done.as_slice(), taken.as_slice()) {
            ([first, ..], [_, ..]) if done.len() + taken.len() == names.len() => Some(format!(
                "All of these are essential, so all count. If {first} alone does, give `--exit-code-from {first}`."
            )),
            _ => None,
        }
    }
}

/// None if the container ended as it may; a reason of its own (out of memory) is never well.
fn blame(container: Option<&Container>, well: impl Fn(i64) -> bool) -> Option<Option<i64>> {
    match container {
        Some(Container { exit: Some(code), reason, .. }) if well(*code) && (reason.is_empty() || *code == 0) => None,
        Some(container) => Some(container.exit),
        None => Some(None),
    }
}

pub fn judge(task: &Value, counting: &Counting) -> State {
    let status = task["lastStatus"].as_str().unwrap_or_default();
    if !has_ended(task, status) {
        return State::Going(status.to_owned());
    }
    let stopped = Stopped::read(task);
    let by_itself = matches!(stopped.code.as_str(), "" | "EssentialContainerExited");
    match counting.fault(&stopped) {
        Some(code) => State::Failed(code),
        None if by_itself => State::Succeeded,
        // Exit code 0, but as an answer to SIGTERM: what it was to do may not be done.
        None => State::Failed(Some(0)),
    }
}

/// In DEPROVISIONING the containers are gone, and only the network interface is left to detach; some ten seconds on
/// Fargate that nobody needs to wait for.
fn has_ended(task: &Value, status: &str) -> bool {
    let coded = |container: &Value| container["exitCode"].is_i64() || !container["reason"].is_null();
    let containers = task["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
    match status {
        "STOPPED" | "DELETED" => true,
        "DEPROVISIONING" => !task["stopCode"].is_null() && !containers.is_empty() && containers.iter().all(coded),
        _ => false,
    }
}
