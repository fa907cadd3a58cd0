//! The stopped tasks of our deployment, gathered while it goes on. Looked for when ECS counts a failure, and
//! now and then all the same, since tasks that die after they were running are not counted.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::deploy::apply::seconds;
use crate::deploy::diagnose::Stopped;
use crate::deploy::ecs::{CallError, Ecs, Operation};
use crate::deploy::judge::Memory;
use crate::deploy::plan::Deploy;
use crate::deploy::rollout::unready::unready;
use crate::deploy::rollout::{Charge, Voice};

/// The longest time between two collections.
const EVERY: Duration = Duration::from_secs(15);

/// As many tasks as DescribeTasks takes.
const BATCH: usize = 100;

/// Pages of 100 tasks that are read at most.
const PAGES: usize = 5;

pub struct Tasks<'a> {
    voice: Voice<'a>,
    /// Our revision.
    definition: String,
    /// ARNs that were described, ours or not.
    known: Vec<String>,
    stopped: Vec<Stopped>,
    failed: i64,
    looked: Option<SystemTime>,
    denied: bool,
    told: Vec<String>,
}

impl<'a> Tasks<'a> {
    pub fn of(definition: &str, voice: Voice<'a>) -> Self {
        Tasks {
            voice,
            definition: definition.to_owned(),
            known: Vec::new(),
            stopped: Vec::new(),
            failed: 0,
            looked: None,
            denied: false,
            told: Vec::new(),
        }
    }

    pub fn all(&self) -> &[Stopped] {
        &self.stopped
    }

    /// Collects if it is time to.
    pub async fn look(&mut self, charge: &Charge<'_>, memory: &Memory, now: SystemTime, ecs: &dyn Ecs) {
        let first = *self.looked.get_or_insert(now);
        let due = now.duration_since(first).is_ok_and(|passed| passed >= EVERY);
        if memory.failed > self.failed || due {
            self.failed = memory.failed;
            self.looked = Some(now);
            self.collect(charge, memory, ecs).await;
        }
    }

    /// Never fails: a rollout is not worth less because it cannot be explained.
    pub async fn collect(&mut self, charge: &Charge<'_>, memory: &Memory, ecs: &dyn Ecs) {
        // A deployment that is known by its record alone is over: its tasks are those of its revision.
        if self.denied || (memory.id.is_none() && charge.started.record.is_none()) {
            return;
        }
        match self.fetch(charge.deploy, ecs).await {
            Ok(tasks) => self.keep(tasks, memory),
            Err(why) => {
                if let Some(action) = why.denied_action() {
                    self.denied = true;
                    let hint = format!("Grant {action} to be told why tasks stop.");
                    charge.events.warn(format!("{action} is denied: stopped tasks cannot be explained"), Some(hint));
                }
            }
        }
    }

    /// `startedBy` would be the better filter, but ListTasks takes it alone only, and then lists running tasks.
    async fn fetch(&self, deploy: &Deploy, ecs: &dyn Ecs) -> Result<Vec<(String, Stopped)>, CallError> {
        let service = crate::deploy::request::name_in_arn(&deploy.service);
        let listed = list(&deploy.cluster, service, ecs).await?;
        let arns = listed.iter().filter_map(|arn| arn.as_str());
        let new: Vec<&str> = arns.filter(|arn| !self.known.iter().any(|known| known == arn)).collect();
        let mut tasks = Vec::new();
        for batch in new.chunks(BATCH) {
            let body = json!({"cluster": deploy.cluster, "tasks": batch});
            let described = ecs.call(Operation::DescribeTasks, body).await?;
            let described = described.body["tasks"].as_array().cloned().unwrap_or_default();
            // A task that is still stopping has no exit codes yet: it is described again next time.
            let ended = described.iter().filter(|task| has_ended(task));
            let arn = |task: &Value| task["taskArn"].as_str().unwrap_or_default().to_owned();
            tasks.extend(ended.map(|task| (arn(task), Stopped::read(task))));
        }
        Ok(tasks)
    }

    /// What keeps tasks of ours that did not stop from running, where it can be seen: `2 tasks have been PENDING …`.
    pub async fn unready(&self, charge: &Charge<'_>, memory: &Memory, ecs: &dyn Ecs) -> Vec<String> {
        if self.denied {
            return Vec::new();
        }
        let seen = self.fetch_unready(charge.deploy, memory, ecs).await;
        seen.unwrap_or_default()
    }

    async fn fetch_unready(&self, deploy: &Deploy, memory: &Memory, ecs: &dyn Ecs) -> Result<Vec<String>, CallError> {
        let service = crate::deploy::request::name_in_arn(&deploy.service);
        let body = json!({"cluster": deploy.cluster, "serviceName": service, "desiredStatus": "RUNNING"});
        let listed = ecs.call(Operation::ListTasks, body).await?.body["taskArns"].take();
        if listed.as_array().is_none_or(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let body = json!({"cluster": deploy.cluster, "tasks": listed});
        let answer = ecs.call(Operation::DescribeTasks, body).await?;
        let all = answer.body["tasks"].as_array().into_iter().flatten();
        let ours: Vec<&Value> = all.filter(|task| is_ours(&Stopped::read(task), memory, &self.definition)).collect();
        Ok(unready(&ours, answer.date.map(seconds)))
    }

    fn keep(&mut self, tasks: Vec<(String, Stopped)>, memory: &Memory) {
        for (arn, task) in tasks {
            self.known.push(arn);
            if task.is_normal() || !is_ours(&task, memory, &self.definition) {
                continue;
            }
            let why = task.why();
            if !self.told.contains(&why) {
                self.voice.stopped_task(format!("task {} stopped: {why}", task.id));
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

/// ECS puts the deployment's id into `startedBy`; emulators may put something else.
fn is_ours(task: &Stopped, memory: &Memory, definition: &str) -> bool {
    match &memory.id {
        Some(id) if task.started_by.starts_with("ecs-svc/") => *id == task.started_by,
        _ => task.task_definition == definition,
    }
}

/// In DEPROVISIONING the containers are gone already and only the network interface is left to detach.
fn has_ended(task: &Value) -> bool {
    task["lastStatus"].as_str().is_none_or(|last| matches!(last, "STOPPED" | "DEPROVISIONING" | "DELETED"))
}
