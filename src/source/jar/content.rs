//! The bytes of a jar's member, straight from the jar. Reads go by position, so one open file serves all members
//! and threads at once, and a jar that is replaced meanwhile does no harm. Size and checksum are compared while
//! the bytes pass.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use flate2::{Crc, Decompress, FlushDecompress, bufread::DeflateDecoder};

use super::archive::Member;
use crate::layer::Content;

const LOCAL_HEADER: usize = 30;

/// Reading it fails if the bytes do not have the size and checksum that the jar states.
pub(super) fn of(file: &Arc<File>, jar: &Path, member: &Member) -> Content {
    let (file, jar, member) = (file.clone(), jar.to_owned(), member.clone());
    Content::Stream(Arc::new(move || {
        let label = format!("'{}' in {}", member.name, jar.display());
        let data = Window::of(&file, &member).map_err(|error| labelled(&label, error))?;
        let inner: Box<dyn Read + Send> = match member.deflated {
            true => Box::new(DeflateDecoder::new(BufReader::with_capacity(64 << 10, data))),
            false => Box::new(data),
        };
        Ok(Box::new(Checked { inner, crc: Crc::new(), left: member.size, wanted: member.crc, label }))
    }))
}

/// The first bytes of a member, unchecked. `inflate` is used again and again, since making one is dear.
pub(super) fn head(file: &Arc<File>, member: &Member, inflate: &mut Decompress) -> Option<[u8; 8]> {
    let mut window = Window::of(file, member).ok()?;
    let (mut packed, mut head) = ([0; 512], [0; 8]);
    if !member.deflated {
        return window.read_exact(&mut head).ok().map(|()| head);
    }
    let length = window.read(&mut packed).ok()?;
    inflate.reset(false);
    inflate.decompress(&packed[..length], &mut head, FlushDecompress::None).ok()?;
    (inflate.total_out() == head.len() as u64).then_some(head)
}

/// A part of a file, read by position.
struct Window {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Window {
    /// The packed bytes of a member. They begin after its local header, whose length only itself knows.
    fn of(file: &Arc<File>, member: &Member) -> io::Result<Window> {
        let mut header = [0; LOCAL_HEADER];
        file.read_exact_at(&mut header, member.header)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its local header is damaged"));
        }
        let length = |at: usize| u64::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let at = member.header + LOCAL_HEADER as u64 + length(26) + length(28);
        Ok(Window { file: file.clone(), at, end: at.saturating_add(member.packed) })
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        let got = self.file.read_at(&mut buffer[..wanted], self.at)?;
        if got == 0 && wanted > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the jar became shorter"));
        }
        self.at += got as u64;
        Ok(got)
    }
}

/// Compares size and checksum with what the jar states, as soon as the last byte is there: a reader that takes
/// exactly `size` bytes learns of damage too.
struct Checked {
    inner: Box<dyn Read + Send>,
    crc: Crc,
    left: u64,
    wanted: u32,
    label: String,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let got = self.inner.read(buffer).map_err(|error| labelled(&self.label, error))?;
        let damaged = |why: String| Err(labelled(&self.label, io::Error::new(io::ErrorKind::InvalidData, why)));
        if got as u64 > self.left || (got == 0 && self.left > 0) {
            return damaged("its size is not the one that the jar states".into());
        }
        self.crc.update(&buffer[..got]);
        self.left -= got as u64;
        if self.left == 0 && self.crc.sum() != self.wanted {
            return damaged(format!("its checksum is {:08x}, the jar states {:08x}", self.crc.sum(), self.wanted));
        }
        Ok(got)
    }
}

fn labelled(label: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{label} is damaged: {error}"))
}
