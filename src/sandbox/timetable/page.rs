//! Pages of lists. A token names the last entry shown, so what comes or goes meanwhile does not shift the rest.

use serde_json::{Value, json};

use super::input::{Input, invalid};
use crate::sandbox::Refusal;

/// One page of `entries` (key and what is shown), which are in the order of their keys, under `name`. `size` is the
/// member that says how many.
pub fn page(input: Input, size: &str, name: &str, entries: Vec<(String, Value)>) -> Result<Value, Refusal> {
    let size = input.number(size, (1, 100))?.unwrap_or(100) as usize;
    let after = match input.optional_text("NextToken")? {
        Some(token) => Some(read(token).ok_or_else(|| invalid("Token is invalid"))?),
        None => None,
    };
    let rest = entries.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    let mut rest: Vec<_> = rest.collect();
    let more = rest.len() > size;
    rest.truncate(size);
    let token = rest.last().filter(|_| more).map(|(key, _)| hex::encode(key));
    let mut answer = json!({ name: rest.into_iter().map(|(_, shown)| shown).collect::<Vec<_>>() });
    if let Some(token) = token {
        answer["NextToken"] = token.into();
    }
    Ok(answer)
}

fn read(token: &str) -> Option<String> {
    String::from_utf8(hex::decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_go_on_where_the_last_one_ended() {
        let entries = || ["a", "b", "c"].map(|key| (key.to_owned(), json!(key))).to_vec();
        let ask = |document: &Value| page(Input::new(document), "Limit", "Rules", entries());
        let first = ask(&json!({ "Limit": 2 })).unwrap();
        assert_eq!(first["Rules"], json!(["a", "b"]));
        let rest = ask(&json!({ "NextToken": first["NextToken"] })).unwrap();
        assert_eq!(rest, json!({ "Rules": ["c"] }));
        assert!(ask(&json!({ "Limit": 0 })).is_err() && ask(&json!({ "NextToken": "x" })).is_err());
    }
}
