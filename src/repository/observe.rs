//! What there is already. Reads that only serve to send less may be denied: then what depends on them is sent unseen.

use serde_json::{Value, json};

use super::{Error, Mutability, Request, Tags};
use crate::aws::ecr::Operation;
use crate::aws::{self, Ecr};

#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub repository: Existing,
    pub lifecycle_policy: Seen<Option<String>>,
    pub policy: Seen<Option<String>>,
    pub tags: Seen<Tags>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Existing {
    /// It is not to be created, so nobody has looked.
    Unasked,
    Missing,
    /// As DescribeRepositories shows it.
    Shown(Value),
}

/// Something that a policy may forbid to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    Known(T),
    /// With the action that it would take: `ecr:GetRepositoryPolicy`.
    Denied(String),
}

impl<T> Seen<T> {
    pub(super) fn known(&self) -> Option<&T> {
        match self {
            Seen::Known(known) => Some(known),
            Seen::Denied(_) => None,
        }
    }

    /// Says, behind what is done, that it was done without looking.
    pub(super) fn unseen(&self) -> String {
        match self {
            Seen::Known(_) => String::new(),
            Seen::Denied(action) => format!(", unseen: {action} is denied"),
        }
    }
}

/// Looks at whatever of the repository the request is about.
pub async fn observe(ecr: &Ecr, request: &Request) -> Result<Snapshot, Error> {
    let at = |source| Error::Aws { name: request.name.clone(), source };
    let repository = match request.create {
        Some(_) => describe(ecr, &request.name, request.account.as_deref()).await.map_err(at)?,
        None => Existing::Unasked,
    };
    let (lifecycle_policy, policy, tags) = tokio::try_join!(
        text(ecr, request, &repository, request.lifecycle_policy.is_some(), &LIFECYCLE),
        text(ecr, request, &repository, request.policy.is_some(), &POLICY),
        tags_of(ecr, request, &repository),
    )
    .map_err(at)?;
    Ok(Snapshot { repository, lifecycle_policy, policy, tags })
}

async fn describe(ecr: &Ecr, name: &str, account: Option<&str>) -> Result<Existing, aws::Error> {
    let mut body = json!({ "repositoryNames": [name] });
    if let Some(account) = account {
        body["registryId"] = json!(account);
    }
    match ecr.call(Operation::DescribeRepositories, body).await {
        Ok(mut answer) => Ok(Existing::Shown(answer.body["repositories"][0].take())),
        Err(error) if error.code() == Some("RepositoryNotFoundException") => Ok(Existing::Missing),
        Err(error) => Err(error),
    }
}

/// How a text is read: by which operation, out of which member, and the code that says that there is none.
struct Text {
    operation: Operation,
    member: &'static str,
    absent: &'static str,
}

const LIFECYCLE: Text = Text {
    operation: Operation::GetLifecyclePolicy,
    member: "lifecyclePolicyText",
    absent: "LifecyclePolicyNotFoundException",
};

const POLICY: Text = Text {
    operation: Operation::GetRepositoryPolicy,
    member: "policyText",
    absent: "RepositoryPolicyNotFoundException",
};

async fn text(
    ecr: &Ecr,
    request: &Request,
    repository: &Existing,
    wanted: bool,
    text: &Text,
) -> Result<Seen<Option<String>>, aws::Error> {
    if !wanted || *repository == Existing::Missing {
        return Ok(Seen::Known(None));
    }
    match ecr.call(text.operation, request.about(json!({}))).await {
        Ok(answer) => Ok(Seen::Known(answer.body[text.member].as_str().map(str::to_owned))),
        Err(error) if error.code() == Some(text.absent) => Ok(Seen::Known(None)),
        Err(error) => denied(error),
    }
}

async fn tags_of(ecr: &Ecr, request: &Request, repository: &Existing) -> Result<Seen<Tags>, aws::Error> {
    let wanted = request.create.as_ref().is_some_and(|settings| !settings.tags.is_empty());
    match repository {
        Existing::Shown(shown) if wanted => list_tags(ecr, shown["repositoryArn"].as_str().unwrap_or_default()).await,
        _ => Ok(Seen::Known(Tags::new())),
    }
}

/// The resource tags of what has this ARN; `name` is for the error.
pub async fn observe_tags(ecr: &Ecr, arn: &str, name: &str) -> Result<Seen<Tags>, Error> {
    list_tags(ecr, arn).await.map_err(|source| Error::Aws { name: name.to_owned(), source })
}

async fn list_tags(ecr: &Ecr, arn: &str) -> Result<Seen<Tags>, aws::Error> {
    let answer = match ecr.call(Operation::ListTagsForResource, json!({ "resourceArn": arn })).await {
        Ok(answer) => answer,
        Err(error) => return denied(error),
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tags = answer.body["tags"].as_array().into_iter().flatten();
    Ok(Seen::Known(tags.map(|tag| (text(&tag["Key"]), text(&tag["Value"]))).collect()))
}

fn denied<T>(error: aws::Error) -> Result<Seen<T>, aws::Error> {
    error.denied_action().map(Seen::Denied).ok_or(error)
}

/// Which tags may be moved; nothing if the repository may not be looked at, or is none of ECR's.
pub async fn observe_mutability(ecr: &Ecr, name: &str, account: Option<&str>) -> Result<Option<Mutability>, Error> {
    match describe(ecr, name, account).await {
        Ok(Existing::Shown(shown)) => Ok(Some(Mutability::read(&shown))),
        Ok(_) => Ok(None),
        Err(error) if error.is_denied() => Ok(None),
        Err(source) => Err(Error::Aws { name: name.to_owned(), source }),
    }
}

impl Request {
    /// The body of a call about this repository.
    pub(super) fn about(&self, mut body: Value) -> Value {
        body["repositoryName"] = json!(self.name);
        if let Some(account) = &self.account {
            body["registryId"] = json!(account);
        }
        body
    }
}
