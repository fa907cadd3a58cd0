//! An image's way to its registry: look at the tags, send what is lacking, name the result. If one of the tags
//! names this very image already, its blobs are there, and at most a manifest has to go out.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use serde::Serialize;

use super::{Error, Image, Part, Source, pack};
use crate::image::{Digest, Reference, Repository};
use crate::layer::{LayerSpec, Level};
use crate::registry::{self, Body, Client, Delivery, Presence};
use crate::report::{Event, Events};

/// Blobs in flight at once. More gain nothing on one connection's bandwidth, and ECR limits calls per second.
const AT_ONCE: usize = 6;

/// What the target holds already.
#[derive(Debug, Clone)]
pub struct Survey {
    pub repository: Repository,
    /// The tags to set, and what each names now.
    pub tags: Vec<(Reference, Option<Digest>)>,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Published {
    /// `repo:tag@sha256:…`, one a tag.
    pub references: Vec<Reference>,
    pub blobs_sent: usize,
    pub blobs_mounted: usize,
    pub blobs_present: usize,
    /// Bytes of the blobs that were sent.
    pub bytes_sent: u64,
    pub manifests_sent: usize,
}

impl Published {
    /// Whether the target was just as asked for before anything was done.
    pub fn nothing_done(&self) -> bool {
        self.manifests_sent == 0 && self.blobs_sent == 0 && self.blobs_mounted == 0
    }

    pub fn merge(&mut self, other: Published) {
        self.references.extend(other.references);
        self.blobs_sent += other.blobs_sent;
        self.blobs_mounted += other.blobs_mounted;
        self.blobs_present += other.blobs_present;
        self.bytes_sent += other.bytes_sent;
        self.manifests_sent += other.manifests_sent;
    }

    fn count(&mut self, delivery: Delivery, size: u64) {
        match delivery {
            Delivery::Present => self.blobs_present += 1,
            Delivery::Mounted => self.blobs_mounted += 1,
            Delivery::Sent => {
                self.blobs_sent += 1;
                self.bytes_sent += size;
            }
        }
    }
}

/// Asks what the references name now. Only reads. The references are of one repository.
pub async fn survey(client: &Client, repository: &Repository, references: &[Reference]) -> Result<Survey, Error> {
    let heads = stream::iter(references.iter().cloned()).map(|reference| async move {
        let now = match client.head_manifest(&reference).await {
            // A policy for pushing alone need not allow to look (ecr:BatchGetImage).
            Err(registry::Error::Denied { .. }) => None,
            found => found?.map(|found| found.digest),
        };
        Ok::<_, Error>((reference, now))
    });
    let tags = heads.buffered(AT_ONCE).try_collect().await?;
    Ok(Survey { repository: repository.clone(), tags })
}

/// Asks which blobs the repository lacks. Only reads; for a plan that is shown.
pub async fn lacking<'a>(client: &Client, survey: &Survey, image: &'a Image) -> Result<Vec<&'a Part>, Error> {
    if survey.holds(image) {
        return Ok(Vec::new());
    }
    let asked = stream::iter(image.blobs()).map(|part| async move {
        let presence = client.has_blob(&survey.repository, &part.descriptor.digest).await?;
        Ok::<_, Error>((presence != Presence::Present).then_some(part))
    });
    let answers: Vec<Option<&Part>> = asked.buffered(AT_ONCE).try_collect().await?;
    Ok(answers.into_iter().flatten().collect())
}

impl Survey {
    /// Whether one of the tags names the image already.
    pub fn holds(&self, image: &Image) -> bool {
        self.tags.iter().any(|(_, now)| now.as_ref() == Some(&image.descriptor.digest))
    }
}

/// Sends what the repository lacks, then sets the tags.
pub async fn publish(
    client: &Client,
    survey: &Survey,
    image: &Image,
    spool: &Path,
    events: &Events,
) -> Result<Published, Error> {
    let mut published = Published::default();
    if !survey.holds(image) {
        send_blobs(client, &survey.repository, image, spool, &mut published).await?;
        send_children(client, &survey.repository, image, &mut published).await?;
    }
    for (reference, now) in &survey.tags {
        let digest = &image.descriptor.digest;
        if now.as_ref() == Some(digest) {
            let (reference, digest) = (reference.to_string(), digest.to_string());
            events.emit(Event::Manifest { reference, digest, how: "present" });
        } else {
            let pushed = client.push_manifest(reference, &image.descriptor.media_type, image.manifest.clone()).await?;
            published.manifests_sent += usize::from(pushed.sent);
        }
        published.references.push(reference.pinned(digest));
    }
    Ok(published)
}

async fn send_blobs(
    client: &Client,
    to: &Repository,
    image: &Image,
    spool: &Path,
    published: &mut Published,
) -> Result<(), Error> {
    let mut deliveries = stream::iter(image.blobs())
        .map(|part| async move {
            let delivery = client.deliver_blob(to, &part.descriptor, &body(part, spool), part.home()).await?;
            Ok::<_, Error>((delivery, part.descriptor.size))
        })
        .buffer_unordered(AT_ONCE);
    while let Some((delivery, size)) = deliveries.try_next().await? {
        published.count(delivery, size);
    }
    Ok(())
}

async fn send_children(
    client: &Client,
    to: &Repository,
    image: &Image,
    published: &mut Published,
) -> Result<(), Error> {
    for child in &image.children {
        Box::pin(send_children(client, to, child, published)).await?;
        let reference = to.at(&child.descriptor.digest);
        let pushed = client.push_manifest(&reference, &child.descriptor.media_type, child.manifest.clone()).await?;
        published.manifests_sent += usize::from(pushed.sent);
    }
    Ok(())
}

fn body(part: &Part, spool: &Path) -> Body {
    let size = part.descriptor.size;
    match &part.source {
        Source::Memory(bytes) => Body::bytes(bytes.clone()),
        Source::Spooled(file) => Body::file(file.to_path_buf(), size),
        Source::Stored(section) => {
            let section = section.clone();
            Body::stream(size, move || {
                let section = section.clone();
                async move { section.stream().await }
            })
        }
        Source::Registry { client, repository } => client.body_of(repository, &part.descriptor),
        Source::Described { spec, level } => {
            let (part, spec, level, spool) = (part.clone(), spec.clone(), *level, spool.to_path_buf());
            Body::stream(size, move || unfolded(part.clone(), spec.clone(), level, spool.clone()))
        }
    }
}

/// Packs a remembered layer after all, and reads it.
async fn unfolded(
    part: Part,
    spec: Arc<LayerSpec>,
    level: Level,
    spool: PathBuf,
) -> io::Result<impl Stream<Item = io::Result<Bytes>>> {
    let packing = move || pack::unfold(&part, &spec, level, &spool).map_err(io::Error::other);
    let packed = tokio::task::spawn_blocking(packing).await.map_err(io::Error::other)??;
    // The open file outlives its name: the temporary file is removed here and gone when reading ends.
    let file = tokio::fs::File::open(&packed.file).await?;
    Ok(tokio_util::io::ReaderStream::with_capacity(file, 256 * 1024))
}
