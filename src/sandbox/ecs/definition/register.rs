//! RegisterTaskDefinition: check, number, keep. Equal content registered twice makes two revisions, as in ECS.

use serde_json::{Value, json};

use super::{Definition, capability, defaults, validate};
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::error::{ApiError, wrong_type};
use crate::sandbox::ecs::input::Object;
use crate::sandbox::ecs::tag;
use crate::sandbox::ecs::time::Now;

impl Plane {
    pub(in crate::sandbox::ecs) fn register_task_definition(
        &mut self,
        body: Value,
        now: Now,
    ) -> Result<Value, ApiError> {
        validate::check(&body)?;
        let tags = tag::read(&body)?;
        let Value::Object(mut document) = body else { return Err(wrong_type("request", "an object")) };
        document.shift_remove("tags");
        let name = document["family"].as_str().unwrap_or_default().to_owned();
        let family = self.families.entry(name.clone()).or_default();
        family.newest += 1;
        let revision = family.newest;
        self.world.seal(&mut document, revision, now);
        let answer = answer(&document, &tags);
        family.revisions.insert(revision, Definition { document: document.into(), tags }.into());
        self.touch(format!("definition/{name}:{revision}"));
        Ok(answer)
    }
}

fn answer(document: &Object, tags: &[Value]) -> Value {
    let mut answer = json!({ "taskDefinition": document });
    if !tags.is_empty() {
        answer["tags"] = tags.into();
    }
    answer
}

impl crate::sandbox::ecs::World {
    /// Adds the members that only ECS writes; the ones a client sent under these names give way.
    fn seal(&self, document: &mut Object, revision: u32, now: Now) {
        defaults::fill(document);
        let arn = self.owner.definition(document["family"].as_str().unwrap_or_default(), revision);
        let own = [
            ("taskDefinitionArn", json!(arn)),
            ("revision", json!(revision)),
            ("status", json!("ACTIVE")),
            ("requiresAttributes", capability::attributes(document).into()),
            ("compatibilities", capability::compatibilities(document).into()),
            ("registeredAt", now.stamp()),
            ("registeredBy", json!(self.owner.caller())),
        ];
        document.extend(own.into_iter().map(|(member, value)| (member.to_owned(), value)));
    }
}
