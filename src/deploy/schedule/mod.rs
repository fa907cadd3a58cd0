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
