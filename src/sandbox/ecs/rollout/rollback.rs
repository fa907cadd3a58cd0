//! Failure and the way back. A rollback is a new PRIMARY deployment of the revision that was COMPLETED last,
//! within the same service deployment. It is a real deployment: in a rolling update it starts tasks of its own
//! and can fail in turn (ROLLBACK_FAILED). Where there is nothing to go back to, the deployment stalls.

use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::deployment::Revision;
use crate::sandbox::ecs::event;
use crate::sandbox::ecs::release::{Rollback, Status};
use crate::sandbox::ecs::service::{OF_REVISION, Service};
use crate::sandbox::ecs::time::Now;

const TRIPPED: &str = "ECS deployment circuit breaker: tasks failed to start.";

/// Whom a rollback is owed to, in the words of the event and of the API.
struct Failure<'a> {
    /// `rolloutStateReason` of the failed deployment.
    rollout: &'a str,
    /// The event's `deployment failed: …`.
    event: &'a str,
    /// `rollback.reason`; ours, as AWS prints no list of these.
    reason: &'a str,
}

impl Plane {
    pub(super) fn fail_by_breaker(&mut self, service: &mut Service, now: Now) {
        let release = &mut service.releases[0];
        release.tripped = true;
        let rolls_back = release.configuration["deploymentCircuitBreaker"]["rollback"] == true;
        let reason = "Service deployment rolled back because the circuit breaker threshold was exceeded.";
        self.fail(service, &Failure { rollout: TRIPPED, event: "tasks failed to start", reason }, rolls_back, now);
    }

    pub(super) fn fail_by_alarm(&mut self, service: &mut Service, now: Now) {
        let rolls_back = service.releases[0].alarms.rollback;
        let reason = "Service deployment rolled back because a deployment alarm was triggered.";
        let rollout = "ECS deployment failed: alarm detected.";
        self.fail(service, &Failure { rollout, event: "alarm detected", reason }, rolls_back, now);
    }

    /// Whoever asked for it: StopServiceDeployment, a hook, a time limit.
    pub(in crate::sandbox::ecs) fn roll_back_or_stop(&mut self, service: &mut Service, reason: &str, now: Now) {
        let rollout = "ECS deployment failed: the deployment was stopped.";
        self.fail(service, &Failure { rollout, event: "deployment was stopped", reason }, true, now);
    }

    fn fail(&mut self, service: &mut Service, failure: &Failure, rolls_back: bool, now: Now) {
        let Some(primary) = service.deployments.first_mut() else { return };
        let (id, was_rollback) = (primary.id.clone(), primary.rollback);
        primary.fail(failure.rollout, now);
        service.stir();
        service.events.say(&service.key.name, event::failed(&id, failure.event), &mut self.world.ids, now);
        let target = service.last_good.as_ref().and_then(|arn| service.revision(arn)).cloned();
        match target {
            _ if was_rollback => self.end_failed(service, Status::RollbackFailed, failure.rollout, now),
            Some(target) if rolls_back => self.roll_back(service, &target, failure.reason, now),
            None if rolls_back => {
                let reason = "No rollback candidate was found to run the rollback.";
                self.end_failed(service, Status::RollbackFailed, reason, now);
            }
            _ => self.end_failed(service, Status::StopRequested, failure.rollout, now),
        }
    }

    fn end_failed(&mut self, service: &mut Service, status: Status, reason: &str, now: Now) {
        let release = &mut service.releases[0];
        release.reason = Some(reason.to_owned());
        release.become_now(status, now);
        service.wake_by(now.after(self.world.pace.pending));
    }

    fn roll_back(&mut self, service: &mut Service, target: &Revision, reason: &str, now: Now) {
        // While it is under way there is no COMPLETED deployment to go back to.
        service.last_good = None;
        service.definition = Some(target.definition.clone());
        restore(service, target);
        self.new_primary(service, target, true, now);
        let id = service.deployments[0].id.clone();
        if service.releases[0].tripped {
            // Which id ECS names here, the old deployment's or the new one's, is not documented.
            service.deployments[0].reason =
                format!("ECS deployment circuit breaker: rolling back to deploymentId {id}.");
        }
        service.events.say(&service.key.name, event::rolling_back(&id), &mut self.world.ids, now);
        let release = &mut service.releases[0];
        release.reason = Some(reason.to_owned());
        release.rollback = Some(Rollback { reason: reason.to_owned(), at: now, revision: target.arn.clone() });
        release.failures = 0;
        release.become_now(Status::RollbackRequested, now);
        service.wake_by(now.after(self.world.pace.pending));
        self.give_traffic_back(service, target, now);
    }

    /// Blue still runs: it is the rollback, and only its traffic comes back. In a rolling update the old
    /// tasks are replaced like those of any other deployment.
    fn give_traffic_back(&mut self, service: &mut Service, target: &Revision, now: Now) {
        let release = &mut service.releases[0];
        if !release.is_staged() {
            return;
        }
        let shifted = release.traffic.test > 0.0 || release.traffic.production > 0.0;
        (release.traffic.test, release.traffic.production) = (0.0, 0.0);
        release.until = None;
        if shifted {
            self.repeat_shift_hooks(service, now);
        }
        let old = service.deployments.iter_mut().skip(1).filter(|deployment| deployment.revision == target.arn);
        let tasks: Vec<String> = old.flat_map(|deployment| std::mem::take(&mut deployment.tasks)).collect();
        service.deployments[0].tasks = tasks;
    }
}

/// The settings that the revision was made of are the service's again.
fn restore(service: &mut Service, target: &Revision) {
    let Some(settings) = service.settings.as_object_mut() else { return };
    settings.retain(|member, _| !OF_REVISION.contains(&member.as_str()));
    settings.extend(target.settings.as_object().cloned().unwrap_or_default());
}
