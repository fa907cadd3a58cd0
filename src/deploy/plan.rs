//! From what is meant and what was seen to the exact calls to make. Pure: everything that can be refused is
//! refused here, before the first effect. A plan that registers nothing deploys a revision that is already
//! there, so running the same command twice does not pile up equal revisions.

mod service;
mod show;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::Error;
use super::codedeploy::Handover;
use super::ecs::Operation;
use super::edit::{Change, Edited, edit, name_of};
use super::image::take_apart;
use super::observe::Observed;
use super::request::{DeployServiceUpdate, UpdateTaskDefinition};
use super::updates::Updates;
use super::wait::Wait;

pub use service::habits;
pub use show::Call;

/// What will be done, and what it will change.
pub struct Plan {
    /// ARN of the revision that was read.
    pub base: String,
    /// The body of RegisterTaskDefinition, or nothing if the base revision serves.
    pub register: Option<Value>,
    pub deploy: Option<Deploy>,
    pub changes: Vec<Change>,
    /// Worth knowing, nothing to do about.
    pub notes: Vec<String>,
    /// Likely not what was meant.
    pub warnings: Vec<String>,
    /// Container and image, in the order of the definition.
    pub images: Vec<(String, String)>,
}

pub struct Deploy {
    pub cluster: String,
    pub service: String,
    pub step: Step,
    pub before: Before,
    pub wait: Option<Wait>,
}

/// The one call that deploys. Where the revision is new, `taskDefinition` is put in once it has an ARN.
pub enum Step {
    Update(Map<String, Value>),
    Create(Map<String, Value>),
    /// The same revision is being deployed already: there is only the verdict to wait for.
    Join {
        deployment: Option<String>,
        /// When it began, seconds since 1970.
        since: Option<f64>,
        /// ARN of its record, if that is known.
        record: Option<String>,
    },
    /// CodeDeploy deploys it.
    CodeDeploy(Box<Handover>),
    /// A word in a deployment that goes on.
    Order(Box<Order>),
    /// All is as it should be.
    Nothing,
}

/// Asks ECS to stop a deployment and go back, or answers its PAUSE hooks.
#[derive(Debug, Clone)]
pub struct Order {
    pub operation: Operation,
    /// One call each.
    pub bodies: Vec<Value>,
    /// ARN of the service deployment that is spoken to.
    pub record: String,
    pub deployment: Option<String>,
    /// Whether that takes the deployment back.
    pub back: bool,
    /// The revision that it goes back to, if that is known.
    pub to: Option<String>,
}

/// The service before the call: what tells our deployment from others.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// Ids of the deployments that were there.
    pub ids: Vec<String>,
    /// The revisions they deployed.
    pub definitions: Vec<String>,
    pub newest_event: Option<String>,
    /// Whether ECS goes back by itself if the deployment fails.
    pub rollback: bool,
    /// Not blue/green, linear or canary.
    pub rolling: bool,
    /// ARN of the service deployment that was there. ECS may be behind with it.
    pub record: Option<String>,
    /// No deployment before ours reached success, as far as the service shows: there is nothing to go back to.
    pub unproven: bool,
}

impl Deploy {
    /// The count that is asked for, if one is.
    pub fn count(&self) -> Option<i64> {
        match &self.step {
            Step::Update(body) | Step::Create(body) => body.get("desiredCount").and_then(Value::as_i64),
            _ => None,
        }
    }

    /// PAUSE hooks that the step answers.
    pub fn answered(&self) -> Vec<String> {
        match &self.step {
            Step::Order(order) => {
                order.bodies.iter().filter_map(|body| body["hookId"].as_str()).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the end that is wished for is a rollback.
    pub fn goes_back(&self) -> bool {
        match &self.step {
            Step::Order(order) => order.back,
            Step::CodeDeploy(handover) => handover.back,
            _ => false,
        }
    }
}

impl Plan {
    /// Whether anything will be changed at all.
    pub fn is_empty(&self) -> bool {
        let idle = |deploy: &Deploy| match &deploy.step {
            Step::Nothing | Step::Join { .. } => true,
            Step::CodeDeploy(handover) => handover.join.is_some() && handover.word.is_none(),
            _ => false,
        };
        self.register.is_none() && self.deploy.as_ref().is_none_or(idle)
    }
}

/// Registers a revision if anything changes.
pub fn plan_definition(request: &UpdateTaskDefinition, described: &Value) -> Result<Plan, Error> {
    let mut plan = plan_revision(described, &request.updates, &request.tags)?;
    if plan.register.is_none() {
        plan.notes.push(format!("{} already is as asked for: nothing to register", name_of(described)));
    }
    Ok(plan)
}

pub fn plan_service(request: &DeployServiceUpdate, observed: &Observed) -> Result<Plan, Error> {
    let described = &observed.described;
    let mut plan = plan_wanted(request, described)?;
    match &observed.service {
        // A deleted service is still described for a while; its name is free again.
        Ok(service) if request.create.is_none() || service["status"] != "INACTIVE" => {
            service::plan_update(&mut plan, request, observed, service)?
        }
        _ => service::plan_creation(&mut plan, request, described)?,
    }
    Ok(plan)
}

/// The revision that a request wants, new or as it is.
pub(super) fn plan_wanted(request: &DeployServiceUpdate, described: &Value) -> Result<Plan, Error> {
    let mut plan = plan_revision(described, &request.updates, &request.tags)?;
    if request.skip_registration {
        check_deployable(described)?;
        plan.register = None;
    }
    Ok(plan)
}

/// A deregistered revision can be read and copied, but not deployed.
fn check_deployable(described: &Value) -> Result<(), Error> {
    match described["taskDefinition"]["status"].as_str() {
        Some(status) if status != "ACTIVE" => {
            let why =
                format!("{} is {status}: it was deregistered and cannot be deployed as it is", name_of(described));
            let hint = "Give it as --previous-revision-number, and an equal revision is registered and deployed.";
            Err(Error::input("revision", why, hint))
        }
        _ => Ok(()),
    }
}

fn plan_revision(described: &Value, updates: &Updates, tags: &[super::tags::Tag]) -> Result<Plan, Error> {
    let Edited { body, changes, warnings } = edit(described, updates, tags)?;
    let definition = &described["taskDefinition"];
    let usable = definition["status"].as_str().is_none_or(|status| status == "ACTIVE");
    let images = images(&body);
    let register = (!changes.is_empty() || !usable).then(|| Value::Object(body));
    let base = definition["taskDefinitionArn"].as_str().unwrap_or_default().to_owned();
    Ok(Plan { base, register, deploy: None, changes, notes: Vec::new(), warnings, images })
}

pub fn images(body: &Map<String, Value>) -> Vec<(String, String)> {
    let containers = body.get("containerDefinitions").and_then(Value::as_array);
    let text = |container: &Value, name: &str| container[name].as_str().unwrap_or_default().to_owned();
    containers.into_iter().flatten().map(|container| (text(container, "name"), text(container, "image"))).collect()
}

/// An image that may be another one today than when this revision was last deployed, since only a tag names
/// it. If images were given, only their containers count.
pub(super) fn may_have_moved<'a>(plan: &'a Plan, updates: &Updates) -> Option<&'a (String, String)> {
    let meant = |container: &String, given: &String| given.is_empty() || given == container;
    let given = |container: &String| updates.images.iter().any(|update| meant(container, &update.container));
    plan.images
        .iter()
        .filter(|(container, _)| updates.images.is_empty() || given(container))
        .find(|(_, image)| take_apart(image).digest.is_none())
}
