//! Task sets: each is kept at its own share of the desired count, and none is stopped for the sake of another.
//! What comes, what goes and what serves is decided by whoever deploys, CodeDeploy or somebody else.

use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::deployment::{Deployment, Rollout};
use crate::sandbox::ecs::event;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::time::Now;

impl Plane {
    pub(super) fn converge_sets(&mut self, service: &mut Service, now: Now) {
        for place in 0..service.deployments.len() {
            self.step_set(service, place, now);
        }
        service.deployments.retain(|set| !set.set.draining || !self.is_idle(set));
        self.end_drained(service);
        self.see_which_are_steady(service, now);
    }

    fn step_set(&mut self, service: &mut Service, place: usize, now: Now) {
        let active = service.is_active();
        let set = &mut service.deployments[place];
        set.wanted = if active { set.set.share(service.desired) } else { 0 };
        let (wanted, hold, id) = (set.wanted, set.hold, set.id.clone());
        let running = self.tally(service, place).wanted;
        self.shrink(service, place, running.saturating_sub(wanted), &id, now);
        match wanted.saturating_sub(running) {
            0 => {}
            _ if hold > now => service.wake_by(hold),
            lacking => self.start_tasks(service, place, lacking, now),
        }
    }

    /// STEADY_STATE is as many healthy tasks as computed, and nothing pending.
    fn see_which_are_steady(&mut self, service: &mut Service, now: Now) {
        let mut steady = service.is_active() && !service.deployments.is_empty();
        for place in 0..service.deployments.len() {
            let tally = self.tally(service, place);
            let counts = self.counts(&service.deployments[place]);
            let set = &mut service.deployments[place];
            let calm = tally.wanted == set.wanted && tally.ready == set.wanted && counts.pending == 0;
            set.become_steady(calm, now);
            steady &= calm;
        }
        if steady && !service.steady {
            service.events.say(&service.key.name, event::STEADY, &mut self.world.ids, now);
        }
        service.steady = steady;
    }
}

impl Deployment {
    fn become_steady(&mut self, calm: bool, now: Now) {
        if calm == self.is_going_on() {
            self.rollout = if calm { Rollout::Completed } else { Rollout::InProgress };
            self.updated = now;
        }
    }
}
