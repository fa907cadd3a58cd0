//! A deployment begins: a new revision, a new PRIMARY, a new service deployment; what was going on before is
//! superseded.

use serde_json::{Map, Value};

use super::{Deployment, Image, Revision, Rollout};
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::release::Release;
use crate::sandbox::ecs::service::{Controller, OF_REVISION, Service};
use crate::sandbox::ecs::task_set::TaskSet;
use crate::sandbox::ecs::time::Now;

/// Revisions and service deployments that are remembered for each service; ECS keeps ninety days of them.
const KEPT: usize = 100;

impl Plane {
    pub(in crate::sandbox::ecs) fn start_deployment(&mut self, service: &mut Service, now: Now) {
        let revision = self.new_revision(service, now);
        let sources = serving(service);
        service.stir();
        if let Some(release) = service.releases.first_mut() {
            release.supersede("Service deployment was stopped because a newer service deployment was started.", now);
        }
        if service.controller() == Controller::Ecs {
            let arn = self.world.owner.service_deployment(&service.key, &self.world.ids.letters());
            let firing = self.world.alarms.iter().cloned().collect();
            let release = Release::new(arn, &revision.arn, sources, &service.settings, firing, now);
            service.releases.insert(0, release);
            service.releases.truncate(KEPT);
            service.wake_by(now.after(self.world.pace.pending));
        }
        self.new_primary(service, &revision, false, now);
        service.revisions.push(revision);
        forget_revisions(service);
    }

    /// Puts a new PRIMARY in front; the others become ACTIVE.
    pub(in crate::sandbox::ecs) fn new_primary(
        &mut self,
        service: &mut Service,
        revision: &Revision,
        rollback: bool,
        now: Now,
    ) {
        for other in service.deployments.iter_mut().filter(|other| other.primary) {
            other.primary = false;
            other.updated = now;
        }
        let id = format!("ecs-svc/{}", self.world.ids.digits());
        let deployment = Deployment {
            primary: true,
            revision: revision.arn.clone(),
            definition: revision.definition.clone(),
            created: now,
            updated: now,
            wanted: service.desired,
            rollout: Rollout::InProgress,
            reason: format!("ECS deployment {id} in progress."),
            failed_tasks: 0,
            never_ran: 0,
            hold: now.after(self.world.pace.schedule),
            rollback,
            told_no_room: false,
            tasks: Vec::new(),
            set: TaskSet::of(service),
            id,
        };
        service.wake_by(deployment.hold);
        service.deployments.insert(0, deployment);
    }

    fn new_revision(&mut self, service: &Service, now: Now) -> Revision {
        let definition = service.definition.clone().unwrap_or_default();
        let staged =
            service.settings["deploymentConfiguration"]["strategy"].as_str().is_some_and(|name| name != "ROLLING");
        let live = serving(service).first().and_then(|arn| service.revision(arn));
        let kept =
            OF_REVISION.iter().filter_map(|member| Some((member.to_string(), service.settings.get(*member)?.clone())));
        Revision {
            arn: self.world.owner.service_revision(&service.key, &self.world.ids.digits()),
            images: self.images(&definition),
            balancers: Revision::balancers(&service.settings, staged, live),
            settings: Value::Object(kept.collect::<Map<_, _>>()),
            created: now,
            definition,
        }
    }

    /// Tags are resolved to digests once per deployment; `resolve_images` tries again what is not there yet.
    pub(in crate::sandbox::ecs) fn images(&self, definition: &str) -> Vec<Image> {
        let containers =
            self.definition(definition).map(|definition| definition.containers().to_vec()).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let image = |container: &Value| {
            let image = text(&container["image"]);
            Image { container: text(&container["name"]), digest: self.world.digest(&image), image }
        };
        containers.iter().map(image).collect()
    }
}

/// Starts that never reached RUNNING until a deployment goes on without digests [ECS developer guide, "container image
/// resolution"].
const TRIES: u32 = 3;

impl Plane {
    /// Looks once more for images that were not there when the deployment began; each task would do so for itself.
    pub(in crate::sandbox::ecs) fn resolve_images(&self, service: &mut Service, place: usize) {
        let Deployment { revision, never_ran, .. } = &service.deployments[place];
        let Some(revision) = service.revisions.iter_mut().rev().find(|kept| kept.arn == *revision) else { return };
        if *never_ran < TRIES {
            let unsettled = revision.images.iter_mut().filter(|image| image.digest.is_none());
            unsettled.for_each(|image| image.digest = self.world.digest(&image.image));
        }
    }
}

/// The revisions whose tasks there are, the one that was COMPLETED last first.
fn serving(service: &Service) -> Vec<String> {
    let mut arns: Vec<String> = service.last_good.iter().cloned().collect();
    arns.retain(|arn| service.deployments.iter().any(|deployment| deployment.revision == *arn));
    for deployment in service.deployments.iter().filter(|deployment| !deployment.tasks.is_empty()) {
        if !arns.contains(&deployment.revision) {
            arns.push(deployment.revision.clone());
        }
    }
    arns
}

pub fn forget_revisions(service: &mut Service) {
    let spare = service.revisions.len().saturating_sub(KEPT);
    let last_good = service.last_good.clone();
    let used: Vec<String> = service.deployments.iter().map(|deployment| deployment.revision.clone()).collect();
    let mut place = 0;
    service.revisions.retain(|revision| {
        place += 1;
        place > spare || Some(&revision.arn) == last_good.as_ref() || used.contains(&revision.arn)
    });
}
