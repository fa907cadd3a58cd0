//! ListTasks and DescribeTasks.

use serde_json::{Value, json};

use super::Task;
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::arn::short;
use crate::sandbox::ecs::error::{ApiError, invalid, no_service};
use crate::sandbox::ecs::input::{includes, one_of, text, texts};
use crate::sandbox::ecs::page::{Limit, page};
use crate::sandbox::ecs::time::Now;
use crate::sandbox::ecs::timers::ServiceKey;

const PAGE: Limit = Limit { usual: 100, most: 100 };

impl Plane {
    /// `desiredStatus` is what is meant, not what is: a failing task is STOPPED here at once.
    pub(in crate::sandbox::ecs) fn list_tasks(&self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let cluster = self.cluster_of(body)?;
        one_of(body, "desiredStatus", &["RUNNING", "PENDING", "STOPPED"])?;
        let service = match text(body, "serviceName")? {
            Some(name) => Some(self.known_service(&cluster, name)?),
            None => None,
        };
        let wish = text(body, "desiredStatus")?.unwrap_or("RUNNING");
        let (family, by) = (text(body, "family")?, text(body, "startedBy")?);
        let launch = text(body, "launchType")?;
        if text(body, "containerInstance")?.is_some() {
            return page(body, "taskArns", std::iter::empty(), PAGE);
        }
        let shown = self.tasks.values().filter(|task| {
            task.cluster == cluster
                && self.is_visible(task, now)
                && wish == (if task.is_wanted() { "RUNNING" } else { "STOPPED" })
                && service.as_ref().is_none_or(|key| task.service.as_ref() == Some(key))
                && family.is_none_or(|family| task.family == family)
                && by.is_none_or(|by| task.started_by.as_deref() == Some(by))
                && launch.is_none_or(|launch| task.members["launchType"] == launch)
        });
        page(body, "taskArns", shown.map(|task| task.arn.clone()), PAGE)
    }

    fn known_service(&self, cluster: &str, name: &str) -> Result<ServiceKey, ApiError> {
        let key = ServiceKey { cluster: cluster.to_owned(), name: short(name, "service")?.to_owned() };
        if self.services.contains_key(&key) { Ok(key) } else { Err(no_service()) }
    }

    pub(in crate::sandbox::ecs) fn describe_tasks(&self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let cluster = self.cluster_of(body)?;
        let names = texts(body, "tasks")?;
        if names.is_empty() {
            return Err(invalid("Tasks cannot be empty."));
        }
        if names.len() > 100 {
            return Err(invalid("Tasks cannot have more than 100 elements.")); // our wording
        }
        let tags = includes(body, "TAGS")?;
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            let id = task_id(name)?;
            match self.tasks.get(id).filter(|task| task.cluster == cluster && self.is_visible(task, now)) {
                Some(task) => tasks.push(task.show(tags)),
                None => failures.push(json!({ "arn": self.world.owner.task(&cluster, id), "reason": "MISSING" })),
            }
        }
        Ok(json!({ "tasks": tasks, "failures": failures }))
    }

    /// A task just started may not be known everywhere yet.
    fn is_visible(&self, task: &Task, now: Now) -> bool {
        task.times.created.after(self.world.lag.new_task) <= now
    }
}

pub fn task_id(name: &str) -> Result<&str, ApiError> {
    let id = short(name, "task")?;
    match id.len() {
        32 | 36 => Ok(id),
        _ => Err(invalid("taskId length should be one of [32,36]")),
    }
}
