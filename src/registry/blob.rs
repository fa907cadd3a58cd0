//! Blobs coming in: whether they are there, and their bytes, verified as they pass. A download that breaks goes on
//! where it stopped, as often as it makes progress.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use reqwest::header::{CONTENT_RANGE, HeaderValue, RANGE};
use reqwest::{Response, StatusCode};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use super::client::{Client, Extra, Inner};
use super::endpoint::Endpoint;
use super::wire::broken;
use super::{Body, Error, Presence};
use crate::image::{Descriptor, Digest, Hasher, Repository};
use crate::report::Event;

/// The bytes of a blob. It ends with an error unless exactly the bytes asked for came; until then, what came is
/// not to be trusted.
pub struct BlobStream(BoxStream<'static, Result<Bytes, Error>>);

impl Stream for BlobStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl BlobStream {
    pub fn into_reader(self) -> impl AsyncRead + Send + Unpin {
        StreamReader::new(self.0.map_err(std::io::Error::other))
    }

    /// All of it, for small blobs such as configurations.
    pub async fn bytes(self) -> Result<Bytes, Error> {
        let pieces: Vec<Bytes> = self.0.try_collect().await?;
        Ok(pieces.concat().into())
    }
}

impl Client {
    pub async fn has_blob(&self, repository: &Repository, digest: &Digest) -> Result<Presence, Error> {
        let endpoint = Endpoint::head_blob(repository, digest);
        self.inner.retry.run(|_| async { Ok(self.inner.has_blob(&endpoint).await?) }).await
    }

    /// A blob of a registry as the content of an upload to another one. It passes through memory in small pieces.
    pub fn body_of(&self, repository: &Repository, descriptor: &Descriptor) -> Body {
        let (client, repository, blob) = (self.clone(), repository.clone(), descriptor.clone());
        Body::stream(descriptor.size, move || {
            let (client, repository, blob) = (client.clone(), repository.clone(), blob.clone());
            async move {
                let stream = client.read_blob(&repository, &blob).await.map_err(std::io::Error::other)?;
                Ok(stream.map_err(std::io::Error::other))
            }
        })
    }

    /// Begins to read a blob; `descriptor` says how many bytes of which digest are wanted.
    pub async fn read_blob(&self, repository: &Repository, descriptor: &Descriptor) -> Result<BlobStream, Error> {
        let endpoint = Endpoint::get_blob(repository, &descriptor.digest);
        let mut download = Download {
            client: self.clone(),
            endpoint,
            digest: descriptor.digest.clone(),
            size: descriptor.size,
            hasher: Hasher::default(),
            response: None,
            skip: 0,
            breaks: 0,
        };
        download.open().await?;
        Ok(BlobStream(stream::try_unfold(download, Download::step).boxed()))
    }
}

impl Inner {
    pub(super) async fn has_blob(&self, endpoint: &Endpoint) -> Result<Presence, Error> {
        let answer = self.exchange(endpoint, &Extra::default()).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(Presence::Missing),
            // A policy without the permission; ECR Public says it even where GET is allowed.
            StatusCode::FORBIDDEN => Ok(Presence::Unknown),
            _ => answer.accepted(endpoint, self.clock.now()).map(|_| Presence::Present),
        }
    }
}

struct Download {
    client: Client,
    endpoint: Endpoint,
    digest: Digest,
    size: u64,
    hasher: Hasher,
    response: Option<Response>,
    /// Bytes that come once more, from a server that ignores `Range`.
    skip: u64,
    /// Breaks since the last byte.
    breaks: usize,
}

impl Download {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, Error> {
        loop {
            if self.response.is_none() {
                self.open().await?;
            }
            match self.piece().await {
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(Some(piece)) => {
                    self.hasher.update(&piece);
                    if self.hasher.size() > self.size {
                        return Err(self.wrong(format!("more than {} bytes", self.size)));
                    }
                    self.breaks = 0;
                    return Ok(Some((piece, self)));
                }
                Ok(None) if self.hasher.size() == self.size => return self.verify().map(|()| None),
                Ok(None) => self.pause(self.cut("it ended too early".into())).await?,
                Err(error) => self.pause(error).await?,
            }
        }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        let limit = self.client.inner.options.timeout;
        let Some(response) = &mut self.response else { return Ok(None) };
        let piece = tokio::time::timeout(limit, response.chunk()).await;
        let piece = piece.map_err(|_| Error::Silent { what: self.endpoint.what.clone(), limit, attempts: 1 })?;
        let Some(mut piece) = piece.map_err(|error| broken(&self.endpoint.what, error))? else { return Ok(None) };
        let known = self.skip.min(piece.len() as u64);
        self.skip -= known;
        Ok(Some(piece.split_off(known as usize)))
    }

    /// Requests what is still missing.
    async fn open(&mut self) -> Result<(), Error> {
        let (inner, endpoint, from) = (&self.client.inner, &self.endpoint, self.hasher.size());
        let mut extra = Extra::default();
        if from > 0 {
            extra.headers.insert(RANGE, HeaderValue::from_str(&format!("bytes={from}-")).expect("digits"));
        }
        let extra = &extra;
        let answer = inner
            .retry
            .run(|_| async move { Ok(inner.exchange(endpoint, extra).await?.accepted(endpoint, inner.clock.now())?) })
            .await?;
        let part = answer.header(CONTENT_RANGE.as_str()).filter(|_| answer.status == StatusCode::PARTIAL_CONTENT);
        let start = part.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse::<u64>().ok());
        self.skip = from.saturating_sub(start.unwrap_or(0));
        if start.is_some_and(|start| start > from) {
            return Err(self.cut("it left bytes out".into()));
        }
        self.response = answer.into_response();
        Ok(())
    }

    /// Waits before the rest is requested, unless nothing came since the last break for too often.
    async fn pause(&mut self, error: Error) -> Result<(), Error> {
        self.response = None;
        self.breaks += 1;
        let inner = &self.client.inner;
        if self.breaks >= inner.options.attempts {
            return Err(error.tried(self.breaks));
        }
        let wait = inner.options.base_delay * 2_u32.pow(self.breaks as u32 - 1);
        let (what, why) = (self.endpoint.what.clone(), error.to_string());
        inner.events.emit(Event::Retry { what, why, wait });
        inner.clock.sleep(wait).await;
        Ok(())
    }

    fn verify(&self) -> Result<(), Error> {
        let got = self.hasher.clone().digest();
        if got == self.digest { Ok(()) } else { Err(self.wrong(got.to_string())) }
    }

    fn wrong(&self, got: String) -> Error {
        Error::Digest { what: self.endpoint.what.clone(), wanted: self.digest.clone(), got }
    }

    fn cut(&self, why: String) -> Error {
        Error::Connection { what: self.endpoint.what.clone(), why, attempts: 1 }
    }
}
