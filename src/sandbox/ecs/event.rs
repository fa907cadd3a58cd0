//! A service's events in ECS's wording, newest first, the last hundred kept. What people and tools search for
//! in a failed rollout is these sentences, so they are said here and nowhere else.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ids::Ids;
use super::time::Now;

const KEPT: usize = 100;

/// Kept as they are shown: a service is described far more often than it has something to say.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Events(VecDeque<Value>);

impl Events {
    /// Says `text` of a service: `(service web) text`.
    pub fn say(&mut self, service: &str, text: impl AsRef<str>, ids: &mut Ids, at: Now) {
        let message = format!("(service {service}) {}", text.as_ref());
        self.push(message, ids, at);
    }

    /// The one sentence that names the deployment within the first brackets.
    pub fn draining(&mut self, service: &str, deployment: &str, count: usize, ids: &mut Ids, at: Now) {
        let text =
            format!("(service {service}, taskSet {deployment}) has begun draining connections on {count} tasks.");
        self.push(text, ids, at);
    }

    fn push(&mut self, message: String, ids: &mut Ids, at: Now) {
        self.0.push_front(json!({ "id": ids.uuid(), "createdAt": at.stamp(), "message": message }));
        self.0.truncate(KEPT);
    }

    pub fn show(&self) -> Value {
        self.0.iter().cloned().collect()
    }
}

/// `(task a) (task b)`.
fn named(tasks: &[String]) -> String {
    tasks.iter().map(|id| format!("(task {id})")).collect::<Vec<_>>().join(" ")
}

pub fn started(tasks: &[String]) -> String {
    format!("has started {} tasks: {}.", tasks.len(), named(tasks))
}

pub fn stopped(tasks: &[String]) -> String {
    format!("has stopped {} running tasks: {}.", tasks.len(), named(tasks))
}

pub fn registered(count: usize, group: &str) -> String {
    format!("registered {count} targets in (target-group {group})")
}

pub fn deregistered(count: usize, group: &str) -> String {
    format!("deregistered {count} targets in (target-group {group})")
}

pub fn unhealthy_target(port: i64, group: &str, reason: &str) -> String {
    format!("(port {port}) is unhealthy in (target-group {group}) due to (reason {reason}).")
}

pub fn failed_container_check(task: &str) -> String {
    format!("(task {task}) failed container health checks.")
}

pub fn completed(deployment: &str) -> String {
    format!("(deployment {deployment}) deployment completed.")
}

/// `why` is `tasks failed to start` or `alarm detected`.
pub fn failed(deployment: &str, why: &str) -> String {
    format!("(deployment {deployment}) deployment failed: {why}.")
}

pub fn rolling_back(deployment: &str) -> String {
    format!("rolling back to deployment {deployment}.")
}

pub const STEADY: &str = "has reached a steady state.";

pub const THROTTLED: &str = "is unable to consistently start tasks successfully. For more information, see the \
                             Troubleshooting section of the Amazon ECS Developer Guide.";

pub const NO_ROOM: &str = "was unable to stop or start tasks during a deployment because of the service deployment \
                           configuration. Update the minimumHealthyPercent or maximumPercent value and try again.";

/// On Fargate it is capacity that lacks, elsewhere a container instance.
pub fn not_placed(reason: &str, fargate: bool) -> String {
    match fargate {
        true => format!("was unable to place a task. Reason: {reason}."),
        false => format!(
            "was unable to place a task because no container instance met all of its requirements. Reason: {reason}. For \
             more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_newest_first_and_a_hundred_are_kept() {
        let (mut events, mut ids) = (Events::default(), Ids::seeded(1));
        for number in 0..150 {
            events.say("web", format!("{number}"), &mut ids, Now::default());
        }
        let shown = events.show();
        assert_eq!(shown.as_array().unwrap().len(), 100);
        assert_eq!(shown[0]["message"], "(service web) 149");
    }

    #[test]
    fn event_names_its_tasks() {
        assert_eq!(started(&["a".into(), "b".into()]), "has started 2 tasks: (task a) (task b).");
    }
}
