//! Edits on a raw task definition. The answer of DescribeTaskDefinition becomes the body of
//! RegisterTaskDefinition by taking nine names away; only what was asked for changes, and members that this
//! program has never heard of stay where they are, at any depth.

mod image;
mod list;
mod names;
mod task;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Error;
use super::mask::{MASK, is_secret, is_secret_word};
use super::tags::Tag;
use super::updates::{Origin, Updates};
use crate::nearest::nearest;

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
    /// Nothing for what is the definition's own: its tags, its roles, the size of its tasks.
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
    Command,
    /// Of a container, or of the task.
    Cpu,
    Memory,
    TaskRole,
    ExecutionRole,
    Variable(String),
    Secret(String),
    Label(String),
    Tag(String),
    /// Any other, by the way to it.
    Member(String),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Image => f.write_str("image"),
            What::Command => f.write_str("command"),
            What::Cpu => f.write_str("cpu"),
            What::Memory => f.write_str("memory"),
            What::TaskRole => f.write_str("task role"),
            What::ExecutionRole => f.write_str("execution role"),
            What::Variable(name) => write!(f, "variable {name}"),
            What::Secret(name) => write!(f, "secret {name}"),
            What::Label(name) => write!(f, "label {name}"),
            What::Tag(name) => write!(f, "tag {name}"),
            What::Member(path) => f.write_str(path),
        }
    }
}

impl Change {
    /// With its values hidden if they are secret.
    pub fn masked(mut self) -> Change {
        let any = |secret: &dyn Fn(&str) -> bool| self.old.iter().chain(&self.new).any(|value| secret(value));
        self.secret = match &self.what {
            What::Variable(name) | What::Label(name) => any(&|value| is_secret(name, value)),
            What::Command => any(&|words| words.split(['"', ' ', ',']).any(is_secret_word)),
            What::Member(path) => {
                let name = path.rsplit('.').next().unwrap_or_default();
                any(&|value| is_secret(name, value) || value.split(['"', ' ', ',']).any(is_secret_word))
            }
            _ => false,
        };
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

/// Applies the updates: what goes, goes first, then the rest in the order it was written.
pub fn edit(described: &Value, updates: &Updates, tags: &[Tag]) -> Result<Edited, Error> {
    let definition = name_of(described);
    let mut editor = Editor { body: registrable(described)?, definition, changes: Vec::new(), warnings: Vec::new() };
    let updates = &editor.addressed(updates)?;
    editor.names(updates)?;
    updates.images.iter().try_for_each(|update| editor.image(update))?;
    updates.commands.iter().try_for_each(|update| editor.command(update))?;
    updates.sizes.iter().try_for_each(|update| editor.size(update))?;
    editor.roles(updates);
    if updates.sizes.iter().any(|update| update.container.is_none()) {
        task::check_fargate(&editor.body)?;
    }
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
    fn containers(&mut self) -> &mut [Value] {
        let containers = self.body.get_mut("containerDefinitions").and_then(Value::as_array_mut);
        containers.map(Vec::as_mut_slice).unwrap_or_default()
    }

    fn known(&mut self) -> Vec<String> {
        let name = |container: &mut Value| container["name"].as_str().unwrap_or_default().to_owned();
        self.containers().iter_mut().map(name).collect()
    }

    /// The updates with every container named; one may stay unnamed only where there is no other.
    fn addressed(&mut self, updates: &Updates) -> Result<Updates, Error> {
        let mut updates = updates.clone();
        let known = self.known();
        for (container, Origin { parameter, place }) in updates.containers() {
            match known.as_slice() {
                _ if !container.is_empty() => {}
                [only] => container.clone_from(only),
                _ => {
                    let why = format!("no container is named, and {} has {}", self.definition, known.len());
                    let hint = format!("Name the container. It has {}.", known.join(", "));
                    return Err(Error::Edit { parameter, place, why, hint });
                }
            }
        }
        updates.check_for_contradiction()?;
        Ok(updates)
    }

    fn container(&mut self, origin: Origin, name: &str) -> Result<&mut Map<String, Value>, Error> {
        let known = self.known();
        let definition = self.definition.clone();
        let found = known.iter().position(|known| known == name);
        found.and_then(|index| self.containers()[index].as_object_mut()).ok_or_else(|| Error::NoContainer {
            parameter: origin.parameter,
            place: origin.place,
            container: name.to_owned(),
            definition,
            hint: containers_there_are(name, &known),
        })
    }

    fn changed(&mut self, container: &str, what: What, old: Option<String>, new: Option<String>) {
        self.changes.push(Change { container: Some(container.to_owned()), what, old, new, secret: false });
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
