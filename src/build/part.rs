//! An image on its way out: its documents, its blobs, and where each blob's bytes can be had.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempPath;

use crate::image::{Descriptor, Repository};
use crate::layer::{LayerSpec, Level};
use crate::registry::Client;
use crate::store::Section;

/// An image ready to be published. `manifest` is the exact bytes; an index has `children`, which come before it.
#[derive(Debug, Clone)]
pub struct Image {
    pub manifest: Bytes,
    pub descriptor: Descriptor,
    /// Layers bottom first, then the configuration.
    pub parts: Vec<Part>,
    pub children: Vec<Image>,
}

/// One blob.
#[derive(Debug, Clone)]
pub struct Part {
    /// For people: `classes`, `base layer 1`, `configuration`.
    pub name: String,
    pub descriptor: Descriptor,
    pub source: Source,
}

/// Where a blob's bytes are. Cheap to clone.
#[derive(Clone)]
pub enum Source {
    Memory(Bytes),
    /// A temporary file, gone when the last clone is.
    Spooled(Arc<TempPath>),
    /// In a layout or an archive.
    Stored(Section),
    Registry {
        client: Client,
        repository: Repository,
    },
    /// Not packed yet: its digest is remembered from an earlier build. Packed only if the target lacks it.
    Described {
        spec: Arc<LayerSpec>,
        level: Level,
    },
}

impl Image {
    pub fn new(manifest: Vec<u8>, media_type: &str, parts: Vec<Part>) -> Self {
        let manifest = Bytes::from(manifest);
        Image { descriptor: Descriptor::of(media_type, &manifest), manifest, parts, children: Vec::new() }
    }

    /// Every blob once, the children's first.
    pub fn blobs(&self) -> Vec<&Part> {
        let mut seen = HashSet::new();
        let mut blobs = self.all();
        blobs.retain(|part| seen.insert(&part.descriptor.digest));
        blobs
    }

    fn all(&self) -> Vec<&Part> {
        self.children.iter().flat_map(Image::all).chain(&self.parts).collect()
    }
}

impl Part {
    /// The repository that has this blob already, as a candidate to mount from.
    pub fn home(&self) -> Option<&Repository> {
        match &self.source {
            Source::Registry { repository, .. } => Some(repository),
            _ => None,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Memory(bytes) => write!(f, "Memory({} bytes)", bytes.len()),
            Source::Spooled(path) => write!(f, "Spooled({})", path.display()),
            Source::Stored(section) => write!(f, "Stored({})", section.path.display()),
            Source::Registry { repository, .. } => write!(f, "Registry({repository})"),
            Source::Described { .. } => f.write_str("Described"),
        }
    }
}
