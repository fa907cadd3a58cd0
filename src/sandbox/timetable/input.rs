//! What a call brings along, checked as EventBridge and its Scheduler check it: what is wrong with a member's type is a
//! SerializationException, with its value a ValidationException. Members that nobody asks for are kept as they are.

use serde_json::Value;

use crate::sandbox::Refusal;

#[derive(Clone, Copy)]
pub struct Input<'a>(&'a Value);

impl<'a> Input<'a> {
    pub fn new(document: &'a Value) -> Self {
        Input(document)
    }

    /// The member as it came; null counts as absent.
    pub fn value(self, member: &str) -> Option<&'a Value> {
        self.0.get(member).filter(|value| !value.is_null())
    }

    pub fn optional_text(self, member: &str) -> Result<Option<&'a str>, Refusal> {
        self.value(member).map(|value| value.as_str().ok_or_else(|| wrong_type(member))).transpose()
    }

    pub fn text(self, member: &str) -> Result<&'a str, Refusal> {
        self.optional_text(member)?.ok_or_else(|| missing(member))
    }

    pub fn object(self, member: &str) -> Result<Input<'a>, Refusal> {
        match self.value(member) {
            None => Err(missing(member)),
            Some(value) if value.is_object() => Ok(Input(value)),
            Some(_) => Err(wrong_type(member)),
        }
    }

    /// A list that must have something in it, and no more than this.
    pub fn list(self, member: &str, most: usize) -> Result<&'a [Value], Refusal> {
        let value = self.value(member).ok_or_else(|| missing(member))?;
        let items = value.as_array().ok_or_else(|| wrong_type(member))?;
        match items.len() {
            0 => Err(constraint(value, member, "Member must have length greater than or equal to 1")),
            more if more > most => {
                let rule = format!("Member must have length less than or equal to {most}");
                Err(constraint(value, member, rule))
            }
            _ => Ok(items),
        }
    }

    /// A name of letters, digits, dots, dashes and underscores.
    pub fn name(self, member: &str) -> Result<&'a str, Refusal> {
        let name = self.text(member)?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let refuse = |rule| Err(constraint(&Value::from(name), member, rule));
        match name.len() {
            0 => refuse("Member must have length greater than or equal to 1"),
            65.. => refuse("Member must have length less than or equal to 64"),
            _ if !name.bytes().all(legal) => {
                refuse("Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+")
            }
            _ => Ok(name),
        }
    }

    /// A whole number within bounds.
    pub fn number(self, member: &str, (least, most): (u64, u64)) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.value(member) else { return Ok(None) };
        let number = value.as_u64().ok_or_else(|| wrong_type(member))?;
        match number {
            small if small < least => {
                Err(constraint(value, member, format!("Member must have value greater than or equal to {least}")))
            }
            large if large > most => {
                Err(constraint(value, member, format!("Member must have value less than or equal to {most}")))
            }
            _ => Ok(Some(number)),
        }
    }

    /// One of these words.
    pub fn word(self, member: &str, words: &[&str]) -> Result<Option<&'a str>, Refusal> {
        let text = self.optional_text(member)?;
        match text.filter(|text| !words.contains(text)) {
            None => Ok(text),
            Some(other) => {
                let rule = format!("Member must satisfy enum value set: [{}]", words.join(", "));
                Err(constraint(&other.into(), member, rule))
            }
        }
    }
}

fn missing(member: &str) -> Refusal {
    let member = lower(member);
    invalid(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

fn constraint(value: &Value, member: &str, rule: impl std::fmt::Display) -> Refusal {
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let member = lower(member);
    invalid(format!("1 validation error detected: Value '{shown}' at '{member}' failed to satisfy constraint: {rule}"))
}

pub fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

fn wrong_type(member: &str) -> Refusal {
    Refusal::new("SerializationException", format!("Unexpected type for member {member}"))
}

/// Members begin in lower case in these messages.
fn lower(member: &str) -> String {
    let mut rest = member.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}
