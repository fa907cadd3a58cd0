//! DeleteService: ACTIVE, DRAINING while tasks still run, then INACTIVE, which stays visible.

use serde_json::{Value, json};

use super::{Service, State};
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::error::{ApiError, invalid, no_service, service_not_active};
use crate::sandbox::ecs::input::flag;
use crate::sandbox::ecs::time::Now;

impl Plane {
    pub(in crate::sandbox::ecs) fn delete_service(&mut self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let key = self.service_key(body)?;
        let service = self.services.get(&key).ok_or_else(no_service)?;
        if !service.is_active() {
            return Err(service_not_active());
        }
        let daemon = service.settings["schedulingStrategy"] == "DAEMON";
        if service.desired > 0 && !daemon && flag(body, "force")? != Some(true) {
            return Err(invalid("The service cannot be stopped while it is scaled above 0."));
        }
        self.with_service(&key, now, |plane, service| plane.drain_service(service, now));
        Ok(json!({ "service": self.show_service(&self.services[&key], true, now) }))
    }

    fn drain_service(&mut self, service: &mut Service, now: Now) {
        service.state = State::Draining;
        service.desired = 0;
        if let Some(release) = service.releases.first_mut() {
            release.supersede("The service was deleted.", now);
        }
        for deployment in &mut service.deployments {
            deployment.wanted = 0;
        }
        service.wake_by(now);
    }
}
