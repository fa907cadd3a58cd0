//! Tasks that neither run nor stop when time is up: in which state they are, for how long, and what that state waits
//! for, as ECS's "Task lifecycle" has it. No more is known, and nothing is guessed.

use std::time::Duration;

use serde_json::Value;

use crate::deploy::summary::spelled;

/// A line for each state, with the oldest task's time in it; `now` is the server's, in seconds since 1970.
pub fn unready(tasks: &[&Value], now: Option<f64>) -> Vec<String> {
    let mut groups: Vec<(&str, &str, Vec<f64>)> = Vec::new();
    for task in tasks {
        let Some((state, waits)) = state(task) else { continue };
        let created = task["createdAt"].as_f64().unwrap_or(f64::MAX);
        match groups.iter_mut().find(|group| group.0 == state && group.1 == waits) {
            Some(group) => group.2.push(created),
            None => groups.push((state, waits, vec![created])),
        }
    }
    groups.into_iter().map(|(state, waits, created)| line(state, waits, &created, now)).collect()
}

/// `2 tasks have been PENDING for 5 min: waiting for room, or for the image`
fn line(state: &str, waits: &str, created: &[f64], now: Option<f64>) -> String {
    let tasks = if created.len() == 1 { "1 task has".to_owned() } else { format!("{} tasks have", created.len()) };
    let oldest = created.iter().copied().fold(f64::MAX, f64::min);
    let age = now.map(|now| now - oldest).filter(|age| *age >= 1.0).map(Duration::from_secs_f64);
    let age = age.map(|age| format!(" for {}", spelled(age))).unwrap_or_default();
    format!("{tasks} been {state}{age}: {waits}")
}

fn state(task: &Value) -> Option<(&'static str, &'static str)> {
    let pulling = task["pullStartedAt"].is_number() && !task["pullStoppedAt"].is_number();
    Some(match task["lastStatus"].as_str()? {
        "PROVISIONING" => ("PROVISIONING", "waiting for room, or for a network interface"),
        "PENDING" if pulling => ("PENDING", "the image is being pulled"),
        "PENDING" => ("PENDING", "waiting for room, or for the container to start"),
        "ACTIVATING" => ("ACTIVATING", "being registered with the load balancer or for discovery"),
        "RUNNING" if task["healthStatus"] == "UNHEALTHY" => ("UNHEALTHY", "the container's health check fails"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unready_tasks_are_told_by_state_with_the_age_of_the_oldest() {
        let tasks = [
            json!({"lastStatus": "PENDING", "createdAt": 1000.5}),
            json!({"lastStatus": "PENDING", "createdAt": 1010.0}),
            json!({"lastStatus": "PENDING", "createdAt": 1020.0, "pullStartedAt": 1021.0}),
            json!({"lastStatus": "RUNNING", "createdAt": 900.0, "healthStatus": "UNKNOWN"}),
        ];
        let told = unready(&tasks.iter().collect::<Vec<_>>(), Some(1300.5));
        let wanted = [
            "2 tasks have been PENDING for 5 min: waiting for room, or for the container to start",
            "1 task has been PENDING for 4 min 40 s: the image is being pulled",
        ];
        assert_eq!(told, wanted);
    }
}
