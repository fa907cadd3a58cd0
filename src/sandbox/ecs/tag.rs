//! Tags: on clusters, services, tasks and task definitions, each kept with its resource.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::Plane;
use super::arn::parts;
use super::error::{ApiError, client, invalid, no_cluster};
use super::input::{list, required, texts};
use super::timers::ServiceKey;

const MOST: usize = 50;

/// The `tags` of a request, checked.
pub fn read(body: &Value) -> Result<Vec<Value>, ApiError> {
    let tags = list(body, "tags")?;
    let mut keys = HashSet::new();
    for tag in tags {
        let key = tag["key"].as_str().filter(|key| !key.is_empty() && key.chars().count() <= 128);
        let key = key.ok_or_else(|| invalid("Tag keys can not be null or empty and have at most 128 characters."))?;
        check(key, tag["value"].as_str().unwrap_or_default())?;
        if !keys.insert(key) {
            return Err(invalid(format!(
                "Duplicate tag keys found. Please note that Tag keys are case sensitive: {key}"
            )));
        }
    }
    if tags.len() > MOST { Err(invalid("The maximum number of tags is 50.")) } else { Ok(tags.to_vec()) }
}

fn check(key: &str, value: &str) -> Result<(), ApiError> {
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid("aws: prefixed tag key names are not allowed for external use."));
    }
    let long = value.chars().count() > 256;
    if long { Err(invalid("Tag values have at most 256 characters.")) } else { Ok(()) }
}

/// Adds tags; a key that is there already takes the new value.
pub fn merge(tags: &mut Vec<Value>, more: Vec<Value>) {
    for tag in more {
        match tags.iter_mut().find(|old| old["key"] == tag["key"]) {
            Some(old) => *old = tag,
            None => tags.push(tag),
        }
    }
}

impl Plane {
    pub(super) fn tag_resource(&mut self, body: &Value) -> Result<Value, ApiError> {
        let more = read(body)?;
        let tags = self.tags_of(arn_in(body)?)?;
        let mut merged = tags.clone();
        merge(&mut merged, more);
        if merged.len() > MOST {
            return Err(invalid("The maximum number of tags is 50."));
        }
        *tags = merged;
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&mut self, body: &Value) -> Result<Value, ApiError> {
        let keys = texts(body, "tagKeys")?;
        let tags = self.tags_of(arn_in(body)?)?;
        tags.retain(|tag| !keys.iter().any(|key| tag["key"] == *key));
        Ok(json!({}))
    }

    pub(super) fn list_tags_for_resource(&mut self, body: &Value) -> Result<Value, ApiError> {
        Ok(json!({ "tags": self.tags_of(arn_in(body)?)?.clone() }))
    }

    /// Where the resource of that ARN keeps its tags; it counts as changed.
    fn tags_of(&mut self, arn: &str) -> Result<&mut Vec<Value>, ApiError> {
        if let Some([name]) = parts(arn, "cluster").as_deref() {
            return self.world.clusters.get_mut(*name).map(|cluster| &mut cluster.tags).ok_or_else(no_cluster);
        }
        if let Some([cluster, name]) = parts(arn, "service").as_deref() {
            let key = ServiceKey { cluster: cluster.to_string(), name: name.to_string() };
            self.touch(format!("service/{cluster}/{name}"));
            return self.services.get_mut(&key).map(|service| &mut service.tags).ok_or_else(missing);
        }
        if let Some([.., id]) = parts(arn, "task").as_deref() {
            self.touch(format!("task/{id}"));
            return self.tasks.get_mut(*id).map(|task| &mut task.tags).ok_or_else(missing);
        }
        self.definition_tags(arn)
    }

    fn definition_tags(&mut self, arn: &str) -> Result<&mut Vec<Value>, ApiError> {
        let name = parts(arn, "task-definition").and_then(|parts| parts.first().copied());
        let (family, revision) = name.and_then(|name| name.split_once(':')).ok_or_else(missing)?;
        self.touch(format!("definition/{family}:{revision}"));
        let kept = self.families.get_mut(family).zip(revision.parse().ok());
        let found = kept.and_then(|(family, revision): (_, u32)| family.revisions.get_mut(&revision));
        found.map(|kept| &mut kept.edit().tags).ok_or_else(missing)
    }
}

fn arn_in(body: &Value) -> Result<&str, ApiError> {
    let arn = required(body, "resourceArn", "The resource ARN can not be blank.")?;
    if arn.starts_with("arn:") { Ok(arn) } else { Err(client("The specified resource ARN is not valid.")) }
}

fn missing() -> ApiError {
    invalid("The specified resource is not found. Specify a valid resource and try again.")
}
