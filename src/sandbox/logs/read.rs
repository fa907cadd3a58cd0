//! GetLogEvents: a stretch of one stream. Tokens are places in the stream: `f/…` goes on after what was given, `b/…`
//! before it. At the end of a stream the token that was sent comes back, which is how readers know that they are
//! there (API reference, GetLogEvents).

use serde_json::{Value, json};

use super::input::{group, invalid, limit, no_stream, stream_name, text, within};
use super::{Answer, Logs};
use crate::sandbox::Refusal;

/// An answer holds as many lines, and as many bytes.
const LINES: usize = 10_000;
const BYTES: usize = 1024 * 1024;

/// From which place to go on, and in which direction.
enum Token {
    Forward(usize),
    Backward(usize),
}

impl Logs<'_> {
    pub(super) fn get(&self, input: &Value) -> Answer {
        let (_, group) = group(self.book, input)?;
        let stream = group.streams.get(stream_name(input, "logStreamName")?).ok_or_else(no_stream)?;
        let most = limit(input, LINES)?;
        let token = text(input, "nextToken")?.map(parse).transpose()?;
        let fits = within(input);
        let found: Vec<(usize, _)> = stream
            .events
            .iter()
            .enumerate()
            .filter(|(_, event)| fits(event.timestamp))
            .map(|(place, event)| (place + stream.gone, event))
            .collect();
        let end = stream.gone + stream.events.len();
        let (forward, from) = match token {
            Some(Token::Forward(place)) => (true, place),
            Some(Token::Backward(place)) => (false, place),
            None if input["startFromHead"] == true => (true, 0),
            None => (false, end),
        };
        let size = |event: &super::Event| event.message.len() + 26;
        let mut bytes = 0;
        let mut fit = |event: &super::Event| {
            bytes += size(event);
            bytes <= BYTES
        };
        let shown: Vec<_> = if forward {
            let rest = found.iter().filter(|(place, _)| *place >= from);
            rest.take(most).take_while(|(_, event)| fit(event)).collect()
        } else {
            let before = found.iter().rev().filter(|(place, _)| *place < from);
            let mut shown: Vec<_> = before.take(most).take_while(|(_, event)| fit(event)).collect();
            shown.reverse();
            shown
        };
        let first = shown.first().map_or(from.min(end), |(place, _)| *place);
        let next = shown.last().map_or(from.min(end), |(place, _)| place + 1);
        let events: Vec<Value> = shown
            .iter()
            .map(|(_, event)| {
                json!({ "timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingestion })
            })
            .collect();
        let answer = json!({
            "events": events,
            "nextForwardToken": format!("f/{next:056}/s"),
            "nextBackwardToken": format!("b/{first:056}/s"),
        });
        Ok((answer, Vec::new()))
    }
}

fn parse(token: &str) -> Result<Token, Refusal> {
    let parts: Vec<&str> = token.split('/').collect();
    let read = match parts[..] {
        [direction @ ("f" | "b"), place, "s"] => place.parse().ok().map(|place| (direction, place)),
        _ => None,
    };
    match read.ok_or_else(|| invalid("The specified nextToken is invalid."))? {
        ("f", place) => Ok(Token::Forward(place)),
        (_, place) => Ok(Token::Backward(place)),
    }
}
