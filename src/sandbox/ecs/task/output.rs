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

    /// Lets a task that has begun to run write what it has to. The log driver opens a stream for each container, also
    /// for one that never writes a line.
    pub(super) fn write(&mut self, id: &str) {
        let Some(task) = self.tasks.get_mut(id).filter(|task| task.ever_ran() && !task.noted.wrote) else { return };
        task.noted.wrote = true;
        let mut lines = std::mem::take(&mut task.log);
        let at = task.times.started.unwrap_or_default();
        let (victim, definition) = (task.containers[task.victim].name.clone(), task.definition.clone());
        let containers = self.definition(&definition).map(|found| found.containers().to_vec()).unwrap_or_default();
        for container in containers.into_iter().filter(|container| container.get("logConfiguration").is_some()) {
            let lines = if container["name"] == victim { std::mem::take(&mut lines) } else { Vec::new() };
            self.outputs.push(Output { task: id.to_owned(), container, at, lines });
        }
    }
}
