//! How the load balancer finds our tasks: its reasons in words. They go when a target is deregistered, and ECS does
//! that as soon as it gives up on a task, so they are gathered while it goes on; what an event of ECS repeats of them
//! serves where nothing else was seen.

use serde::Serialize;
use serde_json::Value;

/// Targets of one group that are not well for the same reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ailing {
    /// The target group's name.
    pub group: String,
    pub port: Option<i64>,
    /// `unhealthy`, `unused` or `unavailable`.
    pub state: String,
    /// `Target.Timeout` and its like; empty where only ECS's event tells.
    pub code: String,
    /// The load balancer's own sentence.
    pub said: String,
    pub targets: Vec<String>,
}

impl Ailing {
    /// `target group blue, port 80: answers … (Health checks failed with these codes: [502])`
    pub fn words(&self) -> String {
        let port = self.port.map(|port| format!(", port {port}")).unwrap_or_default();
        let said = if self.said.is_empty() { &self.code } else { &self.said };
        format!("target group {}{port}: {} ({said})", self.group, self.meaning())
    }

    fn kind(&self) -> &str {
        match self.code.as_str() {
            "" if self.said.contains("codes") => "Target.ResponseCodeMismatch",
            "" if self.said.contains("timed out") => "Target.Timeout",
            "" => "Target.FailedHealthChecks",
            code => code,
        }
    }

    fn meaning(&self) -> &'static str {
        match self.kind() {
            "Target.ResponseCodeMismatch" => "the health check is answered with another code than it expects",
            "Target.Timeout" => "the health check is not answered in time",
            "Target.FailedHealthChecks" => "the health check gets no connection or no sound answer",
            "Target.NotInUse" => "no load balancer uses the group, or not in the task's zone",
            "Target.IpUnusable" => "the task has an address that the load balancer keeps for itself",
            "Elb.InternalError" => "the load balancer could not check, which is its own fault",
            _ => "the load balancer does not find it healthy",
        }
    }

    /// What is likely to mend it.
    pub fn cure(&self) -> Option<&'static str> {
        Some(match self.kind() {
            "Target.ResponseCodeMismatch" => {
                "Compare the target group's path and codes (matcher) with what the program answers there."
            }
            "Target.Timeout" => {
                "Let the load balancer's security group reach the task's port; raise healthCheckGracePeriodSeconds if the start is slow."
            }
            "Target.FailedHealthChecks" => {
                "Check that the program listens on 0.0.0.0, on the service's containerPort, and within healthCheckGracePeriodSeconds."
            }
            "Target.NotInUse" => {
                "Let a listener forward to the target group, and enable the task's zone at the load balancer."
            }
            _ => return None,
        })
    }
}

/// The targets of an answer of DescribeTargetHealth that are not well. Beginning and draining ones are.
pub fn read(answer: &Value, group: &str) -> Vec<Ailing> {
    let mut found: Vec<Ailing> = Vec::new();
    for row in answer["TargetHealthDescriptions"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let health = &row["TargetHealth"];
        if ["healthy", "initial", "draining"].contains(&health["State"].as_str().unwrap_or("healthy")) {
            continue;
        }
        let port = &row["Target"]["Port"];
        let ailing = Ailing {
            group: name(group).to_owned(),
            port: port.as_i64().or_else(|| port.as_str()?.parse().ok()),
            state: text(&health["State"]),
            code: text(&health["Reason"]),
            said: text(&health["Description"]),
            targets: vec![text(&row["Target"]["Id"])],
        };
        add(&mut found, ailing);
    }
    found
}

/// Takes one in, with those that have the same.
pub fn add(known: &mut Vec<Ailing>, new: Ailing) {
    let same = |old: &&mut Ailing| {
        (&old.group, old.port, &old.state, &old.code, &old.said)
            == (&new.group, new.port, &new.state, &new.code, &new.said)
    };
    match known.iter_mut().find(same) {
        Some(old) => {
            old.targets.extend(new.targets.into_iter().filter(|id| !old.targets.contains(id)).collect::<Vec<_>>())
        }
        None => known.push(new),
    }
}

/// "(service web) (port 80) is unhealthy in (target-group ARN) due to (reason Request timed out)."
pub fn read_event(event: &str) -> Option<Ailing> {
    let between = |begin: &str, end: &str| Some(event.split_once(begin)?.1.split_once(end)?.0);
    let group = between("is unhealthy in (target-group ", ")")?;
    let reason = event.split_once("due to (reason ").map(|(_, rest)| rest.trim_end_matches(['.', ' ']));
    Some(Ailing {
        group: name(group).to_owned(),
        port: between("(port ", ")").and_then(|port| port.parse().ok()),
        state: "unhealthy".into(),
        code: String::new(),
        said: reason.map(|reason| reason.strip_suffix(')').unwrap_or(reason).to_owned()).unwrap_or_default(),
        targets: Vec::new(),
    })
}

/// `blue` of `arn:…:targetgroup/blue/0123`.
fn name(arn: &str) -> &str {
    arn.split_once(":targetgroup/").map_or(arn, |(_, rest)| rest.split('/').next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BLUE: &str = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/blue/0123";

    fn target(id: &str, state: &str, code: &str, said: &str) -> Value {
        json!({ "Target": { "Id": id, "Port": "80" }, "TargetHealth": { "State": state, "Reason": code, "Description": said } })
    }

    #[test]
    fn targets_that_ail_alike_are_one() {
        let answer = json!({ "TargetHealthDescriptions": [
            target("10.0.0.1", "unhealthy", "Target.Timeout", "Request timed out"),
            target("10.0.0.2", "unhealthy", "Target.Timeout", "Request timed out"),
            target("10.0.0.3", "initial", "Elb.RegistrationInProgress", "x"),
            target("10.0.0.4", "draining", "Target.DeregistrationInProgress", "x"),
            json!({ "Target": { "Id": "10.0.0.5", "Port": "80" }, "TargetHealth": { "State": "healthy" } }),
        ] });
        let found = read(&answer, BLUE);
        assert_eq!((found.len(), found[0].targets.len()), (1, 2), "{found:?}");
        assert_eq!(
            found[0].words(),
            "target group blue, port 80: the health check is not answered in time (Request timed out)"
        );
        assert!(found[0].cure().unwrap().contains("security group"));
        assert!(read(&json!({ "TargetHealthDescriptions": "" }), BLUE).is_empty(), "an empty list is a text in XML");
    }

    #[test]
    fn event_tells_what_the_load_balancer_said() {
        let event = |reason: &str| {
            format!("(service web) (port 8080) is unhealthy in (target-group {BLUE}) due to (reason {reason}).")
        };
        let found = read_event(&event("Health checks failed with these codes: [502]")).unwrap();
        assert_eq!((found.group.as_str(), found.port), ("blue", Some(8080)));
        assert_eq!(found.said, "Health checks failed with these codes: [502]");
        assert!(found.words().contains("another code"));
        assert!(read_event(&event("Request timed out")).unwrap().words().contains("in time"));
        assert_eq!(read_event("(service web) has reached a steady state."), None);
    }
}
