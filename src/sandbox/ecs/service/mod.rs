//! Services: what was asked for (`settings`, `desired`), the deployments that bring it about, and the record of
//! both. The members of a request are kept as they came, so one that nobody here knows is shown again.

mod create;
mod defaults;
mod delete;
mod list;
mod show;
mod update;
mod validate;

pub use validate::{check_against, check_network};

pub use defaults::OF_REVISION;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Plane;
use super::deployment::{Deployment, Revision};
use super::error::{ApiError, invalid};
use super::event::Events;
use super::input::required;
use super::release::Release;
use super::time::Now;
use super::timers::{ServiceKey, Subject};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    Active,
    Draining,
    Inactive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    Ecs,
    CodeDeploy,
    External,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Service {
    pub key: ServiceKey,
    pub arn: String,
    pub state: State,
    pub desired: u32,
    pub definition: Option<String>,
    pub settings: Value,
    pub tags: Vec<Value>,
    pub created: Now,
    pub created_by: String,
    /// The PRIMARY one first.
    pub deployments: Vec<Deployment>,
    /// Newest last.
    pub revisions: Vec<Revision>,
    /// Service deployments, newest first.
    pub releases: Vec<Release>,
    pub events: Events,
    /// The revision of the last deployment that was COMPLETED: where a rollback goes.
    pub last_good: Option<String>,
    /// Has told of its steady state.
    pub steady: bool,
    /// Since when everything has been as it should be.
    pub calm_since: Option<Now>,
    /// When it wants to be looked at again.
    #[serde(default)]
    pub wake: Option<Now>,
}

impl Service {
    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }

    pub fn is_live(&self) -> bool {
        self.state != State::Inactive
    }

    pub fn uses(&self, definition: &str) -> bool {
        self.definition.as_deref() == Some(definition)
            || self.deployments.iter().any(|deployment| deployment.definition == definition)
    }

    pub fn is_fargate(&self) -> bool {
        let provider = self.settings["capacityProviderStrategy"][0]["capacityProvider"].as_str();
        provider.is_some_and(|provider| provider.starts_with("FARGATE")) || self.settings["launchType"] == "FARGATE"
    }

    pub fn controller(&self) -> Controller {
        match self.settings["deploymentController"]["type"].as_str() {
            Some("CODE_DEPLOY") => Controller::CodeDeploy,
            Some("EXTERNAL") => Controller::External,
            _ => Controller::Ecs,
        }
    }

    pub fn revision(&self, arn: &str) -> Option<&Revision> {
        self.revisions.iter().rev().find(|revision| revision.arn == arn)
    }

    /// Wants to be looked at again by then.
    pub fn wake_by(&mut self, at: Now) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    /// Something moved: it is not steady any more.
    pub fn stir(&mut self) {
        self.steady = false;
        self.calm_since = None;
    }
}

impl Plane {
    /// The request's service, by name or ARN; its cluster must be there, the service need not.
    pub(super) fn service_key(&self, body: &Value) -> Result<ServiceKey, ApiError> {
        let name = required(body, "service", "Service can not be blank.")?;
        Ok(ServiceKey { cluster: self.cluster_of(body)?, name: short_service(name)?.to_owned() })
    }

    /// Lends a service out together with the plane, and sets its alarm when it is back.
    pub(super) fn with_service<T>(
        &mut self,
        key: &ServiceKey,
        now: Now,
        work: impl FnOnce(&mut Plane, &mut Service) -> T,
    ) -> Option<T> {
        let mut service = self.services.remove(key)?;
        service.wake = None;
        let result = work(self, &mut service);
        let subject = Subject::Service(key.clone());
        if let Some(at) = service.wake {
            self.timers.sooner(subject.clone(), at.max(now));
        }
        service.wake = self.timers.at(&subject);
        self.touch(format!("service/{}", String::from(key.clone())));
        self.services.insert(key.clone(), service);
        Some(result)
    }
}

impl Plane {
    /// Lets a service look around at `now`; one that is lent out does so anyway when it is back.
    pub(super) fn wake_service_at(&mut self, key: ServiceKey, now: Now) {
        let subject = Subject::Service(key.clone());
        self.timers.sooner(subject.clone(), now);
        if let Some(service) = self.services.get_mut(&key) {
            service.wake = self.timers.at(&subject);
            self.touch(format!("service/{}", String::from(key)));
        }
    }
}

pub fn short_service(name: &str) -> Result<&str, ApiError> {
    super::arn::short(name, "service").map_err(|_| invalid("Invalid service name."))
}
