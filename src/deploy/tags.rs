//! Tags for the new revision: the AWS CLI's shorthand, `key=a,value=b key=c,value=d`, or JSON. As with the
//! update strings, the text is taken apart before variables are expanded, so a value may hold anything.

use serde_json::Value;

use super::Error;
use super::updates::Subst;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

/// Reads tags. A shorthand entry begins with `key=` after a blank; its value is everything up to the next one.
pub fn parse(text: &str, subst: Subst<'_>) -> Result<Vec<Tag>, Error> {
    let text = text.trim();
    let raw = if text.starts_with(['[', '{']) { from_json(text)? } else { from_shorthand(text)? };
    let mut tags: Vec<Tag> = Vec::new();
    for (key, value) in raw {
        let tag = check(Tag { key: expand(&key, subst)?, value: expand(&value, subst)? })?;
        if tags.iter().any(|known| known.key == tag.key) {
            return Err(refuse(format!("the tag '{}' is given twice", tag.key)));
        }
        tags.push(tag);
    }
    Ok(tags)
}

fn expand(text: &str, subst: Subst<'_>) -> Result<String, Error> {
    subst(text).map_err(|why| Error::Tags { why: why.message, hint: why.hint })
}

fn refuse(why: String) -> Error {
    let hint = "Write key=a,value=b key=c,value=d, or JSON: [{\"key\": \"a\", \"value\": \"b\"}].";
    Error::Tags { why, hint: Some(hint.into()) }
}

/// Limits of ECS: 128 characters for a key, 256 for a value; `aws:` is reserved.
fn check(tag: Tag) -> Result<Tag, Error> {
    let fault = if tag.key.is_empty() {
        "a key is empty".to_owned()
    } else if tag.key.to_lowercase().starts_with("aws:") {
        format!("the key '{}' begins with 'aws:', which AWS keeps for itself", tag.key)
    } else if tag.key.chars().count() > 128 {
        format!("the key '{}' is longer than 128 characters", tag.key)
    } else if tag.value.chars().count() > 256 {
        format!("the value of '{}' is longer than 256 characters", tag.key)
    } else {
        return Ok(tag);
    };
    Err(refuse(fault))
}

fn from_shorthand(text: &str) -> Result<Vec<(String, String)>, Error> {
    let starts: Vec<usize> = starts(text).collect();
    match starts.first() {
        None if text.is_empty() => return Ok(Vec::new()),
        Some(0) => {}
        _ => return Err(refuse(format!("'{text}' does not begin with 'key='"))),
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| entry(text[*start..end].trim())).collect()
}

/// Where `key=` stands at the beginning or after a blank.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    text.char_indices().map(|(at, _)| at).filter(move |at| {
        let begins = ["key=", "Key="].iter().any(|key| text[*at..].starts_with(key));
        begins && text[..*at].chars().next_back().is_none_or(char::is_whitespace)
    })
}

fn entry(entry: &str) -> Result<(String, String), Error> {
    let rest = &entry["key=".len()..];
    let (key, value) = rest.split_once(",value=").or_else(|| rest.split_once(",Value=")).unwrap_or((rest, ""));
    if key.contains(',') {
        return Err(refuse(format!("'{entry}' is not key=…,value=…")));
    }
    Ok((unquote(key).to_owned(), unquote(value).to_owned()))
}

/// The shorthand allows quotes around a value.
fn unquote(text: &str) -> &str {
    let text = text.trim();
    let quoted = |q: char| text.strip_prefix(q)?.strip_suffix(q);
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text)
}

fn from_json(text: &str) -> Result<Vec<(String, String)>, Error> {
    let document: Value = serde_json::from_str(text).map_err(|why| refuse(format!("not valid JSON: {why}")))?;
    let string = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| refuse("a value is no string".into()));
    match document {
        Value::Object(map) if !map.contains_key("key") && !map.contains_key("Key") => {
            map.iter().map(|(key, value)| Ok((key.clone(), string(value)?))).collect()
        }
        Value::Object(_) => Ok(vec![json_entry(&document)?]),
        Value::Array(entries) => entries.iter().map(json_entry).collect(),
        _ => Err(refuse("neither an array nor an object".into())),
    }
}

fn json_entry(entry: &Value) -> Result<(String, String), Error> {
    let either = |lower: &str, upper: &str| entry.get(lower).or(entry.get(upper)).map(Value::as_str);
    match (either("key", "Key"), either("value", "Value")) {
        (Some(Some(key)), Some(Some(value))) => Ok((key.to_owned(), value.to_owned())),
        (Some(Some(key)), None) => Ok((key.to_owned(), String::new())),
        _ => Err(refuse(format!("{entry} is not {{\"key\": …, \"value\": …}}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> Result<Vec<(String, String)>, Error> {
        let subst: Subst<'_> = &|text| Ok(text.replace("${V}", "it's key=x,value=y"));
        Ok(parse(text, subst)?.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn tags_shorthand_with_blanks_quotes_and_commas_in_values() {
        assert_eq!(tags("").unwrap(), []);
        assert_eq!(tags("key=a,value=b key=c,value=d").unwrap(), pairs(&[("a", "b"), ("c", "d")]));
        assert_eq!(
            tags("key=a,value=b c,d=e\n key=f,value='O Brien' key=g").unwrap(),
            pairs(&[("a", "b c,d=e"), ("f", "O Brien"), ("g", "")])
        );
    }

    #[test]
    fn tags_json_with_blanks_or_as_an_object() {
        let expected = pairs(&[("a", "b c"), ("d", "e")]);
        assert_eq!(tags(r#"[ {"key": "a", "value": "b c"}, {"Key": "d", "Value": "e"} ]"#).unwrap(), expected);
        assert_eq!(tags(r#"{"a": "b c", "d": "e"}"#).unwrap(), expected);
        assert_eq!(tags(r#"{"key": "a", "value": "b"}"#).unwrap(), pairs(&[("a", "b")]));
    }

    #[test]
    fn tags_variable_content_is_never_syntax() {
        assert_eq!(tags("key=a,value=${V}").unwrap(), pairs(&[("a", "it's key=x,value=y")]));
    }

    #[test]
    fn tags_malformed_are_refused() {
        for text in ["a=b", "x key=a,value=b", "key=,value=b", "key=aws:x,value=b", "key=a,v=b", "[1]", "[{]"] {
            assert!(tags(text).is_err(), "{text}");
        }
        assert!(tags("key=a,value=1 key=a,value=2").unwrap_err().to_string().contains("twice"));
    }
}
