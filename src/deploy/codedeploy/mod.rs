//! Services whose deployments are CodeDeploy's: a revision is handed over with an AppSpec, CodeDeploy makes a second
//! task set, shifts the traffic and removes the first, and what it says of that becomes the same verdicts as
//! anywhere else. What the AppSpec and the call need and nobody gave is read off the service.

mod appspec;
mod carry;
mod client;
mod conclude;
mod judge;
mod observe;
mod ongoing;
mod options;
mod past;
mod plan;
mod rollback;
mod snapshot;
mod verify;
mod watch;
mod word;

pub use carry::{carry_on, carry_out};
pub use client::CodeDeploy;
pub use observe::{Found, observe};
pub use ongoing::{observe_continue, observe_follow};
pub use options::{Options, Provider};
pub use plan::{Handover, plan};
pub use rollback::{observe_rollback, plan_rollback};
pub use verify::observe_verification;
pub use watch::Services;

use serde_json::Value;

use super::{Error, Observed};

pub const CONTROLLER: &str = "CODE_DEPLOY";

impl Observed {
    /// Who deploys the service, if it is there. One that was deleted is still described for a while.
    pub fn controller(&self) -> Option<&str> {
        self.service.as_ref().ok().filter(|service| service["status"] != "INACTIVE").map(controller)
    }
}

/// A service that names none is deployed by ECS itself.
fn controller(service: &Value) -> &str {
    service["deploymentController"]["type"].as_str().unwrap_or("ECS")
}

/// Refuses a service of CodeDeploy's where ECS itself was to be spoken to; the caller takes the other road then.
pub fn check_own(name: &str, service: &Value) -> Result<(), Error> {
    match controller(service) {
        CONTROLLER => Err(Error::Controller { service: name.to_owned(), controller: CONTROLLER.to_owned() }),
        _ => Ok(()),
    }
}

/// The task set that serves.
fn serving(service: &Value) -> Option<&Value> {
    sets(service).find(|set| set["status"] == "PRIMARY")
}

fn sets(service: &Value) -> impl Iterator<Item = &Value> {
    service["taskSets"].as_array().into_iter().flatten()
}
