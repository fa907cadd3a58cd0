//! Reading a document of faults as people write it: names in either spelling (`lose_answer`, `loseAnswer`), a form
//! without members as a bare word or as an object. What comes out is in one spelling, for the types that take it. A
//! mistake is told with its place and the way to write that very thing.

use serde_json::{Map, Value, json};

use super::form::*;
use super::operation;
use crate::nearest::nearest;

/// What is wrong, where, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub why: String,
    pub hint: String,
}

type Read<T> = Result<T, Wrong>;

/// The whole document.
pub fn document(given: &Value) -> Read<Map<String, Value>> {
    let mut document = members(given, "the document", DOCUMENT, DOCUMENT_EXAMPLE)?;
    let each = |value: &Value, name: &str, read: fn(&Value, &str) -> Read<Value>, example: &str| {
        let entries =
            value.as_array().ok_or_else(|| wrong(name, "is not a list", &format!(r#"{{"{name}": [{example}]}}"#)))?;
        let entries = entries.iter().enumerate().map(|(at, entry)| read(entry, &format!("{name}[{at}]")));
        entries.collect::<Read<Vec<_>>>().map(Value::from)
    };
    for (name, value) in &mut document {
        *value = match name.as_str() {
            "rules" => each(value, name, rule, RULE_EXAMPLE)?,
            "fates" => each(value, name, fate, FATE_EXAMPLE)?,
            "alarms" => each(value, name, alarm, ALARM_EXAMPLE)?,
            "hooks" => hooks(value)?,
            _ => Value::Object(members(value, "lag", LAG, LAG_EXAMPLE)?),
        };
    }
    Ok(document)
}

fn rule(given: &Value, at: &str) -> Read<Value> {
    let mut rule = members(given, at, RULE, RULE_EXAMPLE)?;
    if let Some(on) = rule.get("on").and_then(Value::as_str) {
        operation::check(on).map_err(|(why, hint)| Wrong { why: format!("{at}.on: {why}"), hint })?;
    }
    rule["then"] = chosen(&rule["then"], &format!("{at}.then"), "effect", EFFECTS)?;
    Ok(rule.into())
}

fn fate(given: &Value, at: &str) -> Read<Value> {
    let mut fate = members(given, at, FATE, FATE_EXAMPLE)?;
    fate["fate"] = chosen(&fate["fate"], &format!("{at}.fate"), "fate", FATES)?;
    Ok(fate.into())
}

/// A name is an alarm that is in ALARM, an object one that goes off in a deployment.
fn alarm(given: &Value, at: &str) -> Read<Value> {
    match given {
        Value::String(_) => Ok(given.clone()),
        _ => members(given, at, ALARM, ALARM_EXAMPLE).map(Value::Object),
    }
}

fn hooks(given: &Value) -> Read<Value> {
    let refuse = |at: &str, why: &str| wrong(at, why, HOOKS_EXAMPLE);
    let hooks = given.as_object().ok_or_else(|| refuse("hooks", "is not an object"))?;
    let mut read = Map::new();
    for (function, answers) in hooks {
        let at = format!("hooks.{function}");
        let one = std::slice::from_ref(answers);
        let answers = answers.as_array().map_or(one, Vec::as_slice).iter().map(|answer| {
            let known = answer.as_str().and_then(|word| HOOK_ANSWERS.iter().find(|known| plain(known) == plain(word)));
            known.ok_or_else(|| refuse(&at, &format!("{answer} is none of {}", HOOK_ANSWERS.join(", "))))
        });
        read.insert(function.clone(), json!(answers.collect::<Read<Vec<_>>>()?));
    }
    Ok(read.into())
}

/// An effect or a fate, as `"name"` or as `{"name": …}`.
fn chosen(given: &Value, at: &str, what: &str, forms: &[Form]) -> Read<Value> {
    let (name, content) = match given {
        Value::String(name) => (name, None),
        Value::Object(one) if one.len() == 1 => {
            one.iter().next().map(|(name, content)| (name, Some(content))).expect("one")
        }
        _ => {
            return Err(wrong(
                at,
                &format!("is no {what}: it is a name, or an object with one member"),
                forms[2].example,
            ));
        }
    };
    let Some(form) = forms.iter().find(|form| plain(form.name) == plain(name)) else {
        return Err(unknown(at, name, what, forms));
    };
    let refuse = |why: &str| wrong(&format!("{at}.{}", form.name), why, form.example);
    match (form.content, content) {
        (Content::Nothing, None) => Ok(json!(form.name)),
        (Content::Nothing, Some(Value::Object(more))) if more.is_empty() => Ok(json!(form.name)),
        (Content::Nothing, Some(_)) => Err(refuse("has no members")),
        (Content::Number, Some(number)) if number.is_u64() => Ok(json!({ form.name: number })),
        (Content::Number, _) => Err(refuse("is not a whole number")),
        (Content::Members(known), content) => {
            let empty = json!({});
            let read = members(content.unwrap_or(&empty), &format!("{at}.{}", form.name), known, form.example)?;
            Ok(json!({ form.name: read }))
        }
    }
}

fn unknown(at: &str, name: &str, what: &str, forms: &[Form]) -> Wrong {
    let names = forms.iter().map(|form| form.name);
    let meant = nearest(name, names.clone()).and_then(|meant| forms.iter().find(|form| form.name == meant));
    match meant {
        Some(form) => wrong(at, &format!("there is no {what} '{name}', but '{}'", form.name), form.example),
        None => {
            let all = names.collect::<Vec<_>>().join(", ");
            wrong(at, &format!("there is no {what} '{name}'; there are {all}"), forms[2].example)
        }
    }
}

/// The members of an object, under the names that the table has.
fn members(given: &Value, at: &str, known: &[Member], example: &str) -> Read<Map<String, Value>> {
    let given = given.as_object().ok_or_else(|| wrong(at, "is not an object", example))?;
    let mut read = Map::new();
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        let Some(member) = known.iter().find(|member| plain(member.name) == plain(name)) else {
            let names = known.iter().map(|member| member.name);
            let meant = nearest(name, names.clone()).map(|meant| format!(", but '{meant}'"));
            let all = || format!("; there are {}", names.collect::<Vec<_>>().join(", "));
            return Err(wrong(at, &format!("there is no member '{name}'{}", meant.unwrap_or_else(all)), example));
        };
        let refuse = |is: &str| wrong(&format!("{at}.{}", member.name), &format!("{value} is not {is}"), example);
        check(value, member.kind).map_err(refuse)?;
        if read.insert(member.name.to_owned(), value.clone()).is_some() {
            return Err(wrong(&format!("{at}.{}", member.name), "is there twice", example));
        }
    }
    match known.iter().find(|member| member.required && !read.contains_key(member.name)) {
        Some(missing) => Err(wrong(at, &format!("'{}' is missing", missing.name), example)),
        None => Ok(read),
    }
}

fn check(value: &Value, kind: Kind) -> Result<(), &'static str> {
    let (fits, is) = match kind {
        Kind::Text => (value.is_string(), "a text"),
        Kind::Texts => (value.as_array().is_some_and(|all| all.iter().all(Value::is_string)), "a list of texts"),
        Kind::Whole => (value.is_u64(), "a whole number from 0 up"),
        Kind::Signed => (value.is_i64(), "a whole number"),
        Kind::Seconds => (value.as_f64().is_some_and(|seconds| seconds >= 0.0), "a number of seconds"),
        Kind::Other => (true, ""),
    };
    if fits { Ok(()) } else { Err(is) }
}

/// Without what the spellings differ in.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| !"_-".contains(*letter)).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn wrong(at: &str, why: &str, example: &str) -> Wrong {
    let why = if why.starts_with("there is") || why.starts_with('\'') {
        format!("{at}: {why}")
    } else {
        format!("{at} {why}")
    };
    Wrong { why, hint: hint(example) }
}

pub fn hint(example: &str) -> String {
    format!("Write for example {example}; README, \"Faults\", has all of it.")
}
