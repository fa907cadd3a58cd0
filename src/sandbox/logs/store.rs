//! The book and its place on disk: a change is written before it is seen.

use std::path::Path;

use super::{Book, Change};
use crate::sandbox::state::Journal;
use crate::sandbox::{Error, Refusal};

pub struct Store {
    book: Book,
    journal: Journal,
}

impl Store {
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let opened = Journal::open::<Change>(dir, "logs")?;
        let mut book = match opened.snapshot {
            Some(document) => serde_json::from_slice(&document)
                .map_err(|why| Error::State { path: dir.join("logs.json"), why: why.to_string() })?,
            None => Book::default(),
        };
        opened.entries.into_iter().for_each(|change| book.apply(change));
        Ok(Store { book, journal: opened.journal })
    }

    pub fn book(&self) -> &Book {
        &self.book
    }

    /// All of the changes, or none of them.
    pub fn commit(&mut self, changes: Vec<Change>) -> Result<(), Refusal> {
        if changes.is_empty() {
            return Ok(());
        }
        self.journal.append(&changes).map_err(disk)?;
        changes.into_iter().for_each(|change| self.book.apply(change));
        if self.journal.is_long() {
            let document = serde_json::to_vec(&self.book).expect("a book is plain JSON");
            self.journal.fold(&document).map_err(disk)?;
        }
        Ok(())
    }
}

fn disk(why: std::io::Error) -> Refusal {
    Refusal::new("ServiceUnavailableException", format!("The sandbox cannot write its state: {why}")).with_status(500)
}
