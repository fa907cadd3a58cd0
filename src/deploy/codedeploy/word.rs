//! A word in a deployment that goes on: CodeDeploy waits for one before the traffic goes over, where the group says so,
//! and before the old tasks end; and until it is over, a deployment can be stopped and taken back.

use serde_json::{Value, json};

use super::client::CodeDeploy;
use crate::deploy::ecs::CallError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Let the traffic go over.
    Shift,
    /// Do not keep the old tasks any longer.
    EndOld,
    /// Stop, and give the traffic back to the old tasks.
    Back,
}

impl Word {
    pub fn call(self, id: &str) -> (&'static str, Value) {
        let go_on = |kind| ("ContinueDeployment", json!({"deploymentId": id, "deploymentWaitType": kind}));
        match self {
            Word::Shift => go_on("READY_WAIT"),
            Word::EndOld => go_on("TERMINATION_WAIT"),
            Word::Back => ("StopDeployment", json!({"deploymentId": id, "autoRollbackEnabled": true})),
        }
    }

    pub async fn say(self, id: &str, api: &dyn CodeDeploy) -> Result<(), CallError> {
        let (operation, body) = self.call(id);
        api.call(operation, body).await.map(drop)
    }

    /// `told to stop and to go back`
    pub fn spelled(self) -> &'static str {
        match self {
            Word::Shift => "told to shift the traffic",
            Word::EndOld => "told not to keep the old tasks any longer",
            Word::Back => "told to stop and to go back",
        }
    }
}

/// It came to its end before the word did.
pub fn is_too_late(why: &CallError) -> bool {
    why.code() == Some("DeploymentAlreadyCompletedException")
}

/// It waits for no such word.
pub fn is_not_waiting(why: &CallError) -> bool {
    why.code() == Some("DeploymentIsNotInReadyStateException")
}
