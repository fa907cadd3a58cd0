//! The pull: here it shows whether a task's images are there. A simulated task without one of them cannot start; of a
//! task that really runs, its runner will say so.

use super::{Status, Step, Task};
use crate::sandbox::ecs::fate::Fate;
use crate::sandbox::ecs::images::image_not_found;
use crate::sandbox::ecs::time::Now;
use crate::sandbox::ecs::{Plane, World};

impl Plane {
    /// Before the steps of a task that are due.
    pub(super) fn find_images(&mut self, id: &str, now: Now) {
        if let Some(task) = self.tasks.get_mut(id).filter(|task| task.pulls_by(now)) {
            task.find_images(&self.world);
        }
    }
}

impl Task {
    fn pulls_by(&self, now: Now) -> bool {
        let due = self.due.iter().any(|(at, step)| *step == Step::Pull && *at <= now);
        let gets_there = !matches!(self.fate, Fate::NeverStarts | Fate::ResourceInitialization { .. });
        self.status == Status::Provisioning && due && gets_there
    }

    fn find_images(&mut self, world: &World) {
        for place in 0..self.containers.len() {
            let container = &mut self.containers[place];
            match world.pull(&container.image, container.digest.as_deref()) {
                Ok(digest) => container.digest = Some(digest),
                Err(reference) => return self.miss(place, &reference),
            }
        }
    }

    fn miss(&mut self, place: usize, reference: &str) {
        if !matches!(self.fate, Fate::External | Fate::FailPull { .. }) {
            self.fate = Fate::FailPull { reason: Some(image_not_found(reference)) };
            self.victim = place;
        }
    }
}
