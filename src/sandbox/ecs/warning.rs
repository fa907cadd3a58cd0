//! Warnings: a rule that cannot act is a rehearsal that shows nothing. What the plane notices of the kind is said once
//! for each definition and group of tasks; whoever serves the plane takes the sentences and shows them.

use std::collections::BTreeSet;

use super::fate::Fate;
use super::task::{Target, Task};
use super::{Plane, World};

#[derive(Debug, Clone, Default)]
pub struct Warnings {
    said: BTreeSet<String>,
    fresh: Vec<String>,
}

impl Plane {
    /// The warnings since the last call.
    pub fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.world.warnings.fresh)
    }
}

impl World {
    /// A task was started with a fate that has nothing to take hold of.
    pub fn warn_of(&mut self, task: &Task) {
        let what = match task.fate {
            Fate::HealthCheckFails if !task.is_checked() && task.target == Target::None => {
                "healthCheckFails cannot befall it: no essential container has a healthCheck, and no load balancer \
                 checks it"
            }
            Fate::ElbHealthCheckFails { .. } if task.target == Target::None => {
                "elbHealthCheckFails cannot befall it: it is behind no load balancer"
            }
            _ => return,
        };
        let definition = task.definition.rsplit('/').next().unwrap_or_default();
        let text = format!("a task of {definition} ({}) counts as healthy, as {what}", task.group);
        if self.warnings.said.insert(text.clone()) {
            self.warnings.fresh.push(text);
        }
    }

    /// Rules are new: what is said of them may be said again.
    pub fn forget_warnings(&mut self) {
        self.warnings.said.clear();
    }
}
