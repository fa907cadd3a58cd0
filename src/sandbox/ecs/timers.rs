//! Who wants to be woken, and when. One alarm per subject; the earliest is what `next_wake` tells. Tasks come
//! before services, so a service sees all the news of an instant at once.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::time::Now;

/// A service's place: names, not ARNs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct ServiceKey {
    pub cluster: String,
    pub name: String,
}

impl From<ServiceKey> for String {
    fn from(key: ServiceKey) -> String {
        format!("{}/{}", key.cluster, key.name)
    }
}

impl From<String> for ServiceKey {
    fn from(text: String) -> Self {
        let (cluster, name) = text.split_once('/').unwrap_or(("", &text));
        ServiceKey { cluster: cluster.into(), name: name.into() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Task(String),
    Service(ServiceKey),
}

#[derive(Debug, Default)]
pub struct Timers {
    queue: BTreeSet<(Now, Subject)>,
    of: HashMap<Subject, Now>,
    wound_up: bool,
}

impl Timers {
    /// Whether the alarms of a restored state have been set.
    pub fn is_wound_up(&self) -> bool {
        self.wound_up
    }

    pub fn wound_up(&mut self) {
        self.wound_up = true;
    }

    /// Replaces the subject's alarm.
    pub fn set(&mut self, subject: Subject, at: Option<Now>) {
        if let Some(old) = self.of.remove(&subject) {
            self.queue.remove(&(old, subject.clone()));
        }
        if let Some(at) = at {
            self.of.insert(subject.clone(), at);
            self.queue.insert((at, subject));
        }
    }

    /// Wakes the subject at `at`, or earlier if it already had an earlier alarm.
    pub fn sooner(&mut self, subject: Subject, at: Now) {
        if self.of.get(&subject).is_none_or(|old| *old > at) {
            self.set(subject, Some(at));
        }
    }

    /// The subject's alarm.
    pub fn at(&self, subject: &Subject) -> Option<Now> {
        self.of.get(subject).copied()
    }

    pub fn next(&self) -> Option<Now> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes the earliest subject that is due.
    pub fn pop(&mut self, now: Now) -> Option<(Now, Subject)> {
        if self.next()? > now {
            return None;
        }
        let (at, subject) = self.queue.pop_first()?;
        self.of.remove(&subject);
        Some((at, subject))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarm_moves_only_forward_by_sooner() {
        let (task, mut timers) = (Subject::Task("a".into()), Timers::default());
        timers.set(task.clone(), Some(Now::from_seconds(5.0)));
        timers.sooner(task.clone(), Now::from_seconds(9.0));
        assert_eq!(timers.next(), Some(Now::from_seconds(5.0)));
        timers.sooner(task.clone(), Now::from_seconds(2.0));
        assert_eq!(timers.pop(Now::from_seconds(3.0)), Some((Now::from_seconds(2.0), task)));
        assert_eq!(timers.next(), None);
    }
}
