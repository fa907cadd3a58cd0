//! Every way in which the catalog changes. Applying one cannot fail; a change to a repository that is gone by then
//! has nothing left to do.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Catalog, Image, Repository, Settings};
use crate::image::Digest;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Change {
    /// Creates the repository, or gives it other settings.
    Settings(String, Settings),
    RemoveRepository(String),
    /// Repository, digest, size in bytes.
    Blob(String, Digest, u64),
    RemoveBlob(String, Digest),
    Image(String, Digest, Image),
    RemoveImage(String, Digest),
    Tag(String, String, Digest),
    RemoveTag(String, String),
    AccountSetting(String, String),
    /// None removes it.
    Template(String, Option<Value>),
    Secret(String),
    /// Ends all logins.
    EndLogins,
}

impl Catalog {
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Settings(name, settings) => {
                self.repositories.entry(name).or_default().settings = settings;
            }
            Change::RemoveRepository(name) => drop(self.repositories.remove(&name)),
            Change::AccountSetting(name, value) => drop(self.account_settings.insert(name, value)),
            Change::Template(prefix, Some(template)) => drop(self.templates.insert(prefix, template)),
            Change::Template(prefix, None) => drop(self.templates.remove(&prefix)),
            Change::Secret(secret) => self.mint.secret = secret,
            Change::EndLogins => self.mint.generation += 1,
            Change::Blob(ref name, ..)
            | Change::RemoveBlob(ref name, _)
            | Change::Image(ref name, ..)
            | Change::RemoveImage(ref name, _)
            | Change::Tag(ref name, ..)
            | Change::RemoveTag(ref name, _) => {
                if let Some(repository) = self.repositories.get_mut(name) {
                    repository.apply(change);
                }
            }
        }
    }
}

impl Repository {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Blob(_, digest, size) => drop(self.blobs.insert(digest, size)),
            Change::RemoveBlob(_, digest) => drop(self.blobs.remove(&digest)),
            Change::Image(_, digest, image) => drop(self.images.insert(digest, image)),
            Change::RemoveImage(_, digest) => {
                self.images.remove(&digest);
                self.tags.retain(|_, tagged| *tagged != digest);
            }
            Change::Tag(_, tag, digest) => drop(self.tags.insert(tag, digest)),
            Change::RemoveTag(_, tag) => drop(self.tags.remove(&tag)),
            _ => {}
        }
    }
}
