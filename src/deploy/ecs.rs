//! What this room needs of ECS: one call, raw JSON in and out. A trait, so that a whole rollout can be played
//! through against a script and a fake clock; how a request is signed, sent and retried is `aws`'s business.

use futures_util::future::{BoxFuture, FutureExt};
use serde_json::Value;

use crate::aws;
pub use crate::aws::ecs::Operation;
pub use crate::aws::{Answer, Error as CallError};

pub trait Ecs: Send + Sync {
    fn call(&self, operation: Operation, body: Value) -> BoxFuture<'_, Result<Answer, CallError>>;
}

impl Ecs for aws::Ecs {
    fn call(&self, operation: Operation, body: Value) -> BoxFuture<'_, Result<Answer, CallError>> {
        aws::Ecs::call(self, operation, body).boxed()
    }
}

/// Codes that the next attempt will meet again: the request itself or the caller is at fault.
const LASTING: [&str; 10] = [
    "ClusterNotFound",
    "ServiceNotFound",
    "InvalidParameter",
    "ExpiredToken",
    "UnrecognizedClient",
    "InvalidClientTokenId",
    "InvalidSignature",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
    "UnknownOperation",
];

/// Whether another attempt a little later may well succeed.
pub fn may_pass(why: &CallError) -> bool {
    match why {
        CallError::Refused(refusal) => !why.is_denied() && !LASTING.iter().any(|code| refusal.code.starts_with(code)),
        CallError::Unreachable { .. } | CallError::Unsent { .. } | CallError::Answer { .. } => true,
        _ => false,
    }
}

/// Another of the same may have no trouble: it was only one too many at this moment.
pub fn is_throttling(why: &CallError) -> bool {
    let code = why.code().unwrap_or_default();
    ["Throttl", "TooManyRequests", "RequestLimit"].iter().any(|throttled| code.contains(throttled))
}
