//! Where images come from: a reference becomes a configuration and layers, and a layer its bytes. The sandbox's own
//! registry is asked over loopback as any other, so what runs is what a client would have pulled.

use std::io::{self, Read};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::runtime::Handle;

use super::Error;
use crate::image::{Config, Descriptor, Index, Manifest, Platform, Reference, Repository};
use crate::registry::{Client, Fetched};

/// An image that is there, its layers bottom first.
#[derive(Debug, Clone)]
pub struct Image {
    pub repository: Repository,
    pub config: Config,
    pub layers: Vec<Descriptor>,
}

pub trait Images: Send + Sync {
    fn find<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<Image, Error>>;
    /// A layer as it lies in the registry. It fails at its end unless its digest is right.
    fn layer<'a>(&'a self, image: &'a Image, layer: &'a Descriptor) -> BoxFuture<'a, Result<Blob, Error>>;
}

/// Bytes for a thread that may wait.
pub type Blob = Box<dyn Read + Send>;

impl Images for Client {
    fn find<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<Image, Error>> {
        Box::pin(async move {
            let found = find(self, image).await.map_err(|why| refused(image, why))?;
            found.ok_or_else(|| Error::Missing { image: image.to_owned() })
        })
    }

    fn layer<'a>(&'a self, image: &'a Image, layer: &'a Descriptor) -> BoxFuture<'a, Result<Blob, Error>> {
        Box::pin(async move {
            let stream = self.read_blob(&image.repository, layer).await;
            let reader = stream.map_err(|why| refused(&image.repository.to_string(), why.to_string()))?.into_reader();
            Ok(Box::new(Blocking { reader, runtime: Handle::current() }) as Blob)
        })
    }
}

fn refused(image: &str, why: String) -> Error {
    Error::Pull { image: image.to_owned(), why }
}

/// None if the registry does not have it.
async fn find(client: &Client, image: &str) -> Result<Option<Image>, String> {
    let reference: Reference = image.parse().map_err(text)?;
    let repository = reference.repository.clone();
    let Some(fetched) = client.fetch_manifest(&reference).await.map_err(text)? else { return Ok(None) };
    let manifest = match fetched.descriptor.media_type.as_str() {
        kind if kind.contains("index") || kind.contains("manifest.list") => {
            let index = Index::parse(&fetched.bytes).map_err(text)?;
            let mine = Platform { architecture: architecture().into(), ..Platform::default() };
            let found = index.select(&mine).ok_or_else(|| format!("no image for {mine}"))?;
            fetch(client, &repository.at(&found.digest)).await?
        }
        _ => fetched,
    };
    let manifest = Manifest::parse(&manifest.bytes).map_err(text)?;
    let config = client.read_blob(&repository, &manifest.config).await.map_err(text)?.bytes().await.map_err(text)?;
    Ok(Some(Image { repository, config: Config::parse(&config).map_err(text)?, layers: manifest.layers }))
}

async fn fetch(client: &Client, reference: &Reference) -> Result<Fetched, String> {
    client.fetch_manifest(reference).await.map_err(text)?.ok_or_else(|| "not found".into())
}

fn text(why: impl std::fmt::Display) -> String {
    why.to_string()
}

/// This machine's, in Go's words, which are an image's.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

struct Blocking<R> {
    reader: R,
    runtime: Handle,
}

impl<R: AsyncRead + Unpin> Read for Blocking<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.runtime.block_on(self.reader.read(buffer))
    }
}
