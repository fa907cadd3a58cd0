//! Pages of lists. A token names the last entry shown, so that what comes or goes meanwhile does not shift the rest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::input::Input;
use crate::sandbox::Refusal;

/// One page of `entries` (key and what is shown), which are in the order of their keys, under `name`.
pub(super) fn page(input: Input, name: &str, entries: Vec<(String, Value)>, largest: u64) -> Result<Value, Refusal> {
    let size = match input.value("maxResults") {
        Some(_) => input.number("maxResults")?,
        None => largest.min(100),
    };
    if size == 0 || size > largest {
        let rule = format!("Member must have value between 1 and {largest}");
        return Err(Refusal::parameter("maxResults", rule));
    }
    let after = match input.optional_text("nextToken")? {
        Some(token) => Some(read(token).ok_or_else(|| Refusal::parameter("nextToken", "Invalid token"))?),
        None => None,
    };
    let rest = entries.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    let mut rest: Vec<_> = rest.collect();
    let more = rest.len() > size as usize;
    rest.truncate(size as usize);
    let token = rest.last().filter(|_| more).map(|(key, _)| STANDARD.encode(key));
    let shown: Vec<_> = rest.into_iter().map(|(_, shown)| shown).collect();
    let mut answer = json!({ name: shown });
    if let Some(token) = token {
        answer["nextToken"] = json!(token);
    }
    Ok(answer)
}

fn read(token: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_go_on_where_the_last_one_ended() {
        let entries = || ["a", "b", "c"].map(|key| (key.to_owned(), json!(key))).to_vec();
        let first = page(Input::new(&json!({ "maxResults": 2 })), "list", entries(), 1000).unwrap();
        assert_eq!(first["list"], json!(["a", "b"]));
        let ask = json!({ "maxResults": 2, "nextToken": first["nextToken"] });
        assert_eq!(page(Input::new(&ask), "list", entries(), 1000).unwrap(), json!({ "list": ["c"] }));
    }

    #[test]
    fn page_of_a_wrong_size_or_token_is_refused() {
        for ask in [json!({ "maxResults": 0 }), json!({ "maxResults": 1001 }), json!({ "nextToken": "%" })] {
            let refusal = page(Input::new(&ask), "list", vec![], 1000).unwrap_err();
            assert_eq!(refusal.code, "InvalidParameterException", "{ask}");
        }
    }
}
