//! A whole task definition from a file: the input of RegisterTaskDefinition, or what DescribeTaskDefinition
//! answered, with or without its wrapper. What only an answer has is taken away; the rest goes as it is.

use serde_json::{Map, Value, json};

use super::Error;
use super::edit::registrable;
use super::plan::{Plan, images};

const WHAT: &str = "task-definition-json";

/// Plans to register the document.
pub fn plan_document(document: &Value) -> Result<Plan, Error> {
    let body = registrable(&wrapped(document)?)?;
    let family = text(&body, "family", "Name the family that the revision is of.")?;
    let images = images(&body);
    if images.is_empty() {
        return Err(Error::input(WHAT, "there are no containerDefinitions in it", "Describe at least one container."));
    }
    for (container, image) in &images {
        if image.parse::<crate::image::Reference>().is_err() {
            let why = format!("the image '{image}' of container '{container}' is not an image reference");
            return Err(Error::input(WHAT, why, "Write REGISTRY/REPOSITORY:TAG."));
        }
    }
    Ok(Plan {
        base: family.to_owned(),
        register: Some(Value::Object(body.clone())),
        deploy: None,
        changes: Vec::new(),
        notes: Vec::new(),
        warnings: Vec::new(),
        images,
    })
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
    use crate::deploy::fake::described;

    #[test]
    fn document_as_described_bare_or_as_input_is_the_same_registration() {
        let mut whole = described();
        whole["tags"] = json!([{"key": "a", "value": "b"}, {"key": "aws:x", "value": "y"}]);
        let mut bare = whole["taskDefinition"].clone();
        bare["tags"] = whole["tags"].clone();
        let body = |document: &Value| plan_document(document).unwrap().register.unwrap();
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
            assert!(plan_document(&document).is_err(), "{document}");
        }
    }
}
