//! Keeping the state: a document for each application, with its groups, and for each deployment.

use std::collections::BTreeMap;

use serde_json::Value;

use super::CodeDeploy;
use super::application::Application;
use super::deployment::Deployment;

/// The keys of all documents here begin with this.
pub const PREFIX: &str = "codedeploy/";

impl CodeDeploy {
    /// What changed since the last call, by key.
    pub fn changes(&mut self) -> Vec<(String, Option<Value>)> {
        let keys = std::mem::take(&mut self.touched);
        keys.into_iter().map(|key| (key.clone(), self.document(&key))).collect()
    }

    fn document(&self, key: &str) -> Option<Value> {
        let key = key.strip_prefix(PREFIX)?;
        match key.split_once('/') {
            Some(("application", name)) => serde_json::to_value(self.applications.get(name)?).ok(),
            Some((_, id)) => serde_json::to_value(self.deployments.get(id)?).ok(),
            None => serde_json::to_value(&self.world).ok(),
        }
    }

    /// Takes its own documents out of all that were kept. Deployments that were going on are looked after at once.
    pub fn restore(documents: &mut BTreeMap<String, Value>) -> Result<Self, serde_json::Error> {
        let mut restored = CodeDeploy::default();
        let keys: Vec<String> = documents.keys().filter(|key| key.starts_with(PREFIX)).cloned().collect();
        for key in keys {
            let document = documents.remove(&key).unwrap_or_default();
            restored.take_in(&key[PREFIX.len()..], document)?;
        }
        Ok(restored)
    }

    fn take_in(&mut self, key: &str, document: Value) -> Result<(), serde_json::Error> {
        match key.split_once('/') {
            Some(("application", name)) => {
                let application: Application = serde_json::from_value(document)?;
                self.applications.insert(name.to_owned(), application);
            }
            Some((_, id)) => {
                let mut deployment: Deployment = serde_json::from_value(document)?;
                if !deployment.is_over() {
                    self.going.insert(id.to_owned());
                    deployment.wake = Some(deployment.updated);
                }
                self.deployments.insert(id.to_owned(), deployment);
            }
            None => self.world = serde_json::from_value(document)?,
        }
        Ok(())
    }
}
