//! What becomes of a task. Every start of a task asks the rules in order; the first that matches and whose
//! turn it is decides. Without a rule a service's task is healthy and a one-off task exits with 0.

use serde::{Deserialize, Serialize};

/// `after` counts seconds from RUNNING. A reason that is left out is one that ECS commonly gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    Healthy,
    /// CannotPullContainerError: never reaches RUNNING.
    FailPull {
        #[serde(default)]
        reason: Option<String>,
    },
    ExitCode {
        code: i64,
        #[serde(default)]
        after: f64,
    },
    /// The container's own health check says no; where it has none, the load balancer's does. A task with neither stays
    /// healthy, with a warning in the log.
    HealthCheckFails,
    /// The load balancer's health check says no.
    ElbHealthCheckFails {
        #[serde(default)]
        reason: Option<String>,
    },
    OutOfMemory {
        #[serde(default)]
        after: f64,
    },
    /// Its Spot capacity is taken away.
    SpotInterruption {
        #[serde(default)]
        after: f64,
    },
    /// ResourceInitializationError: secrets, logs or volumes out of reach.
    ResourceInitialization {
        #[serde(default)]
        reason: Option<String>,
    },
    /// Stays in PENDING for ever.
    NeverStarts,
    /// Not placed at all: `failures[]` of RunTask, an event of the service.
    NoCapacity {
        #[serde(default)]
        reason: Option<String>,
    },
    /// Someone else runs the task and reports by `Plane::task_event`.
    External,
}

/// Everything that is given must match. `image` is a part of a container's image, `family` may carry a
/// revision (`web:3`), `container` names whose fate it is. `from` is the first matching start that the rule
/// speaks of, counted from 1, and `times` for how many it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    #[serde(default)]
    pub cluster: Option<String>,
    #[serde(default)]
    pub service: Option<String>,
    #[serde(default)]
    pub family: Option<String>,
    #[serde(default)]
    pub image: Option<String>,
    #[serde(default)]
    pub container: Option<String>,
    #[serde(default = "one")]
    pub from: u32,
    #[serde(default)]
    pub times: Option<u32>,
    pub fate: Fate,
    /// What the container writes as soon as it runs, line by line.
    #[serde(default)]
    pub log: Vec<String>,
    /// How many starts have matched so far.
    #[serde(default)]
    pub seen: u32,
}

fn one() -> u32 {
    1
}

/// Whether somebody who names a cluster, a service and a family speaks of this cluster, service and revision (`web:3`).
/// Who names none speaks of all; a family may be named with its revision.
pub(super) fn speaks_of(named: [&Option<String>; 3], [cluster, service, revision]: [&str; 3]) -> bool {
    let is = |wanted: &Option<String>, got: &str| wanted.as_deref().is_none_or(|wanted| wanted == got);
    let family = revision.split(':').next().unwrap_or(revision);
    is(named[0], cluster) && is(named[1], service) && (is(named[2], family) || is(named[2], revision))
}

impl Rule {
    /// A rule for every start of every task.
    pub fn new(fate: Fate) -> Self {
        Rule {
            cluster: None,
            service: None,
            family: None,
            image: None,
            container: None,
            from: 1,
            times: None,
            fate,
            log: Vec::new(),
            seen: 0,
        }
    }

    pub fn family(fate: Fate, family: &str) -> Self {
        Rule { family: Some(family.into()), ..Rule::new(fate) }
    }

    fn matches(&self, start: &Start) -> bool {
        let revision = format!("{}:{}", start.family, start.revision);
        let named = [&self.cluster, &self.service, &self.family];
        speaks_of(named, [start.cluster, start.service.unwrap_or(""), &revision])
            && start.containers.iter().any(|(name, image)| self.takes(name, image))
    }

    fn takes(&self, name: &str, image: &str) -> bool {
        self.container.as_deref().is_none_or(|wanted| wanted == name)
            && self.image.as_deref().is_none_or(|part| image.contains(part))
    }

    fn in_turn(&mut self) -> bool {
        self.seen += 1;
        self.seen >= self.from && self.times.is_none_or(|times| self.seen < self.from.saturating_add(times))
    }
}

/// A task about to start, as the rules see it.
pub struct Start<'a> {
    pub cluster: &'a str,
    pub service: Option<&'a str>,
    pub family: &'a str,
    pub revision: u32,
    /// Names and images.
    pub containers: &'a [(String, String)],
}

/// What the rules give a task.
pub struct Lot {
    pub fate: Fate,
    /// The container that it befalls, by its place in the task; nobody in particular unless the rule names one.
    pub victim: Option<usize>,
    pub log: Vec<String>,
}

pub fn choose(rules: &mut [Rule], start: &Start) -> Option<Lot> {
    let rule = rules.iter_mut().find_map(|rule| (rule.matches(start) && rule.in_turn()).then_some(rule))?;
    let named = rule.container.is_some() || rule.image.is_some();
    let place = start.containers.iter().position(|(name, image)| rule.takes(name, image));
    Some(Lot { fate: rule.fate.clone(), victim: place.filter(|_| named), log: rule.log.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(rules: &mut [Rule], revision: u32) -> Option<Fate> {
        let containers = [("web".into(), "repo/web:1".into()), ("log".into(), "fluent".into())];
        let start =
            Start { cluster: "default", service: Some("web"), family: "web", revision, containers: &containers };
        choose(rules, &start).map(|lot| lot.fate)
    }

    #[test]
    fn rule_speaks_of_the_starts_it_was_given() {
        let mut rules = [Rule { from: 2, times: Some(1), ..Rule::new(Fate::NeverStarts) }];
        let fates: Vec<_> = (0..3).map(|_| ask(&mut rules, 1)).collect();
        assert_eq!(fates, [None, Some(Fate::NeverStarts), None]);
    }

    #[test]
    fn rule_knows_one_revision_of_a_family() {
        let mut rules = [Rule::family(Fate::NeverStarts, "web:2")];
        assert_eq!(ask(&mut rules, 1), None);
        assert_eq!(ask(&mut rules, 2), Some(Fate::NeverStarts));
    }

    #[test]
    fn rule_reads_as_a_person_would_write_it() {
        let rule: Rule =
            serde_json::from_str(r#"{"family": "web", "fate": {"exitCode": {"code": 3, "after": 0.5}}}"#).unwrap();
        assert_eq!(rule.fate, Fate::ExitCode { code: 3, after: 0.5 });
        assert!(serde_json::from_str::<Rule>(r#"{"famly": "web", "fate": "healthy"}"#).is_err());
    }
}
