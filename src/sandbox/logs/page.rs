//! Pages of listings. The token is the name of the last item given.

use serde_json::{Value, json};

use super::input::{invalid, limit, text};
use crate::sandbox::Refusal;

/// As many groups or streams as one answer holds.
const MOST: usize = 50;

/// One page of named items as `{member: [...], nextToken?}`.
pub fn page(input: &Value, member: &str, items: Vec<(&str, Value)>) -> Result<Value, Refusal> {
    let most = limit(input, MOST)?;
    let start = match text(input, "nextToken")? {
        Some(token) => items.iter().position(|(name, _)| hex::encode(name) == token).map(|place| place + 1),
        None => Some(0),
    };
    let start = start.ok_or_else(|| invalid("The specified nextToken is invalid."))?;
    let end = items.len().min(start + most);
    let shown: Vec<&Value> = items[start..end].iter().map(|(_, item)| item).collect();
    let mut answer = json!({ member: shown });
    if end < items.len() {
        answer["nextToken"] = hex::encode(items[end - 1].0).into();
    }
    Ok(answer)
}
