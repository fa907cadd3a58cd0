//! DeregisterTaskDefinition and DeleteTaskDefinitions. Deregistered revisions stay readable, and what runs
//! from them runs on; deleted ones stay DELETE_IN_PROGRESS while anything still uses them.

use serde_json::{Value, json};

use super::split;
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::error::{ApiError, client, invalid};
use crate::sandbox::ecs::input::{required, texts};
use crate::sandbox::ecs::time::Now;

impl Plane {
    pub(in crate::sandbox::ecs) fn deregister_task_definition(
        &mut self,
        body: &Value,
        now: Now,
    ) -> Result<Value, ApiError> {
        let name = required(body, "taskDefinition", "Task definition can not be blank.")?;
        let (family, revision) = exact(name)?;
        let definition = self.families.get_mut(family).and_then(|family| family.revisions.get_mut(&revision));
        let definition = definition.ok_or_else(|| client("Unable to describe task definition."))?.edit();
        match definition.status() {
            "ACTIVE" => {
                definition.document["status"] = json!("INACTIVE");
                definition.document["deregisteredAt"] = now.stamp();
            }
            _ => {
                return Err(client(
                    "The specified task definition is inactive. Specify an active task definition and try again.",
                ));
            }
        }
        let answer = json!({ "taskDefinition": definition.document });
        self.touch(format!("definition/{family}:{revision}"));
        Ok(answer)
    }

    pub(in crate::sandbox::ecs) fn delete_task_definitions(
        &mut self,
        body: &Value,
        now: Now,
    ) -> Result<Value, ApiError> {
        let names = texts(body, "taskDefinitions")?;
        if names.is_empty() || names.len() > 10 {
            return Err(invalid("Specify between 1 and 10 task definitions.")); // our wording
        }
        let (mut deleted, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            match self.delete_definition(name, now)? {
                Ok(document) => deleted.push(document),
                Err(reason) => failures.push(json!({ "arn": name, "reason": reason })),
            }
        }
        Ok(json!({ "taskDefinitions": deleted, "failures": failures }))
    }

    /// The document as it was last, or the reason of a `failures[]` entry.
    fn delete_definition(&mut self, name: &str, now: Now) -> Result<Result<Value, &'static str>, ApiError> {
        let (family, revision) = exact(name)?;
        let Some(definition) = self.families.get_mut(family).and_then(|family| family.revisions.get_mut(&revision))
        else {
            return Ok(Err("TASK_DEFINITION_NOT_FOUND"));
        };
        let definition = definition.edit();
        if definition.status() == "ACTIVE" {
            return Ok(Err(
                "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
            ));
        }
        definition.document["status"] = json!("DELETE_IN_PROGRESS");
        definition.document["deleteRequestedAt"] = now.stamp();
        let document = definition.document.clone();
        self.touch(format!("definition/{family}:{revision}"));
        self.sweep_definition(document["taskDefinitionArn"].as_str().unwrap_or_default());
        Ok(Ok(document))
    }

    /// Takes a DELETE_IN_PROGRESS revision away once no task and no service refers to it.
    pub(in crate::sandbox::ecs) fn sweep_definition(&mut self, arn: &str) {
        let Ok((family, Some(revision))) = split(arn) else { return };
        let Some(kept) = self.families.get_mut(family) else { return };
        let dying = kept.revisions.get(&revision).is_some_and(|kept| kept.status() == "DELETE_IN_PROGRESS");
        let used = || {
            self.tasks.values().any(|task| task.definition == arn)
                || self.services.values().any(|service| service.is_live() && service.uses(arn))
        };
        if dying && !used() {
            kept.revisions.remove(&revision);
            self.world.deleted.insert(family.to_owned(), kept.newest);
            let key = format!("definition/{family}:{revision}");
            self.touch(key);
        }
    }
}

/// Both operations want the revision spelled out.
fn exact(name: &str) -> Result<(&str, u32), ApiError> {
    match split(name)? {
        (family, Some(revision)) => Ok((family, revision)),
        _ => Err(invalid("Invalid revision number. Number: null")),
    }
}
