//! The seam to the ECS control plane: a pure state machine that is told the time. The server keeps its documents, asks
//! it, and wakes it when it wants to be woken; nothing else is known about it here.

mod ecs;
mod news;

pub use ecs::Ecs;
pub use news::{all_images, image_news};

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use serde_json::Value;
use serde_json::value::RawValue;

use super::Refusal;
use super::ecs::{AlarmPlan, ImageNews, Output, TargetGroup, TargetHealth, TaskEvent, TaskWant};
use super::options::Pace;

pub trait Control: Send {
    /// One operation of the ECS API: raw JSON in, raw JSON out.
    fn call(&mut self, operation: &str, body: Value, now: SystemTime) -> Result<Value, Refusal>;
    /// One operation of CodeDeploy's API, which deploys to this plane's services.
    fn codedeploy(&mut self, _: &str, _: Value, _: SystemTime) -> Result<Value, Refusal> {
        Err(Refusal::unknown_operation())
    }
    /// Lets happen what is due.
    fn tick(&mut self, now: SystemTime);
    /// When something is due next, if anything is.
    fn next_wake(&self) -> Option<SystemTime>;
    fn set_pace(&mut self, pace: Pace);
    /// What becomes of tasks: the rules' own JSON, refused with a sentence if it cannot be read.
    fn set_fates(&mut self, rules: Value) -> Result<(), String>;
    /// How far answers are behind: the plane's own JSON, refused with a sentence if it cannot be read.
    fn set_lag(&mut self, _: Value) -> Result<(), String> {
        Err("this plane's answers are never behind".into())
    }
    /// The alarms that are in ALARM from now on, and those that will go off in deployments.
    fn set_alarms(&mut self, _firing: BTreeSet<String>, _planned: Vec<AlarmPlan>, _: SystemTime) {}
    /// What Lambda hooks answer: the plane's own JSON, refused with a sentence if it cannot be read.
    fn set_hooks(&mut self, _: Value) -> Result<(), String> {
        Err("this plane has no hooks".into())
    }
    /// Where the sandbox's own registry listens, as images name it: `127.0.0.1:4711`.
    fn set_registry(&mut self, address: &str);
    /// Where it listened in the past.
    fn set_former_registries(&mut self, _: Vec<String>) {}
    /// What came into the sandbox's own registry, or went. It is told all of it anew after a start.
    fn images_changed(&mut self, news: Vec<ImageNews>);
    /// Whether tasks run outside of the plane, which then asks for them and is told what happens to them.
    fn set_run_tasks(&mut self, run: bool);
    /// Ends the tasks that ran in a server before this one: those that ran outside of the plane, and all if they are to
    /// run there from now on.
    fn lose_tasks(&mut self, _all: bool, _: SystemTime) {}
    fn wants(&self) -> Vec<TaskWant>;
    fn targets(&self, group: &str) -> Vec<TargetHealth>;
    /// The target groups that services name, by ARN.
    fn target_groups(&self) -> BTreeMap<String, TargetGroup> {
        BTreeMap::new()
    }
    /// What containers of simulated tasks have written since the last time.
    fn outputs(&mut self) -> Vec<Output> {
        Vec::new()
    }
    fn task_event(&mut self, task_arn: &str, event: TaskEvent, now: SystemTime);
    /// What somebody who rehearses should know, since the last time.
    fn warnings(&mut self) -> Vec<String>;
    /// The documents that changed since the last time, by key; None for one that is gone.
    fn changes(&mut self) -> Vec<(String, Option<Box<RawValue>>)>;
    /// All documents, which all changes together make up.
    fn documents(&mut self) -> BTreeMap<String, Box<RawValue>>;
    /// Takes over the state of these documents.
    fn restore(&mut self, documents: BTreeMap<String, Box<RawValue>>) -> Result<(), String>;
}
