//! Answers and their bodies: nothing, a text, a document, a part of a file.

use std::io;
use std::path::Path;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

pub type Reply = Response<BoxBody<Bytes, io::Error>>;

/// What is read from a file at a time.
const CHUNK: usize = 256 * 1024;

pub fn empty(status: u16) -> Reply {
    reply(status, Empty::new().map_err(|never| match never {}).boxed())
}

pub fn bytes(status: u16, media_type: &str, content: impl Into<Bytes>) -> Reply {
    let content = content.into();
    let length = content.len();
    let mut reply = reply(status, whole(content));
    let media_type = HeaderValue::from_str(media_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    reply.headers_mut().insert(CONTENT_TYPE, media_type);
    reply.headers_mut().insert(CONTENT_LENGTH, length.into());
    reply
}

/// A body that is there already.
pub fn whole(content: Bytes) -> BoxBody<Bytes, io::Error> {
    Full::new(content).map_err(|never| match never {}).boxed()
}

pub fn text(status: u16, content: impl Into<String>) -> Reply {
    bytes(status, "text/plain; charset=utf-8", content.into())
}

pub fn json(status: u16, document: &Value) -> Reply {
    bytes(status, "application/json", document.to_string())
}

/// `length` bytes of a file from `start` on.
pub async fn file(status: u16, path: &Path, start: u64, length: u64) -> io::Result<Reply> {
    let mut file = tokio::fs::File::open(path).await?;
    file.set_max_buf_size(CHUNK);
    if start > 0 {
        file.seek(io::SeekFrom::Start(start)).await?;
    }
    let stream = ReaderStream::with_capacity(file.take(length), CHUNK);
    let mut reply = reply(status, StreamBody::new(stream.map_ok(Frame::data)).boxed());
    reply.headers_mut().insert(CONTENT_LENGTH, length.into());
    Ok(reply)
}

fn reply(status: u16, body: BoxBody<Bytes, io::Error>) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply
}
