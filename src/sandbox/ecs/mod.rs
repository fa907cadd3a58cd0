//! The ECS control plane as a pure state machine: requests and the time go in, answers come out, and rollouts
//! move when the time does. Nothing in here waits, prints, reads a clock or opens a socket; whoever serves it
//! calls [`Plane::call`] for each request and [`Plane::tick`] when [`Plane::next_wake`] says so.
//!
//! What ECS does over time follows its documentation and reports of its users; where those are silent, the
//! code says so at the spot. Documents are raw JSON from end to end, so members that nobody here knows survive.

mod arn;
mod cluster;
mod definition;
mod deployment;
mod error;
mod event;
mod fate;
mod ids;
mod images;
mod input;
mod keep;
mod members;
mod pace;
mod page;
mod release;
mod rollout;
mod service;
mod tag;
mod target;
mod task;
mod task_set;
mod time;
mod timers;
mod warning;

#[cfg(test)]
mod stories;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use error::ApiError;
pub use fate::{Fate, Rule};
pub(in crate::sandbox) use ids::Ids;
pub use images::{ImageNews, image_not_found};
pub use keep::Change;
pub use pace::{Lag, Pace};
pub use rollout::{AlarmPlan, HookAnswer};
pub use target::{TargetGroup, TargetHealth};
pub use task::{Output, TaskEvent, TaskWant, Wish};
pub use time::Now;

use arn::Owner;
use cluster::Cluster;
use definition::Family;
use images::Images;
use service::Service;
use task::{Task, Token};
use timers::{ServiceKey, Subject, Timers};
use warning::Warnings;

/// All state. Serializable as one document; see `keep` for one document per resource.
#[derive(Debug, Serialize, Deserialize)]
pub struct Plane {
    world: World,
    families: BTreeMap<String, Family>,
    services: BTreeMap<ServiceKey, Service>,
    tasks: BTreeMap<String, Task>,
    #[serde(skip)]
    timers: Timers,
    #[serde(skip)]
    touched: BTreeSet<String>,
    #[serde(skip)]
    outputs: Vec<Output>,
}

/// What is small and belongs to no single service, task or definition.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct World {
    owner: Owner,
    ids: Ids,
    now: Now,
    pace: Pace,
    lag: Lag,
    fates: Vec<Rule>,
    usual_fate: Option<Fate>,
    alarms: BTreeSet<String>,
    #[serde(default)]
    alarm_plans: Vec<AlarmPlan>,
    hooks: BTreeMap<String, Vec<HookAnswer>>,
    #[serde(skip)]
    images: Images,
    #[serde(skip)]
    warnings: Warnings,
    clusters: BTreeMap<String, Cluster>,
    tokens: BTreeMap<String, Token>,
    /// Families of which a revision was deleted, with the highest number given.
    deleted: BTreeMap<String, u32>,
    breaker_in_blue_green: bool,
}

impl Plane {
    /// An account with a cluster called `default`, and nothing else.
    pub fn new(account: &str, region: &str) -> Self {
        let world = World {
            owner: Owner { account: account.to_owned(), region: region.to_owned() },
            ids: Ids::seeded(1),
            now: Now::default(),
            pace: Pace::fast(),
            lag: Lag::default(),
            fates: Vec::new(),
            usual_fate: None,
            alarms: BTreeSet::new(),
            alarm_plans: Vec::new(),
            hooks: BTreeMap::new(),
            images: Images::default(),
            warnings: Warnings::default(),
            clusters: BTreeMap::from([("default".into(), Cluster::default())]),
            tokens: BTreeMap::new(),
            deleted: BTreeMap::new(),
            breaker_in_blue_green: false,
        };
        Plane::of(world)
    }

    fn of(world: World) -> Self {
        Plane {
            world,
            families: BTreeMap::new(),
            services: BTreeMap::new(),
            tasks: BTreeMap::new(),
            timers: Timers::default(),
            touched: BTreeSet::new(),
            outputs: Vec::new(),
        }
    }

    /// Begins the sequence that all ids are drawn from.
    pub fn set_seed(&mut self, seed: u64) {
        self.world.ids = Ids::seeded(seed);
    }

    /// For what starts from now on; steps that are under way keep their time.
    pub fn set_pace(&mut self, pace: Pace) {
        self.world.pace = pace.moving();
    }

    pub fn set_lag(&mut self, lag: Lag) {
        self.world.lag = lag;
    }

    /// Replaces the rules, their counts included.
    pub fn set_fates(&mut self, rules: Vec<Rule>) {
        self.world.fates = rules;
        self.world.forget_warnings();
    }

    /// What becomes of a task that no rule speaks of; `Fate::External` to run them all for real.
    pub fn set_usual_fate(&mut self, fate: Option<Fate>) {
        self.world.usual_fate = fate;
    }

    /// Where the account's own registry listens, as images name it: `127.0.0.1:4711`.
    pub fn set_registry(&mut self, address: &str) {
        self.world.images.set_address(address);
    }

    /// Where it listened before, by which images that were registered then still name it.
    pub fn set_former_registries(&mut self, addresses: Vec<String>) {
        self.world.images.set_former(addresses);
    }

    /// What came into the account's own registry, or went.
    pub fn hear_of_images(&mut self, news: impl IntoIterator<Item = ImageNews>) {
        news.into_iter().for_each(|news| self.world.images.hear(news));
    }

    /// Lets the circuit breaker watch blue/green, linear and canary deployments too.
    pub fn set_breaker_in_blue_green(&mut self, on: bool) {
        self.world.breaker_in_blue_green = on;
    }

    /// Answers one request. Time that passed is made up for first.
    pub fn call(&mut self, operation: &str, body: Value, now: Now) -> Result<Value, ApiError> {
        let now = self.at(now);
        self.tick(now);
        let body = input::without_nulls(body);
        if !body.is_object() {
            return Err(error::wrong_type("request", "an object"));
        }
        members::check(operation, &body)?;
        self.dispatch(operation, body, now)
    }

    fn dispatch(&mut self, operation: &str, body: Value, now: Now) -> Result<Value, ApiError> {
        match operation {
            "CreateCluster" => self.create_cluster(body),
            "DescribeClusters" => self.describe_clusters(&body),
            "ListClusters" => self.list_clusters(&body),
            "DeleteCluster" => self.delete_cluster(&body),
            "RegisterTaskDefinition" => self.register_task_definition(body, now),
            "DescribeTaskDefinition" => self.describe_task_definition(&body),
            "ListTaskDefinitions" => self.list_task_definitions(&body),
            "ListTaskDefinitionFamilies" => self.list_task_definition_families(&body),
            "DeregisterTaskDefinition" => self.deregister_task_definition(&body, now),
            "DeleteTaskDefinitions" => self.delete_task_definitions(&body, now),
            "CreateService" => self.create_service(&body, now),
            "UpdateService" => self.update_service(&body, now),
            "DescribeServices" => self.describe_services(&body, now),
            "ListServices" => self.list_services(&body),
            "DeleteService" => self.delete_service(&body, now),
            "ListServiceDeployments" => self.list_service_deployments(&body, now),
            "DescribeServiceDeployments" => self.describe_service_deployments(&body, now),
            "DescribeServiceRevisions" => self.describe_service_revisions(&body),
            "StopServiceDeployment" => self.stop_service_deployment(&body, now),
            "ContinueServiceDeployment" => self.continue_service_deployment(&body, now),
            "CreateTaskSet" => self.create_task_set(&body, now),
            "DescribeTaskSets" => self.describe_task_sets(&body),
            "UpdateTaskSet" => self.update_task_set(&body, now),
            "UpdateServicePrimaryTaskSet" => self.update_primary_task_set(&body, now),
            "DeleteTaskSet" => self.delete_task_set(&body, now),
            "RunTask" => self.run_task(&body, now),
            "StopTask" => self.stop_task(&body, now),
            "ListTasks" => self.list_tasks(&body, now),
            "DescribeTasks" => self.describe_tasks(&body, now),
            "TagResource" => self.tag_resource(&body),
            "UntagResource" => self.untag_resource(&body),
            "ListTagsForResource" => self.list_tags_for_resource(&body),
            other => Err(error::unknown_operation(other)),
        }
    }

    /// Moves everything that is due by `now`, each step at its own moment: one tick over an hour and a
    /// thousand small ones end in the same state.
    pub fn tick(&mut self, now: Now) {
        self.wind_up();
        let now = self.at(now);
        while let Some((at, subject)) = self.timers.pop(now) {
            self.world.now = self.world.now.max(at);
            match subject {
                Subject::Task(id) => self.wake_task(&id, at),
                Subject::Service(key) => self.wake_service(&key, at),
            }
        }
        self.world.now = now;
    }

    /// When the next tick can change something.
    pub fn next_wake(&self) -> Option<Now> {
        match self.timers.is_wound_up() {
            true => self.timers.next(),
            false => Some(self.world.now),
        }
    }

    /// The time only moves forward, whatever a caller says.
    fn at(&self, now: Now) -> Now {
        now.max(self.world.now)
    }

    /// After a restore every alarm is set anew.
    fn wind_up(&mut self) {
        if self.timers.is_wound_up() {
            return;
        }
        for (id, task) in &self.tasks {
            self.timers.set(Subject::Task(id.clone()), task.wake());
        }
        for (key, service) in &self.services {
            self.timers.set(Subject::Service(key.clone()), service.wake);
        }
        self.timers.wound_up();
    }

    fn touch(&mut self, document: String) {
        self.touched.insert(document);
    }
}
