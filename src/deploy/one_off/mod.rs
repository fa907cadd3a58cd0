//! Tasks that run once: a migration before a deployment, a report, a repair. They are started with a service's own
//! settings or with given ones, their lines are passed on while they run, and how they ended is judged by the
//! containers that matter.
//!
//! `observe` reads the service and the definition, `plan` makes the body of RunTask or refuses, `start` starts the
//! tasks, and `follow` watches them and asks `judge` after every look.

mod borrow;
mod error;
mod follow;
mod judge;
mod lines;
mod list;
mod observe;
mod overrides;
mod plan;
mod report;
mod request;
mod show;
mod start;
mod watch;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use follow::{Ended, follow};
pub use judge::{Counting, State, judge};
pub use list::{constraints, providers, strategy};
pub use observe::{Observed, observe};
pub use overrides::read as read_overrides;
pub use plan::{Plan, plan};
pub use report::report;
pub use request::{Cancel, Launch, Network, RunTask};
pub use show::planned;
pub use start::{Started, start};
