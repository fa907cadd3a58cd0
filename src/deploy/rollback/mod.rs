//! Back to the last revision that truly reached success. Not to the one with the next lower number: that one may
//! never have run. While a deployment goes on, ECS itself is asked to take it back; after its end ECS's history tells
//! what was good. A rollback is a plan like any other, and the same engine carries it out.

mod choose;
mod observe;
mod plan;
mod rescue;

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::history::Revision;
use super::wait::Wait;

pub(super) use choose::{candidates, nothing_but, standing};
pub use observe::observe_rollback;
pub(super) use observe::{at, describe, full_name, same_content};
pub use plan::plan_rollback;
pub use rescue::Rescue;
pub(super) use rescue::{WayBack, lacks_candidate};

/// Takes a service back.
#[derive(Debug, Default)]
pub struct Rollback {
    /// Name or ARN.
    pub cluster: String,
    /// Name or ARN.
    pub service: String,
    /// ARN, FAMILY:REVISION or a number; else the last one that reached success.
    pub to: Option<String>,
    /// Only if this revision leads; a second run then undoes nothing more.
    pub from: Option<String>,
    /// What is known to have run well before, for when there is no history.
    pub known_good: Option<String>,
    pub wait: Option<Wait>,
}

/// What there is to go back from, and to.
pub struct Seen {
    /// The service, as DescribeServices shows it.
    pub raw: Value,
    pub way: Way,
}

pub enum Way {
    /// `from` does not lead.
    Elsewhere,
    /// The last deployment, of this definition, was taken back before.
    Undone(String),
    /// A deployment goes on that ECS can take back, to a revision that reached success: the record in full.
    Ongoing {
        record: Value,
        target: Revision,
        source: Revision,
    },
    /// ECS takes one back already.
    Returning {
        record: Value,
        target: Revision,
    },
    To(Candidate),
}

/// A revision to go back to.
pub struct Candidate {
    /// The answer of DescribeTaskDefinition.
    pub described: Value,
    /// The digests that it ran with; given where the definition alone would not bring them back.
    pub pinned: Vec<(String, String)>,
    /// How it is known to be good.
    pub why: String,
    /// Revisions that were passed over, and why.
    pub skipped: Vec<String>,
}
