//! FilterLogEvents: lines of many streams in the order of time. Of the pattern language the part for plain text is
//! known: words that all must be there, `?word` of which one must, `-word` that must not, and "phrases".

use serde_json::{Value, json};

use super::input::{group, invalid, limit, stream_name, text, within};
use super::{Answer, Event, Logs};
use crate::sandbox::Refusal;

/// As many lines as one answer holds.
const LINES: usize = 10_000;

impl Logs<'_> {
    pub(super) fn filter(&self, input: &Value) -> Answer {
        let (_, group) = group(self.book, input)?;
        let (most, fits) = (limit(input, LINES)?, within(input));
        let pattern = Pattern::parse(input["filterPattern"].as_str().unwrap_or_default())?;
        let prefix = match input["logStreamNamePrefix"] {
            Value::Null => "",
            _ => stream_name(input, "logStreamNamePrefix")?,
        };
        let names: Option<Vec<&str>> =
            input["logStreamNames"].as_array().map(|names| names.iter().filter_map(Value::as_str).collect());
        if names.is_some() && !prefix.is_empty() {
            return Err(invalid("logStreamNamePrefix and logStreamNames are mutually exclusive."));
        }
        let wanted = |name: &str| name.starts_with(prefix) && names.as_ref().is_none_or(|names| names.contains(&name));
        let mut found: Vec<(&str, usize, &Event)> = Vec::new();
        for (name, stream) in group.streams.iter().filter(|(name, _)| wanted(name)) {
            let places = stream.events.iter().enumerate();
            let places = places.filter(|(_, event)| fits(event.timestamp) && pattern.takes(&event.message));
            found.extend(places.map(|(place, event)| (name.as_str(), place + stream.gone, event)));
        }
        found.sort_by_key(|(_, _, event)| event.timestamp);
        let start = match text(input, "nextToken")? {
            Some(token) => token.parse().map_err(|_| invalid("The specified nextToken is invalid."))?,
            None => 0_usize,
        };
        let end = found.len().min(start.saturating_add(most));
        let shown: Vec<Value> = found[start.min(end)..end].iter().map(show).collect();
        let mut answer = json!({ "events": shown, "searchedLogStreams": [] });
        if end < found.len() {
            answer["nextToken"] = end.to_string().into();
        }
        Ok((answer, Vec::new()))
    }
}

fn show((stream, place, event): &(&str, usize, &Event)) -> Value {
    json!({
        "logStreamName": stream,
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.ingestion,
        "eventId": format!("{:020}{:036}", event.timestamp, place),
    })
}

#[derive(Default)]
struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    fn parse(text: &str) -> Result<Pattern, Refusal> {
        let text = text.trim();
        if text.starts_with(['{', '[', '%']) {
            return Err(invalid("The sandbox knows filter patterns of words and phrases only."));
        }
        let mut pattern = Pattern::default();
        let mut rest = text;
        while !rest.is_empty() {
            let sign = rest.chars().next().filter(|c| "?-".contains(*c));
            let term = &rest[sign.map_or(0, char::len_utf8)..];
            let (word, after) = match term.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(|| invalid("Invalid filter pattern"))?,
                None => term.split_once(char::is_whitespace).unwrap_or((term, "")),
            };
            let list = match sign {
                Some('?') => &mut pattern.any,
                Some(_) => &mut pattern.none,
                None => &mut pattern.all,
            };
            list.push(word.to_owned());
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    fn takes(&self, message: &str) -> bool {
        let has = |word: &String| message.contains(word.as_str());
        // `?` counts only in a pattern that has nothing else in it.
        let some = self.any.is_empty() || !self.all.is_empty() || self.any.iter().any(has);
        some && self.all.iter().all(has) && !self.none.iter().any(has)
    }
}
