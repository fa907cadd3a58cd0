//! An ECR repository made ready for a push: created if it is missing, with its lifecycle rules and its policy.
//! A repository that exists is never adjusted beyond what was asked for by name.

mod plan;

pub use plan::{Call, Plan, plan};

use serde_json::{Value, json};

use crate::aws::ecr::Operation;
use crate::aws::{self, Ecr};
use crate::report::{Events, Explain, Kind};

/// What the repository must be like before the push.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    pub name: String,
    /// The registry's account; nothing named means the caller's own.
    pub account: Option<String>,
    /// Create the repository like this if it is missing.
    pub create: Option<Settings>,
    /// The text of a lifecycle policy to set.
    pub lifecycle_policy: Option<String>,
    /// The text of a repository policy to set.
    pub policy: Option<String>,
}

/// How a new repository is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub scan_on_push: bool,
    /// A key's id, alias or ARN; `Some("")` means the account's default ECR key, `None` means AES256.
    pub kms_key: Option<String>,
    /// `MUTABLE`, `IMMUTABLE`, `IMMUTABLE_WITH_EXCLUSION` or `MUTABLE_WITH_EXCLUSION`.
    pub mutability: String,
    /// Wildcards of tags that the mutability does not hold for.
    pub exclusion_filters: Vec<String>,
    pub tags: Vec<(String, String)>,
}

/// What there is already.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// As DescribeRepositories tells it. Nothing if it is missing; unknown counts as existing.
    pub exists: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("repository '{name}': {source}")]
    Aws { name: String, source: aws::Error },
    #[error("{what} of repository '{name}' is not JSON: {why}")]
    Document { name: String, what: &'static str, why: String },
    #[error("tag exclusion filters need a mutability with exclusions, not {0}")]
    Filters(String),
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::Aws { source, .. } => source.hint(),
            Error::Document { .. } => Some("Mend the file, for example with `python3 -m json.tool FILE`.".into()),
            Error::Filters(_) => Some("Give --repo-image-tag-mutability IMMUTABLE_WITH_EXCLUSION.".into()),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Error::Aws { source, .. } => source.kind(),
            Error::Document { .. } | Error::Filters(_) => Kind::Input,
        }
    }
}

/// Looks whether the repository is there, if that matters.
pub async fn observe(ecr: &Ecr, request: &Request) -> Result<Snapshot, Error> {
    if request.create.is_none() {
        return Ok(Snapshot { exists: true });
    }
    let mut body = json!({ "repositoryNames": [request.name] });
    if let Some(account) = &request.account {
        body["registryId"] = json!(account);
    }
    match ecr.call(Operation::DescribeRepositories, body).await {
        Ok(_) => Ok(Snapshot { exists: true }),
        Err(error) if error.code() == Some("RepositoryNotFoundException") => Ok(Snapshot { exists: false }),
        Err(source) => Err(Error::Aws { name: request.name.clone(), source }),
    }
}

/// Makes the plan's calls, in order. A repository that somebody else made meanwhile is success.
pub async fn apply(ecr: &Ecr, plan: &Plan, events: &Events) -> Result<Vec<Value>, Error> {
    let mut answers = Vec::new();
    for call in &plan.calls {
        events.step(call.text.clone());
        match ecr.call(call.operation, call.body.clone()).await {
            Ok(answer) => answers.push(answer.body),
            Err(error) if error.code() == Some("RepositoryAlreadyExistsException") => {}
            Err(source) => return Err(Error::Aws { name: plan.name.clone(), source }),
        }
    }
    Ok(answers)
}
