//! Blobs going out, and going away.

use std::path::Path;

use hyper::Method;
use hyper::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, LOCATION};

use super::problem::Problem;
use super::range::requested;
use super::{Stop, Visit};
use crate::image::Digest;
use crate::sandbox::catalog::Change;
use crate::sandbox::server::{Reply, Trouble, empty, file};

const BLOB: HeaderValue = HeaderValue::from_static("application/octet-stream");

impl Visit<'_> {
    pub(super) async fn blob(&self, text: &str) -> Result<Reply, Stop> {
        let digest: Digest = text.parse().map_err(|_| Problem::digest(text))?;
        self.require_repository()?;
        let unknown = || Problem::new(404, "BLOB_UNKNOWN", format!("{digest} is not in {}", self.repository));
        let size = self.site.blob_size(self.repository, &digest).ok_or_else(unknown)?;
        let mut reply = match self.parts.method {
            Method::HEAD => {
                let mut reply = empty(200);
                reply.headers_mut().insert("content-length", size.into());
                reply.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
                reply
            }
            // ECR sends its clients to S3.
            Method::GET if self.ecr => {
                let mut reply = empty(307);
                let link = format!("{}/_sandbox/layers/{digest}", self.site.url());
                reply.headers_mut().insert(LOCATION, HeaderValue::from_str(&link).expect("a digest is a header"));
                return Ok(reply);
            }
            Method::GET => content(&self.site.blobs.path(&digest), size, self.header("range")).await.map_err(gone)?,
            Method::DELETE => {
                self.site.commit(vec![Change::RemoveBlob(self.repository.into(), digest)]).map_err(Problem::from)?;
                return Ok(empty(202));
            }
            _ => return Err(Problem::unsupported().into()),
        };
        reply.headers_mut().insert("docker-content-digest", digest_header(&digest));
        reply.headers_mut().insert(CONTENT_TYPE, BLOB);
        Ok(reply)
    }
}

fn gone(why: std::io::Error) -> Stop {
    Stop::Trouble(Trouble::Disk(why))
}

pub(super) fn digest_header(digest: &Digest) -> HeaderValue {
    HeaderValue::from_str(digest.as_str()).expect("a digest is a header")
}

/// A file, or the part of it that `Range` asks for.
pub async fn content(path: &Path, size: u64, range: Option<&str>) -> std::io::Result<Reply> {
    let Some(range) = range else {
        let mut reply = file(200, path, 0, size).await?;
        reply.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        return Ok(reply);
    };
    let (mut reply, part) = match requested(range, size) {
        None => (empty(416), format!("bytes */{size}")),
        Some((0, length)) if length == size => return file(200, path, 0, size).await,
        Some((first, length)) => {
            (file(206, path, first, length).await?, format!("bytes {first}-{}/{size}", first + length - 1))
        }
    };
    reply.headers_mut().insert(CONTENT_RANGE, HeaderValue::from_str(&part).expect("numbers are a header"));
    Ok(reply)
}
