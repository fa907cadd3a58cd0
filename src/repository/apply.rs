//! A plan's calls made, in order, after what stays different was told.

use serde_json::{Value, json};

use super::{Error, Plan};
use crate::aws::Ecr;
use crate::aws::ecr::Operation;
use crate::report::Events;

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    pub created: bool,
    /// The repository, if anybody has looked at it.
    pub shown: Option<Value>,
}

/// A repository that somebody else made meanwhile is success, and looked at instead.
pub async fn apply(ecr: &Ecr, plan: &Plan, events: &Events) -> Result<Applied, Error> {
    for difference in &plan.differences {
        let text = format!("repository {} exists and differs: {}", plan.name, difference.text());
        events.warn(text, Some(difference.hint()));
    }
    let mut applied = Applied { created: false, shown: plan.shown.clone() };
    for call in &plan.calls {
        events.step(call.text.clone());
        let answer = match ecr.call(call.operation, call.body.clone()).await {
            Err(error) if error.code() == Some("RepositoryAlreadyExistsException") => {
                let mut body = json!({ "repositoryNames": [plan.name] });
                call.body.get("registryId").into_iter().for_each(|account| body["registryId"] = account.clone());
                ecr.call(Operation::DescribeRepositories, body)
                    .await
                    .map(|answer| answer.body["repositories"][0].clone())
            }
            Ok(mut answer) if call.operation == Operation::CreateRepository => {
                applied.created = true;
                Ok(answer.body["repository"].take())
            }
            Ok(_) => continue,
            Err(error) => Err(error),
        };
        applied.shown = Some(answer.map_err(|source| Error::Aws { name: plan.name.clone(), source })?);
    }
    Ok(applied)
}
