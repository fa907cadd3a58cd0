//! Reading a request's members. The JSON protocol treats `null` as absent, so nulls are taken out first; a
//! member of the wrong type is a SerializationException, as on the real wire.

use serde_json::{Map, Value};

use super::error::{ApiError, invalid, wrong_type};

pub type Object = Map<String, Value>;

/// The request without its nulls, at every depth.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

pub fn text<'a>(body: &'a Value, member: &str) -> Result<Option<&'a str>, ApiError> {
    match body.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong_type(member, "a string")),
    }
}

/// A text that must be there and must not be empty; `blank` is what ECS says otherwise.
pub fn required<'a>(body: &'a Value, member: &str, blank: &str) -> Result<&'a str, ApiError> {
    text(body, member)?.filter(|text| !text.is_empty()).ok_or_else(|| invalid(blank))
}

pub fn whole(body: &Value, member: &str) -> Result<Option<i64>, ApiError> {
    match body.get(member) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong_type(member, "an integer")),
    }
}

pub fn flag(body: &Value, member: &str) -> Result<Option<bool>, ApiError> {
    match body.get(member) {
        None => Ok(None),
        Some(value) => value.as_bool().map(Some).ok_or_else(|| wrong_type(member, "a boolean")),
    }
}

/// A list, absent as empty.
pub fn list<'a>(body: &'a Value, member: &str) -> Result<&'a [Value], ApiError> {
    match body.get(member) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(wrong_type(member, "a list")),
    }
}

/// A list of texts, absent as empty.
pub fn texts<'a>(body: &'a Value, member: &str) -> Result<Vec<&'a str>, ApiError> {
    list(body, member)?
        .iter()
        .map(|item| item.as_str().ok_or_else(|| wrong_type(member, "a list of strings")))
        .collect()
}

/// Whether `include` asks for `what`.
pub fn includes(body: &Value, what: &str) -> Result<bool, ApiError> {
    Ok(texts(body, "include")?.contains(&what))
}

/// A member that must be one of the words that the service model lists.
pub fn one_of(body: &Value, member: &str, words: &[&str]) -> Result<(), ApiError> {
    match text(body, member)? {
        Some(word) if !words.contains(&word) => {
            Err(invalid(format!("{member} must be one of: {}. Got: {word}", words.join(", "))))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn null_is_absent_at_every_depth() {
        let body = without_nulls(json!({"a": null, "b": [{"c": null, "d": 1}]}));
        assert_eq!(body, json!({"b": [{"d": 1}]}));
    }

    #[test]
    fn wrong_type_is_a_serialization_error() {
        assert_eq!(text(&json!({"a": 1}), "a").unwrap_err().code, "SerializationException");
        assert_eq!(whole(&json!({"a": "1"}), "a").unwrap_err().code, "SerializationException");
    }
}
