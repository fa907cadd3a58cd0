//! What the account holds: repositories with their images, tags and blobs, settings and templates. Reading is free;
//! everything that changes is a [`Change`], decided elsewhere, journaled, and applied here in one place.

mod admission;
mod change;
mod image;
mod repository;
mod store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use admission::{Admission, Objection, Rules, admit};
pub use change::Change;
pub use image::{Image, inspect};
pub use repository::{Mutability, Repository, Settings, matches, valid_name};
pub use store::Store;

use super::token::Mint;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Catalog {
    pub repositories: BTreeMap<String, Repository>,
    /// `BLOB_MOUNTING` and its like.
    pub account_settings: BTreeMap<String, String>,
    /// Repository creation templates by prefix, as the API shows them.
    pub templates: BTreeMap<String, Value>,
    pub mint: Mint,
}

impl Catalog {
    /// Whether registry-wide blob mounting was switched on.
    pub fn mounts_blobs(&self) -> bool {
        self.account_settings.get("BLOB_MOUNTING").is_some_and(|value| value == "ENABLED")
    }

    /// The settings that a push to a missing repository creates it with, if a template says so: the longest prefix
    /// wins, `ROOT` stands for all.
    pub fn created_on_push(&self, name: &str, now: f64) -> Option<Settings> {
        let fits = |prefix: &str| {
            let prefix = prefix.trim_end_matches('/');
            prefix == "ROOT" || name == prefix || name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
        };
        let on_push = |template: &Value| {
            let applied = template.get("appliedFor").and_then(Value::as_array);
            applied.is_some_and(|list| list.iter().any(|what| what == "CREATE_ON_PUSH"))
        };
        let weight = |prefix: &str| if prefix == "ROOT" { 0 } else { prefix.len() };
        let fitting = self.templates.iter().filter(|(prefix, template)| fits(prefix) && on_push(template));
        let (_, template) = fitting.max_by_key(|(prefix, _)| weight(prefix))?;
        Some(Settings::of_template(template, now))
    }
}
