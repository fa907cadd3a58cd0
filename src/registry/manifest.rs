//! Manifests: read, looked for, written. The digest of a manifest is always that of the bytes at hand; what a
//! registry says about it only serves to find out whether it holds the same.

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::answer::Answer;
use super::client::{Client, Extra, Inner};
use super::endpoint::Endpoint;
use super::retry::Failure;
use super::{Error, Presence};
use crate::image::{Descriptor, Digest, Reference, Repository, media_type};
use crate::report::Event;

/// A manifest or index as the registry holds it.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Type, digest and size of `bytes`.
    pub descriptor: Descriptor,
    pub bytes: Bytes,
}

/// What became of a manifest that was to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    pub digest: Digest,
    /// False if the reference named this very manifest already.
    pub sent: bool,
}

const DIGEST: &str = "docker-content-digest";

impl Client {
    /// The manifest, or none if the repository has no such tag or digest. A missing repository is an error.
    pub async fn fetch_manifest(&self, reference: &Reference) -> Result<Option<Fetched>, Error> {
        let endpoint = Endpoint::get_manifest(reference);
        self.inner.retry.run(|_| async { Ok(self.inner.fetch(&endpoint, reference).await?) }).await
    }

    /// Type, digest and size of the manifest, or none if there is no such.
    pub async fn head_manifest(&self, reference: &Reference) -> Result<Option<Descriptor>, Error> {
        let endpoint = Endpoint::head_manifest(reference);
        let found = self.inner.retry.run(|_| async { Ok(self.inner.head(&endpoint).await?) }).await?;
        match found {
            Head::Missing => Ok(None),
            Head::Found(descriptor) => Ok(Some(descriptor)),
            Head::Vague => Ok(self.fetch_manifest(reference).await?.map(|fetched| fetched.descriptor)),
        }
    }

    /// Writes a manifest, unless the reference names it already; with immutable tags, writing even the same again
    /// is refused. Blobs and an index's children have to be there before.
    pub async fn push_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<Pushed, Error> {
        let bytes: Bytes = bytes.into();
        let digest = Digest::of(&bytes);
        if let Some(named) = reference.digest.as_ref().filter(|named| **named != digest) {
            let what = format!("writing manifest {reference}");
            return Err(Error::Digest { what, wanted: named.clone(), got: digest.to_string() });
        }
        let sent = match self.named(reference).await? {
            Some(there) if there == digest => false,
            _ => self.inner.retry.run(|_| self.put(reference, media_type, &bytes, &digest)).await?,
        };
        let how = if sent { "sent" } else { "present" };
        let (name, hash) = (reference.to_string(), digest.to_string());
        self.inner.events.emit(Event::Manifest { reference: name, digest: hash, how });
        Ok(Pushed { digest, sent })
    }

    /// Whether the repository can be pushed to as it is. ECR says `NAME_UNKNOWN` for a repository that nobody
    /// created, and `MANIFEST_UNKNOWN` for one without this manifest. Other registries create repositories on
    /// push, so their `NAME_UNKNOWN` proves nothing; nor does ECR's in an account with a creation template, where
    /// pushing decides. Needs `ecr:BatchGetImage`, which pushing needs anyway.
    pub async fn repository_exists(&self, repository: &Repository) -> Result<Presence, Error> {
        self.inner.retry.run(|_| async { Ok(self.inner.repository_exists(repository).await?) }).await
    }

    /// What the reference names now; none if nothing, or if the registry would not say.
    async fn named(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        match self.head_manifest(reference).await {
            Ok(found) => Ok(found.map(|descriptor| descriptor.digest)),
            Err(Error::Denied { .. } | Error::NoRepository { .. } | Error::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: &Bytes,
        digest: &Digest,
    ) -> Result<bool, Failure> {
        let endpoint = Endpoint::put_manifest(reference);
        let mut extra = Extra { bytes: Some(bytes.clone()), ..Extra::default() };
        let kind = HeaderValue::from_str(media_type);
        let kind = kind.map_err(|why| Error::Answer { what: endpoint.what.clone(), why: why.to_string() })?;
        extra.headers.insert(CONTENT_TYPE, kind);
        let answer = self.inner.exchange(&endpoint, &extra).await?;
        match answer.said.code.as_str() {
            _ if answer.is_success() => Ok(true),
            "TAG_INVALID" => {
                Ok(self.settle(reference, digest, answer.refusal(&endpoint, self.inner.clock.now())).await?)
            }
            // Blobs and children that went up a moment ago are sometimes not seen yet.
            "MANIFEST_BLOB_UNKNOWN" | "BLOB_UNKNOWN" => {
                Err(Failure::later(answer.refusal(&endpoint, self.inner.clock.now())))
            }
            _ => Err(answer.refusal(&endpoint, self.inner.clock.now()).into()),
        }
    }

    /// An immutable tag was taken: by the same image (another job was faster), which is as good, or by another.
    async fn settle(&self, reference: &Reference, new: &Digest, refusal: Error) -> Result<bool, Error> {
        match self.named(reference).await? {
            Some(old) if old == *new => Ok(false),
            Some(old) => {
                Err(Error::TagTaken { reference: Box::new(reference.clone()), old: Some(old), new: new.clone() })
            }
            None if refusal.to_string().contains("already exists") => {
                Err(Error::TagTaken { reference: Box::new(reference.clone()), old: None, new: new.clone() })
            }
            None => Err(refusal),
        }
    }
}

/// What a HEAD for a manifest showed.
enum Head {
    Missing,
    Found(Descriptor),
    /// It is there, but the headers do not describe it.
    Vague,
}

impl Inner {
    async fn fetch(&self, endpoint: &Endpoint, reference: &Reference) -> Result<Option<Fetched>, Error> {
        let answer = self.exchange(endpoint, &Extra::default()).await?;
        if answer.status == StatusCode::NOT_FOUND && answer.said.code != "NAME_UNKNOWN" {
            return Ok(None);
        }
        let answer = answer.accepted(endpoint, self.clock.now())?;
        let kind = media_type_of(&answer);
        let told = answer.header(DIGEST).and_then(|text| text.parse::<Digest>().ok());
        let bytes = answer.read(&endpoint.what, &self.wire).await?;
        let digest = Digest::of(&bytes);
        if let Some(wanted) = reference.digest.clone().or(told).filter(|wanted| *wanted != digest) {
            return Err(Error::Digest { what: endpoint.what.clone(), wanted, got: digest.to_string() });
        }
        let kind = kind.or_else(|| stated_type(&bytes)).ok_or_else(|| Error::Answer {
            what: endpoint.what.clone(),
            why: "it is neither an image manifest nor an index".into(),
        })?;
        Ok(Some(Fetched { descriptor: Descriptor::new(kind, digest, bytes.len() as u64), bytes }))
    }

    async fn head(&self, endpoint: &Endpoint) -> Result<Head, Error> {
        let answer = self.exchange(endpoint, &Extra::default()).await?;
        // ECR answers 400, not 404, to a tag that it would not accept.
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST) {
            return Ok(Head::Missing);
        }
        let answer = answer.accepted(endpoint, self.clock.now())?;
        let digest = answer.header(DIGEST).and_then(|text| text.parse::<Digest>().ok());
        let size = answer.header(CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok());
        Ok(match (media_type_of(&answer), digest, size) {
            (Some(kind), Some(digest), Some(size)) => Head::Found(Descriptor::new(kind, digest, size)),
            _ => Head::Vague,
        })
    }

    pub(super) async fn repository_exists(&self, repository: &Repository) -> Result<Presence, Error> {
        let nobody = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
        let nobody: Digest = nobody.parse().expect("64 digits");
        let endpoint = Endpoint::get_manifest(&repository.at(&nobody));
        let answer = self.exchange(&endpoint, &Extra::default()).await?;
        Ok(match (answer.status, answer.said.code.as_str()) {
            (StatusCode::NOT_FOUND, "NAME_UNKNOWN") if self.contact(&repository.registry).await?.is_ecr() => {
                Presence::Missing
            }
            (StatusCode::NOT_FOUND, "NAME_UNKNOWN") | (StatusCode::FORBIDDEN, _) => Presence::Unknown,
            (StatusCode::NOT_FOUND, _) => Presence::Present,
            _ => {
                answer.accepted(&endpoint, self.clock.now())?;
                Presence::Present
            }
        })
    }
}

/// The media type in the header, if it says anything.
fn media_type_of(answer: &Answer) -> Option<String> {
    let kind = answer.header(CONTENT_TYPE.as_str())?.split(';').next()?.trim();
    (media_type::is_manifest(kind) || media_type::is_index(kind)).then(|| kind.to_owned())
}

/// The media type that the document itself states, or shows by its members; both are optional in OCI.
fn stated_type(bytes: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(bytes).ok()?;
    let stated = document.get("mediaType").and_then(Value::as_str);
    let shown = || {
        let has = |name: &str| document.get(name).is_some_and(Value::is_array);
        if has("manifests") {
            Some(media_type::OCI_INDEX)
        } else {
            (has("layers") && document.get("config").is_some()).then_some(media_type::OCI_MANIFEST)
        }
    };
    stated.filter(|kind| media_type::is_manifest(kind) || media_type::is_index(kind)).or_else(shown).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_type_is_read_off_a_document_that_does_not_state_it() {
        assert_eq!(stated_type(br#"{"config":{},"layers":[]}"#).unwrap(), media_type::OCI_MANIFEST);
        assert_eq!(stated_type(br#"{"manifests":[]}"#).unwrap(), media_type::OCI_INDEX);
        let stated = format!(r#"{{"mediaType":"{}"}}"#, media_type::DOCKER_INDEX);
        assert_eq!(stated_type(stated.as_bytes()).unwrap(), media_type::DOCKER_INDEX);
        assert_eq!(stated_type(br#"{"schemaVersion":1,"fsLayers":[]}"#), None);
        assert_eq!(stated_type(b"<html>"), None);
    }
}
