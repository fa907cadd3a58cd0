//! A deployment: one revision of a service and the tasks that run it. The newest is PRIMARY; older ones are
//! ACTIVE while tasks of theirs remain, and then gone, as ECS shows no INACTIVE ones.

mod revision;
mod show;
mod start;

pub use revision::{Image, Revision};
pub use start::forget_revisions;

use serde::{Deserialize, Serialize};

use super::task_set::TaskSet;
use super::time::Now;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rollout {
    InProgress,
    Completed,
    Failed,
}

impl Rollout {
    pub fn word(self) -> &'static str {
        match self {
            Rollout::InProgress => "IN_PROGRESS",
            Rollout::Completed => "COMPLETED",
            Rollout::Failed => "FAILED",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    /// `ecs-svc/` and digits; its tasks carry it as `startedBy`.
    pub id: String,
    pub primary: bool,
    pub revision: String,
    pub definition: String,
    pub created: Now,
    pub updated: Now,
    /// `desiredCount`.
    pub wanted: u32,
    pub rollout: Rollout,
    pub reason: String,
    /// Failures in a row; `failedTasks`.
    pub failed_tasks: u32,
    /// Starts in a row that never reached RUNNING: what the service throttle looks at.
    pub never_ran: u32,
    /// Starts nothing before.
    pub hold: Now,
    /// Brings an earlier revision back.
    pub rollback: bool,
    /// Has said that minimum and maximum percent leave no room.
    pub told_no_room: bool,
    /// Its tasks that are not STOPPED.
    pub tasks: Vec<String>,
    /// What it is besides where ECS itself does not deploy.
    #[serde(default)]
    pub set: TaskSet,
}

impl Deployment {
    pub fn is_going_on(&self) -> bool {
        self.rollout == Rollout::InProgress
    }

    pub fn complete(&mut self, now: Now) {
        self.rollout = Rollout::Completed;
        self.reason = format!("ECS deployment {} completed.", self.id);
        self.failed_tasks = 0;
        self.updated = now;
    }

    pub fn fail(&mut self, reason: &str, now: Now) {
        self.rollout = Rollout::Failed;
        self.reason = reason.to_owned();
        self.wanted = 0;
        self.updated = now;
    }
}
