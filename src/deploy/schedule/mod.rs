//! Tasks that start by the clock: a rule of EventBridge, or a schedule of EventBridge Scheduler, is pointed at another
//! revision of the task definition that it starts.
//!
//! A rule may have many targets, and only those of the same family are touched. What AWS knows of a target or a
//! schedule goes back to it as it came, but for the one ARN: PutTargets replaces a target and UpdateSchedule a whole
//! schedule, and both reset what a request leaves out.

mod apply;
mod error;
mod observe;
mod plan;
mod report;
mod revision;
mod show;

pub use apply::{Applied, apply};
pub use error::Error;
pub use observe::{Observed, observe};
pub use plan::{Move, Plan, plan};
pub use report::{planned, report};
pub use revision::{Wanted, known_revision};

use std::fmt;

/// What starts the tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Rule {
        name: String,
        /// Name or ARN; none is the default bus.
        bus: Option<String>,
    },
    Schedule {
        name: String,
        /// None is the default group.
        group: Option<String>,
    },
}

impl Place {
    /// A rule by name or ARN, which names its bus unless that is the default one.
    pub fn rule(name: &str, bus: Option<String>) -> Option<Place> {
        let Some((_, path)) = name.split_once(":rule/") else {
            return Some(Place::Rule { name: name.into(), bus });
        };
        let (own, name) = path.rsplit_once('/').map_or((None, path), |(bus, name)| (Some(bus), name));
        let bus_name = |bus: &str| bus.split_once(":event-bus/").map_or(bus, |(_, name)| name).to_owned();
        let agree = bus.as_deref().is_none_or(|bus| bus_name(bus) == own.unwrap_or("default"));
        agree.then(|| Place::Rule { name: name.into(), bus: bus.or(own.map(str::to_owned)) })
    }

    /// A schedule by name or ARN, which names its group.
    pub fn schedule(name: &str, group: Option<String>) -> Option<Place> {
        let Some((own, name)) = name.split_once(":schedule/").and_then(|(_, path)| path.split_once('/')) else {
            return Some(Place::Schedule { name: name.into(), group });
        };
        let agree = group.as_deref().is_none_or(|group| group == own);
        agree.then(|| Place::Schedule { name: name.into(), group: Some(own.into()) })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name, owner) = match self {
            Place::Rule { name, bus } => ("rule", name, bus),
            Place::Schedule { name, group } => ("schedule", name, group),
        };
        write!(f, "{kind} {name}")?;
        owner.iter().try_for_each(|owner| write!(f, " of {owner}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_by_name_or_arn() {
        let rule = |name: &str, bus: Option<&str>| Place::rule(name, bus.map(str::to_owned)).map(|p| p.to_string());
        let arn = "arn:aws:events:eu-west-1:123456789012:rule/";
        assert_eq!(rule("nightly", Some("shop")).unwrap(), "rule nightly of shop");
        assert_eq!(rule(&format!("{arn}nightly"), None).unwrap(), "rule nightly");
        assert_eq!(rule(&format!("{arn}aws.partner/shop/nightly"), None).unwrap(), "rule nightly of aws.partner/shop");
        assert_eq!(rule(&format!("{arn}shop/nightly"), Some("shop")).unwrap(), "rule nightly of shop");
        assert_eq!(rule(&format!("{arn}nightly"), Some("shop")), None);
        let schedule = |name: &str, group: Option<&str>| Place::schedule(name, group.map(str::to_owned));
        let arn = "arn:aws:scheduler:eu-west-1:123456789012:schedule/batch/nightly";
        assert_eq!(schedule(arn, None).unwrap().to_string(), "schedule nightly of batch");
        assert_eq!(schedule("nightly", None).unwrap().to_string(), "schedule nightly");
        assert_eq!(schedule(arn, Some("other")), None);
    }
}
