//! What a deployer beside ECS learns and does otherwise than by ECS's API: how fast time goes here, what alarms and
//! hooks say, and how the load balancer's traffic is shared out.

use super::place;
use crate::sandbox::ecs::pace::Pace;
use crate::sandbox::ecs::time::Now;
use crate::sandbox::ecs::timers::ServiceKey;
use crate::sandbox::ecs::{HookAnswer, Plane};

impl Plane {
    pub fn time(&self) -> Now {
        self.world.now
    }

    pub fn pace(&self) -> &Pace {
        &self.world.pace
    }

    /// Whether an alarm is in ALARM.
    pub fn is_firing(&self, alarm: &str) -> bool {
        self.world.alarms.contains(alarm)
    }

    /// What a Lambda function that is a hook says when it is asked.
    pub fn hook_answer(&mut self, function: &str) -> HookAnswer {
        self.world.answer(function)
    }

    /// Shares of the production traffic, in percent, by the sets' ids. ECS does not know them: the weights are the
    /// load balancer's, and whoever plays it learns them from `targets`.
    pub fn shift_traffic(&mut self, cluster: &str, service: &str, shares: &[(&str, f64)], now: Now) {
        let key = ServiceKey { cluster: cluster.to_owned(), name: service.to_owned() };
        self.with_service(&key, now, |_, service| {
            for (id, share) in shares {
                if let Some(at) = place(service, id) {
                    service.deployments[at].set.traffic = Some(*share);
                }
            }
        });
    }
}
