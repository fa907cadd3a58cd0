//! What runs: each service of a cluster with its revisions, the digests of the images in its tasks, since when, and
//! how its last deployment ended. `observe` makes the reads, all of which but one may be denied; `read` is pure; `show`
//! makes a page of it. Nothing here writes.

mod observe;
mod read;
mod remark;
mod show;
mod time;

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::diagnose::Stopped;
use super::history::Revision;

pub use observe::observe_status;
pub use read::read_status;
pub use show::report_status;

/// Which services to look at.
#[derive(Debug)]
pub struct Status {
    /// Name or ARN.
    pub cluster: String,
    /// Names or ARNs; none means all that the cluster has.
    pub services: Vec<String>,
}

/// What could be read, or why it could not, as it stands behind "unknown": `grant ecs:DescribeTasks`.
type Known<T> = Result<T, String>;

/// A service and all that was found out beside it, raw.
#[derive(Debug)]
pub struct Seen {
    /// The service, as DescribeServices shows it.
    raw: Value,
    tasks: Known<Tasks>,
    /// The newest of the tasks that failed; looked for only where ECS counts failures.
    stopped: Option<Stopped>,
    /// The newest service deployment in full.
    newest: Known<Option<Value>>,
    /// The service revisions that are spoken of.
    revisions: Known<Vec<Revision>>,
    /// Task definitions by ARN, as DescribeTaskDefinition shows them.
    definitions: Vec<(String, Known<Value>)>,
}

/// Tasks that run or are about to.
#[derive(Debug, Default)]
struct Tasks {
    found: Vec<Value>,
    /// There are more than were read.
    more: bool,
}
