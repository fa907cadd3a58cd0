//! Keeping the state: one document for each resource, so that storing a change of one task does not write ten
//! thousand task definitions. `changes` tells what to write since it was last asked, `restore` reads it back.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::definition::{Family, Kept};
use super::timers::ServiceKey;
use super::{Plane, World};

/// A document to write, or one to delete.
#[derive(Debug, Clone)]
pub struct Change {
    /// `world`, `service/CLUSTER/NAME`, `task/ID`, `definition/FAMILY:REVISION`.
    pub key: String,
    pub document: Option<Box<RawValue>>,
}

impl Plane {
    /// What changed since the last call. `world` is small and always among it.
    pub fn changes(&mut self) -> Vec<Change> {
        let mut keys = std::mem::take(&mut self.touched);
        keys.insert("world".into());
        keys.into_iter().map(|key| Change { document: self.document(&key), key }).collect()
    }

    /// All that there is to keep.
    pub fn documents(&mut self) -> BTreeMap<String, Box<RawValue>> {
        let mut keys = vec!["world".to_owned()];
        keys.extend(self.services.keys().map(|key| format!("service/{}", String::from(key.clone()))));
        keys.extend(self.tasks.keys().map(|id| format!("task/{id}")));
        for (name, family) in &self.families {
            keys.extend(family.revisions.keys().map(|revision| format!("definition/{name}:{revision}")));
        }
        keys.into_iter().filter_map(|key| Some((self.document(&key)?, key))).map(|(text, key)| (key, text)).collect()
    }

    fn document(&mut self, key: &str) -> Option<Box<RawValue>> {
        match key.split_once('/') {
            None => text(&self.world),
            Some(("service", name)) => text(self.services.get(&ServiceKey::from(name.to_owned()))?),
            Some(("task", id)) => text(self.tasks.get(id)?),
            Some((_, name)) => {
                let (family, revision) = revision(name)?;
                self.families.get_mut(family)?.revisions.get_mut(&revision)?.pack()
            }
        }
    }

    /// The plane of these documents. Without `world` there is nothing to restore.
    pub fn restore(mut documents: BTreeMap<String, Box<RawValue>>) -> Result<Plane, serde_json::Error> {
        let world = documents.remove("world");
        let world: World = serde_json::from_str(world.as_deref().map_or("null", RawValue::get))?;
        let mut plane = Plane::of(world);
        for (key, document) in documents {
            plane.take_in(&key, document)?;
        }
        for (family, newest) in plane.world.deleted.clone() {
            let kept = &mut plane.families.entry(family).or_default().newest;
            *kept = newest.max(*kept);
        }
        plane.wind_up();
        Ok(plane)
    }

    fn take_in(&mut self, key: &str, document: Box<RawValue>) -> Result<(), serde_json::Error> {
        match key.split_once('/') {
            Some(("service", name)) => {
                self.services.insert(ServiceKey::from(name.to_owned()), serde_json::from_str(document.get())?);
            }
            Some(("task", id)) => {
                self.tasks.insert(id.to_owned(), serde_json::from_str(document.get())?);
            }
            Some(("definition", name)) => {
                let Some((family, revision)) = revision(name) else { return Ok(()) };
                let family: &mut Family = self.families.entry(family.to_owned()).or_default();
                family.newest = family.newest.max(revision);
                family.revisions.insert(revision, Kept::from(document));
            }
            _ => {}
        }
        Ok(())
    }
}

fn text(document: &impl Serialize) -> Option<Box<RawValue>> {
    to_raw_value(document).ok()
}

/// `FAMILY:REVISION`; a family's name has no colon.
fn revision(name: &str) -> Option<(&str, u32)> {
    let (family, revision) = name.split_once(':')?;
    Some((family, revision.parse().ok()?))
}
