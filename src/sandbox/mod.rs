//! ECR, ECS, STS, a container registry, and what a deployer asks besides (CodeDeploy, logs, load balancers, schedules)
//! on loopback, inside the binary: a pipeline runs against it on a laptop, and a rollout can be rehearsed, with faults
//! on request.
//!
//! One listener serves all of it ([`Server`]). What it knows lies in one directory ([`Home`]): a catalog of
//! repositories and images, the document of the ECS plane, logs and the timetable of what it is to start, each a
//! snapshot and a journal, and blobs by digest. Deciding is pure (requests and a catalog in, changes out); the server
//! alone reads, writes and waits.

mod blobs;
mod caller;
mod catalog;
mod codedeploy;
mod control;
mod ecr;
pub mod ecs;
mod elb;
mod error;
mod events;
mod fault;
mod home;
mod ids;
mod logs;
mod options;
mod process;
mod refusal;
mod registry;
mod rehearsal;
mod requests;
pub mod run;
mod scheduler;
mod server;
mod skew;
mod state;
mod sts;
mod timetable;
mod token;

pub use control::{Control, Ecs};
pub use error::Error;
pub use fault::Faults;
pub use home::{Home, Running};
pub use options::{ACCOUNT, Options, PORT, Pace, REGION, RunTasks};
pub use process::{clear_abandoned, detach, stop};
pub use refusal::Refusal;
pub use rehearsal::{Conclusion, Rehearsal, rehearse};
pub use server::Server;
