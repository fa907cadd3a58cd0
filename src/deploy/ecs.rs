//! What this room needs of ECS: one call, raw JSON in and out. The rest of the room never learns how a
//! request is signed, sent or retried.

use std::time::SystemTime;

use futures_util::future::BoxFuture;
use serde_json::Value;

/// An answer, and the server's own idea of when it was given (the `Date` header).
#[derive(Debug, Clone)]
pub struct Answer {
    pub body: Value,
    pub date: Option<SystemTime>,
}

/// A call that ECS refused, or that never reached it. Throttling and broken connections were already
/// retried by the time this is seen.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation} failed ({code}): {message}")]
pub struct CallError {
    pub operation: &'static str,
    /// ECS's name for it (`ClusterNotFoundException`), or a word of ours (`Connection`, `Timeout`).
    pub code: String,
    pub message: String,
    pub hint: Option<String>,
    /// The IAM action that was denied: `ecs:UpdateService`.
    pub denied: Option<String>,
}

pub trait Ecs: Send + Sync {
    fn call<'a>(&'a self, operation: &'static str, body: Value) -> BoxFuture<'a, Result<Answer, CallError>>;
}

/// Codes that the next attempt will meet again: the request itself or the caller's rights are at fault.
const LASTING: [&str; 12] = [
    "ClusterNotFound",
    "ServiceNotFound",
    "InvalidParameter",
    "ExpiredToken",
    "UnrecognizedClient",
    "InvalidClientTokenId",
    "InvalidSignature",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "Credentials",
    "UnknownOperation",
];

impl CallError {
    pub fn is_denied(&self) -> bool {
        self.denied.is_some() || self.code.contains("AccessDenied") || self.code.contains("UnauthorizedOperation")
    }

    /// The action to grant, as IAM spells it.
    pub fn action(&self) -> String {
        self.denied.clone().unwrap_or_else(|| format!("ecs:{}", self.operation))
    }

    /// Whether another attempt a little later may well succeed.
    pub fn may_pass(&self) -> bool {
        !self.is_denied() && !LASTING.iter().any(|code| self.code.starts_with(code))
    }
}
