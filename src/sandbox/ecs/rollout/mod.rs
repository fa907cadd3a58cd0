//! The service scheduler: every time something moved, it looks at one service, takes note of what its tasks
//! did, and brings it one step closer to what was asked for. It never waits; it says when it wants to look
//! again.

mod alarm;
mod finish;
mod hands;
mod hooks;
mod news;
mod rollback;
mod rolling;
mod sets;
mod staged;

pub use alarm::AlarmPlan;
pub use hooks::HookAnswer;

use serde_json::Value;

use super::Plane;
use super::deployment::{Deployment, Rollout};
use super::release::{Release, Status};
use super::service::{Controller, Service, State};
use super::time::Now;
use super::timers::ServiceKey;

impl Plane {
    /// A service's alarm went off.
    pub(super) fn wake_service(&mut self, key: &ServiceKey, now: Now) {
        self.with_service(key, now, |plane, service| plane.converge(service, now));
    }

    fn converge(&mut self, service: &mut Service, now: Now) {
        self.take_news(service, now);
        if service.controller() != Controller::Ecs {
            return self.converge_sets(service, now);
        }
        self.advance_releases(service, now);
        self.judge(service, now);
        match service.releases.first() {
            Some(release) if release.is_staged() && release.status == Status::Pending => {}
            Some(release) if release.is_staged() && release.status == Status::InProgress => {
                self.step_staged(service, now)
            }
            _ => self.step_rolling(service, now),
        }
        self.drop_empty(service);
        self.see_whether_calm(service, now);
    }

    /// The moves of a service deployment that only take their time.
    fn advance_releases(&mut self, service: &mut Service, now: Now) {
        let pending = self.world.pace.pending;
        let mut wake = None;
        for release in &mut service.releases {
            match release.status {
                Status::Pending if release.created.after(pending) <= now => {
                    release.started = Some(now);
                    release.become_now(Status::InProgress, now);
                }
                Status::Pending => wake = Some(release.created.after(pending)),
                Status::StopRequested if release.updated < now => release.become_now(Status::Stopped, now),
                Status::RollbackRequested if release.updated < now => {
                    release.become_now(Status::RollbackInProgress, now)
                }
                Status::StopRequested | Status::RollbackRequested => wake = Some(now.after(self.world.pace.pending)),
                _ => {}
            }
        }
        wake.into_iter().for_each(|at| service.wake_by(at));
    }

    /// Whether the deployment has failed: by its tasks, or by an alarm.
    fn judge(&mut self, service: &mut Service, now: Now) {
        let desired = service.desired;
        let planned = self.planned_alarms(service, now);
        let Some(release) = service.releases.first_mut().filter(|release| !release.is_over()) else { return };
        if release.status == Status::StopRequested {
            return;
        }
        release.note_alarms(&self.world.alarms, &planned);
        if self.has_tripped(service, desired) {
            return self.fail_by_breaker(service, now);
        }
        if service.releases[0].is_forward() && !service.releases[0].alarms.triggered.is_empty() {
            self.fail_by_alarm(service, now);
        }
    }

    /// The API model allows the breaker for rolling updates only, another page of AWS's says "rolling and
    /// blue/green". Blue/green goes by the model unless `breaker_in_blue_green` says otherwise.
    fn has_tripped(&self, service: &Service, desired: u32) -> bool {
        let release = &service.releases[0];
        let breaker = &release.configuration["deploymentCircuitBreaker"];
        let applies = !release.is_staged() || release.is_rolling_back() || self.world.breaker_in_blue_green;
        let going = service.deployments.first().is_some_and(|primary| primary.is_going_on());
        applies && going && breaker["enable"] == true && release.failures >= threshold(breaker, desired)
    }

    /// Deployments without tasks are gone, though a failed one is shown until its rollback is through; a
    /// draining service without any tasks is INACTIVE.
    fn drop_empty(&mut self, service: &mut Service) {
        let back = service.deployments.first().is_some_and(|primary| primary.rollback && primary.is_going_on());
        let shown = |one: &Deployment| one.primary || (back && one.rollout == Rollout::Failed);
        service.deployments.retain(|one| shown(one) || !self.is_idle(one));
        self.end_drained(service);
    }

    fn end_drained(&self, service: &mut Service) {
        if service.state == State::Draining && service.deployments.iter().all(|one| self.is_idle(one)) {
            service.state = State::Inactive;
            service.deployments.clear();
            service.wake = None;
        }
    }

    /// Nothing of it runs or is about to.
    fn is_idle(&self, deployment: &Deployment) -> bool {
        let counts = self.counts(deployment);
        counts.running + counts.pending == 0
    }
}

/// How many failures the circuit breaker allows.
pub fn threshold(breaker: &Value, desired: u32) -> u32 {
    let configured = &breaker["thresholdConfiguration"];
    let value = configured["value"].as_u64().unwrap_or(50) as u32;
    let share = (f64::from(desired) * f64::from(value) / 100.0).ceil() as u32;
    match configured["type"].as_str() {
        Some("COUNT") => value.max(1),
        Some("UNBOUNDED_PERCENT") => share.max(1),
        _ => share.clamp(3, 200),
    }
}

impl Service {
    /// The service deployment that is going on.
    pub fn ongoing(&mut self) -> Option<&mut Release> {
        self.releases.first_mut().filter(|release| !release.is_over() && release.status != Status::StopRequested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn threshold_is_half_of_the_desired_count_between_3_and_200() {
        let usual = json!({ "enable": true });
        let all: Vec<u32> = [0, 1, 6, 7, 25, 1000].map(|desired| threshold(&usual, desired)).into();
        assert_eq!(all, [3, 3, 3, 4, 13, 200]);
    }

    #[test]
    fn threshold_follows_its_configuration() {
        let of = |kind: &str, value: u32| json!({ "thresholdConfiguration": { "type": kind, "value": value } });
        assert_eq!(threshold(&of("COUNT", 1), 50), 1);
        assert_eq!(threshold(&of("BOUNDED_PERCENT", 10), 50), 5);
        assert_eq!(threshold(&of("UNBOUNDED_PERCENT", 50), 2), 1);
        assert_eq!(threshold(&of("UNBOUNDED_PERCENT", 50), 1000), 500);
    }
}
