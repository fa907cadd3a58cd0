//! An image's way into files. Blobs that lie in a registry are brought here first, each to a temporary file; the
//! layout or archive is then written in one go, its index last.

use std::fs::File;
use std::io::{self, Cursor, Read, Write as _};
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::{self, TryStreamExt};

use super::{Error, Image, Part, Source, pack};
use crate::image::{Descriptor, Manifest};
use crate::store::{self, Layout, Place, check_writable};

/// Blobs that are brought at once.
const AT_ONCE: usize = 6;

/// Writes the image to its place.
pub async fn write(place: &Place, image: &Image, spool: &Path) -> Result<(), Error> {
    check_writable(place)?;
    if matches!(place, Place::Archive { .. }) && !image.children.is_empty() {
        return Err(Error::ArchiveIndex);
    }
    let held = Held::at(place);
    let image = bring(image.clone(), &held, spool).await?;
    let (place, spool) = (place.clone(), spool.to_owned());
    let writing = move || match &place {
        Place::Layout { dir, tag } => write_layout(dir, tag.as_deref(), &image, &spool),
        Place::Archive { file, reference } => {
            let manifest = Manifest::parse(&image.manifest)?;
            let config = image.parts.last().map(|part| read(part, &spool)).transpose()?.unwrap_or_default();
            let open = |wanted: &Descriptor| open_layer(&image, wanted, &spool);
            Ok(store::write_archive(file, reference.as_ref(), &manifest, &config, open)?)
        }
    };
    tokio::task::spawn_blocking(writing).await.expect("writing does not panic")
}

/// What the place has already and needs nobody to bring.
struct Held(Option<Layout>);

impl Held {
    fn at(place: &Place) -> Held {
        match place {
            Place::Layout { dir, .. } => Held(Layout::open(dir).ok()),
            Place::Archive { .. } => Held(None),
        }
    }

    fn has(&self, descriptor: &Descriptor) -> bool {
        self.0.as_ref().is_some_and(|layout| layout.blob(descriptor).is_ok())
    }
}

/// The same image with its blobs on this machine.
async fn bring(mut image: Image, held: &Held, spool: &Path) -> Result<Image, Error> {
    for child in &mut image.children {
        *child = Box::pin(bring(child.clone(), held, spool)).await?;
    }
    let parts = stream::iter(std::mem::take(&mut image.parts)).map(|part| async {
        match &part.source {
            Source::Registry { .. } if !held.has(&part.descriptor) => fetch(part, spool).await,
            _ => Ok(part),
        }
    });
    image.parts = parts.buffered(AT_ONCE).try_collect().await?;
    Ok(image)
}

async fn fetch(part: Part, spool: &Path) -> Result<Part, Error> {
    let Source::Registry { client, repository } = &part.source else { return Ok(part) };
    let fail = |why| Error::Spool { name: part.name.clone(), why };
    let mut blob = client.read_blob(repository, &part.descriptor).await?;
    let (mut file, path) = tempfile::NamedTempFile::new_in(spool).map_err(fail)?.into_parts();
    while let Some(piece) = blob.next().await {
        file.write_all(&piece?).map_err(fail)?;
    }
    Ok(Part { source: Source::Spooled(Arc::new(path)), ..part })
}

fn write_layout(dir: &Path, tag: Option<&str>, image: &Image, spool: &Path) -> Result<(), Error> {
    let layout = Layout::create(dir)?;
    for part in image.blobs() {
        if layout.blob(&part.descriptor).is_err() {
            layout.put_blob(&part.descriptor, open(part, spool)?)?;
        }
    }
    put_manifests(&layout, image)?;
    Ok(layout.put_image(tag, &image.descriptor)?)
}

fn put_manifests(layout: &Layout, image: &Image) -> Result<(), Error> {
    image.children.iter().try_for_each(|child| put_manifests(layout, child))?;
    Ok(layout.put_blob(&image.descriptor, Cursor::new(image.manifest.clone()))?)
}

fn open_layer(image: &Image, wanted: &Descriptor, spool: &Path) -> io::Result<Box<dyn Read>> {
    let part = image.parts.iter().find(|part| part.descriptor.digest == wanted.digest);
    let part = part.ok_or_else(|| io::Error::other(format!("{} is not in the image", wanted.digest)))?;
    open(part, spool).map_err(io::Error::other)
}

fn open(part: &Part, spool: &Path) -> Result<Box<dyn Read>, Error> {
    let fail = |why| Error::Spool { name: part.name.clone(), why };
    Ok(match &part.source {
        Source::Memory(bytes) => Box::new(Cursor::new(bytes.clone())),
        Source::Spooled(path) => Box::new(File::open(path.as_ref()).map_err(fail)?),
        Source::Stored(section) => Box::new(section.read().map_err(fail)?),
        Source::Registry { repository, .. } => {
            return Err(fail(io::Error::other(format!("it is still in {repository}"))));
        }
        Source::Described { spec, level } => {
            let packed = pack::unfold(part, spec, *level, spool)?;
            Box::new(File::open(&packed.file).map_err(fail)?)
        }
    })
}

fn read(part: &Part, spool: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let fail = |why| Error::Spool { name: part.name.clone(), why };
    open(part, spool)?.read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}
