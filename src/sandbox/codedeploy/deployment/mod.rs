//! Deployments: what was asked for, and how far it is. Going back is a deployment of its own, made by CodeDeploy
//! ("redeploys as a new deployment", CodeDeploy user guide, "Redeploy and roll back a deployment").

mod control;
mod create;
mod list;
mod rollback;
mod show;
mod target;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::course::{Stage, Step};
use super::revision::Revision;
use crate::sandbox::Refusal;
use crate::sandbox::ecs::Now;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Created,
    InProgress,
    Ready,
    Succeeded,
    Failed,
    Stopped,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::Created => "Created",
            Status::InProgress => "InProgress",
            Status::Ready => "Ready",
            Status::Succeeded => "Succeeded",
            Status::Failed => "Failed",
            Status::Stopped => "Stopped",
        }
    }
}

/// What made a deployment end badly, in the words of `autoRollbackConfiguration.events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    Failure,
    Alarm,
    Request,
}

impl Cause {
    fn word(self) -> &'static str {
        match self {
            Cause::Failure => "DEPLOYMENT_FAILURE",
            Cause::Alarm => "DEPLOYMENT_STOP_ON_ALARM",
            Cause::Request => "DEPLOYMENT_STOP_ON_REQUEST",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    pub id: String,
    /// Deployments are listed newest first.
    pub number: u64,
    pub application: String,
    pub group: String,
    pub cluster: String,
    pub service: String,
    pub config: String,
    /// The group's settings when it was made, with its own laid over them.
    pub settings: Value,
    pub description: Option<String>,
    /// None if it goes back to what no deployment has brought.
    pub revision: Option<Revision>,
    /// What ran before, if a deployment has brought it.
    pub previous: Option<Revision>,
    pub status: Status,
    pub created: Now,
    pub started: Option<Now>,
    pub completed: Option<Now>,
    /// Code and message.
    pub error: Option<(String, String)>,
    /// Some once it ended badly.
    pub cause: Option<Cause>,
    /// StopDeployment said that it is to be rolled back, whatever the group says.
    pub go_back: bool,
    pub rollback: Option<Rollback>,
    pub stages: Vec<Stage>,
    pub updated: Now,
    /// The task set that served when it began, and the one that it made.
    pub blue: Option<String>,
    pub green: Option<String>,
    /// Green's share of the production traffic, in percent, and when it is to grow.
    pub share: f64,
    pub next_share: Option<Now>,
    /// ContinueDeployment ended the wait that it is in.
    pub continued: bool,
    #[serde(skip)]
    pub wake: Option<Now>,
}

/// `rollbackInfo`: of the deployment that failed, which one goes back; of that one, for which it does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rollback {
    pub by: Option<String>,
    pub of: Option<String>,
    pub message: String,
}

impl Deployment {
    pub fn is_over(&self) -> bool {
        matches!(self.status, Status::Succeeded | Status::Failed | Status::Stopped)
    }

    pub fn is_rollback(&self) -> bool {
        self.rollback.as_ref().is_some_and(|rollback| rollback.of.is_some())
    }

    /// The stage it is in; none when it is through.
    pub fn stage(&mut self) -> Option<&mut Stage> {
        self.stages.iter_mut().find(|stage| stage.ended.is_none())
    }

    /// Whether it is in the wait that a step is.
    pub fn waits_in(&self, step: Step) -> bool {
        let stage = self.stages.iter().find(|stage| stage.ended.is_none());
        !self.is_over() && stage.is_some_and(|stage| stage.step == step && stage.started.is_some())
    }
}

pub fn no_deployment(id: &str) -> Refusal {
    Refusal::new("DeploymentDoesNotExistException", format!("The deployment {id} could not be found"))
}
