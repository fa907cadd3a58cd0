//! What the families will be by the time that a later part has its turn: a revision that an earlier part registers is
//! the latest one then. Until it is registered, an ARN that no revision can have stands for it.

use serde_json::{Value, json};

use crate::deploy::plan::Plan;

#[derive(Default)]
pub struct Foreseen {
    /// Answers of DescribeTaskDefinition as they will be, the latest last.
    coming: Vec<Value>,
}

impl Foreseen {
    /// What DescribeTaskDefinition will say of the family's latest revision, if an earlier step changes it.
    pub fn latest(&self, family: &Value) -> Option<&Value> {
        self.coming.iter().rev().find(|coming| coming["taskDefinition"]["family"] == *family)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::fake::described;
    use crate::deploy::plan::plan_definition;
    use crate::deploy::{Family, Flags, UpdateTaskDefinition, Updates};

    fn request(env: &str) -> UpdateTaskDefinition {
        let flags = Flags { env: vec![env.into()], ..Flags::default() };
        let updates = Updates::default().with(&flags, &|text| Ok(text.to_owned())).unwrap();
        UpdateTaskDefinition { family: Family { name: "web".into(), revision: None }, updates, tags: Vec::new() }
    }

    #[test]
    fn foreseen_revision_is_what_a_later_step_starts_from() {
        let mut foreseen = Foreseen::default();
        let family = json!("web");
        assert!(foreseen.latest(&family).is_none());
        let first = foreseen.note(&plan_definition(&request("A=1"), &described()).unwrap()).unwrap();
        assert!(first.ends_with(":task-definition/web:(new 1)"), "{first}");
        // The same again changes nothing, something else changes what is there by then.
        let latest = foreseen.latest(&family).unwrap().clone();
        let again = plan_definition(&request("A=1"), &latest).unwrap();
        assert!(again.register.is_none() && again.base == first && foreseen.note(&again).is_none());
        let more = plan_definition(&request("B=2"), &latest).unwrap();
        let names = more.register.as_ref().unwrap()["containerDefinitions"][0]["environment"].clone();
        assert_eq!(names, json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
        assert!(more.register.as_ref().unwrap().get("taskDefinitionArn").is_none());
        assert!(foreseen.note(&more).unwrap().ends_with("web:(new 2)"));
        assert!(foreseen.latest(&json!("worker")).is_none());
    }
}
