//! What the families will be by the time that a later part has its turn: a revision that an earlier part registers is
//! the latest one then. Until it is registered, an ARN that no revision can have stands for it.

use serde_json::{Value, json};

use crate::deploy::plan::Plan;
use crate::deploy::request::DeployServiceUpdate;

#[derive(Default)]
pub struct Foreseen {
    /// Answers of DescribeTaskDefinition as they will be, the latest last.
    coming: Vec<Value>,
}

impl Foreseen {
    /// What the family will look like, if an earlier part changes it. A revision given by its number stays what it is.
    pub fn instead_of(&self, described: &Value, request: &DeployServiceUpdate) -> Option<Value> {
        let family = &described["taskDefinition"]["family"];
        let same = |coming: &&Value| request.family.revision.is_none() && coming["taskDefinition"]["family"] == *family;
        self.coming.iter().rev().find(same).cloned()
    }

    /// The ARN that stands for the revision that this plan registers.
    pub fn note(&mut self, plan: &Plan) -> Option<String> {
        let mut definition = plan.register.clone()?;
        let tags = definition.as_object_mut()?.shift_remove("tags").unwrap_or_else(|| json!([]));
        let arn = format!("{}:(new {})", plan.base.rsplit_once(':')?.0, self.coming.len() + 1);
        definition["taskDefinitionArn"] = arn.clone().into();
        definition["status"] = "ACTIVE".into();
        self.coming.push(json!({"taskDefinition": definition, "tags": tags}));
        Some(arn)
    }
}
