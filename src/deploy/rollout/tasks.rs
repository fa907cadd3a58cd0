//! The stopped tasks of our deployment, gathered while it goes on. Looked for when ECS counts a failure, and
//! now and then all the same, since tasks that die after they were running are not counted.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::deploy::diagnose::Stopped;
use crate::deploy::ecs::{CallError, Ecs, Operation};
use crate::deploy::judge::Memory;
use crate::deploy::plan::Deploy;
use crate::report::{Event, Events};

/// The longest time between two collections.
const EVERY: Duration = Duration::from_secs(30);

/// As many tasks as DescribeTasks takes.
const BATCH: usize = 100;

/// Pages of 100 tasks that are read at most.
const PAGES: usize = 5;

#[derive(Default)]
pub struct Tasks {
    /// ARNs that were described, ours or not.
    known: Vec<String>,
    stopped: Vec<Stopped>,
    failed: i64,
    looked: Option<SystemTime>,
    denied: bool,
    told: Vec<String>,
}

impl Tasks {
    pub fn all(&self) -> &[Stopped] {
        &self.stopped
    }

    /// Collects if it is time to.
    pub async fn look(&mut self, deploy: &Deploy, memory: &Memory, now: SystemTime, ecs: &dyn Ecs, events: &Events) {
        let first = *self.looked.get_or_insert(now);
        let due = now.duration_since(first).is_ok_and(|passed| passed >= EVERY);
        if memory.failed > self.failed || due {
            self.failed = memory.failed;
            self.looked = Some(now);
            self.collect(deploy, memory, ecs, events).await;
        }
    }

    /// Never fails: a rollout is not worth less because it cannot be explained.
    pub async fn collect(&mut self, deploy: &Deploy, memory: &Memory, ecs: &dyn Ecs, events: &Events) {
        if self.denied || memory.id.is_none() {
            return;
        }
        match self.fetch(deploy, ecs).await {
            Ok(tasks) => self.keep(tasks, memory, events),
            Err(why) => {
                if let Some(action) = why.denied_action() {
                    self.denied = true;
                    let hint = format!("Grant {action} to be told why tasks stop.");
                    events.warn(format!("{action} is denied: stopped tasks cannot be explained"), Some(hint));
                }
            }
        }
    }

    /// `startedBy` would be the better filter, but ListTasks takes it alone only, and then lists running tasks.
    async fn fetch(&mut self, deploy: &Deploy, ecs: &dyn Ecs) -> Result<Vec<Stopped>, CallError> {
        let service = crate::deploy::request::name_in_arn(&deploy.service);
        let listed = list(&deploy.cluster, service, ecs).await?;
        let arns = listed.iter().filter_map(|arn| arn.as_str());
        let new: Vec<String> =
            arns.filter(|arn| !self.known.iter().any(|known| known == arn)).map(str::to_owned).collect();
        let mut tasks = Vec::new();
        for batch in new.chunks(BATCH) {
            let body = json!({"cluster": deploy.cluster, "tasks": batch});
            let described = ecs.call(Operation::DescribeTasks, body).await?;
            let described = described.body["tasks"].as_array().cloned().unwrap_or_default();
            // A task that is still stopping has no exit codes yet: it is described again next time.
            let over = described.iter().filter(|task| has_ended(task));
            for task in over {
                self.known.extend(task["taskArn"].as_str().map(str::to_owned));
                tasks.push(Stopped::read(task));
            }
        }
        Ok(tasks)
    }

    fn keep(&mut self, tasks: Vec<Stopped>, memory: &Memory, events: &Events) {
        let ours = |task: &Stopped| Some(&task.started_by) == memory.id.as_ref();
        for task in tasks.into_iter().filter(ours).filter(|task| !task.is_normal()) {
            let why = task.why();
            if !self.told.contains(&why) {
                events.emit(Event::Rollout { text: format!("task {} stopped: {why}", task.id) });
                self.told.push(why);
            }
            self.stopped.push(task);
        }
    }
}

/// The stopped tasks of a service; a crash loop can fill several pages within the hour that ECS remembers them.
async fn list(cluster: &str, service: &str, ecs: &dyn Ecs) -> Result<Vec<Value>, CallError> {
    let mut arns = Vec::new();
    let mut body = json!({"cluster": cluster, "serviceName": service, "desiredStatus": "STOPPED"});
    for _ in 0..PAGES {
        let mut page = ecs.call(Operation::ListTasks, body.clone()).await?.body;
        if let Some(found) = page["taskArns"].as_array_mut() {
            arns.append(found);
        }
        match page["nextToken"].take() {
            Value::Null => break,
            token => body["nextToken"] = token,
        }
    }
    Ok(arns)
}

/// In DEPROVISIONING the containers are gone already and only the network interface is left to detach.
fn has_ended(task: &Value) -> bool {
    task["lastStatus"].as_str().is_none_or(|last| matches!(last, "STOPPED" | "DEPROVISIONING" | "DELETED"))
}
