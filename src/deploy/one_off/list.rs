//! Lists of small objects as the AWS CLI's shorthand writes them, `type=spread,field=host type=random`, or as JSON.
//! A value runs to the next key, so the expression of a constraint may hold blanks, commas and equals signs. The text
//! is taken apart before variables are expanded.

use serde_json::{Map, Value};

use super::Error;
use super::error::input;
use super::overrides::expand;
use crate::deploy::updates::Subst;

/// The keys of an entry, and whether the value is a number.
type Keys = &'static [(&'static str, bool)];

pub fn providers(text: &str, subst: Subst<'_>) -> Result<Value, Error> {
    const KEYS: Keys = &[("capacityProvider", false), ("weight", true), ("base", true)];
    read("capacity-provider-strategy", text, KEYS, "capacityProvider=FARGATE_SPOT,weight=1", subst)
}

pub fn constraints(text: &str, subst: Subst<'_>) -> Result<Value, Error> {
    const KEYS: Keys = &[("type", false), ("expression", false)];
    read("placement-constraints", text, KEYS, "type=memberOf,expression=EXPRESSION", subst)
}

pub fn strategy(text: &str, subst: Subst<'_>) -> Result<Value, Error> {
    const KEYS: Keys = &[("type", false), ("field", false)];
    read("placement-strategy", text, KEYS, "type=spread,field=attribute:ecs.availability-zone", subst)
}

fn read(what: &'static str, text: &str, keys: Keys, form: &str, subst: Subst<'_>) -> Result<Value, Error> {
    let refuse = |why: String| input(what, why, format!("Write {form} and further entries after a blank, or JSON."));
    let text = text.trim();
    let entries = match text.starts_with(['[', '{']) {
        true => match serde_json::from_str(text).map_err(|why| refuse(format!("not valid JSON: {why}")))? {
            Value::Array(entries) => entries,
            entry => vec![entry],
        },
        false => shorthand(text, keys).map_err(refuse)?,
    };
    let mut list = Value::Array(entries);
    expand(what, &mut list, subst)?;
    for entry in list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        numbers(entry, keys).map_err(refuse)?;
    }
    Ok(list)
}

/// Entries are parted by blanks, members by commas; what does not begin with a key belongs to what stands before it.
fn shorthand(text: &str, keys: Keys) -> Result<Vec<Value>, String> {
    let begins =
        |part: &str| keys.iter().any(|(key, _)| part.strip_prefix(key).is_some_and(|rest| rest.starts_with('=')));
    let entries = joined(text.split_whitespace(), ' ', begins);
    entries.iter().map(|entry| Ok(Value::Object(members(joined(entry.split(','), ',', begins))?))).collect()
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>, with: char, begins: impl Fn(&str) -> bool) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    for part in parts {
        match whole.last_mut().filter(|_| !begins(part)) {
            Some(last) => last.extend([&with.to_string(), part]),
            None => whole.push(part.to_owned()),
        }
    }
    whole
}

fn members(pieces: Vec<String>) -> Result<Map<String, Value>, String> {
    let mut entry = Map::new();
    for piece in pieces {
        let (key, value) = piece.split_once('=').ok_or_else(|| format!("'{piece}' is not KEY=VALUE"))?;
        if entry.insert(key.to_owned(), value.into()).is_some() {
            return Err(format!("{key} is given twice in one entry"));
        }
    }
    Ok(entry)
}

fn numbers(entry: &mut Map<String, Value>, keys: Keys) -> Result<(), String> {
    for (key, value) in entry.iter_mut() {
        if keys.iter().any(|(known, number)| known == key && *number)
            && let Some(text) = value.as_str()
        {
            *value = text.parse::<u32>().map_err(|_| format!("{key} is '{text}', not a whole number"))?.into();
        }
    }
    match entry.keys().find(|key| !keys.iter().any(|(known, _)| known == key)) {
        Some(key) => Err(format!("there is no key '{key}'")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shorthand_in_any_order_and_json() {
        let subst: Subst<'_> = &|text| Ok(text.replace("$N", "3"));
        let wanted = json!([{ "capacityProvider": "FARGATE", "weight": 1, "base": 3 }, { "capacityProvider": "SPOT" }]);
        assert_eq!(
            providers("capacityProvider=FARGATE,weight=1,base=$N  capacityProvider=SPOT", subst).unwrap(),
            wanted
        );
        assert_eq!(providers(&wanted.to_string(), subst).unwrap(), wanted);
        let turned = providers("weight=2,capacityProvider=SPOT", subst).unwrap();
        assert_eq!(turned, json!([{ "weight": 2, "capacityProvider": "SPOT" }]));
    }

    #[test]
    fn expression_may_hold_blanks_commas_and_equals_signs() {
        let text = "type=memberOf,expression=attribute:ecs.instance-type in [t3.small, t3.large] type=distinctInstance";
        let wanted = json!([
            { "type": "memberOf", "expression": "attribute:ecs.instance-type in [t3.small, t3.large]" },
            { "type": "distinctInstance" },
        ]);
        assert_eq!(constraints(text, &|text| Ok(text.to_owned())).unwrap(), wanted);
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for text in ["x", "weight=a", "foo=1,weight=1", "weight=1,weight=2", "[", r#"[{"weigth": 1}]"#] {
            assert!(providers(text, &|text| Ok(text.to_owned())).is_err(), "{text}");
        }
    }
}
