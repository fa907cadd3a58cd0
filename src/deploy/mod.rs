//! Deploys to Amazon ECS: update strings become edits, edits become a new revision of a task definition, the
//! revision becomes a deployment, and the deployment is watched until there is a verdict.
//!
//! `observe` makes the only reads, `plan` is pure and refuses whatever can be refused, `apply` makes the calls
//! of the plan, `rollout` asks `judge` after every look. All documents stay raw JSON, so what ECS adds tomorrow
//! passes through today.

mod absent;
mod apply;
mod carry;
pub mod codedeploy;
mod diagnose;
mod diff;
mod difference;
mod document;
mod ecs;
mod edit;
mod error;
mod halt;
mod history;
mod image;
mod judge;
mod mask;
mod observe;
pub mod one_off;
mod ongoing;
mod plan;
pub mod release;
mod request;
mod rollback;
mod rollout;
pub mod schedule;
mod snapshot;
mod status;
mod summary;
mod tags;
mod updates;
mod verify;
mod wait;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod whole_loop;

pub use apply::{Applied, Started, apply};
pub use carry::carry_out;
pub use diagnose::{Cause, Evidence, Stopped};
pub use diff::{Base, Diff, Difference, Live, Wanted, compare, observe_diff, report_diff};
pub use document::{Document, Latest, plan_document, substitute};
pub use ecs::Ecs;
pub use edit::{Change, What};
pub use error::Error;
pub use halt::{Halt, Halts};
pub use judge::{Verdict, judge};
pub use observe::{Observed, observe_definition, observe_latest, observe_service};
pub use ongoing::{Continue, Follow, intended, observe_continue, observe_follow};
pub use plan::{Call, Deploy, Plan, Step, plan_definition, plan_service};
pub use request::{Create, DeployServiceUpdate, Family, UpdateTaskDefinition, cluster, count, region_in_arn, revision};
pub use rollback::{Rescue, Rollback, observe_rollback, plan_rollback};
pub use rollout::{Charge, Ended, watch, watch_all};
pub use status::{Status, observe_status, read_status, report_status};
pub use summary::{planned, report};
pub use tags::{Tag, parse as parse_tags};
pub use updates::{Flags, Subst, SubstError, Texts, UpdateError, Updates};
pub use verify::{VerifyRevision, observe_verification};
pub use wait::{OnPause, Until, Wait};
