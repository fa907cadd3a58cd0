//! Pages of a listing. The token names the last item given, so a listing that changes between two pages
//! neither repeats nor skips what stayed in it.

use serde_json::{Value, json};

use super::error::{ApiError, invalid};
use super::input::{text, whole};

/// One page of `names` (in listing order) as `{member: [...], nextToken?}`.
pub fn page(body: &Value, member: &str, names: impl Iterator<Item = String>, limit: Limit) -> Result<Value, ApiError> {
    let (items, token) = cut(body, names.map(|name| (name.clone(), Value::from(name))), limit)?;
    let mut answer = json!({ member: items });
    if let Some(token) = token {
        answer["nextToken"] = token.into();
    }
    Ok(answer)
}

/// How many items a page has when nothing is asked for, and at most.
#[derive(Clone, Copy)]
pub struct Limit {
    pub usual: usize,
    pub most: usize,
}

/// The items after the request's token, and the token for the next ones. Each item comes with its name.
pub fn cut(
    body: &Value,
    items: impl Iterator<Item = (String, Value)>,
    limit: Limit,
) -> Result<(Vec<Value>, Option<String>), ApiError> {
    let size = size(body, limit)?;
    let mut items = items.peekable();
    if let Some(token) = text(body, "nextToken")? {
        let last = read(token)?;
        if !items.by_ref().any(|(name, _)| name == last) {
            return Err(invalid("Invalid token."));
        }
    }
    let mut shown = Vec::new();
    let mut last = String::new();
    while shown.len() < size {
        let Some((name, item)) = items.next() else { return Ok((shown, None)) };
        last = name;
        shown.push(item);
    }
    Ok((shown, items.peek().is_some().then(|| hex::encode(last))))
}

fn size(body: &Value, limit: Limit) -> Result<usize, ApiError> {
    match whole(body, "maxResults")? {
        None => Ok(limit.usual),
        Some(size) if size >= 1 && size as usize <= limit.most => Ok(size as usize),
        Some(_) => Err(invalid(format!("maxResults must be between 1 and {}.", limit.most))),
    }
}

fn read(token: &str) -> Result<String, ApiError> {
    hex::decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| invalid("Invalid token."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Limit = Limit { usual: 2, most: 100 };

    fn names() -> impl Iterator<Item = String> {
        ["a", "b", "c"].into_iter().map(String::from)
    }

    #[test]
    fn page_goes_on_where_the_last_one_ended() {
        let first = page(&json!({}), "arns", names(), TWO).unwrap();
        assert_eq!(first["arns"], json!(["a", "b"]));
        let rest = page(&json!({"nextToken": first["nextToken"]}), "arns", names(), TWO).unwrap();
        assert_eq!(rest, json!({"arns": ["c"]}));
    }

    #[test]
    fn page_refuses_a_foreign_token_and_a_wrong_size() {
        assert!(page(&json!({"nextToken": "zz"}), "arns", names(), TWO).is_err());
        assert!(page(&json!({"maxResults": 101}), "arns", names(), TWO).is_err());
    }
}
