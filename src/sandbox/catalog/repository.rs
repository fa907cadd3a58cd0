//! One repository: its settings, and what lies in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Image;
use crate::image::Digest;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Repository {
    pub settings: Settings,
    pub images: BTreeMap<Digest, Image>,
    pub tags: BTreeMap<String, Digest>,
    /// Sizes in bytes.
    pub blobs: BTreeMap<Digest, u64>,
}

/// What CreateRepository and its successors set. Documents stay as they were sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Epoch seconds.
    pub created_at: f64,
    pub mutability: Mutability,
    /// `imageTagMutabilityExclusionFilters`.
    pub exclusions: Vec<Value>,
    pub scan_on_push: bool,
    pub encryption: Value,
    pub tags: BTreeMap<String, String>,
    pub policy: Option<String>,
    pub lifecycle: Option<String>,
    /// The text that a lifecycle preview was started with.
    pub preview: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mutability {
    #[default]
    Mutable,
    Immutable,
    ImmutableWithExclusion,
    MutableWithExclusion,
}

impl Settings {
    pub fn new(now: f64) -> Self {
        Settings { created_at: now, encryption: json!({ "encryptionType": "AES256" }), ..Settings::default() }
    }

    pub fn of_template(template: &Value, now: f64) -> Self {
        let text = |name: &str| template.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut settings = Settings::new(now);
        settings.policy = text("repositoryPolicy");
        settings.lifecycle = text("lifecyclePolicy");
        if let Some(mutability) = template.get("imageTagMutability") {
            settings.mutability = serde_json::from_value(mutability.clone()).unwrap_or_default();
        }
        if let Some(Value::Array(filters)) = template.get("imageTagMutabilityExclusionFilters") {
            settings.exclusions.clone_from(filters);
        }
        if let Some(encryption) = template.get("encryptionConfiguration") {
            settings.encryption = encryption.clone();
        }
        for tag in template.get("resourceTags").and_then(Value::as_array).into_iter().flatten() {
            if let (Some(key), Some(value)) = (tag["Key"].as_str(), tag["Value"].as_str()) {
                settings.tags.insert(key.into(), value.into());
            }
        }
        settings
    }

    /// Whether this tag may not be moved once it is given.
    pub fn is_immutable(&self, tag: &str) -> bool {
        let excluded = || {
            let filters = self.exclusions.iter().filter_map(|filter| filter.get("filter")?.as_str());
            filters.into_iter().any(|filter| matches(filter, tag))
        };
        match self.mutability {
            Mutability::Mutable => false,
            Mutability::Immutable => true,
            Mutability::ImmutableWithExclusion => !excluded(),
            Mutability::MutableWithExclusion => excluded(),
        }
    }
}

impl Repository {
    /// The digest behind a tag or a digest, if there is such an image.
    pub fn find(&self, version: &str) -> Option<(&Digest, &Image)> {
        match version.parse::<Digest>() {
            Ok(digest) => self.images.get_key_value(&digest),
            Err(_) => self.images.get_key_value(self.tags.get(version)?),
        }
    }

    /// An image's tags, in order.
    pub fn tags_of(&self, digest: &Digest) -> Vec<&str> {
        self.tags.iter().filter(|(_, tagged)| *tagged == digest).map(|(tag, _)| tag.as_str()).collect()
    }

    /// Whether an index in this repository lists the image.
    pub fn is_child(&self, digest: &Digest) -> bool {
        self.images.values().any(|image| image.children.contains(digest))
    }

    /// Blobs that only this image needs.
    pub fn blobs_only_of(&self, digest: &Digest) -> Vec<Digest> {
        let Some(image) = self.images.get(digest) else { return Vec::new() };
        let needed = |blob: &Digest| {
            self.images.iter().any(|(other, image)| other != digest && image.blobs.iter().any(|(used, _)| used == blob))
        };
        let mut blobs: Vec<_> = image.blobs.iter().map(|(blob, _)| blob.clone()).filter(|blob| !needed(blob)).collect();
        blobs.dedup();
        blobs
    }
}

/// ECR's grammar: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, joined by slashes, at most 256 characters.
pub fn valid_name(name: &str) -> bool {
    fn part(part: &str) -> bool {
        let mut rest = part;
        loop {
            let word = rest.bytes().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).count();
            if word == 0 {
                return false;
            }
            rest = &rest[word..];
            if rest.is_empty() {
                return true;
            }
            let dashes = rest.bytes().take_while(|b| *b == b'-').count();
            rest = match dashes {
                0 => rest.strip_prefix("__").or(rest.strip_prefix('_')).or(rest.strip_prefix('.')).unwrap_or(""),
                _ => &rest[dashes..],
            };
        }
    }
    name.len() <= 256 && name.split('/').all(part)
}

/// `*` stands for any characters.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            let Some(rest) = text.strip_prefix(head) else { return false };
            let ends = (0..=rest.len()).filter(|at| rest.is_char_boundary(*at));
            ends.into_iter().any(|at| matches(tail, &rest[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_name_grammar() {
        for good in ["web", "team/web", "a.b_c__d-e---f/0"] {
            assert!(valid_name(good), "{good}");
        }
        for bad in ["", "Web", "a//b", "/a", "a/", "a..b", "a___b", "-a", "a-", "a.", &"a".repeat(257)] {
            assert!(!valid_name(bad), "{bad}");
        }
    }

    #[test]
    fn pattern_with_stars() {
        for (pattern, text, expected) in
            [("dev-*", "dev-1", true), ("*-rc", "1-rc", true), ("*a*b*", "xaybz", true), ("dev", "dev1", false)]
        {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn exclusions_turn_mutability_round() {
        let mut settings = Settings::new(0.0);
        settings.exclusions = vec![json!({ "filterType": "WILDCARD", "filter": "latest*" })];
        let immutable = |settings: &Settings| (settings.is_immutable("latest-1"), settings.is_immutable("v1"));
        for (mutability, expected) in [
            (Mutability::Mutable, (false, false)),
            (Mutability::Immutable, (true, true)),
            (Mutability::ImmutableWithExclusion, (false, true)),
            (Mutability::MutableWithExclusion, (true, false)),
        ] {
            settings.mutability = mutability;
            assert_eq!(immutable(&settings), expected, "{mutability:?}");
        }
    }
}
