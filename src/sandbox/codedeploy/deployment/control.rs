//! StopDeployment and ContinueDeployment.

use serde_json::{Value, json};

use super::{Cause, Status, no_deployment};
use crate::sandbox::Refusal;
use crate::sandbox::codedeploy::CodeDeploy;
use crate::sandbox::codedeploy::course::Step;
use crate::sandbox::codedeploy::request::{self, Answer, text};
use crate::sandbox::ecs::{Now, Plane};

impl CodeDeploy {
    /// `Pending` is what the service answers to a deployment that has begun: the way back takes its time.
    pub(in crate::sandbox::codedeploy) fn stop_deployment(
        &mut self,
        body: &Value,
        now: Now,
        ecs: &mut Plane,
    ) -> Answer {
        let id = request::deployment(body)?;
        let stopped = self.deployments.get_mut(id).ok_or_else(|| no_deployment(id))?;
        if stopped.is_over() {
            return Err(completed());
        }
        stopped.go_back = body["autoRollbackEnabled"] == true;
        // The code and the message are not documented.
        stopped.end_badly(Status::Stopped, Cause::Request, "MANUAL_STOP", "Deployment was stopped by a user.", now);
        self.touch(format!("deployment/{id}"));
        self.look(now, ecs);
        let back = self.deployments.get(id).is_some_and(|stopped| stopped.rollback.is_some());
        let message =
            if back { "Deployment is being stopped and rolled back" } else { "No more events will be scheduled" };
        Ok(json!({ "status": if back { "Pending" } else { "Succeeded" }, "statusMessage": message }))
    }

    pub(in crate::sandbox::codedeploy) fn continue_deployment(&mut self, body: &Value) -> Answer {
        let id = request::deployment(body)?;
        let going = self.deployments.get_mut(id).ok_or_else(|| no_deployment(id))?;
        if going.is_over() {
            return Err(completed());
        }
        let step = match text(body, "deploymentWaitType").unwrap_or("READY_WAIT") {
            "READY_WAIT" => Step::Ready,
            "TERMINATION_WAIT" => Step::TerminationWait,
            other => {
                let message = format!("The wait type '{other}' is not valid.");
                return Err(Refusal::new("InvalidDeploymentWaitTypeException", message));
            }
        };
        if !going.waits_in(step) {
            let message = match step {
                Step::Ready => "The deployment does not have a status of Ready and can't continue yet.",
                _ => "The deployment is not in its termination wait.", // our wording
            };
            return Err(Refusal::new("DeploymentIsNotInReadyStateException", message));
        }
        going.continued = true;
        self.touch(format!("deployment/{id}"));
        Ok(json!({}))
    }
}

fn completed() -> Refusal {
    Refusal::new("DeploymentAlreadyCompletedException", "The deployment is already complete.")
}
