//! Keeping the state: a document for each application, with its groups, and for each deployment.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::CodeDeploy;
use super::application::Application;
use super::deployment::Deployment;

/// The keys of all documents here begin with this.
pub const PREFIX: &str = "codedeploy/";

impl CodeDeploy {
    /// What changed since the last call, by key.
    pub fn changes(&mut self) -> Vec<(String, Option<Box<RawValue>>)> {
        let keys = std::mem::take(&mut self.touched);
        keys.into_iter().map(|key| (key.clone(), self.document(&key))).collect()
    }

    /// All that there is to keep: nothing, where CodeDeploy was never used.
    pub fn documents(&self) -> BTreeMap<String, Box<RawValue>> {
        let applications = self.applications.keys().map(|name| format!("{PREFIX}application/{name}"));
        let deployments = self.deployments.keys().map(|id| format!("{PREFIX}deployment/{id}"));
        let mut keys: Vec<String> = applications.chain(deployments).collect();
        if self.world.count > 0 || !keys.is_empty() {
            keys.push(format!("{PREFIX}world"));
        }
        keys.into_iter().filter_map(|key| Some((self.document(&key)?, key))).map(|(text, key)| (key, text)).collect()
    }

    fn document(&self, key: &str) -> Option<Box<RawValue>> {
        let key = key.strip_prefix(PREFIX)?;
        match key.split_once('/') {
            Some(("application", name)) => text(self.applications.get(name)?),
            Some((_, id)) => text(self.deployments.get(id)?),
            None => text(&self.world),
        }
    }

    /// Takes its own documents out of all that were kept. Deployments that were going on are looked after at once.
    pub fn restore(documents: &mut BTreeMap<String, Box<RawValue>>) -> Result<Self, serde_json::Error> {
        let mut restored = CodeDeploy::default();
        let keys: Vec<String> = documents.keys().filter(|key| key.starts_with(PREFIX)).cloned().collect();
        for key in keys {
            let document = documents.remove(&key);
            restored.take_in(&key[PREFIX.len()..], document.as_deref().map_or("null", RawValue::get))?;
        }
        Ok(restored)
    }

    fn take_in(&mut self, key: &str, document: &str) -> Result<(), serde_json::Error> {
        match key.split_once('/') {
            Some(("application", name)) => {
                let application: Application = serde_json::from_str(document)?;
                self.applications.insert(name.to_owned(), application);
            }
            Some((_, id)) => {
                let mut deployment: Deployment = serde_json::from_str(document)?;
                if !deployment.is_over() {
                    self.going.insert(id.to_owned());
                    deployment.wake = Some(deployment.updated);
                }
                self.deployments.insert(id.to_owned(), deployment);
            }
            None => self.world = serde_json::from_str(document)?,
        }
        Ok(())
    }
}

fn text(document: &impl Serialize) -> Option<Box<RawValue>> {
    to_raw_value(document).ok()
}
