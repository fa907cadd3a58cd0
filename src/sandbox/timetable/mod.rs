//! What is to happen when: the rules of EventBridge and the schedules of EventBridge Scheduler, which start tasks in the
//! ECS plane. Reading is free; everything that changes is a [`Change`], decided by the two APIs (`events`, `scheduler`)
//! or by time itself (`due`), journaled, and applied here in one place.
//!
//! Each entry has a [`Course`]: a calendar of its own that begins at the present time when the entry does, and runs as
//! fast as the sandbox's clock says.

mod course;
mod cron;
mod due;
mod expression;
mod field;
mod input;
mod page;
mod run;
mod store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use course::Course;
pub use due::Start;
pub use expression::Expression;
pub use input::{Input, invalid};
pub use page::page;
pub use store::Store;

/// Keys are `BUS/RULE` and `GROUP/SCHEDULE`: the second name never has a slash.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Timetable {
    /// Without the bus `default`, which is always there.
    pub buses: BTreeMap<String, Bus>,
    pub rules: BTreeMap<String, Rule>,
    /// Without the group `default`, which is always there.
    pub groups: BTreeMap<String, Group>,
    pub schedules: BTreeMap<String, Schedule>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bus {
    /// What DescribeEventBus answers.
    pub document: Value,
    pub tags: Vec<Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rule {
    pub bus: String,
    pub name: String,
    /// What DescribeRule answers.
    pub document: Value,
    /// As they came, in the order of their first coming.
    pub targets: Vec<Value>,
    pub tags: Vec<Value>,
    pub course: Option<Course>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// What GetScheduleGroup answers.
    pub document: Value,
    pub tags: Vec<Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Schedule {
    pub group: String,
    pub name: String,
    /// What GetSchedule answers.
    pub document: Value,
    pub course: Option<Course>,
}

/// Every way in which the timetable changes; None removes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Change {
    Bus(String, Option<Bus>),
    Rule(String, Option<Rule>),
    Group(String, Option<Group>),
    Schedule(String, Option<Schedule>),
}

/// What a call answers, and what it changes.
pub type Answer = Result<(Value, Vec<Change>), super::Refusal>;

impl Timetable {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Bus(key, value) => put(&mut self.buses, key, value),
            Change::Rule(key, value) => put(&mut self.rules, key, value),
            Change::Group(key, value) => put(&mut self.groups, key, value),
            Change::Schedule(key, value) => put(&mut self.schedules, key, value),
        }
    }
}

fn put<V>(map: &mut BTreeMap<String, V>, key: String, value: Option<V>) {
    match value {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
}

impl Rule {
    pub fn key(&self) -> String {
        key(&self.bus, &self.name)
    }
}

impl Schedule {
    pub fn key(&self) -> String {
        key(&self.group, &self.name)
    }
}

pub fn key(owner: &str, name: &str) -> String {
    format!("{owner}/{name}")
}
