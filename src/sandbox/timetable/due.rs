//! What time brings about: entries that are due start their tasks and move on. Targets other than ECS clusters are
//! kept and shown, but nothing answers there. What a start fails with is not tried again, as EventBridge would for a day.

use serde_json::{Value, json};

use super::run::run_task;
use super::{Change, Course, Rule, Schedule, Timetable};

/// A task to start.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// As the task will say it was started by.
    pub by: String,
    /// The input of RunTask.
    pub body: Value,
}

impl Timetable {
    /// When something is due next, in epoch seconds.
    pub fn next_due(&self, speed: f64) -> Option<f64> {
        self.courses().filter_map(|course| course.due(speed)).min_by(f64::total_cmp)
    }

    fn courses(&self) -> impl Iterator<Item = &Course> {
        let rules = self.rules.values().filter_map(|rule| rule.course.as_ref());
        rules.chain(self.schedules.values().filter_map(|schedule| schedule.course.as_ref()))
    }

    /// What is due by now: what is to be started, and what changes with it.
    pub fn due(&self, now: f64, speed: f64) -> (Vec<Start>, Vec<Change>) {
        let is_due = |course: &Option<Course>| course.as_ref().and_then(|c| c.due(speed)).is_some_and(|due| due <= now);
        let (mut starts, mut changes) = (Vec::new(), Vec::new());
        for rule in self.rules.values().filter(|rule| is_due(&rule.course)) {
            starts.extend(rule.starts());
            let course = rule.course.as_ref().map(|course| course.moved_on(now, speed));
            changes.push(Change::Rule(rule.key(), Some(Rule { course, ..rule.clone() })));
        }
        for schedule in self.schedules.values().filter(|schedule| is_due(&schedule.course)) {
            starts.extend(schedule.start());
            let course = schedule.course.as_ref().map(|course| course.moved_on(now, speed));
            changes.push(Change::Schedule(schedule.key(), schedule.clone().with(course)));
        }
        (starts, changes)
    }
}

impl Rule {
    fn starts(&self) -> impl Iterator<Item = Start> {
        self.targets.iter().filter_map(|target| start(format!("events-rule/{}", self.name), target))
    }
}

impl Schedule {
    fn start(&self) -> Option<Start> {
        start(format!("chronos-schedule/{}", self.name), &self.document["Target"])
    }

    /// None once it has completed, if it is to be deleted then.
    fn with(self, course: Option<Course>) -> Option<Self> {
        let over = course.as_ref().is_some_and(Course::is_over);
        let kept = !over || self.document["ActionAfterCompletion"] != json!("DELETE");
        kept.then_some(Schedule { course, ..self })
    }
}

fn start(by: String, target: &Value) -> Option<Start> {
    // ECS shows no more than 36 characters of these two, as its tasks in many accounts say.
    let by: String = by.chars().take(36).collect();
    target.get("EcsParameters")?;
    Some(Start { body: run_task(target, &by), by })
}
