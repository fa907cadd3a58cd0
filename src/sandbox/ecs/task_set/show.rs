//! DescribeTaskSets, and what a set adds to the deployment that it is.

use serde_json::{Value, json};

use super::{TaskSet, place};
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::error::ApiError;
use crate::sandbox::ecs::input::{includes, texts};

impl TaskSet {
    pub fn show(&self, shown: &mut Value) {
        shown["scale"] = json!({ "value": self.scale, "unit": "PERCENT" });
        if let Some(who) = &self.started_by {
            shown["startedBy"] = json!(who);
        }
        if let Some(id) = &self.external {
            shown["externalId"] = json!(id);
        }
    }
}

impl Plane {
    /// Those that are named, or all; one that is not there is a failure with reason MISSING.
    pub(in crate::sandbox::ecs) fn describe_task_sets(&self, body: &Value) -> Result<Value, ApiError> {
        let (key, service) = self.service_of_sets(body)?;
        let (names, tags) = (texts(body, "taskSets")?, includes(body, "TAGS")?);
        let show = |at: usize| {
            let mut shown = self.show_deployment(service, &service.deployments[at], false);
            if tags {
                shown["tags"] = service.deployments[at].set.tags.clone().into();
            }
            shown
        };
        if names.is_empty() {
            let all: Vec<Value> = (0..service.deployments.len()).map(show).collect();
            return Ok(json!({ "taskSets": all, "failures": [] }));
        }
        let found: Vec<Value> = names.iter().filter_map(|name| place(service, name)).map(show).collect();
        let missing = names.iter().filter(|name| place(service, name).is_none());
        let failure = |name: &&str| {
            let arn = self.world.owner.of("ecs", &format!("task-set/{}/{}/{name}", key.cluster, key.name));
            json!({ "arn": arn, "reason": "MISSING" })
        };
        Ok(json!({ "taskSets": found, "failures": missing.map(failure).collect::<Vec<_>>() }))
    }
}
