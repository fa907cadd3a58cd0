//! Own layers get their digests: from memory where an earlier build packed the same tar, otherwise by packing it
//! into a temporary file now. Everything is read once before anything is sent, so a broken input ends the build
//! while nothing has happened yet.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Error, OwnLayer, Part, Source};
use crate::image::media_type::Format;
use crate::image::{Descriptor, DiffId, Digest};
use crate::layer::{Known, LayerSpec, Level, Packed};
use crate::report::{Event, Events};

/// A layer of this build and the way to its bytes.
#[derive(Debug, Clone)]
pub struct Layer {
    pub own: OwnLayer,
    pub part: Part,
}

/// How layers are packed.
#[derive(Clone)]
pub struct Packer {
    pub level: Level,
    pub format: Format,
    pub known: Arc<Known>,
    /// Where configurations of base images are kept.
    pub configs: Option<PathBuf>,
    /// Holds the packed layers until the last one is published.
    pub spool: Arc<tempfile::TempDir>,
    pub events: Events,
}

impl Packer {
    /// Gives the layer its digests. Uses all processors and blocks; call it off the async threads.
    pub fn prepare(&self, spec: LayerSpec) -> Result<Layer, Error> {
        if !self.known.is_empty() {
            let diff_id = spec.measure()?;
            if let Some((digest, size)) = self.known.find(&diff_id, self.level) {
                self.tell(&spec.name, &digest, size, "known");
                let name = spec.name.clone();
                let source = Source::Described { spec: Arc::new(spec), level: self.level };
                return Ok(self.layer(name, diff_id, digest, size, source));
            }
        }
        let packed = self.pack(&spec)?;
        self.tell(&spec.name, &packed.digest, packed.size, "packed");
        let source = Source::Spooled(Arc::new(packed.file));
        Ok(self.layer(spec.name, packed.diff_id, packed.digest, packed.size, source))
    }

    fn pack(&self, spec: &LayerSpec) -> Result<Packed, Error> {
        let packed = spec.pack(self.level, self.spool.path())?;
        self.known.remember(&packed.diff_id, self.level, &packed.digest, packed.size);
        Ok(packed)
    }

    fn layer(&self, name: String, diff_id: DiffId, digest: Digest, size: u64, source: Source) -> Layer {
        let descriptor = Descriptor::new(self.format.layer_gzip(), digest, size);
        let part = Part { name: name.clone(), descriptor: descriptor.clone(), source };
        Layer { own: OwnLayer { name, diff_id, descriptor }, part }
    }

    fn tell(&self, name: &str, digest: &Digest, size: u64, how: &'static str) {
        self.events.emit(Event::Layer { name: name.to_owned(), digest: digest.to_string(), size, how });
    }
}

/// Packs a layer whose digest was remembered, because the target turned out to lack it.
pub fn unfold(part: &Part, spec: &LayerSpec, level: Level, spool: &std::path::Path) -> Result<Packed, Error> {
    let packed = spec.pack(level, spool)?;
    if packed.digest == part.descriptor.digest {
        return Ok(packed);
    }
    Err(Error::Changed { name: part.name.clone(), before: part.descriptor.digest.clone(), after: packed.digest })
}
