//! Images that lie in files, as they are pushed: a layout's manifests and indexes are taken over byte for byte, an
//! archive gets the manifest that it does not have.
//!
//! Manifests without `mediaType` are legal OCI and written by umoci, but ECR refuses them ("Invalid JSON syntax"),
//! so the type is added, which changes the digest.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::{Error, Image, Packer, Part, Source};
use crate::image::media_type;
use crate::image::{Config, Descriptor, Digest, Hasher, Index, Manifest, Reference};
use crate::layer;
use crate::report::Events;
use crate::store::{Archive, ArchivedLayer, Layout, Place, Section};

/// Reads an image from files. Blocks.
pub fn load(place: &Place, packer: &Packer) -> Result<Image, Error> {
    match place {
        Place::Layout { dir, tag } => {
            let layout = Layout::open(dir)?;
            let (descriptor, bytes) = layout.find(tag.as_deref())?;
            from_layout(&layout, &descriptor, bytes, &packer.events)
        }
        Place::Archive { file, reference } => {
            let (config, layers) = archived(file, reference.as_ref(), packer)?;
            let descriptors = layers.iter().map(|part| part.descriptor.clone()).collect();
            let config_bytes = config.to_bytes();
            let config = Descriptor::of(packer.format.config(), &config_bytes);
            let manifest = Manifest::new(packer.format, config.clone(), descriptors);
            let source = Source::Memory(config_bytes.into());
            let last = Part { name: "configuration".into(), descriptor: config, source };
            let parts = layers.into_iter().chain([last]).collect();
            Ok(Image::new(manifest.to_bytes(), packer.format.manifest(), parts))
        }
    }
}

fn from_layout(layout: &Layout, found: &Descriptor, bytes: Vec<u8>, events: &Events) -> Result<Image, Error> {
    let typed = has_type(&bytes);
    if !typed {
        let text = format!("manifest {} has no mediaType; it is added, and the digest changes", found.digest.short());
        events.warn(text, None);
    }
    if media_type::is_index(&found.media_type) {
        return index_from_layout(layout, bytes, typed, events);
    }
    let manifest = Manifest::parse(&bytes)?;
    let bytes = if typed { bytes } else { manifest.to_bytes() };
    let layers = manifest.layers.iter().enumerate().map(|(at, layer)| (format!("layer {}", at + 1), layer));
    let all = layers.chain([("configuration".to_owned(), &manifest.config)]);
    let parts = all.map(|(name, descriptor)| {
        let source = Source::Stored(layout.blob(descriptor)?);
        Ok(Part { name, descriptor: descriptor.clone(), source })
    });
    Ok(Image::new(bytes, &manifest.media_type, parts.collect::<Result<_, Error>>()?))
}

fn index_from_layout(layout: &Layout, bytes: Vec<u8>, typed: bool, events: &Events) -> Result<Image, Error> {
    let mut index = Index::parse(&bytes)?;
    let mut children = Vec::new();
    let mut changed = !typed;
    for child in &mut index.manifests {
        let image = from_layout(layout, child, layout.document(child)?, events)?;
        changed |= image.descriptor.digest != child.digest;
        (child.digest, child.size) = (image.descriptor.digest.clone(), image.descriptor.size);
        children.push(image);
    }
    let bytes = if changed { index.to_bytes() } else { bytes };
    Ok(Image { children, ..Image::new(bytes, &index.media_type, Vec::new()) })
}

fn has_type(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok_and(|document| document.get("mediaType").is_some())
}

/// An archive's configuration, and its layers compressed the way that this crate compresses.
pub fn archived(file: &Path, reference: Option<&Reference>, packer: &Packer) -> Result<(Config, Vec<Part>), Error> {
    let image = Archive::open(file)?.image(reference)?;
    let layers = image.layers.iter().enumerate().map(|(at, layer)| adopt(at, layer, packer));
    Ok((image.config, layers.collect::<Result<_, _>>()?))
}

fn adopt(at: usize, layer: &ArchivedLayer, packer: &Packer) -> Result<Part, Error> {
    let name = format!("layer {}", at + 1);
    let spool = |why| Error::Spool { name: name.clone(), why };
    let (digest, size, source, diff_id) = if layer.gzip {
        let digest = digest_of(&layer.section).map_err(spool)?;
        let diff_id = layer::diff_id(layer.section.read().map_err(spool)?)?;
        (digest, layer.section.size, Source::Stored(layer.section.clone()), diff_id)
    } else {
        let packed = layer::compress(layer.section.read().map_err(spool)?, packer.level, packer.spool.path())?;
        (packed.digest, packed.size, Source::Spooled(Arc::new(packed.file)), packed.diff_id)
    };
    if diff_id != layer.diff_id {
        let (before, after) = (layer.diff_id.digest().clone(), diff_id.digest().clone());
        return Err(Error::ArchivedLayer { name, wanted: before, got: after });
    }
    Ok(Part { name, descriptor: Descriptor::new(packer.format.layer_gzip(), digest, size), source })
}

fn digest_of(section: &Section) -> std::io::Result<Digest> {
    use std::io::Read;
    let mut hasher = Hasher::default();
    let mut reader = section.read()?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hasher.digest()),
            count => hasher.update(&buffer[..count]),
        }
    }
}
