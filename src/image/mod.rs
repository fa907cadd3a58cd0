//! The image model of the OCI and Docker v2.2 specifications: references, digests, descriptors, manifests,
//! configurations. Documents stay JSON, so what this crate does not know about an image is carried along
//! unchanged. No I/O.

mod config;
mod descriptor;
mod digest;
mod ecr_host;
mod manifest;
pub mod media_type;
mod platform;
mod reference;

pub use config::{Config, History};
pub use descriptor::Descriptor;
pub use digest::{DiffId, Digest, Hasher};
pub use ecr_host::EcrHost;
pub use manifest::{Index, Manifest};
pub use platform::Platform;
pub use reference::{Reference, Repository, validate_tag};

use crate::report::{Explain, Kind};

/// Why a text or document is no image, reference or digest.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("'{0}' is not a digest (wanted sha256: and 64 lower-case hex digits)")]
    Digest(String),
    #[error("'{text}' is not an image reference: {why}")]
    Reference { text: String, why: String },
    #[error("'{0}' is not a tag")]
    Tag(String),
    #[error("'{0}' is not a platform")]
    Platform(String),
    #[error("{what}: {why}")]
    Document { what: &'static str, why: String },
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::Tag(_) => {
                Some("A tag has 1 to 128 letters, digits, '_', '.' or '-', and does not begin with '.' or '-'.".into())
            }
            Error::Reference { .. } => {
                Some("Write REGISTRY/REPOSITORY[:TAG][@DIGEST], all but the tag in lower case.".into())
            }
            Error::Platform(_) => Some("Write OS/ARCHITECTURE[/VARIANT], for example linux/amd64.".into()),
            _ => None,
        }
    }

    fn kind(&self) -> Kind {
        Kind::Input
    }
}
