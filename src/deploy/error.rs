//! Everything that can stop a deployment before or while it is started, each with its cure. How a started
//! deployment ends is no error but an outcome ([`super::Verdict`]).

use crate::report::{Explain, Kind};

use super::ecs::CallError;
use super::updates::{Place, UpdateError};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Update(#[from] UpdateError),
    #[error("task-definition-tags: {why}")]
    Tags { why: String, hint: Option<String> },
    #[error("{what}: {why}")]
    Input { what: &'static str, why: String, hint: Option<String> },
    #[error("{parameter}, {place}: there is no container '{container}' in {definition}")]
    NoContainer { parameter: &'static str, place: Place, container: String, definition: String, hint: String },
    #[error("{parameter}, {place}: {why}")]
    Edit { parameter: &'static str, place: Place, why: String, hint: String },
    #[error("there is no cluster '{cluster}'")]
    NoCluster { cluster: String, source: CallError },
    #[error("there is no service '{service}' in cluster '{cluster}'")]
    NoService { service: String, cluster: String, why: String },
    #[error("service '{service}' in cluster '{cluster}' is {status} and cannot be deployed to")]
    Inactive { service: String, cluster: String, status: String },
    #[error("service '{service}' is deployed by {controller}, not by ECS itself")]
    Controller { service: String, controller: String },
    #[error("there is no task definition '{family}'")]
    NoDefinition { family: String, source: CallError },
    #[error("nobody deploys {wanted} to service '{service}': it runs {runs}")]
    NotDeploying { service: String, wanted: String, runs: String },
    #[error("there is nothing to roll '{service}' back to: {known} is known to have reached success")]
    NothingBefore { service: String, known: String, skipped: String },
    #[error("the history of '{service}' cannot be read: {source}")]
    NoHistory { service: String, source: CallError },
    #[error("no deployment of '{service}' is paused")]
    NotPaused { service: String, state: String },
    #[error("{what}: {why}")]
    Document { what: &'static str, why: String },
    #[error(transparent)]
    Call(#[from] CallError),
    /// Before anything was deployed.
    #[error("{text}")]
    OutOfTime { text: String },
    #[error("{registered} was registered, but not deployed: {source}")]
    Undeployed { registered: String, source: CallError },
    #[error("the deployment to '{service}' has begun, but it cannot be watched: {source}")]
    Unwatched { service: String, advice: String, source: CallError },
}

impl Error {
    pub(super) fn input(what: &'static str, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Error::Input { what, why: why.into(), hint: Some(hint.into()) }
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::Update(error) => Some(error.hint.clone()),
            Error::Tags { hint, .. } | Error::Input { hint, .. } => hint.clone(),
            Error::Edit { hint, .. } | Error::NoContainer { hint, .. } => Some(hint.clone()),
            Error::NoCluster { .. } => Some("Check the cluster's name, the region and the account.".into()),
            Error::NoService { why, .. } => {
                Some(format!("ECS says {why}. Check its name and its cluster; `deploy-service-update --create-service` makes it."))
            }
            Error::Inactive { .. } => Some("It was deleted: create it again first.".into()),
            Error::Controller { controller, .. } if controller == "CODE_DEPLOY" => Some(
                "deploy-service-update, verify-revision-is-deployed, wait, continue and rollback work through CodeDeploy; or move the \
                 service to the ECS controller, which knows blue/green too."
                    .into(),
            ),
            Error::Controller { .. } => Some("Deploy it with the tool that manages its task sets.".into()),
            Error::NoDefinition { family, .. } if family.contains(':') => {
                Some("Leave the number out for the family's latest, or check the region and the account.".into())
            }
            Error::NoDefinition { .. } => {
                Some("Register the family's first revision, or check the name, the region and the account.".into())
            }
            Error::NotDeploying { .. } => {
                Some("It was rolled back or replaced before, or deployed to another service or cluster.".into())
            }
            Error::NothingBefore { skipped, .. } => {
                let passed = if skipped.is_empty() { String::new() } else { format!(" Passed over: {skipped}.") };
                Some(format!("ECS remembers ninety days, CodeDeploy what it deployed itself. Give the revision to go back to with --to.{passed}"))
            }
            Error::NoHistory { source, .. } => {
                let hint = "Or give the revision to go back to with --to.";
                Some(source.hint().map_or(hint.into(), |cure| format!("{cure} {hint}")))
            }
            Error::NotPaused { state, .. } => Some(format!("There is nothing to answer: {state}.")),
            Error::Document { .. } => None,
            Error::OutOfTime { .. } => Some("Raise --timeout; with --verbose each request is shown with its time.".into()),
            Error::Call(error) => error.hint(),
            Error::Unwatched { advice, source, .. } => {
                Some(source.hint().map_or(advice.clone(), |cure| format!("{cure} {advice}")))
            }
            Error::Undeployed { source, .. } => {
                let again = "Run the same command again: the revision is found and not registered twice.";
                Some(source.hint().map_or(again.into(), |hint| format!("{hint} {again}")))
            }
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Error::NotDeploying { .. } => Kind::Failed,
            Error::NoHistory { .. } | Error::NotPaused { .. } | Error::OutOfTime { .. } => Kind::Failed,
            Error::Call(_) | Error::Undeployed { .. } | Error::Unwatched { .. } | Error::Document { .. } => {
                Kind::Failed
            }
            _ => Kind::Input,
        }
    }
}
