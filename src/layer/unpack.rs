//! Layers that somebody else has packed: their plain tar, whatever the blob's compression, and the `DiffId` that
//! follows from it. The compression is told by the first bytes, since media types and file names are often wrong.

use std::io::{self, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::pack::Hashing;
use super::{Error, tar};
use crate::image::DiffId;

/// The plain tar of a layer's blob.
pub enum Unpacked<R: Read> {
    Plain(Begun<R>),
    Gzip(Box<MultiGzDecoder<Begun<R>>>),
}

/// A reader whose first bytes have been looked at.
type Begun<R> = Chain<Cursor<Vec<u8>>, R>;

/// Looks at the first bytes of a blob and gives the plain tar behind them. All members of a gzip file are read.
pub fn unpacked<R: Read>(mut blob: R) -> Result<Unpacked<R>, Error> {
    let mut magic = Vec::with_capacity(4);
    blob.by_ref().take(4).read_to_end(&mut magic).map_err(Error::Foreign)?;
    let gzip = magic.starts_with(&[0x1f, 0x8b]);
    let zstd = magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    let begun = Cursor::new(magic).chain(blob);
    match (gzip, zstd) {
        (true, _) => Ok(Unpacked::Gzip(Box::new(MultiGzDecoder::new(begun)))),
        (_, true) => Err(Error::Compression("zstd")),
        _ => Ok(Unpacked::Plain(begun)),
    }
}

/// The `DiffId` of a blob, by unpacking and hashing it.
pub fn diff_id(blob: impl Read) -> Result<DiffId, Error> {
    let mut hashing = Hashing::default();
    let mut buffer = vec![0; 128 * 1024];
    let mut plain = unpacked(blob)?;
    loop {
        match tar::read(&mut plain, &mut buffer).map_err(Error::Foreign)? {
            0 => return Ok(DiffId::new(hashing.0.digest())),
            got => hashing.0.update(&buffer[..got]),
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Unpacked::Plain(plain) => plain.read(buffer),
            Unpacked::Gzip(gzip) => gzip.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::image::Digest;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Yields one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let end = buffer.len().min(1);
            self.0.read(&mut buffer[..end])
        }
    }

    #[test]
    fn diff_id_is_the_same_plain_and_in_gzip_members() {
        let expected = DiffId::new(Digest::of(b"a tar, say"));
        let members = [gzip(b"a tar"), gzip(b", say")].concat();
        for blob in [b"a tar, say".to_vec(), gzip(b"a tar, say"), members] {
            assert_eq!(diff_id(&blob[..]).unwrap(), expected);
            assert_eq!(diff_id(Slow(&blob)).unwrap(), expected);
        }
    }

    #[test]
    fn blob_shorter_than_its_magic_is_plain() {
        for blob in [&b""[..], b"\x1f", b"abc"] {
            assert_eq!(diff_id(blob).unwrap(), DiffId::new(Digest::of(blob)));
        }
    }

    #[test]
    fn zstd_is_named() {
        let error = diff_id(&b"\x28\xb5\x2f\xfd rest"[..]).unwrap_err();
        assert!(matches!(error, Error::Compression("zstd")));
    }

    #[test]
    fn broken_gzip_is_an_error() {
        let mut blob = gzip(&[7; 5000]);
        blob.truncate(blob.len() - 5);
        assert!(matches!(diff_id(&blob[..]), Err(Error::Foreign(_))));
    }
}
