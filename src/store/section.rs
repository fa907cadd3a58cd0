//! A stretch of a file: a whole blob of a layout, or a member of an archive that is never unpacked.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::stream::Stream;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

/// `size` bytes of a file, from `offset` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub path: PathBuf,
    pub offset: u64,
    pub size: u64,
}

impl Section {
    /// The bytes, from the first. Ends early if the file does.
    pub fn read(&self) -> io::Result<impl Read + Send + use<>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        Ok(file.take(self.size))
    }

    /// The same for asynchronous work, such as an upload.
    pub async fn stream(&self) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>> {
        let mut file = tokio::fs::File::open(&self.path).await?;
        file.seek(SeekFrom::Start(self.offset)).await?;
        Ok(ReaderStream::with_capacity(file.take(self.size), PIECE))
    }

    /// Whether the bytes begin like gzip.
    pub fn is_gzip(&self) -> io::Result<bool> {
        let mut magic = Vec::with_capacity(2);
        self.read()?.take(2).read_to_end(&mut magic)?;
        Ok(magic == [0x1f, 0x8b])
    }
}
