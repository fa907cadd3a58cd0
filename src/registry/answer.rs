//! What a registry answered. A refusal's error document is read at once, with care for size and secrets, and
//! becomes an error that names the cause; an acceptance keeps its body for whoever wants it.

use std::fmt;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::endpoint::Endpoint;
use super::secrets::Authorization;
use super::wire::{Wire, broken};
use super::{Error, retry};

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Why the registry refused, if it did.
    pub(super) said: Said,
    /// Whether the request carried a login.
    sent: bool,
    body: Option<Response>,
}

/// The reason of a refusal, as the registry puts it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) status: u16,
    /// `DENIED`, `NAME_UNKNOWN`; empty when the answer has no error document.
    pub(super) code: String,
    pub(super) message: String,
}

#[derive(Deserialize)]
struct Document {
    errors: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: Option<String>,
}

/// No manifest and no token answer is larger.
const LARGEST: usize = 16 * 1024 * 1024;
/// As much of an error page as is looked at, and as is shown.
const PAGE: usize = 64 * 1024;
const SHOWN: usize = 300;

impl Answer {
    pub(super) async fn receive(response: Response, sent: Option<&Authorization>, wire: &Wire) -> Answer {
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_success() {
            let said = Said::default();
            return Answer { status, headers, said, sent: sent.is_some(), body: Some(response) };
        }
        let page = read(response, "", PAGE, wire).await.unwrap_or_default();
        let scrub = |text: &str| sent.map_or(text.to_owned(), |sent| sent.scrub(text));
        let said = Said::parse(status.as_u16(), &page, scrub);
        Answer { status, headers, said, sent: sent.is_some(), body: None }
    }

    pub(super) fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// Whether a fresh login may help. ECR says 403, not 401, when a token has outlived its twelve hours.
    pub(super) fn wants_login(&self) -> bool {
        let expired = || self.said.message.contains("authorization token has expired");
        self.status == StatusCode::UNAUTHORIZED || (self.status == StatusCode::FORBIDDEN && expired())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The whole body.
    pub(super) async fn read(self, what: &str, wire: &Wire) -> Result<Bytes, Error> {
        match self.body {
            Some(response) => read(response, what, LARGEST, wire).await,
            None => Ok(Bytes::new()),
        }
    }

    /// The response with its body still to come, of an acceptance.
    pub(super) fn into_response(self) -> Option<Response> {
        self.body
    }

    /// The answer if it is an acceptance, an error otherwise.
    pub(super) fn accepted(self, endpoint: &Endpoint, now: SystemTime) -> Result<Answer, Error> {
        if self.is_success() { Ok(self) } else { Err(self.refusal(endpoint, now)) }
    }

    pub(super) fn refusal(&self, endpoint: &Endpoint, now: SystemTime) -> Error {
        let (what, said, status) = (endpoint.what.clone(), self.said.to_string(), self.status.as_u16());
        let registry = endpoint.repository.registry.clone();
        if retry::is_passing(status, &self.said.code) {
            return Error::Server { what, status, said, attempts: 1, wait: retry::asked_wait(&self.headers, now) };
        }
        match (status, self.said.code.as_str()) {
            _ if self.wants_login() => Error::Unauthorized { what, registry, sent: self.sent, said },
            (403, _) => Error::Denied { what, registry, permission: endpoint.permission, said },
            (404, "NAME_UNKNOWN") => Error::NoRepository { repository: endpoint.repository.clone() },
            (_, code) => Error::Refused { what, code: code.to_owned(), said },
        }
    }
}

async fn read(mut response: Response, what: &str, limit: usize, wire: &Wire) -> Result<Bytes, Error> {
    let mut body = BytesMut::new();
    loop {
        let piece = tokio::time::timeout(wire.timeout(), response.chunk()).await;
        let piece = piece.map_err(|_| Error::Silent { what: what.into(), limit: wire.timeout(), attempts: 1 })?;
        match piece.map_err(|error| broken(what, error))? {
            None => return Ok(body.freeze()),
            Some(piece) if body.len() + piece.len() > limit => {
                return Err(Error::Answer { what: what.into(), why: format!("it is larger than {limit} bytes") });
            }
            Some(piece) => body.extend_from_slice(&piece),
        }
    }
}

impl Said {
    fn parse(status: u16, body: &[u8], scrub: impl Fn(&str) -> String) -> Said {
        let first = serde_json::from_slice(body).ok().and_then(|document: Document| document.errors.into_iter().next());
        let (code, message) = match first {
            Some(item) => (item.code, item.message.unwrap_or_default()),
            None => (String::new(), String::from_utf8_lossy(body).into_owned()),
        };
        Said { status, code: line(&scrub(&code)), message: line(&scrub(&message)) }
    }
}

/// One line of harmless characters, not too long.
fn line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let text = words.join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => write!(f, "HTTP {}", self.status),
            ("", message) => write!(f, "HTTP {}: {message}", self.status),
            (code, "") => f.write_str(code),
            (code, message) => write!(f, "{code}: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(status: u16, body: &[u8]) -> Said {
        Said::parse(status, body, str::to_owned)
    }

    #[test]
    fn said_reads_the_error_document() {
        let said = parse(403, br#"{"errors":[{"code":"DENIED","message":"no\nway","detail":{"x":1}}]}"#);
        assert_eq!(said.to_string(), "DENIED: no way");
    }

    #[test]
    fn said_survives_anything_else() {
        assert_eq!(parse(500, b"").to_string(), "HTTP 500");
        assert_eq!(parse(502, b"<h1>\x1b[31mBad</h1>").to_string(), "HTTP 502: <h1> [31mBad</h1>");
        assert_eq!(parse(500, br#"{"errors":[]}"#).to_string(), r#"HTTP 500: {"errors":[]}"#);
        assert!(parse(500, "ä".repeat(5000).as_bytes()).to_string().len() < 700);
    }
}
