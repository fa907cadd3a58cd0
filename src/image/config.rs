//! The image configuration: what a container runs with. Kept as the JSON it came as, so a base image's health
//! check, stop signal and whatever comes next survive; edits go through named methods.

use serde_json::{Map, Value, json};

use super::{DiffId, Error, Platform};

/// An image configuration document.
#[derive(Debug, Clone, PartialEq)]
pub struct Config(Value);

/// One line of an image's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// RFC 3339.
    pub created: String,
    pub created_by: String,
    pub comment: Option<String>,
}

impl Config {
    /// The configuration of an image with nothing in it.
    pub fn scratch(platform: &Platform) -> Self {
        let mut config =
            json!({ "created": "1970-01-01T00:00:00Z", "architecture": platform.architecture, "os": platform.os });
        if let Some(variant) = &platform.variant {
            config["variant"] = json!(variant);
        }
        config["config"] = json!({});
        config["rootfs"] = json!({ "type": "layers", "diff_ids": [] });
        config["history"] = json!([]);
        Config(config)
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |why: String| Error::Document { what: "image configuration", why };
        let value: Value = serde_json::from_slice(bytes).map_err(|why| refuse(why.to_string()))?;
        if !value.is_object() {
            return Err(refuse("not a JSON object".into()));
        }
        let config = Config(value);
        config.diff_ids()?;
        Ok(config)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).expect("a configuration is plain JSON")
    }

    /// The document as it stands.
    pub fn document(&self) -> &Value {
        &self.0
    }

    pub fn platform(&self) -> Platform {
        let text = |name: &str| self.0.get(name).and_then(Value::as_str).map(str::to_owned);
        Platform {
            os: text("os").unwrap_or_else(|| "linux".into()),
            architecture: text("architecture").unwrap_or_else(|| "amd64".into()),
            variant: text("variant").filter(|v| !v.is_empty()),
        }
    }

    /// Digests of the uncompressed layers, bottom first.
    pub fn diff_ids(&self) -> Result<Vec<DiffId>, Error> {
        let ids = self.0.pointer("/rootfs/diff_ids").cloned().unwrap_or(json!([]));
        serde_json::from_value(ids)
            .map_err(|why| Error::Document { what: "image configuration, rootfs.diff_ids", why: why.to_string() })
    }

    /// A member of `config`, such as `Env` or `Entrypoint`; null counts as absent.
    pub fn runtime(&self, name: &str) -> Option<&Value> {
        self.0.get("config")?.get(name).filter(|value| !value.is_null())
    }

    /// Sets a member of `config`, or removes it.
    pub fn set_runtime(&mut self, name: &str, value: Option<Value>) {
        let runtime = self.object("config");
        match value {
            Some(value) => {
                runtime.insert(name.to_owned(), value);
            }
            None => {
                runtime.shift_remove(name);
            }
        }
    }

    /// Sets an environment variable in its place, or appends it.
    pub fn set_env(&mut self, name: &str, value: &str) {
        let entry = json!(format!("{name}={value}"));
        let list = self.object("config").entry("Env").or_insert(Value::Null);
        if !list.is_array() {
            *list = json!([]);
        }
        let list = list.as_array_mut().expect("made a list above");
        let same = |old: &Value| old.as_str().is_some_and(|old| old.split('=').next() == Some(name));
        match list.iter_mut().find(|old| same(old)) {
            Some(old) => *old = entry,
            None => list.push(entry),
        }
    }

    /// The value of an environment variable.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.runtime("Env")?
            .as_array()?
            .iter()
            .filter_map(Value::as_str)
            .find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='))
    }

    /// Adds a member to one of the sets and maps of `config`: `Labels`, `ExposedPorts`, `Volumes`.
    pub fn insert_runtime(&mut self, set: &str, key: &str, value: Value) {
        let map = self.object("config").entry(set).or_insert(Value::Null);
        if !map.is_object() {
            *map = json!({});
        }
        map.as_object_mut().expect("made a map above").insert(key.to_owned(), value);
    }

    /// Sets `created`, RFC 3339.
    pub fn set_created(&mut self, created: &str) {
        self.0["created"] = json!(created);
    }

    /// Puts a layer on top. Histories shorter than the layers below are padded first, so that lines and layers
    /// still correspond.
    pub fn push_layer(&mut self, diff_id: &DiffId, history: &History) {
        let below = self.diff_ids().map(|ids| ids.len()).unwrap_or_default();
        let rootfs = self.object("rootfs");
        rootfs.entry("type").or_insert(json!("layers"));
        let ids = rootfs.entry("diff_ids").or_insert(json!([]));
        ids.as_array_mut().expect("checked when parsed").push(json!(diff_id));

        let lines = self.list("history");
        let told = lines.iter().filter(|line| line.get("empty_layer").and_then(Value::as_bool) != Some(true)).count();
        for _ in told..below {
            lines.push(json!({ "created": "1970-01-01T00:00:00Z", "comment": "layer without history" }));
        }
        let mut line = json!({ "created": history.created, "created_by": history.created_by });
        if let Some(comment) = &history.comment {
            line["comment"] = json!(comment);
        }
        lines.push(line);
    }

    fn object(&mut self, name: &str) -> &mut Map<String, Value> {
        let slot = &mut self.0[name];
        if !slot.is_object() {
            *slot = json!({});
        }
        slot.as_object_mut().expect("made an object above")
    }

    fn list(&mut self, name: &str) -> &mut Vec<Value> {
        let slot = &mut self.0[name];
        if !slot.is_array() {
            *slot = json!([]);
        }
        slot.as_array_mut().expect("made a list above")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Digest;

    fn history() -> History {
        History {
            created: "1970-01-01T00:00:00Z".into(),
            created_by: "dockless".into(),
            comment: Some("classes".into()),
        }
    }

    #[test]
    fn config_keeps_health_check_and_unknown_members() {
        let text = r#"{"os":"linux","architecture":"amd64","future":{"a":[1.50]},"config":{"Healthcheck":{"Test":["NONE"]},"Env":["A=1","B=2"]},"rootfs":{"type":"layers","diff_ids":[]}}"#;
        let mut config = Config::parse(text.as_bytes()).unwrap();
        config.set_env("A", "x=y");
        config.set_env("C", "3");
        let expected = text.replace("A=1", "A=x=y").replace(r#""B=2""#, r#""B=2","C=3""#);
        assert_eq!(String::from_utf8(config.to_bytes()).unwrap(), expected);
        assert_eq!(config.env("A"), Some("x=y"));
    }

    #[test]
    fn config_pads_a_history_that_is_too_short() {
        let mut config = Config::scratch(&Platform::default());
        let id = DiffId::new(Digest::of(b"1"));
        config.0["rootfs"]["diff_ids"] = json!([id, id]);
        config.push_layer(&id, &history());
        assert_eq!(config.diff_ids().unwrap().len(), 3);
        assert_eq!(config.0["history"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn config_with_broken_diff_ids_is_refused() {
        assert!(Config::parse(br#"{"rootfs":{"diff_ids":["x"]}}"#).is_err());
        assert!(Config::parse(b"[]").is_err());
    }
}
