//! A revision as it is kept: as text, until somebody asks for it. Of ten thousand revisions a pipeline looks at a few,
//! so neither a start nor the memory pays for the others.

use std::cell::OnceCell;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::Definition;

/// One of the two is always there: the text, or what was read from it or is to be written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Definition", into = "Definition")]
pub struct Kept {
    text: Option<Box<RawValue>>,
    read: OnceCell<Definition>,
}

impl From<Definition> for Kept {
    fn from(definition: Definition) -> Self {
        Kept { text: None, read: OnceCell::from(definition) }
    }
}

impl From<Kept> for Definition {
    fn from(kept: Kept) -> Self {
        kept.get().clone()
    }
}

impl From<Box<RawValue>> for Kept {
    fn from(text: Box<RawValue>) -> Self {
        Kept { text: Some(text), read: OnceCell::new() }
    }
}

impl Kept {
    pub fn get(&self) -> &Definition {
        self.read.get_or_init(|| self.text.as_deref().and_then(|text| read(text).ok()).unwrap_or_default())
    }

    /// To be changed: its text is out of date from here on.
    pub fn edit(&mut self) -> &mut Definition {
        self.get();
        self.text = None;
        self.read.get_mut().expect("it was read just now")
    }

    /// Its text; what had been read is forgotten.
    pub fn pack(&mut self) -> Option<Box<RawValue>> {
        if self.text.is_none() {
            self.text = to_raw_value(self.get()).ok();
        }
        if self.text.is_some() {
            self.read = OnceCell::new();
        }
        self.text.clone()
    }

    /// Without reading the rest.
    pub fn status(&self) -> &str {
        match (self.read.get(), &self.text) {
            (None, Some(text)) => head(text).unwrap_or_default(),
            _ => self.get().status(),
        }
    }
}

fn read(text: &RawValue) -> serde_json::Result<Definition> {
    serde_json::from_str(text.get())
}

fn head(text: &RawValue) -> Option<&str> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        document: Document<'a>,
    }
    #[derive(Deserialize)]
    struct Document<'a> {
        status: &'a str,
    }
    Some(serde_json::from_str::<Head>(text.get()).ok()?.document.status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kept() -> Kept {
        let number: serde_json::Value = serde_json::from_str(r#"{"a": 0.10}"#).unwrap();
        Definition { document: json!({ "family": "web", "odd": number, "status": "ACTIVE" }), tags: vec![] }.into()
    }

    #[test]
    fn revision_is_the_same_as_text() {
        let mut packed = kept();
        packed.pack().unwrap();
        assert_eq!((packed.status(), packed.read.get().is_none()), ("ACTIVE", true));
        assert_eq!(packed.get().document.to_string(), kept().get().document.to_string());
    }

    #[test]
    fn revision_that_was_changed_is_written_anew() {
        let mut packed = kept();
        packed.pack().unwrap();
        packed.edit().document["status"] = json!("INACTIVE");
        assert_eq!(packed.status(), "INACTIVE");
        assert!(packed.pack().unwrap().get().contains("INACTIVE"));
        assert_eq!(packed.status(), "INACTIVE");
    }
}
