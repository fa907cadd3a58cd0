//! Reading a request's members, and AWS's sentences for those that are missing or do not fit. The bounds are those
//! of the service's model.

use serde_json::Value;

use super::{Book, book};
use crate::sandbox::Refusal;

pub fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

pub fn no_group() -> Refusal {
    Refusal::new("ResourceNotFoundException", "The specified log group does not exist.")
}

pub fn no_stream() -> Refusal {
    Refusal::new("ResourceNotFoundException", "The specified log stream does not exist.")
}

pub fn constraint(member: &str, value: &str, rule: &str) -> Refusal {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {rule}"
    ))
}

pub fn text<'a>(input: &'a Value, member: &str) -> Result<Option<&'a str>, Refusal> {
    match &input[member] {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Err(constraint(member, "", "have length greater than or equal to 1")),
        Value::String(text) => Ok(Some(text)),
        _ => Err(Refusal::new("SerializationException", format!("{member} is not a string"))),
    }
}

fn required<'a>(input: &'a Value, member: &str) -> Result<&'a str, Refusal> {
    let missing = || {
        invalid(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    };
    text(input, member)?.ok_or_else(missing)
}

/// `[\.\-_/#A-Za-z0-9]+`, at most 512 characters.
pub fn group_name<'a>(input: &'a Value, member: &str) -> Result<&'a str, Refusal> {
    let name = required(input, member)?;
    let legal = name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_/#".contains(c));
    match (legal, name.len() <= 512) {
        (false, _) => Err(constraint(member, name, r"satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+")),
        (_, false) => Err(constraint(member, name, "have length less than or equal to 512")),
        _ => Ok(name),
    }
}

/// No `:` and no `*` in it.
pub fn stream_name<'a>(input: &'a Value, member: &str) -> Result<&'a str, Refusal> {
    let name = required(input, member)?;
    match name.contains([':', '*']) {
        true => Err(constraint(member, name, "satisfy regular expression pattern: [^:*]*")),
        false => Ok(name),
    }
}

/// A group by its name, or by name or ARN in `logGroupIdentifier`.
pub fn group<'a>(book: &'a Book, input: &'a Value) -> Result<(&'a str, &'a book::Group), Refusal> {
    let name = match text(input, "logGroupIdentifier")? {
        Some(_) if !input["logGroupName"].is_null() => {
            return Err(invalid("LogGroup name and LogGroup identifier are mutually exclusive parameters."));
        }
        Some(arn) => arn.split(":log-group:").last().unwrap_or(arn).trim_end_matches(":*"),
        None => group_name(input, "logGroupName")?,
    };
    let (name, group) = book.groups.get_key_value(name).ok_or_else(no_group)?;
    Ok((name, group))
}

/// How many items are wanted, within the bounds of 1 and `most`.
pub fn limit(input: &Value, most: usize) -> Result<usize, Refusal> {
    match input["limit"].as_i64() {
        None => Ok(most),
        Some(few) if few < 1 => Err(constraint("limit", &few.to_string(), "have value greater than or equal to 1")),
        Some(many) if many as usize > most => {
            Err(constraint("limit", &many.to_string(), &format!("have value less than or equal to {most}")))
        }
        Some(limit) => Ok(limit as usize),
    }
}

/// Whether a moment lies within `startTime` and before `endTime`.
pub fn within(input: &Value) -> impl Fn(i64) -> bool {
    let (start, end) = (input["startTime"].as_i64(), input["endTime"].as_i64());
    move |at| start.is_none_or(|start| at >= start) && end.is_none_or(|end| at < end)
}
