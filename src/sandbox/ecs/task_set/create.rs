//! CreateTaskSet.

use serde_json::{Map, Value, json};

use super::TaskSet;
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::deployment::{Deployment, Revision, Rollout, forget_revisions};
use crate::sandbox::ecs::error::{ApiError, invalid};
use crate::sandbox::ecs::input::{one_of, required, text};
use crate::sandbox::ecs::service::{OF_REVISION, Service, check_against};
use crate::sandbox::ecs::tag;
use crate::sandbox::ecs::time::Now;

/// "You can create a maximum of 5 tasks sets for a deployment" (the service model, CreateTaskSet).
const MOST: usize = 5;

impl Plane {
    pub(in crate::sandbox::ecs) fn create_task_set(&mut self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let (key, service) = self.service_of_sets(body)?;
        one_of(body, "launchType", &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"])?;
        let definition =
            self.usable_definition(required(body, "taskDefinition", "TaskDefinition can not be blank.")?)?;
        let settings = settings(body);
        check_against(&settings, definition)?;
        if service.deployments.iter().filter(|set| !set.set.draining).count() >= MOST {
            return Err(ApiError::new("LimitExceededException", "The limit of task sets has been exceeded."));
        }
        let set = TaskSet {
            external: text(body, "externalId")?.map(str::to_owned),
            scale: scale(body)?.unwrap_or(100.0),
            tags: tag::read(body)?,
            ..TaskSet::of(service)
        };
        let arn = definition.arn().to_owned();
        self.with_service(&key, now, |plane, service| plane.add_set(service, arn, settings, set, now));
        let service = &self.services[&key];
        let made = service.deployments.last().expect("it was added");
        Ok(json!({ "taskSet": self.show_deployment(service, made, false) }))
    }

    fn add_set(&mut self, service: &mut Service, definition: String, settings: Value, set: TaskSet, now: Now) {
        let revision = Revision {
            arn: self.world.owner.service_revision(&service.key, &self.world.ids.digits()),
            images: self.images(&definition),
            balancers: Revision::balancers(&settings, false, None),
            settings,
            created: now,
            definition: definition.clone(),
        };
        let id = format!("ecs-svc/{}", self.world.ids.digits());
        let made = Deployment {
            primary: false,
            revision: revision.arn.clone(),
            definition,
            created: now,
            updated: now,
            wanted: set.share(service.desired),
            rollout: Rollout::InProgress,
            reason: String::new(),
            failed_tasks: 0,
            never_ran: 0,
            hold: now.after(self.world.pace.schedule),
            rollback: false,
            told_no_room: false,
            tasks: Vec::new(),
            set,
            id,
        };
        service.stir();
        service.wake_by(made.hold);
        service.revisions.push(revision);
        service.deployments.push(made);
        forget_revisions(service);
    }
}

/// The set's own settings; nothing is taken over from the service.
fn settings(body: &Value) -> Value {
    let given = OF_REVISION.iter().filter_map(|member| Some(((*member).to_owned(), body.get(*member)?.clone())));
    let mut settings: Map<String, Value> = given.collect();
    let provided = settings.get("capacityProviderStrategy").is_some_and(|all| all[0].is_object());
    if !provided {
        settings.entry("launchType").or_insert_with(|| json!("EC2"));
    }
    if settings.get("launchType").is_some_and(|launch| launch == "FARGATE") {
        settings.entry("platformVersion").or_insert_with(|| json!("LATEST"));
    }
    settings.into()
}

/// The percentage of a request, if it has one.
pub(super) fn scale(body: &Value) -> Result<Option<f64>, ApiError> {
    let Some(scale) = body.get("scale") else { return Ok(None) };
    match scale["value"].as_f64() {
        Some(value) if (0.0..=100.0).contains(&value) => Ok(Some(value)),
        _ => Err(invalid("The scale of a task set must be between 0 and 100 percent.")), // our wording
    }
}
