//! PutLogEvents: lines come in by time, and those that are too old or too new are left out and counted.

use serde_json::{Value, json};

use super::input::{constraint, group_name, invalid, no_group, no_stream, stream_name};
use super::{Answer, Change, Event, Logs};

const HOUR: i64 = 3_600_000;

/// Older and newer ones are not let in.
const OLDEST: i64 = 14 * 24 * HOUR;
const NEWEST: i64 = 2 * HOUR;

impl Logs<'_> {
    pub(super) fn put(&self, input: &Value) -> Answer {
        let (group, stream) = (group_name(input, "logGroupName")?, stream_name(input, "logStreamName")?);
        let known = self.book.groups.get(group).ok_or_else(no_group)?;
        if !known.streams.contains_key(stream) {
            return Err(no_stream());
        }
        let rows = input["logEvents"].as_array().filter(|rows| !rows.is_empty());
        let rows = rows.ok_or_else(|| constraint("logEvents", "[]", "have length greater than or equal to 1"))?;
        let events = rows.iter().map(|row| self.event(row)).collect::<Option<Vec<Event>>>();
        let events = events.ok_or_else(|| invalid("Log events must have a timestamp and a message."))?;
        if !events.is_sorted_by_key(|event| event.timestamp) {
            return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
        }
        let old = events.partition_point(|event| event.timestamp < self.now - OLDEST);
        let new = events.partition_point(|event| event.timestamp <= self.now + NEWEST);
        let mut answer = json!({ "nextSequenceToken": format!("{:056}", self.now) });
        if old > 0 {
            answer["rejectedLogEventsInfo"]["tooOldLogEventEndIndex"] = old.into();
        }
        if new < events.len() {
            answer["rejectedLogEventsInfo"]["tooNewLogEventStartIndex"] = new.into();
        }
        let events = events[old..new.max(old)].to_vec();
        Ok((answer, vec![Change::Events { group: group.into(), stream: stream.into(), events }]))
    }

    fn event(&self, row: &Value) -> Option<Event> {
        let message = row["message"].as_str().filter(|message| !message.is_empty())?.to_owned();
        Some(Event { timestamp: row["timestamp"].as_i64()?, message, ingestion: self.now })
    }
}
