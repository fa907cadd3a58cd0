//! The two lists of a container that name its variables: `environment` and `secrets`.

use serde_json::{Map, Value};

/// A list of `{"name": …, FIELD: …}` objects.
#[derive(Clone, Copy)]
pub struct List {
    pub member: &'static str,
    field: &'static str,
}

pub const ENV: List = List { member: "environment", field: "value" };
pub const SECRETS: List = List { member: "secrets", field: "valueFrom" };

/// Sets a value where its name stands, or at the end. A name that stood there several times stands there once
/// afterwards. Returns the value that was in force, the last one.
pub fn set(container: &mut Map<String, Value>, list: List, name: &str, value: &str) -> Result<Option<String>, String> {
    let slot = container.entry(list.member).or_insert(Value::Null);
    if slot.is_null() {
        *slot = Value::Array(Vec::new());
    }
    let entries = slot.as_array_mut().ok_or("it is not an array")?;
    let old = entries.iter().rev().find(|entry| entry["name"] == name).map(|entry| text(entry, list));
    match entries.iter_mut().find(|entry| entry["name"] == name) {
        Some(entry) => entry[list.field] = value.into(),
        None => entries.push(serde_json::json!({"name": name, list.field: value})),
    }
    let mut first = true;
    entries.retain(|entry| entry["name"] != name || std::mem::take(&mut first));
    Ok(old)
}

/// Removes a name; returns its last value.
pub fn remove(container: &mut Map<String, Value>, list: List, name: &str) -> Option<String> {
    let entries = container.get_mut(list.member)?.as_array_mut()?;
    let old = entries.iter().rev().find(|entry| entry["name"] == name).map(|entry| text(entry, list));
    entries.retain(|entry| entry["name"] != name);
    old
}

fn text(entry: &Value, list: List) -> String {
    entry[list.field].as_str().unwrap_or_default().to_owned()
}
