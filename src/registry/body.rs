//! The content of an upload. A broken upload starts over with a new session, so content is something that can be
//! opened again, not something that is read once.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use tokio_util::io::ReaderStream;

/// Bytes read from the disk at a time; small enough to stay flat, large enough to keep a connection busy.
const PIECE: usize = 256 * 1024;

type Open = dyn Fn() -> BoxFuture<'static, io::Result<BoxStream<'static, io::Result<Bytes>>>> + Send + Sync;

/// `size` bytes that can be read again and again. Cheap to clone.
#[derive(Clone)]
pub struct Body {
    size: u64,
    open: Arc<Open>,
}

impl Body {
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let size = bytes.len();
        Body::stream(size as u64, move || {
            let bytes = bytes.clone();
            // In pieces, so that progress can be seen.
            let piece = move |start| Ok(bytes.slice(start..bytes.len().min(start + PIECE)));
            async move { Ok(stream::iter((0..size).step_by(PIECE)).map(piece)) }
        })
    }

    /// A whole file of this size. It is opened when it is needed, each time anew.
    pub fn file(path: impl Into<PathBuf>, size: u64) -> Self {
        let path: Arc<PathBuf> = Arc::new(path.into());
        Body::stream(size, move || {
            let path = path.clone();
            async move {
                let named = |why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", path.display()));
                let file = tokio::fs::File::open(path.as_ref()).await.map_err(named)?;
                Ok(ReaderStream::with_capacity(file, PIECE))
            }
        })
    }

    /// Whatever `open` yields; it has to yield the same `size` bytes each time.
    pub fn stream<O, F, S>(size: u64, open: O) -> Self
    where
        O: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let open = move || -> BoxFuture<'static, _> {
            let opening = open();
            Box::pin(async move { Ok(opening.await?.boxed()) })
        };
        Body { size, open: Arc::new(open) }
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// The content from its beginning; it fails when it turns out longer or shorter than announced. `passed` hears
    /// how many bytes went by so far.
    pub(super) async fn open(
        &self,
        mut passed: impl FnMut(u64) + Send + 'static,
    ) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        let size = self.size;
        let content = (self.open)().await?;
        let end = stream::iter([Ok(Bytes::new())]);
        let mut sent = 0;
        let counted = content.try_filter(|piece| std::future::ready(!piece.is_empty())).chain(end);
        let checked = counted.map(move |piece| {
            let piece = piece?;
            sent += piece.len() as u64;
            if sent > size || (piece.is_empty() && sent < size) {
                let text = format!("{size} bytes were announced, {sent} came");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            passed(sent);
            Ok(piece)
        });
        Ok(checked.try_filter(|piece| std::future::ready(!piece.is_empty())).boxed())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(body: &Body) -> io::Result<Vec<u8>> {
        let pieces: Vec<Bytes> = body.open(|_| ()).await?.try_collect().await?;
        Ok(pieces.concat())
    }

    #[tokio::test]
    async fn body_can_be_read_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "content").unwrap();
        for body in [Body::bytes("content"), Body::file(file.path(), 7)] {
            assert_eq!(read(&body).await.unwrap(), b"content");
            assert_eq!(read(&body).await.unwrap(), b"content");
        }
    }

    #[tokio::test]
    async fn body_that_changed_its_size_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "content").unwrap();
        for size in [6, 8] {
            let why = read(&Body::file(file.path(), size)).await.unwrap_err();
            assert!(why.to_string().contains("announced"), "{why}");
        }
        let gone = read(&Body::file("/does/not/exist", 1)).await.unwrap_err();
        assert!(gone.to_string().contains("/does/not/exist"), "{gone}");
    }
}
