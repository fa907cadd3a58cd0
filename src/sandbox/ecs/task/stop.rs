//! StopTask, and the bookkeeping of tasks within the plane.

use serde_json::{Value, json};

use super::Task;
use super::list::task_id;
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::error::{ApiError, invalid};
use crate::sandbox::ecs::input::{required, text};
use crate::sandbox::ecs::time::Now;
use crate::sandbox::ecs::timers::Subject;

impl Plane {
    pub(in crate::sandbox::ecs) fn stop_task(&mut self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let cluster = self.cluster_of(body)?;
        let id = task_id(required(body, "task", "Task can not be blank.")?)?.to_owned();
        let reason = text(body, "reason")?.unwrap_or("Task stopped by user").to_owned();
        if self.tasks.get(&id).is_none_or(|task| task.cluster != cluster) {
            return Err(invalid("The referenced task was not found."));
        }
        self.with_task(&id, now, |task, _| task.ask_to_stop("UserInitiated", &reason, now));
        Ok(json!({ "task": self.tasks[&id].show(true) }))
    }

    /// Takes a new task in and sets its alarm.
    pub(in crate::sandbox::ecs) fn adopt(&mut self, task: Task) -> String {
        let id = task.id.clone();
        self.timers.set(Subject::Task(id.clone()), task.wake());
        self.touch(format!("task/{id}"));
        self.tasks.insert(id.clone(), task);
        id
    }

    /// Changes a task, sets its next alarm, and lets its service know.
    pub(in crate::sandbox::ecs) fn with_task<T>(
        &mut self,
        id: &str,
        now: Now,
        change: impl FnOnce(&mut Task, &crate::sandbox::ecs::pace::Pace) -> T,
    ) -> Option<T> {
        let task = self.tasks.get_mut(id)?;
        let result = change(task, &self.world.pace);
        self.timers.set(Subject::Task(id.to_owned()), task.wake());
        if let Some(key) = task.service.clone() {
            self.wake_service_at(key, now);
        }
        self.touch(format!("task/{id}"));
        self.write(id);
        Some(result)
    }

    /// A task's alarm went off.
    pub(in crate::sandbox::ecs) fn wake_task(&mut self, id: &str, now: Now) {
        self.find_images(id, now);
        let forget = self.with_task(id, now, |task, pace| task.advance(now, pace)) == Some(true);
        if !forget {
            return;
        }
        self.timers.set(Subject::Task(id.to_owned()), None);
        if let Some(task) = self.tasks.remove(id) {
            self.sweep_definition(&task.definition);
        }
    }
}
