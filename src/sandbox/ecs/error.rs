//! Refusals in ECS's own words: a code, a message, an HTTP status. The code is what SDKs turn into an error
//! type; the message is what people search for, so it is ECS's wording wherever that is known.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    pub code: &'static str,
    pub message: String,
    pub status: u16,
}

impl ApiError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        ApiError { code, message: message.into(), status: 400 }
    }
}

pub fn client(message: impl Into<String>) -> ApiError {
    ApiError::new("ClientException", message)
}

pub fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterException", message)
}

pub fn conflict(message: impl Into<String>) -> ApiError {
    ApiError::new("ConflictException", message)
}

pub fn no_cluster() -> ApiError {
    ApiError::new("ClusterNotFoundException", "Cluster not found.")
}

pub fn no_service() -> ApiError {
    ApiError::new("ServiceNotFoundException", "Service not found.")
}

pub fn service_not_active() -> ApiError {
    ApiError::new("ServiceNotActiveException", "Service was not ACTIVE.")
}

pub fn no_service_deployment() -> ApiError {
    ApiError::new("ServiceDeploymentNotFoundException", "Service deployment not found.")
}

pub fn unsupported(message: impl Into<String>) -> ApiError {
    ApiError::new("UnsupportedFeatureException", message)
}

/// What the JSON protocol answers to an operation that it does not know.
pub fn unknown_operation(name: &str) -> ApiError {
    ApiError::new("UnknownOperationException", format!("The sandbox does not know the operation {name}."))
}

/// What the JSON protocol answers to a member of the wrong type.
pub fn wrong_type(member: &str, expected: &str) -> ApiError {
    ApiError::new("SerializationException", format!("{member} is not {expected}"))
}
