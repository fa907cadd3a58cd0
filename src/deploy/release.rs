//! Several services in one run, in the order of its steps: what stands in one step is deployed at once and waited for
//! together, and after a failure the later steps do not begin.
//!
//! All parts are observed and planned before the first of them has an effect. A revision that an earlier part will
//! register is foreseen then, so that a later part of the same family starts from it.

mod carry;
mod foresee;
mod observe;
mod report;
mod step;

use super::Error;
use super::plan::Plan;
use super::rollback::Rescue;
use crate::report::Report;

pub use carry::carry_out;
pub use foresee::Foreseen;
pub use observe::observe;
pub use report::planned;

/// What is done, step by step.
pub struct Release {
    pub steps: Vec<Vec<Part>>,
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
    Broke(Error),
    NotStarted,
}
