//! StopServiceDeployment and ContinueServiceDeployment: a person's word in a rollout.

use serde_json::{Value, json};

use super::list::key_in;
use super::{HookStatus, Release};
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::error::{ApiError, conflict, invalid, no_service_deployment};
use crate::sandbox::ecs::input::{one_of, required, text};
use crate::sandbox::ecs::time::Now;
use crate::sandbox::ecs::timers::ServiceKey;

const BLANK: &str = "Service deployment ARN can not be blank.";

impl Plane {
    /// `ABORT` is in the service model's list, but its text names ROLLBACK as the only valid value.
    pub(in crate::sandbox::ecs) fn stop_service_deployment(
        &mut self,
        body: &Value,
        now: Now,
    ) -> Result<Value, ApiError> {
        let arn = required(body, "serviceDeploymentArn", BLANK)?;
        one_of(body, "stopType", &["ROLLBACK"])?;
        let (key, release) = self.ongoing(arn)?;
        if !release.is_forward() {
            return Err(conflict("The service deployment is not in a state that can be stopped.")); // our wording
        }
        if release.stage.is_some_and(|stage| stage == super::Stage::CleanUp) {
            return Err(conflict("The service deployment is cleaning up and can not be rolled back any more.")); // our wording
        }
        self.with_service(&key, now, |plane, service| {
            plane.roll_back_or_stop(service, "Service deployment was stopped by StopServiceDeployment.", now);
        });
        Ok(json!({ "serviceDeploymentArn": arn }))
    }

    pub(in crate::sandbox::ecs) fn continue_service_deployment(
        &mut self,
        body: &Value,
        now: Now,
    ) -> Result<Value, ApiError> {
        let arn = required(body, "serviceDeploymentArn", BLANK)?;
        let hook = required(body, "hookId", "Hook ID can not be blank.")?;
        one_of(body, "action", &["CONTINUE", "ROLLBACK"])?;
        let (key, release) = self.ongoing(arn)?;
        let waits = release.hooks.iter().any(|known| known.id == hook && known.status == HookStatus::AwaitingAction);
        if !waits {
            return Err(invalid("The lifecycle hook is not awaiting an action.")); // our wording
        }
        let goes_on = text(body, "action")?.unwrap_or("CONTINUE") == "CONTINUE";
        self.with_service(&key, now, |plane, service| {
            let hooks = service.releases.first_mut().into_iter().flat_map(|release| &mut release.hooks);
            for known in hooks.filter(|known| known.id == hook) {
                known.status = if goes_on { HookStatus::Succeeded } else { HookStatus::Failed };
            }
            match goes_on {
                true => service.wake_by(now),
                false => plane.roll_back_or_stop(
                    service,
                    "Service deployment was rolled back by ContinueServiceDeployment.",
                    now,
                ),
            }
        });
        Ok(json!({ "serviceDeploymentArn": arn }))
    }

    /// The service deployment of that ARN, if it is its service's newest; older ones are over for good.
    fn ongoing(&self, arn: &str) -> Result<(ServiceKey, &Release), ApiError> {
        let key =
            key_in(arn, "service-deployment").ok_or_else(|| invalid("The service deployment ARN is not valid."))?;
        let service = self.services.get(&key).ok_or_else(no_service_deployment)?;
        let place = service.releases.iter().position(|release| release.arn == arn).ok_or_else(no_service_deployment)?;
        match place {
            0 => Ok((key, &service.releases[0])),
            _ => Err(conflict("The service deployment is not in a state that can be stopped.")),
        }
    }
}
