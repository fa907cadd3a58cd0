//! UpdateTaskSet, UpdateServicePrimaryTaskSet and DeleteTaskSet.

use serde_json::{Value, json};

use super::create::scale;
use super::place;
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::error::{ApiError, invalid};
use crate::sandbox::ecs::input::{flag, required};
use crate::sandbox::ecs::service::{OF_REVISION, Service};
use crate::sandbox::ecs::time::Now;

impl Plane {
    pub(in crate::sandbox::ecs) fn update_task_set(&mut self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let scale = scale(body)?.ok_or_else(|| invalid("Scale can not be blank."))?;
        self.change_set(body, "taskSet", now, |service, place| {
            service.deployments[place].set.scale = scale;
            Ok(())
        })
    }

    /// The set that serves from now on. The service takes over what it is made of.
    pub(in crate::sandbox::ecs) fn update_primary_task_set(
        &mut self,
        body: &Value,
        now: Now,
    ) -> Result<Value, ApiError> {
        self.change_set(body, "primaryTaskSet", now, |service, place| {
            if service.deployments[place].set.draining {
                return Err(invalid("A task set that is draining can not be the primary one.")); // our wording
            }
            for set in &mut service.deployments {
                set.primary = false;
            }
            service.deployments[..=place].rotate_right(1);
            service.deployments[0].primary = true;
            service.definition = Some(service.deployments[0].definition.clone());
            take_over(service);
            Ok(())
        })
    }

    pub(in crate::sandbox::ecs) fn delete_task_set(&mut self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let force = flag(body, "force")? == Some(true);
        self.change_set(body, "taskSet", now, |service, place| {
            let set = &mut service.deployments[place];
            if set.primary {
                return Err(invalid("The primary task set can not be deleted.")); // our wording
            }
            if set.set.scale > 0.0 && !force {
                return Err(invalid("A task set that is scaled above 0 can only be deleted by force.")); // our wording
            }
            set.set.draining = true;
            Ok(())
        })
    }

    fn change_set(
        &mut self,
        body: &Value,
        member: &str,
        now: Now,
        change: impl FnOnce(&mut Service, usize) -> Result<(), ApiError>,
    ) -> Result<Value, ApiError> {
        let (key, service) = self.service_of_sets(body)?;
        let name = required(body, member, "TaskSet can not be blank.")?;
        let missing = || ApiError::new("TaskSetNotFoundException", "The specified task set wasn't found.");
        let at = place(service, name).ok_or_else(missing)?;
        let id = service.deployments[at].id.clone();
        self.with_service(&key, now, |plane, service| {
            service.stir();
            service.wake_by(now.after(plane.world.pace.schedule));
            change(service, at).inspect(|()| touch(service, &id, now))
        })
        .transpose()?;
        let service = &self.services[&key];
        let shown = place(service, &id).map(|at| self.show_deployment(service, &service.deployments[at], false));
        Ok(json!({ "taskSet": shown }))
    }
}

/// What DescribeServices shows of a service is its primary set's.
fn take_over(service: &mut Service) {
    let settings = service.revision(&service.deployments[0].revision).map(|revision| revision.settings.clone());
    let (Some(settings), Some(own)) = (settings, service.settings.as_object_mut()) else { return };
    for member in OF_REVISION {
        match settings.get(*member) {
            Some(value) => drop(own.insert((*member).to_owned(), value.clone())),
            None if *member != "loadBalancers" => drop(own.shift_remove(*member)),
            None => {}
        }
    }
}

fn touch(service: &mut Service, id: &str, now: Now) {
    service.deployments.iter_mut().filter(|set| set.id == id).for_each(|set| set.updated = now);
}
