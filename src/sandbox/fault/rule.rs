//! One rule of a document of faults: which requests, how often, and what becomes of them.

use serde::{Deserialize, Serialize};

use crate::sandbox::skew::Skew;

/// Of the requests that `on` names, the first `skip` pass; of the others every `every`th is hit, at most `times` times
/// and until `seconds` after the document came.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(default = "anything")]
    pub on: String,
    #[serde(default)]
    pub skip: u64,
    #[serde(default)]
    pub every: Option<u64>,
    /// None is no limit, but for `expire_token` and `expire_credentials`, which are once.
    #[serde(default)]
    pub times: Option<u64>,
    #[serde(default)]
    pub seconds: Option<f64>,
    pub then: Effect,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// `ThrottlingException` of the APIs, 429 `TOOMANYREQUESTS` of the registry. `retry_after` is seconds.
    Throttle {
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// This HTTP status, in the form in which the protocol reports it.
    Status(u16),
    /// `AccessDeniedException`, and 403 `DENIED` of the registry.
    Deny,
    /// The connection breaks once this many bytes of the request's body have come in.
    Cut { after: u64 },
    /// The work is done, and the connection breaks before the answer.
    LoseAnswer,
    /// Waits before the work, and takes the body in no faster.
    Slow {
        #[serde(default)]
        milliseconds: u64,
        #[serde(default)]
        bytes_per_second: Option<u64>,
    },
    /// Every login that was given out until now is void.
    ExpireToken,
    /// The access keys that have signed calls until now, this one included, are good no longer; the next document of
    /// faults revives them. Keys that have signed nothing but calls to STS are long-lived ones, which do not end.
    ExpireCredentials,
    /// The server's clock is so many seconds ahead of this machine's, or behind it: the `Date` header, every moment
    /// that is told, and the time by which a signature is too old or too new.
    Clock { ahead: i64 },
    /// This request meets ECR's ways, as under `--ecr-strict`.
    EcrStrict,
    /// Before the work, somebody else deploys the services anew that the request names.
    ReplaceDeployment,
    /// The request succeeds, and entries of it do not: `FailedEntries` of EventBridge.
    FailEntries(Failing),
}

/// Entries that fail while the request as a whole succeeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failing {
    /// One target's id; None is all.
    #[serde(default)]
    pub target: Option<String>,
    #[serde(default = "Failing::code")]
    pub code: String,
    #[serde(default = "Failing::message")]
    pub message: String,
}

impl Failing {
    fn code() -> String {
        "InternalException".into()
    }

    fn message() -> String {
        "A rule of the sandbox's faults answers so.".into()
    }
}

fn anything() -> String {
    "*".into()
}

impl Rule {
    pub fn limit(&self) -> u64 {
        let once = matches!(self.then, Effect::ExpireToken | Effect::ExpireCredentials);
        self.times.unwrap_or(if once { 1 } else { u64::MAX })
    }

    pub fn check(&self) -> Result<(), &'static str> {
        match &self.then {
            _ if self.every == Some(0) => Err("'every' counts from 1"),
            _ if self.seconds.is_some_and(|seconds| seconds.is_nan() || seconds < 0.0) => Err("'seconds' is negative"),
            Effect::Status(status) if !(400..600).contains(status) => Err("'status' is none of 400 to 599"),
            Effect::Clock { ahead } if !(-Skew::MOST..=Skew::MOST).contains(ahead) => {
                Err("'ahead' is more than a century")
            }
            Effect::Slow { bytes_per_second: Some(0), .. } => Err("'bytes_per_second' is 0"),
            _ => Ok(()),
        }
    }
}
