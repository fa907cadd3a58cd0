//! UpdateService. What is left out stays, an empty list removes, and only some members start a deployment:
//! those that a service revision is made of, when they really differ, and `forceNewDeployment`.

use serde_json::{Value, json};

use super::defaults::{OF_REVISION, merge_configuration, settings_in};
use super::validate::{check_against, check_request};
use super::{Controller, Service};
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::error::{ApiError, invalid, no_service, service_not_active};
use crate::sandbox::ecs::input::{flag, text, whole};
use crate::sandbox::ecs::time::Now;

impl Plane {
    pub(in crate::sandbox::ecs) fn update_service(&mut self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let key = self.service_key(body)?;
        check_request(body)?;
        let service = self.services.get(&key).ok_or_else(no_service)?;
        if !service.is_active() {
            return Err(service_not_active());
        }
        check_controller(service, body)?;
        let settings = updated(&service.settings, body);
        let definition = self.definition_for(service, &settings, body)?;
        let moves = flag(body, "forceNewDeployment")? == Some(true)
            || definition != service.definition
            || OF_REVISION.iter().any(|member| service.settings.get(*member) != settings.get(*member));
        let desired = whole(body, "desiredCount")?.map(|count| count as u32);
        self.with_service(&key, now, |plane, service| {
            service.settings = settings;
            service.definition = definition;
            plane.rescale(service, desired, now);
            if moves && service.definition.is_some() {
                plane.start_deployment(service, now);
            }
        });
        Ok(json!({ "service": self.show_service(&self.services[&key], true, now) }))
    }

    fn rescale(&mut self, service: &mut Service, desired: Option<u32>, now: Now) {
        if let Some(desired) = desired.filter(|desired| *desired != service.desired) {
            service.desired = desired;
            service.stir();
            service.wake_by(now.after(self.world.pace.schedule));
        }
        let first = service.controller() == Controller::Ecs || service.deployments.len() == 1;
        if let Some(primary) = service.deployments.first_mut().filter(|_| first) {
            primary.wanted = service.desired;
        }
    }

    /// The ARN of the revision to run: a bare family is resolved here and now.
    fn definition_for(&self, service: &Service, settings: &Value, body: &Value) -> Result<Option<String>, ApiError> {
        match text(body, "taskDefinition")? {
            Some(name) => {
                let definition = self.usable_definition(name)?;
                check_against(settings, definition)?;
                Ok(Some(definition.arn().to_owned()))
            }
            None => {
                if let Some(definition) = service.definition.as_deref().and_then(|arn| self.definition(arn)) {
                    check_against(settings, definition)?;
                }
                Ok(service.definition.clone())
            }
        }
    }
}

/// The settings with the request laid over them.
fn updated(old: &Value, body: &Value) -> Value {
    let mut settings = old.clone();
    for (member, value) in settings_in(body) {
        match member.as_str() {
            "deploymentConfiguration" => merge_configuration(&mut settings["deploymentConfiguration"], &value),
            _ => settings[member.as_str()] = value,
        }
    }
    let provided = body["capacityProviderStrategy"].as_array().is_some_and(|all| !all.is_empty());
    if let Some(members) = settings.as_object_mut().filter(|_| provided) {
        members.shift_remove("launchType");
    }
    settings
}

/// Members that another controller keeps for itself, and what ECS calls them in its refusal.
const KEPT: &[(&str, &str)] = &[
    ("taskDefinition", "task definition"),
    ("networkConfiguration", "network parameters"),
    ("platformVersion", "platform version"),
    ("loadBalancers", "load balancers"),
    ("serviceRegistries", "service registries"),
];

fn check_controller(service: &Service, body: &Value) -> Result<(), ApiError> {
    let (name, cure) = match service.controller() {
        Controller::Ecs => return Ok(()),
        Controller::CodeDeploy => ("CODE_DEPLOY", "Use AWS CodeDeploy to trigger a new deployment."),
        Controller::External => ("EXTERNAL", "Create a new task set instead."), // our wording
    };
    // The way from CodeDeploy to ECS's own blue/green changes the controller in the same request.
    if body["deploymentController"]["type"] == "ECS" {
        return Ok(());
    }
    if flag(body, "forceNewDeployment")? == Some(true) {
        return Err(invalid(format!(
            "Cannot force a new deployment on services with a {name} deployment controller. {cure}"
        )));
    }
    match KEPT.iter().find(|(member, _)| body.get(*member).is_some()) {
        Some((_, what)) => {
            Err(invalid(format!("Unable to update {what} on services with a {name} deployment controller. {cure}")))
        }
        None => Ok(()),
    }
}
