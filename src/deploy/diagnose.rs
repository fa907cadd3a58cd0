//! Why a deployment failed. Its stopped tasks, the same reason counted once, with what is likely to mend it: ECS
//! forgets them after about an hour, so they are collected while a rollout goes on. And the other traces: the last
//! lines of the container at fault, the load balancer's reasons, alarms and hooks. All of it fits on one screen.

mod cures;
mod exit;
mod line;
mod logs;
mod screen;
mod target_health;
mod traces;
mod trigger;

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;

pub use cures::cure;
pub use line::harmless;
pub use logs::{Place, place, read as read_log, secrets};
pub use screen::screen;
pub use traces::{Evidence, Traces};
pub use trigger::{Trigger, read as triggers};

/// A task that ended, as DescribeTasks shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stopped {
    /// The last part of its ARN.
    pub id: String,
    /// The deployment that started it.
    pub started_by: String,
    pub task_definition: String,
    pub code: String,
    pub reason: String,
    pub containers: Vec<Container>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Container {
    pub name: String,
    /// Absent if it never started.
    pub exit: Option<i64>,
    pub reason: String,
}

/// One reason, and the tasks that it stopped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cause {
    pub count: usize,
    pub text: String,
    pub hint: Option<&'static str>,
    /// Ids of the tasks, newest last.
    pub tasks: Vec<String>,
}

impl Stopped {
    pub fn read(task: &Value) -> Stopped {
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let containers = task["containers"].as_array().into_iter().flatten().map(|container| Container {
            name: text(container, "name"),
            exit: container["exitCode"].as_i64(),
            reason: text(container, "reason"),
        });
        Stopped {
            id: text(task, "taskArn").rsplit('/').next().unwrap_or_default().to_owned(),
            started_by: text(task, "startedBy"),
            task_definition: text(task, "taskDefinitionArn"),
            code: text(task, "stopCode"),
            reason: text(task, "stoppedReason"),
            containers: containers.collect(),
        }
    }

    /// Stopped because a deployment or a new count made it superfluous.
    pub fn is_normal(&self) -> bool {
        self.reason.contains("Scaling activity initiated by")
    }

    /// What ended this task, in one line.
    pub fn why(&self) -> String {
        let containers = self.faults().map(|container| container.fault()).collect::<Vec<_>>();
        // That an essential container exited is said better by which one, and how.
        let plain = self.reason.starts_with("Essential container") && !containers.is_empty();
        let reason = if plain { "" } else { self.reason.as_str() };
        let details: Vec<&str> =
            containers.iter().map(String::as_str).filter(|fault| !reason.contains(*fault)).collect();
        match (reason, details.join("; ")) {
            ("", details) if details.is_empty() => format!("no reason given ({})", self.code),
            ("", details) => details,
            (reason, details) if details.is_empty() => reason.to_owned(),
            (reason, details) => format!("{reason}; {details}"),
        }
    }

    /// The container whose log is likely to tell why: one at fault that ever ran, or else any that did.
    pub fn culprit(&self) -> Option<&Container> {
        let ran = |container: &&Container| container.exit.is_some();
        self.faults().find(ran).or_else(|| self.containers.iter().find(ran))
    }

    /// The containers at fault. One that ended by a signal while another failed by itself was only taken along.
    fn faults(&self) -> impl Iterator<Item = &Container> {
        let own = |container: &Container| container.exit.is_some_and(|code| !matches!(code, 0 | 137 | 143));
        let any_own = self.containers.iter().any(own);
        let essential = self.code == "EssentialContainerExited";
        let signalled = move |container: &Container| container.exit.is_some_and(|code| code != 0) && !any_own;
        let ended = self.containers.len() == 1 && essential;
        self.containers.iter().filter(move |container| {
            own(container)
                || !container.reason.is_empty()
                || (essential && signalled(container))
                || (ended && container.exit.is_some())
        })
    }
}

impl Container {
    fn fault(&self) -> String {
        let Container { name, exit, reason } = self;
        match (exit, reason.as_str()) {
            (None, reason) => reason.to_owned(),
            (Some(0), "") => format!("container {name} exited with 0, but a service's container must keep running"),
            (Some(code), "") => {
                let meaning = exit::meaning(*code).map(|meaning| format!(" ({meaning})")).unwrap_or_default();
                format!("container {name} exited with {code}{meaning}")
            }
            (Some(code), reason) => format!("container {name} exited with {code}: {reason}"),
        }
    }
}

/// Groups tasks by what stopped them, the most frequent reason first. Tasks that made room are left out.
pub fn causes<'a>(tasks: impl IntoIterator<Item = &'a Stopped>) -> Vec<Cause> {
    let mut groups: Vec<(String, Cause)> = Vec::new();
    for task in tasks.into_iter().filter(|task| !task.is_normal()) {
        let text = task.why();
        let key = general(&text);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, cause)) => {
                cause.count += 1;
                cause.tasks.push(task.id.clone());
            }
            None => {
                let hint = cure(&text);
                groups.push((key, Cause { count: 1, text, hint, tasks: vec![task.id.clone()] }));
            }
        }
    }
    groups.sort_by_key(|(_, cause)| std::cmp::Reverse(cause.count));
    groups.into_iter().map(|(_, cause)| cause).collect()
}

/// The text without what differs from task to task: ids, addresses, times. Words with digits in them go.
fn general(text: &str) -> String {
    let parts = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '/' | '"' | '=');
    let varies = |word: &&str| word.len() >= 8 && word.bytes().filter(u8::is_ascii_digit).count() >= 3;
    text.split(parts).filter(|word| !varies(word)).collect::<Vec<_>>().join(" ")
}

/// Whether a service event speaks of trouble.
pub fn is_trouble(event: &str) -> bool {
    const SIGNS: [&str; 6] =
        ["unable to", "unhealthy", "failed", "health checks", "rolling back", "was unable to place a task"];
    SIGNS.iter().any(|sign| event.contains(sign))
}
