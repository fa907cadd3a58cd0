//! Tasks: from PROVISIONING to STOPPED, and an hour of memory after that. A task knows its own next steps and
//! when they are due (`life`); services look at tasks, tasks never look at services.

mod birth;
mod ending;
mod life;
mod list;
mod output;
mod outside;
mod pull;
mod run;
mod show;
mod stop;

pub use output::Output;
pub use outside::{TaskEvent, TaskWant, Wish};
pub use run::Token;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fate::Fate;
use super::time::Now;
use super::timers::ServiceKey;
pub use birth::Birth;
pub use life::Step;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Status {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::Provisioning => "PROVISIONING",
            Status::Pending => "PENDING",
            Status::Activating => "ACTIVATING",
            Status::Running => "RUNNING",
            Status::Deactivating => "DEACTIVATING",
            Status::Stopping => "STOPPING",
            Status::Deprovisioning => "DEPROVISIONING",
            Status::Stopped => "STOPPED",
        }
    }
}

/// What a health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    Unknown,
    Healthy,
    Unhealthy,
}

/// A target at the load balancer, in the words of DescribeTargetHealth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    None,
    Initial,
    Healthy,
    Unhealthy,
    Draining,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Container {
    pub arn: String,
    pub name: String,
    pub image: String,
    /// What its deployment has settled on; without one, what was found at the pull.
    pub digest: Option<String>,
    pub runtime: Option<String>,
    pub essential: bool,
    pub checked: bool,
    pub status: Status,
    pub health: Health,
    pub exit_code: Option<i64>,
    pub reason: Option<String>,
    pub cpu: String,
    pub memory: Option<String>,
    pub reservation: Option<String>,
}

/// Why a task stops, in the API's words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stop {
    pub code: String,
    pub reason: String,
}

/// The network interface of an awsvpc task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Interface {
    pub attachment: String,
    pub id: String,
    pub address: String,
    pub subnet: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Times {
    pub created: Now,
    pub pull_started: Option<Now>,
    pub pull_stopped: Option<Now>,
    pub connected: Option<Now>,
    pub started: Option<Now>,
    pub stopping: Option<Now>,
    pub execution_stopped: Option<Now>,
    pub stopped: Option<Now>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    pub id: String,
    pub arn: String,
    pub cluster: String,
    pub definition: String,
    pub family: String,
    pub group: String,
    pub started_by: Option<String>,
    pub service: Option<ServiceKey>,
    /// Members shown as they were given: launchType, overrides, cpu, memory, platformVersion, …
    pub members: Value,
    pub tags: Vec<Value>,
    pub status: Status,
    pub containers: Vec<Container>,
    pub target: Target,
    pub interface: Option<Interface>,
    pub times: Times,
    pub stop: Option<Stop>,
    pub fate: Fate,
    /// The container that the fate befalls, by place.
    pub victim: usize,
    /// What that container writes once it runs, until it has.
    #[serde(default)]
    pub log: Vec<String>,
    /// Counts as healthy: its checks passed, or it has none and lived long enough.
    pub ready: bool,
    /// The service has taken note of: its registration, its success, its failure.
    pub noted: Noted,
    /// Seconds of grace before a failed check counts.
    pub grace: f64,
    pub version: u64,
    pub due: Vec<(Now, Step)>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Noted {
    pub registered: bool,
    pub success: bool,
    pub failure: bool,
    /// Its containers have written what they have to.
    #[serde(default)]
    pub wrote: bool,
}

impl Task {
    /// Not STOPPED yet.
    pub fn is_live(&self) -> bool {
        self.status != Status::Stopped
    }

    /// Meant to run: nobody has asked it to stop and nothing made it stop.
    pub fn is_wanted(&self) -> bool {
        self.stop.is_none()
    }

    /// What `runningCount` counts. A draining task still serves, and holds its deployment up.
    pub fn is_running(&self) -> bool {
        matches!(self.status, Status::Running | Status::Deactivating)
    }

    pub fn is_pending(&self) -> bool {
        self.status < Status::Running
    }

    pub fn ever_ran(&self) -> bool {
        self.times.started.is_some()
    }

    /// Whether a container that counts has a health check of its own.
    pub fn is_checked(&self) -> bool {
        self.containers.iter().any(|container| container.checked && container.essential)
    }

    pub fn health(&self) -> Health {
        let mut checked =
            self.containers.iter().filter(|container| container.essential && container.checked).peekable();
        if checked.peek().is_none() {
            return Health::Unknown;
        }
        let all: Vec<Health> = checked.map(|container| container.health).collect();
        match all.contains(&Health::Unhealthy) {
            true => Health::Unhealthy,
            false if all.contains(&Health::Unknown) => Health::Unknown,
            false => Health::Healthy,
        }
    }

    pub fn is_unhealthy(&self) -> bool {
        self.health() == Health::Unhealthy || self.target == Target::Unhealthy
    }

    /// When the next step is due.
    pub fn wake(&self) -> Option<Now> {
        self.due.iter().map(|(at, _)| *at).min()
    }
}
