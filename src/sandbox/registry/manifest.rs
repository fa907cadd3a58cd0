//! Manifests, indexes and artifacts: in by tag or digest, out as the very bytes that came in.

use hyper::Method;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use serde_json::json;

use super::blob::digest_header;
use super::problem::Problem;
use super::{Stop, Visit};
use crate::image::{Digest, validate_tag};
use crate::sandbox::catalog::{Admission, Change, Image, Objection, Rules, inspect};
use crate::sandbox::server::{Intake, Kept, Reply, Trouble, bytes, empty};

/// ECR's limit, and the one that the specification asks registries to take at least.
const LARGEST: usize = 4 * 1024 * 1024;
/// A pull is noted when the last one noted is this many seconds old; ECR does it once a day, too.
const DAY: f64 = 24.0 * 3600.0;

impl Visit<'_> {
    pub(super) async fn manifest(&self, version: &str, intake: &mut Intake) -> Result<Reply, Stop> {
        let digest = version.contains(':').then(|| version.parse::<Digest>());
        if let Some(Err(_)) = digest {
            return Err(Problem::digest(version).into());
        }
        // ECR answers 400 to a tag that cannot be, even to HEAD.
        if digest.is_none() && validate_tag(version).is_err() {
            return Err(Problem::new(400, "TAG_INVALID", format!("'{version}' is not a tag")).into());
        }
        match self.parts.method {
            Method::GET | Method::HEAD => self.read(version),
            Method::PUT => {
                let content = intake.all(LARGEST).await.map_err(|trouble| match trouble {
                    Trouble::TooLarge => Problem::new(413, "SIZE_INVALID", "a manifest has at most 4 MiB").into(),
                    other => Stop::Trouble(other),
                })?;
                Ok(self.write(version, &content)?)
            }
            Method::DELETE => Ok(self.delete(version)?),
            _ => Err(Problem::unsupported().into()),
        }
    }

    fn read(&self, version: &str) -> Result<Reply, Stop> {
        let (digest, image) = self.find(version)?;
        let content = self.site.blobs.read(&digest).map_err(Trouble::Disk)?;
        let mut reply = bytes(200, &image.media_type, content);
        if self.parts.method == Method::HEAD {
            let length = reply.headers()[CONTENT_LENGTH].clone();
            reply = empty(200);
            reply.headers_mut().insert(CONTENT_LENGTH, length);
            let media_type = HeaderValue::from_str(&image.media_type).ok();
            media_type.into_iter().for_each(|kind| drop(reply.headers_mut().insert(CONTENT_TYPE, kind)));
        } else {
            self.note_pull(&digest, image)?;
        }
        reply.headers_mut().insert("docker-content-digest", digest_header(&digest));
        Ok(reply)
    }

    fn find(&self, version: &str) -> Result<(Digest, Image), Problem> {
        let store = self.site.store();
        let repository = store.catalog().repositories.get(self.repository).ok_or_else(|| self.no_repository())?;
        let found = repository.find(version).map(|(digest, image)| (digest.clone(), image.clone()));
        found.ok_or_else(|| Problem::new(404, "MANIFEST_UNKNOWN", "Requested image not found"))
    }

    fn note_pull(&self, digest: &Digest, image: Image) -> Result<(), Problem> {
        let now = self.site.now();
        if image.pulled_at.is_none_or(|pulled| pulled + DAY < now) {
            let image = Image { pulled_at: Some(now), ..image };
            self.site.commit(vec![Change::Image(self.repository.into(), digest.clone(), image)])?;
        }
        Ok(())
    }

    fn write(&self, version: &str, content: &[u8]) -> Result<Reply, Problem> {
        if !self.site.ensure_repository(self.repository, self.ecr)? {
            return Err(self.no_repository());
        }
        let digest = Digest::of(content);
        let wanted = version.parse::<Digest>().ok();
        if let Some(wanted) = wanted.as_ref().filter(|wanted| **wanted != digest) {
            return Err(Problem::mismatch(wanted, &digest));
        }
        let image = self.judge(content)?;
        let subject = image.subject.clone();
        let tag = wanted.is_none().then_some(version);
        let image = Image { pushed_at: self.site.now(), ..image };
        let admission = Admission { repository: self.repository, digest: digest.clone(), image, tag };
        self.site
            .keep_image(content, admission, Rules { ecr: self.ecr })
            .map_err(|kept| self.refusal(kept, version))?;
        let mut reply = empty(201);
        let headers = reply.headers_mut();
        headers.insert(LOCATION, self.location(&format!("manifests/{digest}")));
        headers.insert("docker-content-digest", digest_header(&digest));
        if let Some(subject) = subject {
            headers.insert("oci-subject", digest_header(&subject));
        }
        Ok(reply)
    }

    fn judge(&self, content: &[u8]) -> Result<Image, Problem> {
        if self.ecr && !passes_ecr(content) {
            return Err(syntax());
        }
        inspect(content, self.header("content-type")).map_err(|why| Problem::new(400, "MANIFEST_INVALID", why))
    }

    fn refusal(&self, kept: Kept, tag: &str) -> Problem {
        let each = |digests: &[Digest]| digests.iter().map(|digest| json!({ "digest": digest })).collect::<Vec<_>>();
        let objection = match kept {
            Kept::Refusal(refusal) => return refusal.into(),
            Kept::Objection(objection) => objection,
        };
        match objection {
            Objection::NoRepository => self.no_repository(),
            Objection::MissingBlobs(digests) => {
                Problem::new(400, "MANIFEST_BLOB_UNKNOWN", "the repository lacks a blob of this manifest")
                    .with(each(&digests))
            }
            Objection::MissingImages(digests) => {
                Problem::new(400, "MANIFEST_BLOB_UNKNOWN", "the repository lacks a manifest of this index")
                    .with(each(&digests))
            }
            Objection::TagTaken => {
                let name = self.repository;
                let message = format!(
                    "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the repository is immutable."
                );
                Problem::new(400, "TAG_INVALID", message)
            }
            Objection::NoLayers => Problem::new(405, "UNSUPPORTED", "Image has to have at least 1 layer"),
        }
    }

    /// A tag goes alone; with a digest the image goes, and all of its tags.
    fn delete(&self, version: &str) -> Result<Reply, Problem> {
        let (digest, _) = self.find(version)?;
        let name = self.repository.to_owned();
        let change = match version.contains(':') {
            true => Change::RemoveImage(name, digest),
            false => Change::RemoveTag(name, version.into()),
        };
        self.site.commit(vec![change])?;
        Ok(empty(202))
    }
}

/// What ECR is known to refuse although the specification allows it: no `mediaType`, parameters in media types, a
/// platform in the subject or with features.
fn passes_ecr(content: &[u8]) -> bool {
    let Ok(document) = serde_json::from_slice::<serde_json::Value>(content) else { return false };
    let parametrised = |value: &serde_json::Value| value["mediaType"].as_str().is_some_and(|kind| kind.contains(';'));
    let lists = ["layers", "manifests"].iter().filter_map(|list| document[*list].as_array()).flatten();
    let mut parts = lists.chain([&document, &document["config"], &document["subject"]]);
    document["mediaType"].is_string()
        && document["subject"].get("platform").is_none()
        && !parts.any(|part| parametrised(part) || part["platform"].get("features").is_some())
}

/// ECR's general answer to a manifest that it does not like.
fn syntax() -> Problem {
    let message = "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'";
    Problem::new(405, "UNSUPPORTED", message)
}
