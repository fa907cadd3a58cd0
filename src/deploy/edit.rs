//! Edits on a raw task definition. The answer of DescribeTaskDefinition becomes the body of
//! RegisterTaskDefinition by taking nine names away; only what was asked for changes, and members that this
//! program has never heard of stay where they are, at any depth.

mod list;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Error;
use super::image::take_apart;
use super::mask::{MASK, is_secret};
use super::nearest::nearest;
use super::tags::Tag;
use super::updates::{Assignment, ImageChange, ImageUpdate, Kind, Place, Updates};

/// What DescribeTaskDefinition tells and RegisterTaskDefinition refuses. Everything else goes both ways.
const TOLD_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// One difference between the revision that was read and the one to be registered. Secret values are
/// already masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Nothing for tags of the definition itself.
    pub container: Option<String>,
    #[serde(flatten)]
    pub what: What,
    pub old: Option<String>,
    pub new: Option<String>,
    pub secret: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", content = "name", rename_all = "snake_case")]
pub enum What {
    Image,
    Variable(String),
    Secret(String),
    Label(String),
    Tag(String),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Image => f.write_str("image"),
            What::Variable(name) => write!(f, "variable {name}"),
            What::Secret(name) => write!(f, "secret {name}"),
            What::Label(name) => write!(f, "label {name}"),
            What::Tag(name) => write!(f, "tag {name}"),
        }
    }
}

impl Change {
    fn masked(mut self) -> Change {
        if let What::Variable(name) = &self.what {
            let values = || self.old.iter().chain(&self.new);
            self.secret = values().any(|value| is_secret(name, value));
        }
        if self.secret {
            self.old = self.old.map(|_| MASK.to_owned());
            self.new = self.new.map(|_| MASK.to_owned());
        }
        self
    }
}

/// A registration body and how it differs from the revision it was made from.
pub struct Edited {
    pub body: Map<String, Value>,
    pub changes: Vec<Change>,
    pub warnings: Vec<String>,
}

/// The registration body that would repeat a described revision: nine names less, tags folded in.
pub fn registrable(described: &Value) -> Result<Map<String, Value>, Error> {
    let definition = described.get("taskDefinition").and_then(Value::as_object).ok_or_else(|| Error::Document {
        what: "the answer to DescribeTaskDefinition",
        why: "there is no taskDefinition in it".into(),
    })?;
    let mut body = definition.clone();
    for name in TOLD_ONLY {
        body.shift_remove(name);
    }
    // Tags that AWS sets itself cannot be sent, and neither can an empty list.
    let tags = described.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let own: Vec<Value> = tags.into_iter().filter(|tag| !key(tag).to_lowercase().starts_with("aws:")).collect();
    if !own.is_empty() {
        body.insert("tags".into(), Value::Array(own));
    }
    Ok(body)
}

fn key(tag: &Value) -> &str {
    tag["key"].as_str().unwrap_or_default()
}

/// Applies the updates in the order they were written.
pub fn edit(described: &Value, updates: &Updates, tags: &[Tag]) -> Result<Edited, Error> {
    let definition = name_of(described);
    let mut editor = Editor { body: registrable(described)?, definition, changes: Vec::new(), warnings: Vec::new() };
    updates.images.iter().try_for_each(|update| editor.image(update))?;
    updates.env.iter().try_for_each(|update| editor.assign(Kind::Env, update))?;
    updates.secrets.iter().try_for_each(|update| editor.assign(Kind::Secrets, update))?;
    updates.labels.iter().try_for_each(|update| editor.label(update))?;
    tags.iter().for_each(|tag| editor.tag(tag));
    let changes = merged(editor.changes).into_iter().map(Change::masked).collect();
    Ok(Edited { body: editor.body, changes, warnings: editor.warnings })
}

/// `web:7`
pub fn name_of(described: &Value) -> String {
    short(described["taskDefinition"]["taskDefinitionArn"].as_str().unwrap_or("the task definition")).to_owned()
}

/// `web:7` of `arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7`
pub fn short(arn: &str) -> &str {
    arn.split_once(":task-definition/").map_or(arn, |(_, name)| name)
}

/// The same thing changed twice is one change, and one that ends where it began is none.
fn merged(changes: Vec<Change>) -> Vec<Change> {
    let mut merged: Vec<Change> = Vec::new();
    for change in changes {
        match merged.iter_mut().find(|known| known.container == change.container && known.what == change.what) {
            Some(known) => known.new = change.new,
            None => merged.push(change),
        }
    }
    merged.retain(|change| change.old != change.new);
    merged
}

struct Editor {
    body: Map<String, Value>,
    definition: String,
    changes: Vec<Change>,
    warnings: Vec<String>,
}

fn containers_there_are(wanted: &str, known: &[String]) -> String {
    let meant = nearest(wanted, known.iter().map(String::as_str));
    let meant = meant.map(|name| format!("Did you mean '{name}'? ")).unwrap_or_default();
    format!("{meant}It has {}.", known.join(", "))
}

impl Editor {
    fn container(&mut self, kind: Kind, name: &str, place: Place) -> Result<&mut Map<String, Value>, Error> {
        let containers = self.body.get_mut("containerDefinitions").and_then(Value::as_array_mut);
        let containers = containers.map(Vec::as_mut_slice).unwrap_or_default();
        let known: Vec<String> =
            containers.iter().map(|container| container["name"].as_str().unwrap_or_default().to_owned()).collect();
        let found = known.iter().position(|known| known == name);
        match found.and_then(|index| containers[index].as_object_mut()) {
            Some(container) => Ok(container),
            None => Err(Error::NoContainer {
                parameter: kind.parameter(),
                place,
                container: name.to_owned(),
                definition: self.definition.clone(),
                hint: containers_there_are(name, &known),
            }),
        }
    }

    fn changed(&mut self, container: &str, what: What, old: Option<String>, new: Option<String>) {
        self.changes.push(Change { container: Some(container.to_owned()), what, old, new, secret: false });
    }

    fn image(&mut self, update: &ImageUpdate) -> Result<(), Error> {
        let container = self.container(Kind::Images, &update.container, update.place)?;
        let old = container.get("image").and_then(Value::as_str).unwrap_or_default().to_owned();
        let new = exchange(&old, update)?;
        container.insert("image".into(), new.clone().into());
        if let (ImageChange::Repository(_), Some(digest)) = (&update.change, take_apart(&old).digest) {
            self.warnings.push(format!(
                "{}: the digest {digest} belongs to the old repository and was dropped; the tag decides now",
                update.container
            ));
        }
        self.changed(&update.container, What::Image, Some(old), Some(new));
        Ok(())
    }

    fn assign(&mut self, kind: Kind, update: &Assignment) -> Result<(), Error> {
        let container = self.container(kind, &update.container, update.place)?;
        let (own, other) = if kind == Kind::Env { (list::ENV, list::SECRETS) } else { (list::SECRETS, list::ENV) };
        let old = list::set(container, own, &update.name, &update.value).map_err(|why| document(why, own.member))?;
        let moved = list::remove(container, other, &update.name);
        let name = || update.name.clone();
        let (what, gone) = match kind {
            Kind::Env => (What::Variable(name()), What::Secret(name())),
            _ => (What::Secret(name()), What::Variable(name())),
        };
        if moved.is_some() {
            self.warnings.push(format!(
                "{}: {} moves from '{}' to '{}', as ECS allows a name in one of them only",
                update.container, update.name, other.member, own.member
            ));
            self.changed(&update.container, gone, moved, None);
        }
        self.changed(&update.container, what, old, Some(update.value.clone()));
        Ok(())
    }

    fn label(&mut self, update: &Assignment) -> Result<(), Error> {
        let container = self.container(Kind::Labels, &update.container, update.place)?;
        let labels = container.entry("dockerLabels").or_insert(Value::Null);
        if labels.is_null() {
            *labels = Value::Object(Map::new());
        }
        let labels = labels.as_object_mut().ok_or_else(|| document("it is not an object".into(), "dockerLabels"))?;
        let old = labels.insert(update.name.clone(), update.value.clone().into());
        let old = old.as_ref().and_then(Value::as_str).map(str::to_owned);
        self.changed(&update.container, What::Label(update.name.clone()), old, Some(update.value.clone()));
        Ok(())
    }

    fn tag(&mut self, tag: &Tag) {
        let tags = self.body.entry("tags").or_insert_with(|| Value::Array(Vec::new()));
        let Some(tags) = tags.as_array_mut() else { return };
        let mut old = None;
        match tags.iter_mut().find(|known| key(known) == tag.key) {
            Some(known) => {
                old = known["value"].as_str().map(str::to_owned);
                known["value"] = tag.value.clone().into();
            }
            None => tags.push(serde_json::json!({"key": tag.key, "value": tag.value})),
        }
        let what = What::Tag(tag.key.clone());
        self.changes.push(Change { container: None, what, old, new: Some(tag.value.clone()), secret: false });
    }
}

fn document(why: String, what: &'static str) -> Error {
    Error::Document { what, why }
}

/// The new image: parts that were not named stay as they are. A new tag drops the old digest, which would
/// otherwise go on deciding.
fn exchange(old: &str, update: &ImageUpdate) -> Result<String, Error> {
    let parts = take_apart(old);
    let new = match &update.change {
        ImageChange::Whole(image) => return Ok(image.clone()),
        ImageChange::Tag(tag) => format!("{}:{tag}", parts.repository),
        ImageChange::Repository(repository) => match (parts.tag, parts.digest) {
            (Some(tag), _) => format!("{repository}:{tag}"),
            (None, None) => repository.clone(),
            (None, Some(_)) => {
                let why = format!("image= keeps the tag, but '{old}' of {} has a digest only", update.container);
                return Err(unfit(update, why, "Give tag= as well, or image-and-tag=."));
            }
        },
    };
    match new.parse::<crate::image::Reference>() {
        Ok(_) => Ok(new),
        Err(_) => {
            let why = format!("{} now has the image '{old}', which makes '{new}'", update.container);
            Err(unfit(update, why, "Give the whole reference with image-and-tag=."))
        }
    }
}

fn unfit(update: &ImageUpdate, why: String, hint: &str) -> Error {
    Error::Edit { parameter: Kind::Images.parameter(), place: update.place, why, hint: hint.into() }
}
