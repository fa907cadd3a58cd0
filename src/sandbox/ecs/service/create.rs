//! CreateService. The first deployment starts at once, IN_PROGRESS and with no tasks yet.

use serde_json::{Value, json};

use super::defaults::{fill, settings_in};
use super::validate::{check_against, check_request};
use super::{Controller, Service, State};
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::error::{ApiError, invalid};
use crate::sandbox::ecs::event::Events;
use crate::sandbox::ecs::input::{required, text, whole};
use crate::sandbox::ecs::tag;
use crate::sandbox::ecs::time::Now;
use crate::sandbox::ecs::timers::ServiceKey;

impl Plane {
    pub(in crate::sandbox::ecs) fn create_service(&mut self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let key = ServiceKey { cluster: self.cluster_of(body)?, name: name_in(body)?.to_owned() };
        check_request(body)?;
        if self.services.get(&key).is_some_and(Service::is_live) {
            return Err(invalid("Creation of service was not idempotent."));
        }
        let mut settings = settings_in(body);
        let strategy = self
            .world
            .clusters
            .get(&key.cluster)
            .and_then(|cluster| cluster.members.get("defaultCapacityProviderStrategy"));
        fill(&mut settings, strategy);
        let mut service = self.blank(key.clone(), settings.into(), body, now)?;
        service.definition = self.first_definition(&service, body)?;
        self.services.insert(key.clone(), service);
        self.with_service(&key, now, |plane, service| {
            if service.definition.is_some() {
                plane.start_deployment(service, now);
            }
        });
        Ok(json!({ "service": self.show_service(&self.services[&key], true, now) }))
    }

    fn blank(&self, key: ServiceKey, settings: Value, body: &Value, now: Now) -> Result<Service, ApiError> {
        let daemon = settings["schedulingStrategy"] == "DAEMON";
        let desired = match whole(body, "desiredCount")? {
            Some(count) => count as u32,
            // A daemon runs once per container instance, and the sandbox stands for a single one.
            None if daemon => 1,
            None if settings["deploymentController"]["type"] == "EXTERNAL" => 0,
            None => return Err(invalid("The desired count must be set.")), // our wording
        };
        Ok(Service {
            arn: self.world.owner.service(&key),
            key,
            state: State::Active,
            desired,
            definition: None,
            settings,
            tags: tag::read(body)?,
            created: now,
            created_by: self.world.owner.caller(),
            deployments: Vec::new(),
            revisions: Vec::new(),
            releases: Vec::new(),
            events: Events::default(),
            last_good: None,
            steady: false,
            calm_since: None,
            wake: None,
        })
    }

    /// The ARN of the task definition to begin with; a service with an EXTERNAL controller has none.
    fn first_definition(&self, service: &Service, body: &Value) -> Result<Option<String>, ApiError> {
        match (service.controller(), text(body, "taskDefinition")?) {
            (Controller::External, None) => Ok(None),
            (Controller::External, Some(_)) => {
                Err(invalid("A task definition can not be given with an EXTERNAL deployment controller.")) // our wording
            }
            (_, None) => Err(invalid("TaskDefinition can not be blank.")),
            (_, Some(name)) => {
                let definition = self.usable_definition(name)?;
                check_against(&service.settings, definition)?;
                Ok(Some(definition.arn().to_owned()))
            }
        }
    }
}

fn name_in(body: &Value) -> Result<&str, ApiError> {
    let name = required(body, "serviceName", "Service name can not be blank.")?;
    let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    if plain && name.len() <= 255 { Ok(name) } else { Err(invalid("Service name contains invalid characters.")) }
}
