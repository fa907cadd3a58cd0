//! Amazon's side of the house: a session (region, credentials, TLS) and the few operations that are used. The services
//! speak raw JSON in both directions, so a field that this crate has never heard of travels unharmed; the AWS
//! SDK supplies endpoints, credentials, signatures and retries around it. Nothing is decided here.

/// Sends a typed request of an SDK crate under the eyes of a `Watch`, and of further interceptors.
macro_rules! watched {
    ($sdk:ident, $request:expr, $watch:ident $(, $interceptor:ident)*) => {{
        let overrides = $sdk::config::Builder::default()
            .interceptor($watch.clone())
            $(.interceptor($interceptor.clone()))*
            .retry_classifier($watch.clone())
            .sleep_impl($watch.clone());
        let answer = $request.customize().config_override(overrides).send().await;
        answer.map_err(|error| $crate::aws::error::explain(error, $watch.circumstances()))
    }};
}

mod claims;
mod credentials;
pub mod ecr;
pub mod ecs;
mod error;
mod exchange;
mod fault;
pub mod host;
mod options;
mod service;
mod session;
mod sts;
mod time;
mod trust;
mod watch;
mod xml;

use std::time::SystemTime;

use serde_json::Value;

pub use claims::Claims;
pub use ecr::{Ecr, Login};
pub use ecs::Ecs;
pub use error::{Error, Place, Refusal};
pub use options::{AccessKey, Options, Patience, WebIdentity};
pub use service::{CODE_DEPLOY, EVENTS, LOAD_BALANCING, LOGS, Remote, SCHEDULER, Service};
pub use session::Session;
pub use sts::{Identity, Sts};

/// What a service said.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub body: Value,
    /// The server's own time (its `Date` header, whole seconds): compare a deployment's age with this, not with the
    /// clock of the CI machine.
    pub date: Option<SystemTime>,
}
