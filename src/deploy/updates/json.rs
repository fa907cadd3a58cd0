//! The JSON form of an update: an array with one object per change and the same keys as the string form. Its
//! strings may hold anything, blanks, commas and line breaks included.

use serde_json::{Map, Value};

use super::syntax::{Field, Group, Raw};
use super::{Kind, Place, Refusal};

pub fn parse(kind: Kind, text: &str) -> Result<Vec<Group>, Refusal> {
    let entries: Vec<Value> = serde_json::from_str(text).map_err(|why| {
        let place = Place::Character(why.column().max(1));
        // The parser's own words never repeat the document.
        Refusal::new(kind, place, format!("not valid JSON: {why}")).hinting(kind.json_example())
    })?;
    entries.iter().enumerate().map(|(index, entry)| group(kind, Place::Entry(index + 1), entry)).collect()
}

fn group(kind: Kind, place: Place, entry: &Value) -> Result<Group, Refusal> {
    let refuse = |why: String| Refusal::new(kind, place, why).hinting(kind.json_example());
    let members: &Map<String, Value> = entry.as_object().ok_or_else(|| refuse("not an object".into()))?;
    let mut container = None;
    let mut fields = Vec::new();
    for (key, value) in members {
        let text = value.as_str().ok_or_else(|| refuse(format!("'{key}' is not a string")))?;
        let raw = |text: &str| Raw { text: text.to_owned(), place, trimmed: false };
        match key.as_str() {
            "container" => container = Some(raw(text)),
            known if kind.fields().contains(&known) => fields.push(Field { key: raw(known), value: raw(text) }),
            unknown => return Err(refuse(format!("unknown member '{unknown}'"))),
        }
    }
    // Members of an object have no order; pairs are read with the name first.
    fields.sort_by_key(|field| kind.fields().iter().position(|known| *known == field.key.text));
    let container = container.ok_or_else(|| refuse("there is no 'container'".into()))?;
    Ok(Group { container, fields })
}
