//! A request of the Query protocol as a document: `Names.member.1=a` becomes an item of a list, `Targets.member.1.Id=x`
//! a member of one.

use serde_json::{Map, Value, json};

use super::Form;

/// Members that are numbers.
const NUMBERS: [&str; 2] = ["PageSize", "Port"];

/// The request's own members; which action and version it is of is left out.
pub fn input(form: &Form) -> Value {
    let mut members: Vec<(&String, &String)> =
        form.iter().filter(|(name, _)| !["Action", "Version"].contains(&name.as_str())).collect();
    members.sort_by_key(|(name, _)| in_order(name));
    let mut document = json!({});
    members.into_iter().for_each(|(name, value)| put(&mut document, name, value));
    document
}

/// Items by their number, the tenth behind the ninth.
fn in_order(name: &str) -> Vec<(usize, &str)> {
    name.split('.').map(|part| (part.parse().unwrap_or(0), part)).collect()
}

fn put(at: &mut Value, path: &str, value: &str) {
    let Some(members) = at.as_object_mut() else { return };
    match path.split_once(".member.") {
        None => drop(members.insert(path.into(), scalar(path, value))),
        Some((list, rest)) => {
            let items = members.entry(list).or_insert_with(|| json!([]));
            let Some(items) = items.as_array_mut() else { return };
            match rest.split_once('.') {
                None => items.push(value.into()),
                Some((number, member)) => {
                    let place = number.parse::<usize>().unwrap_or(1).saturating_sub(1);
                    if place >= items.len() {
                        items.push(Map::new().into());
                    }
                    items.last_mut().into_iter().for_each(|item| put(item, member, value));
                }
            }
        }
    }
}

fn scalar(name: &str, value: &str) -> Value {
    match value.parse::<i64>() {
        Ok(number) if NUMBERS.contains(&name) => number.into(),
        _ => value.into(),
    }
}
