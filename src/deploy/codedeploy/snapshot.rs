//! What was seen of a deployment at one moment, read out of raw answers.

use serde_json::Value;

use crate::deploy::edit::short;
use crate::deploy::snapshot::text;
use crate::report::Version;

/// A deployment as GetDeployment shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Info {
    pub id: String,
    /// Created, Queued, InProgress, Baking, Ready, Succeeded, Failed or Stopped.
    pub status: String,
    pub code: String,
    pub message: String,
    /// The deployment that goes back from this one, and what is said of that.
    pub rollback: Option<String>,
    pub rollback_message: String,
    /// CodeDeploy is configured to go back from an end like this.
    pub goes_back: bool,
    /// The traffic has gone over, and the old task set is kept for a while.
    pub lingers: bool,
}

/// One look at our deployment.
#[derive(Debug, Clone, Default)]
pub struct Look {
    pub info: Info,
    /// The deployment that goes back, once there is one.
    pub rollback: Option<Info>,
    /// Lifecycle events and task sets, if they could be read.
    pub target: Option<Target>,
    /// The group's newest deployment where that is neither ours nor our rollback.
    pub newer: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Target {
    /// The lifecycle event that goes on.
    pub event: Option<String>,
    /// A lifecycle event that failed, with what is said of it.
    pub failed: Option<String>,
    pub sets: Vec<Set>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Set {
    pub id: String,
    pub green: bool,
    pub desired: i64,
    pub running: i64,
    pub pending: i64,
    /// Percent.
    pub traffic: f64,
}

impl Info {
    /// Reads the answer of GetDeployment.
    pub fn read(answer: &Value) -> Self {
        Info::read_info(&answer["deploymentInfo"])
    }

    pub fn read_info(info: &Value) -> Self {
        let (error, rollback) = (&info["errorInformation"], &info["rollbackInfo"]);
        let (status, code) = (text(info, "status"), text(error, "code"));
        Info {
            id: text(info, "deploymentId"),
            goes_back: goes_back(&info["autoRollbackConfiguration"], &status, &code),
            message: text(error, "message"),
            rollback: rollback["rollbackDeploymentId"].as_str().map(str::to_owned),
            rollback_message: text(rollback, "rollbackMessage"),
            lingers: info["instanceTerminationWaitTimeStarted"] == true,
            status,
            code,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "Succeeded" | "Failed" | "Stopped")
    }

    /// `The … could not be updated (ECS_UPDATE_ERROR)`
    pub fn why(&self) -> String {
        match (self.message.as_str(), self.code.as_str()) {
            ("", "") if self.status == "Stopped" => "the deployment was stopped".into(),
            ("", "") => "CodeDeploy does not say why".into(),
            ("", code) => code.to_owned(),
            (message, "") => message.to_owned(),
            (message, code) => format!("{message} ({code})"),
        }
    }
}

fn goes_back(configured: &Value, status: &str, code: &str) -> bool {
    let event = match (status, code) {
        (_, "ALARM_ACTIVE") => "DEPLOYMENT_STOP_ON_ALARM",
        ("Stopped", _) => "DEPLOYMENT_STOP_ON_REQUEST",
        _ => "DEPLOYMENT_FAILURE",
    };
    let mut events = configured["events"].as_array().into_iter().flatten();
    configured["enabled"] == true && events.any(|known| known == event)
}

impl Target {
    /// Reads the answer of GetDeploymentTarget.
    pub fn read(answer: &Value) -> Self {
        let target = &answer["deploymentTarget"]["ecsTarget"];
        let events = || target["lifecycleEvents"].as_array().into_iter().flatten();
        let named = |status: &str| events().find(|event| event["status"] == status);
        let failed = named("Failed").map(|event| {
            let (name, said) = (text(event, "lifecycleEventName"), text(&event["diagnostics"], "message"));
            if said.is_empty() { name } else { format!("{name}: {said}") }
        });
        Target {
            event: named("InProgress").map(|event| text(event, "lifecycleEventName")),
            failed,
            sets: target["taskSetsInfo"].as_array().into_iter().flatten().map(Set::read).collect(),
        }
    }

    /// The task set that the deployment made.
    pub fn green(&self) -> Option<&Set> {
        self.sets.iter().find(|set| set.green)
    }
}

impl Set {
    fn read(set: &Value) -> Self {
        let number = |name: &str| set[name].as_i64().unwrap_or_default();
        Set {
            // The API's own spelling.
            id: text(set, "identifer"),
            green: set["taskSetLabel"] == "Green",
            desired: number("desiredCount"),
            running: number("runningCount"),
            pending: number("pendingCount"),
            traffic: set["trafficWeight"].as_f64().unwrap_or_default(),
        }
    }

    fn show(&self, name: &str) -> String {
        let pending = if self.pending > 0 { format!(", {} pending", self.pending) } else { String::new() };
        format!("{name} {} of {} running{pending}, {} % of the traffic", self.running, self.desired, self.traffic)
    }
}

impl Look {
    /// The task sets as a picture, the new one first.
    pub fn versions(&self, revision: &str, before: &str) -> Vec<Version> {
        let sets = self.target.iter().flat_map(|target| &target.sets);
        let version = |set: &Set| Version {
            revision: short(if set.green { revision } else { before }).to_owned(),
            new: set.green,
            desired: set.desired,
            running: set.running,
            pending: set.pending,
            failed: 0,
            traffic: Some(set.traffic),
        };
        let mut versions: Vec<Version> = sets.map(version).collect();
        versions.sort_by_key(|version| !version.new);
        versions
    }

    /// `Install: web:8 (new) 1 of 2 running, 0 % of the traffic; web:7 …`
    pub fn progress(&self, revision: &str, before: &str) -> String {
        let Some(target) = &self.target else { return self.info.status.clone() };
        let stage = match (&target.event, self.info.lingers) {
            (Some(event), _) => event.as_str(),
            (None, true) => "the old tasks are kept for a while",
            (None, false) => self.info.status.as_str(),
        };
        let mut sets: Vec<&Set> = target.sets.iter().collect();
        sets.sort_by_key(|set| !set.green);
        let sets = sets.iter().map(|set| set.show(short(if set.green { revision } else { before })));
        let all: Vec<String> = sets.collect();
        if all.is_empty() { stage.to_owned() } else { format!("{stage}: {}", all.join("; ")) }
    }
}
