//! What this room needs of ECS: one call, raw JSON in and out. A trait, so that a whole rollout can be played
//! through against a script and a fake clock; how a request is signed, sent and retried is `aws`'s business.

use futures_util::future::{BoxFuture, FutureExt};
use serde_json::Value;

use crate::aws;
pub use crate::aws::ecs::Operation;
pub use crate::aws::{Answer, Error as CallError};

pub trait Ecs: Send + Sync {
    fn call(&self, operation: Operation, body: Value) -> BoxFuture<'_, Result<Answer, CallError>>;

    /// Asks another service, only to explain a failure. Whoever cannot ask knows nothing.
    fn ask(&self, _: Question) -> BoxFuture<'_, Result<Answer, CallError>> {
        std::future::ready(Ok(Answer { body: Value::Null, date: None })).boxed()
    }
}

/// What is asked of other services.
#[derive(Debug, Clone)]
pub enum Question {
    /// GetLogEvents of CloudWatch Logs, in this region if it is another.
    LogEvents { region: Option<String>, body: Value },
    /// DescribeTargetHealth of this target group.
    TargetHealth { group: String },
}

impl Ecs for aws::Ecs {
    fn call(&self, operation: Operation, body: Value) -> BoxFuture<'_, Result<Answer, CallError>> {
        aws::Ecs::call(self, operation, body).boxed()
    }

    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, CallError>> {
        let session = self.session();
        match question {
            Question::LogEvents { region, body } => async move {
                let session = match region {
                    Some(region) if region != session.region() => session.in_region(&region)?,
                    _ => session.clone(),
                };
                session.service(&aws::LOGS).json("GetLogEvents", body).await
            }
            .boxed(),
            Question::TargetHealth { group } => async move {
                let form = [("TargetGroupArn", group.as_str())];
                session.service(&aws::LOAD_BALANCING).query("DescribeTargetHealth", &form).await
            }
            .boxed(),
        }
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
