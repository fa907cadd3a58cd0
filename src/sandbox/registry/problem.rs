//! What the registry refuses, in the specification's form: `{"errors": [{"code", "message", "detail"}]}`.

use serde_json::{Value, json};

use crate::image::Digest;
use crate::sandbox::Refusal;
use crate::sandbox::server::{Reply, json as reply};

#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: u16,
    code: &'static str,
    message: String,
    details: Vec<Value>,
    /// Headers that belong to it.
    headers: Box<hyper::HeaderMap>,
}

impl Problem {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Problem { status, code, message: message.into(), details: Vec::new(), headers: Box::default() }
    }

    /// The same problem with each of these.
    pub(super) fn with(self, details: impl IntoIterator<Item = Value>) -> Self {
        Problem { details: details.into_iter().collect(), ..self }
    }

    /// A chunk that does not begin where the upload stands; the headers say where that is.
    pub(super) fn range(at: Reply) -> Self {
        let headers = Box::new(at.headers().clone());
        Problem { headers, ..Problem::new(416, "RANGE_INVALID", "the chunk does not begin where the upload stands") }
    }

    pub(super) fn unsupported() -> Self {
        Problem::new(405, "UNSUPPORTED", "The operation is unsupported.")
    }

    /// The specification leaves SHA-512 to registries, and ECR has none: its API calls an image's and a layer's digest
    /// "the sha256 digest" [service model of ecr, ImageIdentifier and Layer].
    pub(super) fn digest(text: &str) -> Self {
        Problem::new(400, "DIGEST_INVALID", format!("'{text}' is not a digest that this registry knows (sha256)"))
    }

    /// ECR's words for content that does not have the digest it was announced with.
    pub(super) fn mismatch(wanted: &Digest, got: &Digest) -> Self {
        let message = "None of the provided layer digests match the calculated layer digest";
        let detail = json!({ "provided": wanted, "calculated": got });
        Problem::new(400, "DIGEST_INVALID", message).with([detail])
    }

    pub(super) fn reply(&self) -> Reply {
        let error = |detail: Option<&Value>| json!({ "code": self.code, "message": self.message, "detail": detail });
        let errors: Vec<_> = match self.details.as_slice() {
            [] => vec![json!({ "code": self.code, "message": self.message })],
            details => details.iter().map(|detail| error(Some(detail))).collect(),
        };
        let mut reply = reply(self.status, &json!({ "errors": errors }));
        reply.headers_mut().extend((*self.headers).clone());
        reply
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Problem::new(refusal.status, "UNKNOWN", refusal.message)
    }
}
