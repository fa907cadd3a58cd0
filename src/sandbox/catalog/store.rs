//! The catalog and its place on disk: a change is written before it is seen.

use std::path::Path;

use super::{Catalog, Change};
use crate::sandbox::state::Journal;
use crate::sandbox::{Error, Refusal};

pub struct Store {
    catalog: Catalog,
    journal: Journal,
}

impl Store {
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let opened = Journal::open::<Change>(dir, "registry")?;
        let mut catalog = match opened.snapshot {
            Some(document) => serde_json::from_slice(&document)
                .map_err(|why| Error::State { path: dir.join("registry.json"), why: why.to_string() })?,
            None => Catalog::default(),
        };
        opened.entries.into_iter().for_each(|change| catalog.apply(change));
        Ok(Store { catalog, journal: opened.journal })
    }

    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// All of the changes, or none of them.
    pub fn commit(&mut self, changes: Vec<Change>) -> Result<(), Refusal> {
        if changes.is_empty() {
            return Ok(());
        }
        let written = self.journal.append(&changes);
        written.map_err(disk)?;
        changes.into_iter().for_each(|change| self.catalog.apply(change));
        if self.journal.is_long() {
            let document = serde_json::to_vec(&self.catalog).expect("a catalog is plain JSON");
            self.journal.fold(&document).map_err(disk)?;
        }
        Ok(())
    }
}

fn disk(why: std::io::Error) -> Refusal {
    Refusal::new("ServerException", format!("The sandbox cannot write its state: {why}")).with_status(500)
}
