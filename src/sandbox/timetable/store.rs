//! The timetable and its place on disk: a change is written before it is seen.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Change, Start, Timetable};
use crate::sandbox::options::Pace;
use crate::sandbox::state::Journal;
use crate::sandbox::{Error, Refusal};

pub struct Store {
    table: Timetable,
    journal: Journal,
    speed: f64,
}

impl Store {
    pub fn open(dir: &Path, pace: Pace) -> Result<Self, Error> {
        let opened = Journal::open::<Change>(dir, "timetable")?;
        let mut table = match opened.snapshot {
            Some(document) => serde_json::from_slice(&document)
                .map_err(|why| Error::State { path: dir.join("timetable.json"), why: why.to_string() })?,
            None => Timetable::default(),
        };
        opened.entries.into_iter().for_each(|change| table.apply(change));
        let speed = if pace == Pace::Fast { 60.0 } else { 1.0 };
        Ok(Store { table, journal: opened.journal, speed })
    }

    pub fn table(&self) -> &Timetable {
        &self.table
    }

    /// All of the changes, or none of them.
    pub fn commit(&mut self, changes: Vec<Change>) -> Result<(), Refusal> {
        if changes.is_empty() {
            return Ok(());
        }
        self.journal.append(&changes).map_err(disk)?;
        changes.into_iter().for_each(|change| self.table.apply(change));
        if self.journal.is_long() {
            let document = serde_json::to_vec(&self.table).expect("a timetable is plain JSON");
            self.journal.fold(&document).map_err(disk)?;
        }
        Ok(())
    }

    pub fn next_wake(&self) -> Option<SystemTime> {
        let due = self.table.next_due(self.speed)?;
        UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(due).ok()?)
    }

    /// What is due by now is taken off the timetable, and is to be started.
    pub fn take(&mut self, now: SystemTime) -> Vec<Start> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let (starts, changes) = self.table.due(now, self.speed);
        // What cannot be written is due again at once; better late than twice.
        if self.commit(changes).is_ok() { starts } else { Vec::new() }
    }
}

fn disk(why: std::io::Error) -> Refusal {
    Refusal::new("InternalException", format!("The sandbox cannot write its state: {why}")).with_status(500)
}
