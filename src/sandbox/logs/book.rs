//! All groups, their streams and the lines in them. A stream keeps its last ten thousand lines and counts those
//! that it has let go of, so a reader's place in it stays good.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Lines that a stream keeps, which is as many as one answer holds.
const LINES: usize = 10_000;

/// Streams that a group keeps; of more, the oldest go.
const STREAMS: usize = 2_000;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Book {
    pub groups: BTreeMap<String, Group>,
}

/// Moments are milliseconds since 1970.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Group {
    pub created: i64,
    pub class: Option<String>,
    pub streams: BTreeMap<String, Stream>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Stream {
    pub created: i64,
    /// By time.
    pub events: Vec<Event>,
    /// So many older ones are gone.
    pub gone: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub timestamp: i64,
    pub message: String,
    /// When it came in.
    pub ingestion: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Change {
    Group { name: String, class: Option<String>, at: i64 },
    GroupGone { name: String },
    Stream { group: String, name: String, at: i64 },
    Events { group: String, stream: String, events: Vec<Event> },
}

impl Book {
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Group { name, class, at } => {
                let group = Group { created: at, class, streams: BTreeMap::new() };
                self.groups.entry(name).or_insert(group);
            }
            Change::GroupGone { name } => drop(self.groups.remove(&name)),
            Change::Stream { group, name, at } => self.open(&group, name, at),
            Change::Events { group, stream, events } => {
                let stream = self.groups.get_mut(&group).and_then(|group| group.streams.get_mut(&stream));
                stream.into_iter().for_each(|stream| stream.take(events.clone()));
            }
        }
    }

    fn open(&mut self, group: &str, name: String, at: i64) {
        let Some(group) = self.groups.get_mut(group) else { return };
        group.streams.entry(name).or_insert(Stream { created: at, ..Stream::default() });
        if group.streams.len() > STREAMS {
            let oldest = group.streams.iter().min_by_key(|(_, stream)| stream.created).map(|(name, _)| name.clone());
            oldest.into_iter().for_each(|name| drop(group.streams.remove(&name)));
        }
    }

    /// What lets these lines in, as the log driver does it: it makes the stream, and here the group as well.
    pub fn writing(&self, group: &str, stream: &str, events: Vec<Event>, now: i64) -> Vec<Change> {
        let known = self.groups.get(group);
        let mut changes = Vec::new();
        if known.is_none() {
            changes.push(Change::Group { name: group.into(), class: None, at: now });
        }
        if !known.is_some_and(|group| group.streams.contains_key(stream)) {
            changes.push(Change::Stream { group: group.into(), name: stream.into(), at: now });
        }
        if !events.is_empty() {
            changes.push(Change::Events { group: group.into(), stream: stream.into(), events });
        }
        changes
    }
}

impl Stream {
    fn take(&mut self, events: Vec<Event>) {
        for event in events {
            let place = self.events.partition_point(|known| known.timestamp <= event.timestamp);
            self.events.insert(place, event);
        }
        let surplus = self.events.len().saturating_sub(LINES);
        self.events.drain(..surplus);
        self.gone += surplus;
    }

    pub fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.message.len() + 26).sum()
    }
}
