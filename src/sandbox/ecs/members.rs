//! The types of what operations take. AWS's JSON protocol reads no number out of a text and no text out of a number: a
//! member of the wrong type is refused before the operation has seen any of it. A member that the table has not is
//! newer than it, and passes.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::error::{ApiError, wrong_type};

/// Members and their types, by operation or structure.
static TABLE: LazyLock<HashMap<&str, Vec<(&str, &str)>>> = LazyLock::new(|| {
    let lines = include_str!("members.txt").lines().filter(|line| !line.starts_with('#'));
    let row = |line: &'static str| {
        let mut words = line.split(' ');
        Some((words.next()?, words.filter_map(|word| word.split_once(':')).collect()))
    };
    lines.filter_map(row).collect()
});

/// Whether every member that is known has its type. Of an operation that is not known there is nothing to say.
pub fn check(operation: &str, body: &Value) -> Result<(), ApiError> {
    structure(operation, body, "")
}

fn structure(name: &str, value: &Value, at: &str) -> Result<(), ApiError> {
    let Some(known) = TABLE.get(name) else { return Ok(()) };
    let Value::Object(given) = value else { return Err(wrong_type(at, "a structure")) };
    for (member, value) in given {
        if let Some((_, kind)) = known.iter().find(|(name, _)| name == member) {
            let at = if at.is_empty() { member.clone() } else { format!("{at}.{member}") };
            typed(kind, value, &at)?;
        }
    }
    Ok(())
}

fn typed(kind: &str, value: &Value, at: &str) -> Result<(), ApiError> {
    let (fits, is) = match (kind, value) {
        (_, Value::Null) => (true, ""),
        ("s", _) => (value.is_string(), "a string"),
        ("i", _) => (value.is_i64(), "an integer"),
        ("n", _) => (value.is_number(), "a number"),
        ("b", _) => (value.is_boolean(), "a boolean"),
        ("t", _) => (value.is_number(), "a timestamp"),
        (kind, _) if kind.starts_with('[') => match value {
            Value::Array(items) => return each(items.iter().enumerate(), &kind[1..], at),
            _ => (false, "a list"),
        },
        (kind, _) if kind.starts_with('{') => match value {
            Value::Object(entries) => return each(entries.iter(), &kind[1..], at),
            _ => (false, "a map"),
        },
        (name, _) => return structure(name, value, at),
    };
    if fits { Ok(()) } else { Err(wrong_type(at, is)) }
}

fn each<'a, K: std::fmt::Display>(
    mut entries: impl Iterator<Item = (K, &'a Value)>,
    kind: &str,
    at: &str,
) -> Result<(), ApiError> {
    entries.try_for_each(|(key, value)| typed(kind, value, &format!("{at}[{key}]")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wrong_types_are_refused_wherever_they_are() {
        let container =
            |member: &str, value: Value| json!({ "containerDefinitions": [{ "name": "web", member: value }] });
        let cases = [
            (container("memory", json!("128")), "containerDefinitions[0].memory is not an integer"),
            (container("memory", json!(1.5)), "containerDefinitions[0].memory is not an integer"),
            (container("essential", json!("true")), "containerDefinitions[0].essential is not a boolean"),
            (container("command", json!("sh")), "containerDefinitions[0].command is not a list"),
            (container("command", json!(["sh", 1])), "containerDefinitions[0].command[1] is not a string"),
            (container("dockerLabels", json!({ "a": 1 })), "containerDefinitions[0].dockerLabels[a] is not a string"),
            (container("healthCheck", json!([])), "containerDefinitions[0].healthCheck is not a structure"),
            (
                container("portMappings", json!([{ "containerPort": "80" }])),
                "containerDefinitions[0].portMappings[0].containerPort is not an integer",
            ),
            (json!({ "cpu": 256 }), "cpu is not a string"),
        ];
        for (body, message) in cases {
            let refused = check("RegisterTaskDefinition", &body).unwrap_err();
            assert_eq!((refused.code, refused.message.as_str()), ("SerializationException", message));
        }
    }

    #[test]
    fn members_that_are_newer_than_the_table_pass() {
        let body = json!({ "cpu": "256", "nova": 7, "containerDefinitions": [{ "memory": 128, "nova": ["x"] }] });
        assert_eq!(check("RegisterTaskDefinition", &body), Ok(()));
        assert_eq!(check("Unheard", &body), Ok(()));
    }

    #[test]
    fn table_speaks_of_no_structure_that_it_has_not() {
        for (kind, line) in TABLE.values().flatten().map(|(name, kind)| (kind.trim_start_matches(['[', '{']), name)) {
            assert!(kind.len() == 1 || TABLE.contains_key(kind), "{line}: {kind}");
        }
        assert_eq!(TABLE["PortMapping"][0], ("containerPort", "i"));
    }
}
