//! Several services in one run, in the order of its steps: what stands in one step is deployed at once and waited for
//! together, and after a failure the later steps do not begin. A step may also run a task, a migration for example, or
//! only register a revision.
//!
//! All steps are observed and planned before the first of them has an effect. A revision that an earlier step will
//! register is foreseen then, so that a later step with the same family starts from it.

mod carry;
mod foresee;
mod observe;
mod report;
mod step;
mod task;

use super::one_off;
use super::plan::Plan;
use super::rollback::Rescue;
use crate::report::{Explain, Outcome, Report};

pub use carry::carry_out;
pub use foresee::Foreseen;
pub use observe::observe;
pub use report::planned;

/// What is done, step by step.
pub struct Release {
    pub steps: Vec<Step>,
}

pub enum Step {
    /// All at once.
    Deploy(Vec<Part>),
    Task(Box<one_off::Plan>),
}

/// One service of a step, or a revision that is only registered.
pub struct Part {
    /// As it is called in what is said of it.
    pub name: String,
    pub plan: Plan,
    pub rescue: Rescue,
    /// Whether running out of time is a failure.
    pub strict: bool,
    /// ARN that stands for the revision of this plan until it has one.
    pub foreseen: Option<String>,
}

/// What became of a part.
pub enum End {
    /// With a report as of a run of its own.
    Told(Box<Report>),
    /// A call was refused.
    Broke(Box<dyn Explain + Send>),
    NotStarted,
}

impl Step {
    /// What it is called in what is said of it.
    fn names(&self) -> Vec<String> {
        match self {
            Step::Deploy(parts) => parts.iter().map(|part| part.name.clone()).collect(),
            Step::Task(plan) => vec![task::name(plan)],
        }
    }
}

impl End {
    /// Nothing if it had no turn.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            End::Told(report) => Some(report.outcome),
            End::Broke(_) => Some(Outcome::Failed),
            End::NotStarted => None,
        }
    }

    fn is_well(&self) -> bool {
        matches!(self.outcome(), Some(Outcome::Succeeded | Outcome::NothingToDo))
    }
}
