//! Task definitions: raw documents, numbered per family. What a client registers comes back as it went in,
//! members that nobody here knows included, with ECS's defaults and own members beside them.

mod capability;
mod defaults;
mod fargate;
mod kept;
mod list;
mod register;
mod remove;
mod validate;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Plane;
use super::arn::short;
use super::error::{ApiError, client, invalid};
use super::input::{includes, required};
pub use kept::Kept;

/// One revision: the document as DescribeTaskDefinition shows it, and the tags beside it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Definition {
    pub document: Value,
    pub tags: Vec<Value>,
}

impl Definition {
    pub fn arn(&self) -> &str {
        self.document["taskDefinitionArn"].as_str().unwrap_or_default()
    }

    pub fn family(&self) -> &str {
        self.document["family"].as_str().unwrap_or_default()
    }

    pub fn revision(&self) -> u32 {
        self.document["revision"].as_u64().unwrap_or_default() as u32
    }

    pub fn status(&self) -> &str {
        self.document["status"].as_str().unwrap_or_default()
    }

    pub fn is_awsvpc(&self) -> bool {
        self.document["networkMode"] == "awsvpc"
    }

    pub fn supports(&self, launch_type: &str) -> bool {
        self.document["compatibilities"].as_array().is_some_and(|all| all.iter().any(|one| one == launch_type))
    }

    pub fn containers(&self) -> &[Value] {
        self.document["containerDefinitions"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// The container of that name.
    pub fn container(&self, name: &str) -> Option<&Value> {
        self.containers().iter().find(|container| container["name"] == name)
    }
}

/// A family's revisions. A number is never given twice, not even after its revision was deleted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Family {
    pub newest: u32,
    pub revisions: BTreeMap<u32, Kept>,
}

impl Family {
    fn has_active(&self) -> bool {
        self.revisions.values().rev().any(|kept| kept.status() == "ACTIVE")
    }

    fn newest_active(&self) -> Option<&Definition> {
        self.revisions.values().rev().find(|kept| kept.status() == "ACTIVE").map(Kept::get)
    }
}

/// A task definition by name: `family`, `family:revision`, or either as an ARN.
pub fn split(name: &str) -> Result<(&str, Option<u32>), ApiError> {
    let name = short(name, "task-definition")?;
    match name.rsplit_once(':') {
        None => Ok((name, None)),
        Some((family, number)) => {
            let revision = number.parse().ok().filter(|revision| *revision > 0);
            Ok((family, Some(revision.ok_or_else(|| invalid(format!("Invalid revision number. Number: {number}")))?)))
        }
    }
}

impl Plane {
    /// Any revision that exists; a bare family means its newest ACTIVE one.
    pub(super) fn find_definition(&self, name: &str) -> Result<Option<&Definition>, ApiError> {
        let (family, revision) = split(name)?;
        let family = self.families.get(family);
        Ok(family.and_then(|family| match revision {
            Some(revision) => family.revisions.get(&revision).map(Kept::get),
            None => family.newest_active(),
        }))
    }

    /// A revision that new tasks and services may use.
    pub(super) fn usable_definition(&self, name: &str) -> Result<&Definition, ApiError> {
        match self.find_definition(name)? {
            None => Err(client("TaskDefinition not found.")),
            Some(definition) if definition.status() != "ACTIVE" => Err(client("TaskDefinition is inactive")),
            Some(definition) => Ok(definition),
        }
    }

    /// What a running task was started from, whatever has become of it since.
    pub(super) fn definition(&self, arn: &str) -> Option<&Definition> {
        self.find_definition(arn).ok().flatten()
    }

    pub(super) fn describe_task_definition(&self, body: &Value) -> Result<Value, ApiError> {
        let name = required(body, "taskDefinition", "Task definition can not be blank.")?;
        let definition = self.find_definition(name)?.ok_or_else(|| client("Unable to describe task definition."))?;
        let mut answer = json!({ "taskDefinition": definition.document });
        if includes(body, "TAGS")? {
            answer["tags"] = definition.tags.clone().into();
        }
        Ok(answer)
    }
}
