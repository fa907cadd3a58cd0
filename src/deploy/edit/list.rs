//! The three lists of a container that hold names: `environment` and `secrets`, arrays of objects, and
//! `dockerLabels`, one object.

use serde_json::{Map, Value, json};

use crate::deploy::updates::Kind;

#[derive(Clone, Copy)]
pub struct List {
    pub member: &'static str,
    /// The value's member in an entry; labels have no entries, they are members themselves.
    field: Option<&'static str>,
}

impl List {
    /// Of variables, secrets or labels.
    pub fn of(kind: Kind) -> List {
        match kind {
            Kind::Env => List { member: "environment", field: Some("value") },
            Kind::Secrets => List { member: "secrets", field: Some("valueFrom") },
            Kind::Labels | Kind::Images => List { member: "dockerLabels", field: None },
        }
    }

    /// Sets a value where its name stands, or at the end. A name that stood there several times stands there once
    /// afterwards. Returns the value that was in force, the last one.
    pub fn set(
        self,
        container: &mut Map<String, Value>,
        name: &str,
        value: &str,
    ) -> Result<Option<String>, &'static str> {
        let slot = container.entry(self.member).or_insert(Value::Null);
        if slot.is_null() {
            *slot = if self.field.is_some() { json!([]) } else { json!({}) };
        }
        let Some(field) = self.field else {
            let labels = slot.as_object_mut().ok_or("it is not an object")?;
            return Ok(labels.insert(name.to_owned(), value.into()).as_ref().map(text));
        };
        let entries = slot.as_array_mut().ok_or("it is not an array")?;
        let old = entries.iter().rev().find(|entry| entry["name"] == name).map(|entry| text(&entry[field]));
        match entries.iter_mut().find(|entry| entry["name"] == name) {
            Some(entry) => entry[field] = value.into(),
            None => entries.push(json!({"name": name, field: value})),
        }
        let mut first = true;
        entries.retain(|entry| entry["name"] != name || std::mem::take(&mut first));
        Ok(old)
    }

    /// Removes a name; returns its last value.
    pub fn remove(self, container: &mut Map<String, Value>, name: &str) -> Option<String> {
        let slot = container.get_mut(self.member)?;
        let Some(field) = self.field else {
            return slot.as_object_mut()?.shift_remove(name).as_ref().map(text);
        };
        let entries = slot.as_array_mut()?;
        let old = entries.iter().rev().find(|entry| entry["name"] == name).map(|entry| text(&entry[field]));
        entries.retain(|entry| entry["name"] != name);
        old
    }

    /// In their order; one that stands there several times is told as often.
    pub fn names(self, container: &Map<String, Value>) -> Vec<String> {
        match container.get(self.member) {
            Some(Value::Array(entries)) => entries.iter().map(|entry| text(&entry["name"])).collect(),
            Some(Value::Object(labels)) => labels.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
