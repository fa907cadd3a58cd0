//! The scheduler's hands: starting tasks, stopping tasks, and the events that go with it.

use serde_json::{Value, json};

use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::definition::Definition;
use crate::sandbox::ecs::event;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::tag;
use crate::sandbox::ecs::task::Birth;
use crate::sandbox::ecs::time::Now;

/// A deployment's tasks as the scheduler counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Meant to run.
    pub wanted: u32,
    /// Of these, healthy.
    pub ready: u32,
}

impl Plane {
    pub(super) fn tally(&self, service: &Service, place: usize) -> Tally {
        let tasks = service.deployments[place].tasks.iter().filter_map(|id| self.tasks.get(id));
        tasks.filter(|task| task.is_wanted()).fold(Tally::default(), |sum, task| Tally {
            wanted: sum.wanted + 1,
            ready: sum.ready + u32::from(task.ready),
        })
    }

    /// Starts `count` tasks of a deployment; the first that cannot be placed ends it for now.
    pub(super) fn start_tasks(&mut self, service: &mut Service, place: usize, count: u32, now: Now) {
        let Some(definition) = self.definition(&service.deployments[place].definition).cloned() else { return };
        self.resolve_images(service, place);
        let mut started = Vec::new();
        for _ in 0..count {
            match self.start_service_task(service, place, &definition, now) {
                Ok(id) => started.push(id),
                Err(reason) => {
                    self.not_placed(service, place, &reason, now);
                    break;
                }
            }
        }
        if !started.is_empty() {
            service.stir();
            service.events.say(&service.key.name, event::started(&started), &mut self.world.ids, now);
            service.deployments[place].updated = now;
            service.deployments[place].tasks.extend(started);
        }
    }

    fn start_service_task(
        &mut self,
        service: &Service,
        place: usize,
        definition: &Definition,
        now: Now,
    ) -> Result<String, String> {
        let deployment = &service.deployments[place];
        let revision = service.revision(&deployment.revision);
        let mut settings = revision.map(|revision| revision.settings.clone()).unwrap_or_default();
        if settings.is_object() {
            settings["enableExecuteCommand"] = service.settings["enableExecuteCommand"].clone();
        }
        let grace = service.settings["healthCheckGracePeriodSeconds"].as_f64().unwrap_or(0.0);
        let birth = Birth {
            cluster: &service.key.cluster,
            definition,
            group: format!("service:{}", service.key.name),
            started_by: Some(deployment.id.clone()),
            service: Some(service.key.clone()),
            settings: &settings,
            tags: task_tags(service, definition),
            pinned: revision.map(|revision| revision.images.as_slice()).unwrap_or_default(),
            balanced: revision.is_some_and(|revision| !revision.balancers.is_empty()),
            grace: self.world.pace.scaled(grace),
        };
        let task = self.world.bear(birth, now)?;
        Ok(self.adopt(task))
    }

    fn not_placed(&mut self, service: &mut Service, place: usize, reason: &str, now: Now) {
        let reason = reason.trim_end_matches('.');
        service.events.say(
            &service.key.name,
            event::not_placed(reason, service.is_fargate()),
            &mut self.world.ids,
            now,
        );
        let deployment = &mut service.deployments[place];
        deployment.failed_tasks += 1;
        deployment.hold = now.after(self.world.pace.throttle);
        let (at, primary) = (deployment.hold, deployment.primary);
        service.wake_by(at);
        if let Some(release) = service.ongoing().filter(|_| primary) {
            release.failures += 1;
        }
    }

    /// Stops tasks: what is registered drains first.
    pub(super) fn halt_tasks(&mut self, service: &mut Service, place: usize, ids: &[String], reason: &str, now: Now) {
        if ids.is_empty() {
            return;
        }
        let (id, revision) = (service.deployments[place].id.clone(), service.deployments[place].revision.clone());
        let draining = ids.iter().filter(|id| self.tasks.get(*id).is_some_and(|task| task.noted.registered)).count();
        for id in ids {
            self.with_task(id, now, |task, _| task.ask_to_stop("ServiceSchedulerInitiated", reason, now));
        }
        let (name, world) = (&service.key.name, &mut self.world);
        if draining > 0 {
            service.events.draining(name, &id, draining, &mut world.ids, now);
            let groups = service.revision(&revision).into_iter().flat_map(|revision| revision.balancers.clone());
            for balancer in groups.collect::<Vec<_>>() {
                service.events.say(name, event::deregistered(draining, &balancer.group), &mut world.ids, now);
            }
        }
        service.events.say(name, event::stopped(ids), &mut world.ids, now);
        service.stir();
    }

    /// Stops up to `count` tasks of a deployment for the sake of `by`, those that are not healthy first.
    pub(super) fn shrink(&mut self, service: &mut Service, place: usize, count: u32, by: &str, now: Now) {
        let tasks = service.deployments[place].tasks.iter().filter_map(|id| self.tasks.get(id));
        let mut wanted: Vec<_> =
            tasks.filter(|task| task.is_wanted()).map(|task| (task.ready, task.id.clone())).collect();
        wanted.sort_by_key(|(ready, _)| *ready);
        let ids: Vec<String> = wanted.into_iter().take(count as usize).map(|(_, id)| id).collect();
        self.halt_tasks(service, place, &ids, &format!("Scaling activity initiated by (deployment {by})"), now);
    }
}

fn task_tags(service: &Service, definition: &Definition) -> Vec<Value> {
    let mut tags = Vec::new();
    if service.settings["enableECSManagedTags"] == true {
        tags.push(json!({ "key": "aws:ecs:clusterName", "value": service.key.cluster }));
        tags.push(json!({ "key": "aws:ecs:serviceName", "value": service.key.name }));
    }
    match service.settings["propagateTags"].as_str() {
        Some("TASK_DEFINITION") => tag::merge(&mut tags, definition.tags.clone()),
        Some("SERVICE") => tag::merge(&mut tags, service.tags.clone()),
        _ => {}
    }
    tags
}
