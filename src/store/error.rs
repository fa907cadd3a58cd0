//! What can be wrong with images in files.

use std::io;
use std::path::{Path, PathBuf};

use crate::image::Digest;
use crate::report::{Explain, Kind};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("'{text}' is no image in files: {why}")]
    Place { text: String, why: String },
    #[error("cannot write {}: {why}", path.display())]
    Unwritable { path: PathBuf, why: String },
    #[error("{}: {why}", path.display())]
    Io { path: PathBuf, why: io::Error },
    #[error("there is no OCI layout at {}", path.display())]
    NoLayout { path: PathBuf },
    /// A broken layout or archive.
    #[error("{}: {why}", path.display())]
    Broken { path: PathBuf, why: String },
    #[error("{} is compressed as a whole", path.display())]
    Compressed { path: PathBuf },
    #[error("{} holds no image {wanted}; it holds {held}", path.display())]
    NoImage { path: PathBuf, wanted: String, held: String },
    #[error("{} holds several images: {held}", path.display())]
    Ambiguous { path: PathBuf, held: String },
    #[error("{}: blob {wanted} has other content: {got}", path.display())]
    Digest { path: PathBuf, wanted: Digest, got: String },
    #[error(transparent)]
    Image(#[from] crate::image::Error),
}

impl Error {
    /// For `map_err`.
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
        move |why| Error::Io { path: path.to_owned(), why }
    }

    pub(super) fn broken(path: &Path, why: impl Into<String>) -> Error {
        Error::Broken { path: path.to_owned(), why: why.into() }
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::Place { .. } => Some("Write oci:DIRECTORY[:TAG] or docker-archive:FILE[:REPOSITORY:TAG].".into()),
            Error::Unwritable { .. } => Some("Name a place that can be written.".into()),
            Error::NoLayout { .. } => {
                Some("Check the path: a layout is a directory that holds oci-layout and index.json.".into())
            }
            Error::Compressed { .. } => Some("Decompress it first, for example with gunzip.".into()),
            Error::NoImage { .. } | Error::Ambiguous { .. } => {
                Some("Name one of them: oci:DIRECTORY:TAG or docker-archive:FILE:REPOSITORY:TAG.".into())
            }
            Error::Broken { .. } | Error::Digest { .. } => Some("Write the image again; this copy is damaged.".into()),
            Error::Io { why, .. } if why.kind() == io::ErrorKind::NotFound => {
                Some("Check the path, and that the step that writes it ran before and in the same workspace.".into())
            }
            Error::Io { .. } => None,
            Error::Image(error) => error.hint(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            // Where something is written, the directory was looked at before.
            Error::Io { why, .. } if why.kind() != io::ErrorKind::NotFound => Kind::Failed,
            _ => Kind::Input,
        }
    }
}
