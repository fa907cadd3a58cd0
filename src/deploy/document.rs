//! A whole task definition from a file: the input of RegisterTaskDefinition, or what DescribeTaskDefinition
//! answered, with or without its wrapper. What only an answer has is taken away, what is asked for is changed, and
//! the rest goes as it is, unless the family's latest revision says the same already.

use serde_json::{Map, Value, json};

use super::Error;
use super::difference::differences;
use super::edit::{Change, edit, name_of, registrable, short};
use super::plan::{Plan, images};
use super::tags::Tag;
use super::updates::{Subst, Updates};

const WHAT: &str = "task-definition-json";

/// A document that can be registered.
pub struct Document {
    body: Map<String, Value>,
    changes: Vec<Change>,
    warnings: Vec<String>,
}

/// The latest revision of the family.
pub enum Latest {
    /// As DescribeTaskDefinition answered.
    Is(Value),
    /// This will be the first.
    None,
    /// This action is not allowed.
    Hidden(String),
}

impl Document {
    /// Refuses what cannot be registered.
    pub fn read(document: &Value, updates: &Updates, tags: &[Tag]) -> Result<Document, Error> {
        let mut wrapped = wrapped(document)?;
        let body = registrable(&wrapped)?;
        let family = text(&body, "family", "Name the family that the revision is of.")?;
        if images(&body).is_empty() {
            let why = "there are no containerDefinitions in it";
            return Err(Error::input(WHAT, why, "Describe at least one container."));
        }
        // What the edits call the definition where they refuse one.
        wrapped["taskDefinition"]["taskDefinitionArn"] = family.into();
        let edited = edit(&wrapped, updates, tags)?;
        check_images(&images(&edited.body))?;
        Ok(Document { body: edited.body, changes: edited.changes, warnings: edited.warnings })
    }

    pub fn family(&self) -> &str {
        self.body["family"].as_str().unwrap_or_default()
    }

    /// The body of RegisterTaskDefinition.
    pub(super) fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn check_images(images: &[(String, String)]) -> Result<(), Error> {
    let wrong = |(_, image): &&(String, String)| image.parse::<crate::image::Reference>().is_err();
    match images.iter().find(wrong) {
        Some((container, image)) => {
            let why = format!("the image '{image}' of container '{container}' is not an image reference");
            let hint = "Write REGISTRY/REPOSITORY:TAG; --substitute replaces variables.";
            Err(Error::input(WHAT, why, hint))
        }
        None => Ok(()),
    }
}

/// Plans to register the document, if it says anything new.
pub fn plan_document(document: &Document, latest: &Latest) -> Result<Plan, Error> {
    let Document { body, changes, warnings } = document;
    let mut plan = Plan {
        base: document.family().to_owned(),
        register: Some(Value::Object(body.clone())),
        deploy: None,
        changes: changes.clone(),
        notes: Vec::new(),
        warnings: warnings.clone(),
        images: images(body),
    };
    match latest {
        Latest::Is(described) => compare(&mut plan, body, described)?,
        Latest::None => plan.notes.push(format!("this is the first revision of {}", document.family())),
        Latest::Hidden(action) => {
            plan.notes.push(format!("registered without a look at the latest revision, since {action} is not allowed"))
        }
    }
    Ok(plan)
}

fn compare(plan: &mut Plan, body: &Map<String, Value>, described: &Value) -> Result<(), Error> {
    plan.base = described["taskDefinition"]["taskDefinitionArn"].as_str().unwrap_or(&plan.base).to_owned();
    plan.changes = differences(&registrable(described)?, body);
    if plan.changes.is_empty() {
        plan.register = None;
        plan.notes.push(format!("{} already is as the file has it: nothing to register", short(&name_of(described))));
    }
    Ok(())
}

/// Replaces variables in every text of a document; its keys and numbers stay as they are.
pub fn substitute(document: &mut Value, subst: Subst<'_>) -> Result<(), Error> {
    fill(document, "", subst)
}

fn fill(value: &mut Value, path: &str, subst: Subst<'_>) -> Result<(), Error> {
    match value {
        Value::String(text) => {
            *text = subst(text).map_err(|why| Error::Input {
                what: WHAT,
                why: format!("{path}: {}", why.message),
                hint: why.hint,
            })?;
            Ok(())
        }
        Value::Array(items) => {
            items.iter_mut().enumerate().try_for_each(|(at, item)| fill(item, &format!("{path}[{at}]"), subst))
        }
        Value::Object(members) => {
            let dot = if path.is_empty() { "" } else { "." };
            members.iter_mut().try_for_each(|(name, value)| fill(value, &format!("{path}{dot}{name}"), subst))
        }
        _ => Ok(()),
    }
}

/// As DescribeTaskDefinition answers; a bare document may have its tags within.
fn wrapped(document: &Value) -> Result<Value, Error> {
    let refuse = || Error::input(WHAT, "it is not an object", "Write the input of RegisterTaskDefinition.");
    let members = document.as_object().ok_or_else(refuse)?;
    if members.contains_key("taskDefinition") {
        return Ok(document.clone());
    }
    let mut members = members.clone();
    let tags = members.shift_remove("tags").unwrap_or_default();
    Ok(json!({"taskDefinition": members, "tags": tags}))
}

fn text<'a>(body: &'a Map<String, Value>, name: &str, hint: &str) -> Result<&'a str, Error> {
    let found = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    found.ok_or_else(|| Error::input(WHAT, format!("there is no {name} in it"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::SubstError;
    use crate::deploy::fake::described;

    fn read(document: &Value) -> Result<Document, Error> {
        Document::read(document, &Updates::default(), &[])
    }

    fn planned(document: &Value, latest: &Latest) -> Plan {
        plan_document(&read(document).unwrap(), latest).unwrap()
    }

    #[test]
    fn document_as_described_bare_or_as_input_is_the_same_registration() {
        let mut whole = described();
        whole["tags"] = json!([{"key": "a", "value": "b"}, {"key": "aws:x", "value": "y"}]);
        let mut bare = whole["taskDefinition"].clone();
        bare["tags"] = whole["tags"].clone();
        let body = |document: &Value| planned(document, &Latest::None).register.unwrap();
        let input = body(&whole);
        assert_eq!(input["tags"], json!([{"key": "a", "value": "b"}]));
        assert_eq!(input.get("revision"), None);
        assert_eq!(input["futureMember"], json!({"kept": true}));
        assert_eq!(input.to_string(), body(&bare).to_string());
        assert_eq!(input.to_string(), body(&input).to_string());
    }

    #[test]
    fn document_that_cannot_be_registered_is_refused() {
        for document in [
            json!([]),
            json!({}),
            json!({"family": "web"}),
            json!({"family": "", "containerDefinitions": [{"name": "web", "image": "nginx"}]}),
            json!({"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx:"}]}),
            json!({"taskDefinition": 1}),
        ] {
            assert!(read(&document).is_err(), "{document}");
        }
    }

    #[test]
    fn document_that_says_nothing_new_is_not_registered() {
        let plan = planned(&described(), &Latest::Is(described()));
        assert!(plan.register.is_none() && plan.is_empty(), "{plan}");
        let mut other = described();
        other["taskDefinition"]["containerDefinitions"][0]["image"] = "nginx:9".into();
        let plan = planned(&other, &Latest::Is(described()));
        assert_eq!(plan.register.as_ref().unwrap()["containerDefinitions"][0]["image"], "nginx:9");
        assert_eq!(plan.changes.len(), 1, "{plan}");
        let hidden = planned(&described(), &Latest::Hidden("ecs:DescribeTaskDefinition".into()));
        assert!(hidden.register.is_some() && hidden.notes[0].contains("ecs:DescribeTaskDefinition"));
    }

    #[test]
    fn document_texts_are_filled_in_and_named_where_that_fails() {
        let expand = |text: &str| match text {
            "$NONE" => Err(SubstError { message: "NONE is not set".into(), hint: None }),
            text => Ok(text.replace("$TAG", "v2")),
        };
        let mut document = json!({"$TAG": [1, "a:$TAG", {"x": "$TAG$TAG"}]});
        substitute(&mut document, &expand).unwrap();
        assert_eq!(document, json!({"$TAG": [1, "a:v2", {"x": "v2v2"}]}));
        let error = substitute(&mut json!({"a": [{"b": "$NONE"}]}), &expand).unwrap_err();
        assert_eq!(error.to_string(), "task-definition-json: a[0].b: NONE is not set");
    }
}
