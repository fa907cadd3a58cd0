//! Keeping the state: one document for each resource, so that storing a change of one task does not write ten
//! thousand task definitions. `changes` tells what to write since it was last asked, `restore` reads it back.

use std::collections::BTreeMap;

use serde_json::Value;

use super::definition::{Definition, Family};
use super::timers::ServiceKey;
use super::{Plane, World};

/// A document to write, or one to delete.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `world`, `service/CLUSTER/NAME`, `task/ID`, `definition/FAMILY:REVISION`.
    pub key: String,
    pub document: Option<Value>,
}

impl Plane {
    /// What changed since the last call. `world` is small and always among it.
    pub fn changes(&mut self) -> Vec<Change> {
        let keys = std::mem::take(&mut self.touched);
        let mut changes = vec![Change { key: "world".into(), document: serde_json::to_value(&self.world).ok() }];
        changes.extend(keys.into_iter().map(|key| Change { document: self.document(&key), key }));
        changes
    }

    fn document(&self, key: &str) -> Option<Value> {
        let (kind, name) = key.split_once('/')?;
        match kind {
            "service" => serde_json::to_value(self.services.get(&ServiceKey::from(name.to_owned()))?).ok(),
            "task" => serde_json::to_value(self.tasks.get(name)?).ok(),
            _ => {
                let (family, revision) = name.split_once(':')?;
                let kept = self.families.get(family)?.revisions.get(&revision.parse().ok()?)?;
                serde_json::to_value(kept).ok()
            }
        }
    }

    /// The plane of these documents, in any order. Without `world` there is nothing to restore.
    pub fn restore(documents: impl IntoIterator<Item = (String, Value)>) -> Result<Plane, serde_json::Error> {
        let mut documents: BTreeMap<String, Value> = documents.into_iter().collect();
        let world: World = serde_json::from_value(documents.remove("world").unwrap_or_default())?;
        let mut plane = Plane::of(world);
        for (key, document) in documents {
            plane.take_in(&key, document)?;
        }
        for (family, newest) in plane.world.deleted.clone() {
            let kept = &mut plane.families.entry(family).or_default().newest;
            *kept = newest.max(*kept);
        }
        Ok(plane)
    }

    fn take_in(&mut self, key: &str, document: Value) -> Result<(), serde_json::Error> {
        let Some((kind, name)) = key.split_once('/') else { return Ok(()) };
        match kind {
            "service" => {
                self.services.insert(ServiceKey::from(name.to_owned()), serde_json::from_value(document)?);
            }
            "task" => {
                self.tasks.insert(name.to_owned(), serde_json::from_value(document)?);
            }
            _ => {
                let definition: Definition = serde_json::from_value(document)?;
                let family: &mut Family = self.families.entry(definition.family().to_owned()).or_default();
                family.newest = family.newest.max(definition.revision());
                family.revisions.insert(definition.revision(), definition);
            }
        }
        Ok(())
    }
}
