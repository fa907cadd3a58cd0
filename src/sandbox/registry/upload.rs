//! Blobs coming in: whole in one request, whole in the closing PUT, or in chunks; or not at all, because another
//! repository has them already.

use hyper::Method;
use hyper::header::{CONTENT_RANGE, HeaderValue, LOCATION, RANGE};

use super::blob::digest_header;
use super::problem::Problem;
use super::range::sent;
use super::{Stop, Visit};
use crate::image::Digest;
use crate::sandbox::catalog::Change;
use crate::sandbox::server::{Intake, Reply, Trouble, Upload, empty};

/// ECR takes no smaller part but the last.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;

impl Visit<'_> {
    /// POST: opens a session, unless a mount or the body in hand makes it needless.
    pub(super) async fn start_upload(&self, intake: &mut Intake) -> Result<Reply, Stop> {
        if self.parts.method != Method::POST {
            return Err(Problem::unsupported().into());
        }
        // ECR sometimes breaks the connection here; a rule with `cut` does that.
        if !self.site.ensure_repository(self.repository, self.ecr).map_err(Problem::from)? {
            return Err(self.no_repository().into());
        }
        let query = self.query();
        if let (Some(digest), Some(from)) = (query.get("mount"), query.get("from"))
            && let Some(mounted) = self.mount(digest, from)?
        {
            return Ok(mounted);
        }
        let id = self.site.begin_upload(self.repository).map_err(Problem::from)?;
        if query.contains_key("digest") {
            return self.finish(&id, intake).await;
        }
        let mut reply = self.session(202, &id, 0);
        reply.headers_mut().insert("oci-chunk-min-length", if self.ecr { SMALLEST_PART } else { 1 }.into());
        Ok(reply)
    }

    pub(super) async fn upload(&self, id: &str, intake: &mut Intake) -> Result<Reply, Stop> {
        match self.parts.method {
            Method::PATCH => self.append(id, intake).await,
            Method::PUT => self.finish(id, intake).await,
            // ECR has no status of an upload, so a chunked one cannot be resumed there.
            Method::GET if self.ecr => Err(unknown().into()),
            Method::GET => {
                let upload = self.site.take_upload(id, self.repository).ok_or_else(unknown)?;
                let size = upload.draft.size();
                self.site.keep_upload(id, upload);
                Ok(self.session(204, id, size))
            }
            Method::DELETE => {
                self.site.take_upload(id, self.repository).map(|_| empty(204)).ok_or_else(|| unknown().into())
            }
            _ => Err(Problem::unsupported().into()),
        }
    }

    async fn append(&self, id: &str, intake: &mut Intake) -> Result<Reply, Stop> {
        let upload = self.site.take_upload(id, self.repository).ok_or_else(unknown)?;
        let (upload, end) = self.take_in(id, upload, intake).await?;
        // The specification says 202; ECR says 201, and keeps naming the end of the first part.
        let (status, size) = match self.ecr {
            true => (201, upload.parts.first().copied().unwrap_or(0)),
            false => (202, upload.draft.size()),
        };
        self.site.keep_upload(id, upload);
        end?;
        Ok(self.session(status, id, size))
    }

    /// Appends the body, if it begins where the last one ended. An error without the upload has lost it.
    async fn take_in(
        &self,
        id: &str,
        mut upload: Upload,
        intake: &mut Intake,
    ) -> Result<(Upload, Result<(), Stop>), Stop> {
        let size = upload.draft.size();
        let range = match self.header(CONTENT_RANGE.as_str()).map(sent) {
            Some(None) => {
                return Ok((
                    upload,
                    Err(Problem::new(400, "BLOB_UPLOAD_INVALID", "Content-Range is not FIRST-LAST").into()),
                ));
            }
            Some(range) => range,
            None => None,
        };
        if range.is_some_and(|(first, _)| first != size) {
            let reply = self.session(416, id, size);
            return Ok((upload, Err(Problem::range(reply).into())));
        }
        let mark = upload.draft.mark();
        let (draft, poured) = intake.pour(upload.draft).await;
        let Some(draft) = draft else { return Err(poured.err().unwrap_or(Trouble::Cut).into()) };
        upload.draft = draft;
        let length = match poured {
            Ok(length) => length,
            Err(trouble) => return Ok((upload, Err(trouble.into()))),
        };
        if range.is_some_and(|(first, last)| last - first + 1 != length) {
            upload.draft.rewind(mark).map_err(Trouble::Disk)?;
            let message = "the body is not as long as Content-Range says";
            return Ok((upload, Err(Problem::new(400, "SIZE_INVALID", message).into())));
        }
        if length > 0 {
            upload.parts.push(length);
        }
        Ok((upload, Ok(())))
    }

    /// The last of the content, or none, and the digest that all of it has.
    async fn finish(&self, id: &str, intake: &mut Intake) -> Result<Reply, Stop> {
        let text = self.query().remove("digest").unwrap_or_default();
        let digest: Digest = text.parse().map_err(|_| Problem::digest(&text))?;
        let upload = self.site.take_upload(id, self.repository).ok_or_else(unknown)?;
        let (upload, end) = self.take_in(id, upload, intake).await?;
        if let Err(stop) = end {
            self.site.keep_upload(id, upload);
            return Err(stop);
        }
        if self.ecr {
            self.check_parts(&upload)?;
        }
        let got = upload.draft.digest();
        if got != digest {
            return Err(Problem::mismatch(&digest, &got).into());
        }
        self.site.keep_blob(self.repository, upload.draft).map_err(Problem::from)?;
        Ok(self.created(&digest))
    }

    /// ECR looks at the parts only in the end.
    fn check_parts(&self, upload: &Upload) -> Result<(), Problem> {
        let invalid = |message: String| Err(Problem::new(400, "BLOB_UPLOAD_INVALID", message));
        match upload.parts.split_last() {
            None => invalid("The upload does not have any parts".into()),
            Some((_, before)) => match before.iter().find(|size| **size < SMALLEST_PART) {
                Some(size) => invalid(format!(
                    "LayerPartTooSmall: a part of {size} bytes is smaller than {SMALLEST_PART} and not the last"
                )),
                None => Ok(()),
            },
        }
    }

    /// The blob out of another repository; None if it has to be uploaded after all.
    fn mount(&self, digest: &str, from: &str) -> Result<Option<Reply>, Problem> {
        let digest: Digest = digest.parse().map_err(|_| Problem::digest(digest))?;
        let Some(size) = self.site.blob_size(from, &digest) else { return Ok(None) };
        if self.ecr && !self.may_mount(&digest, from) {
            return Ok(None);
        }
        let change = Change::Blob(self.repository.into(), digest.clone(), size);
        self.site.commit(vec![change])?;
        Ok(Some(self.created(&digest)))
    }

    /// ECR mounts if the account wants it, both repositories encrypt alike, and an image uses the blob.
    fn may_mount(&self, digest: &Digest, from: &str) -> bool {
        let store = self.site.store();
        let catalog = store.catalog();
        let (from, to) = (catalog.repositories.get(from), catalog.repositories.get(self.repository));
        let alike = from.map(|from| &from.settings.encryption) == to.map(|to| &to.settings.encryption);
        let used = from
            .is_some_and(|from| from.images.values().any(|image| image.blobs.iter().any(|(blob, _)| blob == digest)));
        catalog.mounts_blobs() && alike && used
    }

    fn session(&self, status: u16, id: &str, size: u64) -> Reply {
        let mut reply = empty(status);
        let range = format!("0-{}", size.saturating_sub(1));
        let headers = reply.headers_mut();
        headers.insert(LOCATION, self.location(&format!("blobs/uploads/{id}")));
        headers.insert(RANGE, HeaderValue::from_str(&range).expect("numbers are a header"));
        headers.insert("docker-upload-uuid", HeaderValue::from_str(id).expect("hex is a header"));
        reply
    }

    fn created(&self, digest: &Digest) -> Reply {
        let mut reply = empty(201);
        reply.headers_mut().insert(LOCATION, self.location(&format!("blobs/{digest}")));
        reply.headers_mut().insert("docker-content-digest", digest_header(digest));
        reply
    }
}

fn unknown() -> Problem {
    Problem::new(404, "BLOB_UPLOAD_UNKNOWN", "The upload is not known: it was finished, cancelled, or never begun")
}
