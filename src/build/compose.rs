//! Puts the image together: layers packed, documents written, every blob with the way to its bytes. Nothing leaves
//! the machine.

use super::pack::Layer;
use super::{Documents, Error, Image, OwnLayer, Packer, Part, Request, Snapshot, Source, plan};

/// Packs the layers and writes the image's documents. Blocks; call it off the async threads.
pub fn compose(request: &Request, snapshot: Snapshot, packer: &Packer) -> Result<Image, Error> {
    let Snapshot { mut application, base } = snapshot;
    let config = plan::configure(&base, &application, &request.settings);
    let specs = std::mem::take(&mut application.layers);
    let layers: Vec<Layer> = specs.into_iter().map(|spec| packer.prepare(spec)).collect::<Result<_, _>>()?;
    let own: Vec<OwnLayer> = layers.iter().map(|layer| layer.own.clone()).collect();
    let documents = plan::assemble(&base, config, &own, &request.settings)?;

    // The manifest's descriptors, since a base's may have been relabelled.
    let below = base.layers.into_iter().map(|layer| layer.part);
    let described = below.chain(layers.into_iter().map(|layer| layer.part)).zip(&documents.manifest.layers);
    let parts = described.map(|(part, descriptor)| Part { descriptor: descriptor.clone(), ..part }).collect();
    Ok(image(&documents, parts))
}

fn image(documents: &Documents, mut parts: Vec<Part>) -> Image {
    let descriptor = documents.manifest.config.clone();
    let source = Source::Memory(documents.config.clone().into());
    parts.push(Part { name: "configuration".into(), descriptor, source });
    Image::new(documents.manifest.to_bytes(), &documents.manifest.media_type, parts)
}
