//! Faults on request. A document names requests and says what is to befall them; tests and rehearsals then see
//! throttling, refusals, broken connections and expired logins exactly when they want them:
//!
//! ```json
//! {
//!   "rules": [
//!     {"on": "ecr:PutImage", "times": 3, "then": {"throttle": {"retry_after": 1}}},
//!     {"on": "ecs:*", "every": 5, "then": {"status": 500}},
//!     {"on": "PATCH /v2/*", "skip": 1, "times": 1, "then": {"cut": {"after": 1048576}}},
//!     {"on": "GET /v2/*/blobs/*", "seconds": 30, "then": {"slow": {"milliseconds": 200, "bytes_per_second": 100000}}},
//!     {"on": "ecr:GetAuthorizationToken", "then": "deny"},
//!     {"on": "events:PutTargets", "then": {"fail_entries": {"target": "1", "code": "InternalException"}}},
//!     {"then": "expire_token"},
//!     {"on": "ecs:DescribeServices", "skip": 4, "then": "expire_credentials"},
//!     {"then": {"clock": {"ahead": -3600}}}
//!   ],
//!   "fates": [{"family": "web", "fate": {"exitCode": {"code": 3}}, "log": ["no database"]}],
//!   "lag": {"serviceDeployments": 2.0, "currentDeployment": 5.0},
//!   "alarms": ["web-5xx"],
//!   "hooks": {"function:smoke-test": ["IN_PROGRESS", "FAILED"]}
//! }
//! ```
//!
//! `on` matches an operation (`PutImage`), an IAM action (`ecr:PutImage`, which the registry's requests have too)
//! or a method and path; `*` stands for anything. `fates` (with the lines that a container writes),
//! `lag` (seconds by which answers are behind), `alarms` (those that are in ALARM) and `hooks` (what a Lambda answers,
//! found by a part of its ARN) belong to the ECS plane and are handed to it as they are.

mod rule;
mod script;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use rule::{Effect, Failing, Rule};
pub use script::{Orders, Script};

use super::Error;

/// A document of faults.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    #[serde(default)]
    pub rules: Vec<Rule>,
    #[serde(default)]
    pub fates: Option<Value>,
    #[serde(default)]
    pub lag: Option<Value>,
    #[serde(default)]
    pub alarms: Option<BTreeSet<String>>,
    #[serde(default)]
    pub hooks: Option<Value>,
}

impl Faults {
    /// `what` names the document in errors.
    pub fn parse(bytes: &[u8], what: &str) -> Result<Self, Error> {
        let refuse = |why: String| Error::Faults { what: what.into(), why };
        let faults: Faults = serde_json::from_slice(bytes).map_err(|why| refuse(why.to_string()))?;
        for rule in &faults.rules {
            rule.check().map_err(|why| refuse(why.into()))?;
        }
        Ok(faults)
    }
}
