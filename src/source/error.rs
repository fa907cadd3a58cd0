//! Why an input cannot become layers. All of it is found before anything is built or sent, so every variant is
//! a matter of input.

use std::io;
use std::path::PathBuf;

use crate::report::{Explain, Kind};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `what` is a noun: "jar", "binary", "file".
    #[error("{what} {} does not exist", path.display())]
    Missing { what: &'static str, path: PathBuf },
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is not {wanted}", path.display())]
    Shape { path: PathBuf, wanted: &'static str },
    #[error("{}: {why}", path.display())]
    Name { path: PathBuf, why: &'static str },
    #[error("{option} '{text}': {why}")]
    Option { option: &'static str, text: String, why: &'static str },

    #[error("{} is not a jar, or not a whole one: {why}", path.display())]
    Zip { path: PathBuf, why: String },
    #[error("{}: cannot take member '{member}': {why}", path.display())]
    Member { path: PathBuf, member: String, why: String },
    #[error("{}: no class file in it is valid ('{member}' does not begin with 0xCAFEBABE)", path.display())]
    Class { path: PathBuf, member: String },
    #[error("{}: its META-INF/MANIFEST.MF has no Main-Class", path.display())]
    MainClass { path: PathBuf },
    #[error("{}: '{entry}' in Class-Path of its META-INF/MANIFEST.MF is missing: there is no {}", jar.display(), path.display())]
    Dependency { jar: PathBuf, entry: String, path: PathBuf },
    /// `line` counts from 1.
    #[error("{}: {index}, line {line}: {why}", jar.display())]
    LayersIndex { jar: PathBuf, index: String, line: usize, why: &'static str },

    #[error("{} is {kind}, which no layer can hold", path.display())]
    Special { path: PathBuf, kind: &'static str },
    #[error("{} cannot be started in a Linux container: {why}", path.display())]
    Binary { path: PathBuf, why: String, hint: &'static str },
}

impl Error {
    /// An I/O error about `path`; "not found" becomes [`Error::Missing`].
    pub(super) fn io(what: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Error::Missing { what, path: path.into() },
            _ => Error::Unreadable { path: path.into(), source },
        }
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::Missing { what: "jar", .. } => {
                "Check the path, and that the step that builds the jar ran before and in the same workspace."
            }
            Error::Missing { .. } => {
                "Check the path, and that the step that makes it ran before and in the same workspace."
            }
            Error::Unreadable { .. } => "Check the permissions of the file and of the directories above it.",
            Error::Shape { .. } => return None,
            Error::Name { .. } => "Rename the file: names in an image must be UTF-8.",
            Error::Option { option: "--files", .. } => {
                "Write SRC:DEST with an absolute DEST, for example site:/usr/share/nginx/html; a ':' in SRC is written '\\:'."
            }
            Error::Option { option: "--chown", .. } => "Write UID or UID:GID in digits, for example 1000:1000.",
            Error::Option { option: "--app-root", .. } => "Write an absolute path, for example /app.",
            Error::Option { .. } => return None,
            Error::Zip { .. } => "Build the jar again, or check that it was downloaded or restored completely.",
            Error::Member { .. } => "Build the jar again with the build tool's own jar task, or use --mode packaged.",
            Error::Class { .. } => "Build the jar again: a JVM cannot load these classes.",
            Error::MainClass { .. } => {
                "Set the main class in the build (maven-jar-plugin: archive/manifest/mainClass; Gradle: attributes 'Main-Class' in the jar task), or give --entrypoint."
            }
            Error::Dependency { .. } => {
                "Have the build copy its dependencies to that place (maven-dependency-plugin copy-dependencies; Gradle: a Copy task), or take the entry out of the manifest's Class-Path."
            }
            Error::LayersIndex { .. } => {
                "Each line is '- \"LAYER\":' or '  - \"PATH\"'; build the jar again with Spring Boot's plugin, or switch layers off there."
            }
            Error::Special { .. } => "Take it out of the directory, or name only the parts of it that are wanted.",
            Error::Binary { hint, .. } => hint,
        };
        Some(hint.into())
    }

    fn kind(&self) -> Kind {
        Kind::Input
    }
}
