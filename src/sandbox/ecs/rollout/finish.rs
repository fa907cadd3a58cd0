//! The end of a rollout: everything is as it should be and stays so for a while, then the deployment is
//! COMPLETED and the service tells of its steady state. A client that only compares running with desired
//! is some seconds early here, as with ECS.

use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::deployment::Rollout;
use crate::sandbox::ecs::event;
use crate::sandbox::ecs::release::{Release, Stage, Status};
use crate::sandbox::ecs::service::{Controller, Service};
use crate::sandbox::ecs::time::Now;

impl Plane {
    pub(super) fn see_whether_calm(&mut self, service: &mut Service, now: Now) {
        let staged = service.releases.first().is_some_and(|release| release.is_staged() && release.is_forward());
        let over =
            !service.is_active() || service.deployments.first().is_none_or(|first| first.rollout == Rollout::Failed);
        if over || staged || service.steady {
            return;
        }
        if !self.is_calm(service) {
            service.calm_since = None;
            return;
        }
        let since = *service.calm_since.get_or_insert(now);
        let quiet = since.after(self.world.pace.settle);
        let baked = quiet.after(self.bake(service));
        if baked > now {
            self.show_baking(service, quiet <= now);
            service.wake_by(if quiet > now { quiet } else { baked });
        } else {
            self.complete(service, now);
        }
    }

    /// As many healthy tasks as desired and none of another deployment; or, by early success criteria, enough
    /// of them.
    fn is_calm(&self, service: &Service) -> bool {
        let first = self.tally(service, 0);
        let full = first.wanted == service.desired && first.ready == service.desired;
        let alone = service.deployments.iter().skip(1).all(|other| self.is_idle(other));
        let early = &service.settings["deploymentConfiguration"]["earlySuccessCriteria"];
        if early["enable"] != true || !service.deployments[0].is_going_on() {
            return full && alone;
        }
        let percent = early["healthyPercent"].as_u64().unwrap_or(100);
        let enough = u64::from(first.ready) * 100 >= percent * u64::from(service.desired);
        enough && (alone || early["sourceServiceRevisionCleanup"] == "DEFERRED")
    }

    /// A rolling update bakes too, if it is told to or if alarms watch it.
    fn bake(&self, service: &Service) -> f64 {
        let Some(release) = service.releases.first().filter(|release| release.is_forward() && !release.is_staged())
        else {
            return 0.0;
        };
        let minutes = release.minutes("/bakeTimeInMinutes");
        match minutes > 0.0 {
            true => minutes * self.world.pace.minute,
            false if release.alarms.enabled => self.world.pace.alarm_bake,
            false => 0.0,
        }
    }

    fn show_baking(&self, service: &mut Service, quiet: bool) {
        if let Some(release) = service.ongoing().filter(|release| quiet && !release.is_rolling_back()) {
            release.stage = Some(Stage::BakeTime);
        }
    }

    /// COMPLETED, SUCCESSFUL, steady.
    pub(super) fn complete(&mut self, service: &mut Service, now: Now) {
        let name = service.key.name.clone();
        let primary = &mut service.deployments[0];
        if primary.is_going_on() {
            primary.complete(now);
            service.last_good = Some(primary.revision.clone());
            let text = event::completed(&primary.id);
            if service.controller() == Controller::Ecs {
                service.events.say(&name, text, &mut self.world.ids, now);
            }
            if let Some(release) = service.ongoing() {
                release.succeed(now);
            }
        }
        self.drop_empty(service);
        // By early success criteria a deployment may be complete before the service is steady.
        service.steady = self.is_calm(service);
        match service.steady {
            true => service.events.say(&name, event::STEADY, &mut self.world.ids, now),
            false => service.calm_since = None,
        }
    }
}

impl Release {
    fn succeed(&mut self, now: Now) {
        if self.status == Status::Pending {
            self.started = Some(now);
        }
        let status = if self.is_rolling_back() { Status::RollbackSuccessful } else { Status::Successful };
        self.become_now(status, now);
    }
}
