//! What the containers of simulated tasks write: the lines that a rule gives them, once they run. The plane hands
//! them out and forgets them; where they go is the business of whoever plays the log driver.

use serde_json::Value;

use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::time::Now;

/// Lines of one container.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    pub task: String,
    /// The container's part of the task definition, its `logConfiguration` among it.
    pub container: Value,
    pub at: Now,
    pub lines: Vec<String>,
}

impl Plane {
    /// What was written since the last time, oldest first.
    pub fn outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// Lets a task that has begun to run write what it has to.
    pub(super) fn write(&mut self, id: &str) {
        let Some(task) = self.tasks.get_mut(id).filter(|task| task.ever_ran() && !task.log.is_empty()) else { return };
        let lines = std::mem::take(&mut task.log);
        let at = task.times.started.unwrap_or_default();
        let (name, definition) = (task.containers[task.victim].name.clone(), task.definition.clone());
        let found = self.definition(&definition);
        let container = found.and_then(|found| found.containers().iter().find(|container| container["name"] == name));
        if let Some(container) = container.cloned() {
            self.outputs.push(Output { task: id.to_owned(), container, at, lines });
        }
    }
}
