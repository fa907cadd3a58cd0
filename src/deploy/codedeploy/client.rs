//! What this room needs of CodeDeploy: one call, raw JSON in and out.

use futures_util::future::{BoxFuture, FutureExt};
use serde_json::Value;

use crate::aws::Remote;
use crate::deploy::ecs::{Answer, CallError, may_pass};

pub trait CodeDeploy: Send + Sync {
    fn call(&self, operation: &'static str, body: Value) -> BoxFuture<'_, Result<Answer, CallError>>;
}

impl CodeDeploy for Remote {
    fn call(&self, operation: &'static str, body: Value) -> BoxFuture<'_, Result<Answer, CallError>> {
        self.json(operation, body).boxed()
    }
}

/// Whether another look a little later may well succeed. CodeDeploy has an error for each thing that is not there or
/// not right, and no other of its errors begins with these words.
pub fn may_pass_later(why: &CallError) -> bool {
    let lasting = ["Deployment", "Application", "Invalid", "Revision"];
    let code = why.code().unwrap_or_default();
    may_pass(why) && !lasting.iter().any(|begin| code.starts_with(begin))
}
