//! What a deployment leaves behind besides its stopped tasks. While it goes on, the health of its targets is looked
//! at whenever something is amiss; at its end the failed container's last lines are read. A deployment that goes well
//! costs no call here, and none of them can spoil a verdict.

use serde::Serialize;

use super::logs::{self, Log};
use super::target_health::{self, Ailing};
use super::trigger::Trigger;
use super::{Stopped, causes};
use crate::deploy::ecs::{Ecs, Question};
use crate::deploy::snapshot::Snapshot;

/// The traces, as they are shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Evidence {
    /// Alarms and hooks that made ECS give up.
    pub triggers: Vec<Trigger>,
    /// What the container at fault wrote last.
    pub log: Option<Log>,
    /// Targets that the load balancer found unwell.
    pub targets: Vec<Ailing>,
    /// What else is known, and what could not be learned, and why.
    pub notes: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Traces {
    /// ARNs of the service's target groups.
    groups: Vec<String>,
    evidence: Evidence,
    /// Signs of trouble that were looked into.
    seen: usize,
    denied: bool,
}

impl Traces {
    /// Remembers what this look shows.
    pub fn note(&mut self, snapshot: &Snapshot) {
        if !snapshot.service.groups.is_empty() {
            self.groups.clone_from(&snapshot.service.groups);
        }
        if let Some(record) = &snapshot.record {
            self.evidence.triggers.clone_from(&record.triggers);
        }
    }

    /// Looks at the targets if there is a new sign of trouble: an event that speaks of it, or a failed task.
    pub async fn look(&mut self, trouble: &[String], failed: i64, ecs: &dyn Ecs) {
        let signs = trouble.len() + usize::try_from(failed).unwrap_or_default();
        if signs > self.seen {
            self.seen = signs;
            self.see_targets(ecs).await;
        }
    }

    async fn see_targets(&mut self, ecs: &dyn Ecs) {
        for group in self.groups.clone() {
            if self.denied {
                return;
            }
            match ecs.ask(Question::TargetHealth { group: group.clone() }).await {
                Ok(answer) => {
                    let found = target_health::read(&answer.body, &group);
                    found.into_iter().for_each(|ailing| target_health::add(&mut self.evidence.targets, ailing));
                }
                Err(why) => {
                    if let Some(action) = why.denied_action() {
                        self.denied = true;
                        let note = format!("{action} is denied: grant it to be told why targets are unhealthy");
                        self.evidence.notes.push(note);
                    }
                }
            }
        }
    }

    /// The last reads, of a deployment that did not go well.
    pub async fn conclude(&mut self, tasks: &[Stopped], trouble: &[String], ecs: &dyn Ecs) {
        self.see_targets(ecs).await;
        self.hear(trouble);
        if let Some(task) = witness(tasks) {
            let (log, note) = logs::read(task, ecs).await;
            self.evidence.log = log;
            self.evidence.notes.extend(note);
        }
    }

    /// What else is known, in words.
    pub fn add(&mut self, notes: Vec<String>) {
        self.evidence.notes.extend(notes);
    }

    /// Events repeat what the load balancer said of targets that are gone by now.
    fn hear(&mut self, trouble: &[String]) {
        for told in trouble.iter().filter_map(|event| target_health::read_event(event)) {
            // The load balancer itself has said more.
            if !self.evidence.targets.iter().any(|known| known.group == told.group && known.said == told.said) {
                target_health::add(&mut self.evidence.targets, told);
            }
        }
    }

    /// Whether the last reads came to their end; they are not waited for as long as others.
    pub fn close(&mut self, in_time: bool) {
        if !in_time {
            self.evidence.notes.push("logs and target health could not be read in time".into());
        }
    }

    pub fn into_evidence(self) -> Evidence {
        self.evidence
    }
}

/// The task whose log tells most: the newest that ran of those that failed in the most frequent way.
fn witness(tasks: &[Stopped]) -> Option<&Stopped> {
    let ran = |task: &&Stopped| task.culprit().is_some();
    let causes = causes(tasks);
    let of = |ids: &[String]| tasks.iter().rev().filter(|task| ids.contains(&task.id)).find(ran);
    causes.iter().find_map(|cause| of(&cause.tasks))
}
