//! A pointer to content: type, digest, size, and whatever else its writer put beside them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Digest, Platform};

/// An OCI content descriptor. `size` is bytes. Unknown members are kept in `rest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Descriptor {
    #[serde(rename = "mediaType")]
    pub media_type: String,
    pub digest: Digest,
    pub size: u64,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Descriptor {
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Descriptor { media_type: media_type.into(), digest, size, rest: Map::new() }
    }

    /// The descriptor of these bytes.
    pub fn of(media_type: impl Into<String>, bytes: &[u8]) -> Self {
        Descriptor::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// The platform that an index names for this manifest.
    pub fn platform(&self) -> Option<Platform> {
        serde_json::from_value(self.rest.get("platform")?.clone()).ok()
    }

    /// Whether this is BuildKit's attestation beside an image, not an image.
    pub fn is_attestation(&self) -> bool {
        self.rest.get("annotations").and_then(|a| a.get("vnd.docker.reference.type")).is_some()
    }
}
