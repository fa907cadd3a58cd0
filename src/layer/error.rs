//! Why a layer could not be described as a tar, packed or read. Paths are those inside the layer unless said
//! otherwise; nothing of a failed layer is left behind.

use std::io;
use std::path::PathBuf;

use crate::report::{self, Explain};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("'{path}' cannot be a path in a layer: {why}")]
    Path { path: String, why: &'static str },
    #[error("two entries of the layer are called '{0}'")]
    Duplicate(String),
    #[error("'{path}' lies below '{parent}', which is no directory in this layer")]
    Parent { path: String, parent: String },
    #[error("'{path}' cannot link to '{target}': {why}")]
    Link { path: String, target: String, why: &'static str },
    #[error("'{path}': cannot read {from}")]
    Read { path: String, from: String, source: io::Error },
    #[error("'{path}': {from} changed while it was read ({size} bytes were expected, it has {found})")]
    Changed { path: String, from: String, size: u64, found: String },
    #[error("'{0}' is no compression level (wanted 0 to 12)")]
    Level(String),
    #[error("cannot write to the temporary directory {dir}")]
    Spool { dir: PathBuf, source: io::Error },
    #[error("cannot write the layer's tar")]
    Write(#[source] io::Error),
    #[error("cannot read the layer's bytes")]
    Foreign(#[source] io::Error),
    #[error("the layer is compressed with {0}, which cannot be read here")]
    Compression(&'static str),
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::Duplicate(_) => "Map only one of the inputs to this path.",
            Error::Parent { .. } => "Map the inputs so that no path is both a file (or link) and a directory.",
            Error::Read { source, .. }
                if matches!(source.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                "It is damaged: build it again, or check that it was downloaded or restored completely."
            }
            Error::Read { .. } => "Check that the file is there and that this user may read it.",
            Error::Changed { .. } => "Let nothing write to the input during the build, then run it again.",
            Error::Level(_) => "0 stores, 1 is fastest, 12 is smallest.",
            Error::Spool { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "Free some disk space, or point TMPDIR at a disk with room for one compressed copy of the image."
            }
            Error::Spool { .. } => "Point TMPDIR at a directory that this user may write to.",
            Error::Foreign(_) => "The layer is damaged where it comes from: fetch or build that image again.",
            Error::Compression(_) => "Use a base image whose layers are gzip or plain tar.",
            Error::Path { .. } | Error::Link { .. } | Error::Write(_) => return None,
        };
        Some(hint.to_owned())
    }

    fn kind(&self) -> report::Kind {
        match self {
            Error::Changed { .. } | Error::Spool { .. } | Error::Write(_) | Error::Foreign(_) => report::Kind::Failed,
            _ => report::Kind::Input,
        }
    }
}
