//! From inputs to an image: what lies below (`base`), what the documents will say (`plan`, pure), the layers'
//! bytes (`pack`), and their way to a registry, a layout or an archive (`publish`, shared with `push`).
//! Nothing is sent before everything that can be refused has been.

mod base;
mod compose;
mod configs;
mod error;
mod load;
mod observe;
mod pack;
mod part;
mod plan;
mod publish;
mod retag;
mod write;

pub use base::{Base, BaseLayer};
pub use compose::compose;
pub use error::Error;
pub use load::load;
pub use observe::{Snapshot, observe};
pub use pack::Packer;
pub use part::{Image, Part, Source};
pub use plan::{Documents, OwnLayer};
pub use publish::{Published, Survey, lacking, publish, survey};
pub use retag::{Retag, Step, Unset, set_tags, sight};
pub use write::write;

use std::path::PathBuf;

use crate::image::media_type::Format;
use crate::image::{Platform, Reference};
use crate::layer::Level;
use crate::source::{binary, files, jar};

/// What is to be built.
#[derive(Debug, Clone)]
pub struct Request {
    pub inputs: Inputs,
    /// What lies below; nothing named means the default for the input.
    pub from: Option<From>,
    /// Nothing named means the base's own, or `linux/amd64` where the base offers several.
    pub platform: Option<Platform>,
    pub settings: Settings,
    pub level: Level,
    /// Where digests of earlier layers are remembered; nothing named means nowhere.
    pub cache: Option<PathBuf>,
}

/// What becomes layers, bottom first: the jar or binary, then files in the order given.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    pub jar: Option<(PathBuf, jar::Options)>,
    pub binary: Option<(PathBuf, binary::Options)>,
    pub files: Vec<files::Mapping>,
    /// Owner and modes of what `files` brings.
    pub ownership: files::Options,
}

/// A base image, as `--from` names it.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    Scratch,
    Registry(Reference),
    Store(crate::store::Place),
}

/// What the image's documents say beyond what the inputs imply.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub entrypoint: Option<Vec<String>>,
    pub command: Option<Vec<String>>,
    pub environment: Vec<(String, String)>,
    pub labels: Vec<(String, String)>,
    /// `8080/tcp`.
    pub ports: Vec<String>,
    pub volumes: Vec<String>,
    pub user: Option<String>,
    pub working_directory: Option<String>,
    /// RFC 3339; the epoch unless asked otherwise, so that equal inputs give equal images.
    pub created: String,
    pub format: Format,
}
