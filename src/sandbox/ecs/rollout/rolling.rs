//! The rolling update, and the upkeep of a service at rest: as many tasks of the PRIMARY as are desired, the
//! others gone, and never more than the maximum nor fewer healthy ones than the minimum on the way.

use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::deployment::Rollout;
use crate::sandbox::ecs::event;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::time::Now;

/// The bounds of a rolling update, in tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    least: u32,
    most: u32,
}

impl Bounds {
    /// ECS rounds the minimum up and the maximum down.
    fn of(service: &Service) -> Self {
        let percent =
            |member: &str, usual: u64| service.settings["deploymentConfiguration"][member].as_u64().unwrap_or(usual);
        let desired = u64::from(service.desired);
        Bounds {
            least: (desired * percent("minimumHealthyPercent", 100)).div_ceil(100) as u32,
            most: (desired * percent("maximumPercent", 200) / 100) as u32,
        }
    }
}

impl Plane {
    pub(super) fn step_rolling(&mut self, service: &mut Service, now: Now) {
        let Some(primary) = service.deployments.first() else { return };
        // A failed deployment that nothing rolls back stalls: nothing is started and nothing stopped.
        if primary.rollout == Rollout::Failed && service.is_active() {
            return;
        }
        let bounds = Bounds::of(service);
        let missing = self.start_missing(service, bounds, now);
        self.stop_surplus(service, now);
        self.stop_others(service, bounds, missing, now);
        self.see_whether_stuck(service, bounds, now);
    }

    /// Starts what the PRIMARY lacks and the maximum allows. Answers how many the maximum kept back.
    fn start_missing(&mut self, service: &mut Service, bounds: Bounds, now: Now) -> u32 {
        let all: u32 = (0..service.deployments.len()).map(|place| self.tally(service, place).wanted).sum();
        let lacking = service.desired.saturating_sub(self.tally(service, 0).wanted);
        let starting = lacking.min(bounds.most.saturating_sub(all));
        let hold = service.deployments[0].hold;
        if starting > 0 && hold > now {
            service.wake_by(hold);
        } else if starting > 0 {
            self.start_tasks(service, 0, starting, now);
        }
        lacking - starting
    }

    fn stop_surplus(&mut self, service: &mut Service, now: Now) {
        let surplus = self.tally(service, 0).wanted.saturating_sub(service.desired);
        let by = service.deployments[0].id.clone();
        self.shrink(service, 0, surplus, &by, now);
    }

    /// Old tasks go when new healthy ones took their place, or to make room for those that the maximum kept
    /// back; the unhealthy ones among them go at once. In which order ECS stops tasks is not documented.
    fn stop_others(&mut self, service: &mut Service, bounds: Bounds, missing: u32, now: Now) {
        let by = service.deployments[0].id.clone();
        for place in (1..service.deployments.len()).rev() {
            let ready: u32 = (0..service.deployments.len()).map(|place| self.tally(service, place).ready).sum();
            let here = self.tally(service, place);
            let spare = ready.saturating_sub(bounds.least);
            let replaced = ready.saturating_sub(service.desired).max(missing);
            let healthy = here.ready.min(spare).min(replaced);
            self.shrink(service, place, here.wanted - here.ready + healthy, &by, now);
            service.deployments[place].wanted = self.tally(service, place).wanted;
        }
    }

    fn see_whether_stuck(&mut self, service: &mut Service, bounds: Bounds, now: Now) {
        let total: u32 = (0..service.deployments.len()).map(|place| self.tally(service, place).wanted).sum();
        let first = self.tally(service, 0);
        let room = bounds.most > total || first.wanted >= service.desired;
        let yielding = total > bounds.least;
        if room || yielding || service.deployments[0].told_no_room {
            return;
        }
        service.deployments[0].told_no_room = true;
        service.events.say(&service.key.name, event::NO_ROOM, &mut self.world.ids, now);
    }
}
