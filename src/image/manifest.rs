//! Image manifests and indexes, with accessors for what this crate uses and everything else untouched.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::media_type::{Format, OCI_INDEX, OCI_MANIFEST};
use super::{Descriptor, Error, Platform};

/// An image manifest of either family. Member order and unknown members are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    #[serde(rename = "schemaVersion")]
    schema_version: u32,
    /// Always written, although OCI makes it optional: ECR refuses manifests without it.
    #[serde(rename = "mediaType", default = "Manifest::default_type")]
    pub media_type: String,
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A list of manifests, one a platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    #[serde(rename = "schemaVersion")]
    schema_version: u32,
    #[serde(rename = "mediaType", default = "Index::default_type")]
    pub media_type: String,
    pub manifests: Vec<Descriptor>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Manifest {
    pub fn new(format: Format, config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Manifest { schema_version: 2, media_type: format.manifest().into(), config, layers, rest: Map::new() }
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|why| Error::Document { what: "image manifest", why: why.to_string() })
    }

    /// The bytes to push. Equal manifests give equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest is plain JSON")
    }

    fn default_type() -> String {
        OCI_MANIFEST.into()
    }
}

impl Index {
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Index { schema_version: 2, media_type: OCI_INDEX.into(), manifests, rest: Map::new() }
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|why| Error::Document { what: "image index", why: why.to_string() })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an index is plain JSON")
    }

    /// The manifest for this platform. An index with a single image is taken for any platform only if the
    /// index does not name one.
    pub fn select(&self, wanted: &Platform) -> Option<&Descriptor> {
        let images = || self.manifests.iter().filter(|m| !m.is_attestation());
        images()
            .find(|m| m.platform().is_some_and(|offered| wanted.accepts(&offered)))
            .or_else(|| images().next().filter(|m| images().count() == 1 && m.platform().is_none()))
    }

    /// The platforms on offer, for error texts.
    pub fn platforms(&self) -> Vec<Platform> {
        self.manifests.iter().filter(|m| !m.is_attestation()).filter_map(Descriptor::platform).collect()
    }

    fn default_type() -> String {
        OCI_INDEX.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Digest;

    #[test]
    fn manifest_keeps_what_it_does_not_know() {
        let digest = Digest::of(b"{}");
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{{"mediaType":"a/b","digest":"{digest}","size":2,"data":"e30="}},"layers":[],"annotations":{{"é":"1"}},"futureNumber":12345678901234567890123}}"#
        );
        assert_eq!(String::from_utf8(Manifest::parse(text.as_bytes()).unwrap().to_bytes()).unwrap(), text);
    }

    #[test]
    fn manifest_without_media_type_gets_one() {
        let digest = Digest::of(b"{}");
        let text =
            format!(r#"{{"schemaVersion":2,"config":{{"mediaType":"a/b","digest":"{digest}","size":2}},"layers":[]}}"#);
        assert_eq!(Manifest::parse(text.as_bytes()).unwrap().media_type, OCI_MANIFEST);
    }

    #[test]
    fn index_selects_by_platform_and_skips_attestations() {
        let of = |platform: Value, extra: Value| {
            let mut descriptor = Descriptor::of(OCI_MANIFEST, platform.to_string().as_bytes());
            descriptor.rest.insert("platform".into(), platform);
            descriptor.rest.insert("annotations".into(), extra);
            descriptor
        };
        let index = Index::new(vec![
            of(
                serde_json::json!({"os":"unknown","architecture":"unknown"}),
                serde_json::json!({"vnd.docker.reference.type":"attestation-manifest"}),
            ),
            of(serde_json::json!({"os":"linux","architecture":"arm64","variant":"v8"}), Value::Null),
            of(serde_json::json!({"os":"linux","architecture":"amd64"}), Value::Null),
        ]);
        assert_eq!(index.select(&Platform::default()), Some(&index.manifests[2]));
        assert_eq!(index.select(&"linux/arm64".parse().unwrap()), Some(&index.manifests[1]));
        assert_eq!(index.select(&"linux/s390x".parse().unwrap()), None);
        assert_eq!(index.platforms().len(), 2);
    }
}
