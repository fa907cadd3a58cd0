//! A refusal in AWS's own terms: a code that SDKs turn into an error type, a message that people search for, and an
//! HTTP status. The JSON protocol, the Query protocol and the registry each spell it their own way.

use std::borrow::Cow;

use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    pub code: Cow<'static, str>,
    pub message: String,
    pub status: u16,
}

impl Refusal {
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Refusal { code: code.into(), message: message.into(), status: 400 }
    }

    pub fn with_status(self, status: u16) -> Self {
        Refusal { status, ..self }
    }

    /// The words of AWS's front door for an operation that a service does not have.
    pub fn unknown_operation() -> Self {
        Refusal::new("UnknownOperationException", "")
    }

    /// A member is missing, of the wrong size, or does not fit its pattern; `rule` is what it should have been.
    pub fn parameter(member: &str, rule: impl std::fmt::Display) -> Self {
        let message = format!("Invalid parameter at '{member}' failed to satisfy constraint: '{rule}'");
        Refusal::new("InvalidParameterException", message)
    }

    pub fn throttled() -> Self {
        Refusal::new("ThrottlingException", "Rate exceeded")
    }

    /// IAM's wording, which tools and people take apart to learn the missing permission.
    pub fn denied(caller: &str, action: &str, resource: &str) -> Self {
        let message = format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
        );
        Refusal::new("AccessDeniedException", message)
    }

    /// The JSON protocol's body.
    pub fn json(&self) -> Value {
        json!({ "__type": self.code, "message": self.message })
    }
}
