//! The revision that is to be started. A schedule with an ARN of nothing fails silently at night, so the revision is
//! looked up first.

use serde_json::json;

use super::Error;
use crate::deploy::ecs::{Ecs, Operation};
use crate::deploy::edit::short;
use crate::report::Events;

/// What the targets are to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub family: String,
    /// None until it is registered.
    pub arn: Option<String>,
}

impl Wanted {
    pub fn of_arn(arn: &str) -> Self {
        Wanted { family: family(arn).to_owned(), arn: Some(arn.to_owned()) }
    }
}

/// Finds a revision by ARN, `FAMILY:REVISION` or `FAMILY`, which means its latest active one. Who may not look it up
/// may still name it by its ARN.
pub async fn known_revision(name: &str, ecs: &dyn Ecs, events: &Events) -> Result<Wanted, Error> {
    match ecs.call(Operation::DescribeTaskDefinition, json!({ "taskDefinition": name })).await {
        Ok(answer) => {
            let definition = &answer.body["taskDefinition"];
            let missing = Error::Answer { operation: "DescribeTaskDefinition", member: "taskDefinitionArn" };
            let arn = definition["taskDefinitionArn"].as_str().ok_or(missing)?;
            match definition["status"].as_str() {
                None | Some("ACTIVE") => Ok(Wanted::of_arn(arn)),
                Some(_) => Err(Error::Inactive(arn.to_owned())),
            }
        }
        Err(why) if why.is_not_found() => Err(Error::NoDefinition { name: name.into(), source: Box::new(why) }),
        Err(why) if why.is_denied() && has_revision(name) => {
            let action = why.denied_action().unwrap_or_default();
            events.warn(format!("{name} is taken at its word: {action} is denied"), None);
            Ok(Wanted::of_arn(name))
        }
        Err(why) => Err(Box::new(why).into()),
    }
}

fn has_revision(arn: &str) -> bool {
    arn.starts_with("arn:") && short(arn).contains(':')
}

/// `shop` of `arn:aws:ecs:eu-central-1:123456789012:task-definition/shop:41`, and of the same without a revision.
pub fn family(arn: &str) -> &str {
    let name = short(arn);
    name.split_once(':').map_or(name, |(family, _)| family)
}
