//! Log streams: made by the log driver or by hand, and listed by name or by their last line.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::input::{group, group_name, invalid, no_group, stream_name, text};
use super::page::page;
use super::{Answer, Change, Logs, book};
use crate::sandbox::Refusal;

impl Logs<'_> {
    pub(super) fn create_stream(&self, input: &Value) -> Answer {
        let (group, name) = (group_name(input, "logGroupName")?, stream_name(input, "logStreamName")?);
        let known = self.book.groups.get(group).ok_or_else(no_group)?;
        if known.streams.contains_key(name) {
            return Err(Refusal::new("ResourceAlreadyExistsException", "The specified log stream already exists"));
        }
        Ok((json!({}), vec![Change::Stream { group: group.into(), name: name.into(), at: self.now }]))
    }

    pub(super) fn describe_streams(&self, input: &Value) -> Answer {
        let (name, group) = group(self.book, input)?;
        let prefix = text(input, "logStreamNamePrefix")?;
        let by_time = text(input, "orderBy")? == Some("LastEventTime");
        if by_time && prefix.is_some() {
            return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        let mut streams: Vec<_> =
            group.streams.iter().filter(|(name, _)| name.starts_with(prefix.unwrap_or_default())).collect();
        let last = |stream: &book::Stream| stream.events.last().map_or(stream.created, |event| event.timestamp);
        match (by_time, input["descending"] == true) {
            (true, true) => streams.sort_by_key(|(_, stream)| Reverse(last(stream))),
            (true, false) => streams.sort_by_key(|(_, stream)| last(stream)),
            (false, true) => streams.reverse(),
            (false, false) => {}
        }
        let shown = |(stream, content): (&'_ String, &book::Stream)| self.show_stream(name, stream, content);
        let shown = streams.into_iter().map(|found| (found.0.as_str(), shown(found))).collect();
        Ok((page(input, "logStreams", shown)?, Vec::new()))
    }

    fn show_stream(&self, group: &str, name: &str, stream: &book::Stream) -> Value {
        let mut shown = json!({
            "logStreamName": name,
            "creationTime": stream.created,
            "arn": format!("{}:log-stream:{name}", self.group_arn(group)),
            "storedBytes": 0,
        });
        if let (Some(first), Some(last)) = (stream.events.first(), stream.events.last()) {
            shown["firstEventTimestamp"] = first.timestamp.into();
            shown["lastEventTimestamp"] = last.timestamp.into();
            shown["lastIngestionTime"] = last.ingestion.into();
        }
        shown
    }
}
