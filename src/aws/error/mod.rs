//! What can go wrong between this program and AWS. A refusal keeps the service's own code and words, where it
//! happened and, for a role assumed by identity token, what the token claimed; `cure` turns it into advice.

mod cure;
mod denial;

use std::fmt;
use std::path::PathBuf;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::claims::Claims;
use super::fault::Fault;
use crate::report::{Explain, Kind};
use denial::Denial;

/// Which operation, of which service, asked where, for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub service: &'static str,
    pub operation: &'static str,
    pub region: String,
    /// The account of the credentials, as far as they tell.
    pub account: Option<String>,
}

/// A service answered no.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub place: Place,
    pub code: String,
    pub message: String,
    pub status: u16,
    pub request_id: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// What the identity token said, where one was shown.
    pub claims: Option<Claims>,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no AWS region is known")]
    NoRegion { profile: Option<String> },
    #[error("'{0}' is not the name of an AWS region")]
    Region(String),
    #[error("'{url}' is not the URL of an endpoint: {why}")]
    Endpoint { url: String, why: String },
    #[error("a web identity token is of no use without the role to assume")]
    NoRole,
    #[error("no AWS credentials were found{}", profile.as_deref().map(|p| format!(" in profile '{p}'")).unwrap_or_default())]
    NoCredentials { profile: Option<String> },
    #[error("AWS credentials could not be loaded: {why}")]
    Credentials { why: String },
    #[error("CA bundle {}: {why}", path.display())]
    CaBundle { path: PathBuf, why: String },
    #[error("TLS could not be set up: {0}")]
    Tls(String),
    #[error("no identity token for the role: {why}")]
    Token { why: String, hint: Option<&'static str> },
    #[error("{0}")]
    Refused(Box<Refusal>),
    #[error("{place}: {host} gave no answer: {why}")]
    Unreachable { place: Box<Place>, host: String, why: String },
    #[error("{place} could not be asked: {why}")]
    Unsent { place: Box<Place>, why: String },
    #[error("{place}: the answer makes no sense: {why}")]
    Answer { place: Box<Place>, why: String },
}

impl Error {
    /// The service's name for what is wrong: `ClusterNotFoundException`.
    pub fn code(&self) -> Option<&str> {
        self.refusal().map(|refusal| &*refusal.code)
    }

    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The thing asked about does not exist (here: other region, other account?).
    pub fn is_not_found(&self) -> bool {
        self.refusal().is_some_and(|r| {
            // ECS has no code of its own for a missing task definition.
            r.code.ends_with("NotFoundException")
                || (r.code == "ClientException" && r.message.starts_with("Unable to describe task definition"))
        })
    }

    /// A permission is missing.
    pub fn is_denied(&self) -> bool {
        self.refusal().is_some_and(Refusal::is_denied)
    }

    /// The action that a policy would have to allow: `ecs:UpdateService`.
    pub fn denied_action(&self) -> Option<String> {
        let refusal = self.refusal().filter(|r| r.is_denied())?;
        Some(Denial::read(&refusal.message).action.unwrap_or_else(|| refusal.place.action()))
    }
}

impl Refusal {
    pub(super) fn is_denied(&self) -> bool {
        self.code.starts_with("AccessDenied") || ["UnauthorizedOperation", "NotAuthorized"].contains(&&*self.code)
    }
}

impl Place {
    /// As IAM writes it.
    pub fn action(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.action(), self.region)?;
        self.account.iter().try_for_each(|account| write!(f, ", account {account}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.code)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        cure::hint(self)
    }

    fn kind(&self) -> Kind {
        match self {
            Error::NoRegion { .. }
            | Error::Region(_)
            | Error::Endpoint { .. }
            | Error::NoRole
            | Error::CaBundle { .. } => Kind::Input,
            _ => Kind::Failed,
        }
    }
}

/// What else is known about a call that failed.
pub(super) struct Circumstances {
    pub place: Place,
    pub host: String,
    pub attempts: u32,
    pub profile: Option<String>,
}

/// Explains a failure of the SDK's, whatever the operation's own error type.
pub(super) fn explain<E>(error: SdkError<E, HttpResponse>, circumstances: Circumstances) -> Error
where
    E: std::error::Error + 'static,
{
    let Circumstances { place, host, attempts, profile } = circumstances;
    if let Some(cause) = credentials_at_fault(&error, profile) {
        return cause;
    }
    match (error.raw_response().map(Fault::read), &error) {
        (Some(Some(fault)), _) => Error::Refused(Box::new(refusal(fault, place, attempts))),
        (Some(None), SdkError::ServiceError(_)) | (Some(None), SdkError::ResponseError(_)) => {
            Error::Answer { place: place.into(), why: chain(&error) }
        }
        // No request ever got as far as having a host.
        _ if host.is_empty() => Error::Unsent { place: place.into(), why: chain(&error) },
        _ => Error::Unreachable { place: place.into(), host, why: chain(&error) },
    }
}

fn refusal(fault: Fault, place: Place, attempts: u32) -> Refusal {
    let Fault { code, message, status, request_id } = fault;
    Refusal { place, code, message, status, request_id, attempts, claims: None }
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// Credentials are fetched inside of a call; then their failure is the one to tell, not the call's.
fn credentials_at_fault<E>(error: &SdkError<E, HttpResponse>, profile: Option<String>) -> Option<Error>
where
    E: std::error::Error + 'static,
{
    if let Some(own) = causes(error).find_map(|cause| cause.downcast_ref::<Error>()) {
        return Some(own.clone());
    }
    causes(error).find_map(|cause| cause.downcast_ref::<CredentialsError>()).map(|cause| match cause {
        CredentialsError::CredentialsNotLoaded(_) => Error::NoCredentials { profile },
        // The instance's service is asked last: whatever it said, nobody else had any.
        other if profile.is_none() && chain(other).contains("IMDS") => Error::NoCredentials { profile },
        other => Error::Credentials { why: chain(other) },
    })
}

/// What the SDK wraps around the cause that matters.
const WRAPPINGS: [&str; 6] = [
    "other",
    "dispatch failure",
    "service error",
    "io error",
    "client error (Connect)",
    "an error occurred while loading credentials",
];

/// The whole story of an error in one line, without wrappings and repetitions.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut story: Vec<String> = Vec::new();
    for cause in causes(error).map(ToString::to_string) {
        if !WRAPPINGS.contains(&&*cause) && !story.iter().any(|told| told.contains(&cause)) {
            story.push(cause);
        }
    }
    if story.is_empty() { error.to_string() } else { story.join(": ") }
}

#[cfg(test)]
mod tests;
