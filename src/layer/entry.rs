//! What goes into a layer, before there is a tar of it.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

/// One member of a layer.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Path from the container's root, `/`-separated, without a leading or trailing `/`: `app/BOOT-INF/lib/a.jar`.
    pub path: String,
    pub kind: Kind,
    /// Permission bits, set-uid and sticky included; no file type.
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    /// Seconds since 1970.
    pub mtime: i64,
}

#[derive(Debug, Clone)]
pub enum Kind {
    /// `size` bytes; a content that yields more or fewer is an error when the layer is packed.
    File {
        size: u64,
        content: Content,
    },
    Directory,
    Symlink {
        target: String,
    },
    /// `target` is the path of an earlier file of the same layer, written like `Entry::path`.
    HardLink {
        target: String,
    },
}

/// Bytes that can be read again and again, each time from the beginning.
#[derive(Clone)]
pub enum Content {
    Disk(PathBuf),
    Memory(Bytes),
    /// Whatever this opens: a member of an archive, for example.
    Stream(Arc<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>),
}

/// A layer that has been described but not packed.
#[derive(Debug, Clone)]
pub struct LayerSpec {
    /// For people and the image's history: `dependencies`, `classes`, `files`.
    pub name: String,
    /// In any order; packing sorts by path. Two entries of one path are an error. Only what is listed is
    /// written: parents of an entry get no entry of their own, so that a base image's directories keep their
    /// modes and its symbolic links stay links.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// Modification time of everything whose real one would make builds differ: one second after the epoch, as
    /// Jib has it (zero means "unknown" to some tools).
    pub const MTIME: i64 = 1;

    pub fn file(path: impl Into<String>, size: u64, content: Content) -> Self {
        Entry::new(path, Kind::File { size, content }, 0o644)
    }

    pub fn directory(path: impl Into<String>) -> Self {
        Entry::new(path, Kind::Directory, 0o755)
    }

    pub fn new(path: impl Into<String>, kind: Kind, mode: u32) -> Self {
        Entry { path: path.into(), kind, mode, uid: 0, gid: 0, mtime: Entry::MTIME }
    }

    /// The path as a tar spells and sorts it: a directory's ends in `/`.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match self.kind {
            Kind::Directory => Cow::Owned(format!("{}/", self.path)),
            _ => Cow::Borrowed(&self.path),
        }
    }
}

impl Content {
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Content::Disk(path) => Ok(Box::new(std::fs::File::open(path)?)),
            Content::Memory(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            Content::Stream(open) => open(),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Disk(path) => write!(f, "Disk({})", path.display()),
            Content::Memory(bytes) => write!(f, "Memory({} bytes)", bytes.len()),
            Content::Stream(_) => f.write_str("Stream"),
        }
    }
}
