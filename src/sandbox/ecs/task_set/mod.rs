//! Task sets: what a service whose deployments are CodeDeploy's or somebody else's consists of. A set is a
//! deployment that nobody rolls out: it has a revision and tasks of its own, a share of the desired count, and
//! it stays until it is deleted.

mod change;
mod create;
mod deployer;
mod show;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Plane;
use super::deployment::Deployment;
use super::error::{ApiError, invalid, no_service, service_not_active};
use super::service::{Controller, Service};
use super::timers::ServiceKey;

/// What a set has that a deployment has not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSet {
    /// Of a set that CodeDeploy made: the id of its deployment.
    pub external: Option<String>,
    pub started_by: Option<String>,
    /// Percent of the desired count.
    pub scale: f64,
    pub tags: Vec<Value>,
    /// Deleted: its tasks are on their way out.
    pub draining: bool,
    /// Percent of the production traffic; unless told, the primary set has all of it.
    pub traffic: Option<f64>,
}

impl Default for TaskSet {
    fn default() -> Self {
        TaskSet { external: None, started_by: None, scale: 100.0, tags: Vec::new(), draining: false, traffic: None }
    }
}

impl TaskSet {
    /// The first set of a service, which comes with it.
    pub fn of(service: &Service) -> Self {
        let started_by = (service.controller() == Controller::CodeDeploy).then(|| "CODE_DEPLOY".to_owned());
        TaskSet { started_by, ..TaskSet::default() }
    }

    /// How many tasks that is; ECS rounds up.
    pub fn share(&self, desired: u32) -> u32 {
        match self.draining {
            true => 0,
            false => (f64::from(desired) * self.scale / 100.0).ceil() as u32,
        }
    }

    /// Percent of the production traffic.
    pub fn weight(&self, primary: bool) -> u32 {
        self.traffic.map_or(if primary { 100 } else { 0 }, |share| share as u32)
    }
}

impl Service {
    /// The load balancers with every target group that sets of the service are in: the second one is CodeDeploy's
    /// and no part of the service's own settings.
    pub fn balancers(&self) -> Value {
        let mut balancers = self.settings["loadBalancers"].clone();
        let sets = self.deployments.iter().filter(|_| self.controller() != Controller::Ecs);
        let groups = sets.filter_map(|set| self.revision(&set.revision)?.balancers.first().map(|one| &one.group));
        let own = balancers[0]["targetGroupArn"].clone();
        if let Some(other) = groups.into_iter().find(|group| own != **group) {
            balancers[0]["advancedConfiguration"] = json!({ "alternateTargetGroupArn": other });
        }
        balancers
    }
}

impl Plane {
    /// The service of a request about task sets.
    fn service_of_sets(&self, body: &Value) -> Result<(ServiceKey, &Service), ApiError> {
        let key = self.service_key(body)?;
        let service = self.services.get(&key).ok_or_else(no_service)?;
        match service.controller() {
            _ if !service.is_active() => Err(service_not_active()),
            // our wording
            Controller::Ecs => Err(invalid(
                "Task sets are only supported on services with a CODE_DEPLOY or EXTERNAL deployment controller.",
            )),
            _ => Ok((key, service)),
        }
    }
}

/// Where the named set is, by its id or ARN.
fn place(service: &Service, name: &str) -> Option<usize> {
    let is = |set: &Deployment| name == set.id || name.ends_with(&format!("/{}", set.id));
    service.deployments.iter().position(is)
}
