//! What can go wrong between inputs and a published image.

use super::Unset;
use crate::image::{self, Digest, Platform};
use crate::report::{Explain, Kind};
use crate::{layer, registry, source, store};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("nothing to build an image from")]
    NoInput,
    #[error("no base image named")]
    NoBase,
    #[error("base image {0} does not exist")]
    BaseMissing(String),
    #[error("base image {base} offers {offered}, not {wanted}")]
    BasePlatform { base: String, wanted: String, offered: String },
    #[error("{base} is not a base image: {why}")]
    BaseUnusable { base: String, why: String },
    #[error("{binary} is for {needs}, the image is for {image}")]
    BinaryPlatform { binary: String, needs: String, image: String },
    #[error("{binary} needs {interpreter}, and the base is scratch")]
    BinaryInterpreter { binary: String, interpreter: String },
    #[error("the image would have {count} layers, more than the {most} that container runtimes accept")]
    TooManyLayers { count: usize, most: usize },
    #[error("layer '{name}' changed while it was built: {before} became {after}")]
    Changed { name: String, before: Digest, after: Digest },
    #[error("{name} of the archive is damaged: wanted {wanted}, got {got}")]
    ArchivedLayer { name: String, wanted: Digest, got: Digest },
    #[error("a Docker archive holds one image, and this is an index of several")]
    ArchiveIndex,
    #[error("layer '{name}': {why}")]
    Spool { name: String, why: std::io::Error },
    #[error("image {0} does not exist")]
    SourceMissing(String),
    #[error("{repository}: immutable tags that name other images than {new}: {}", taken.join(", "))]
    TagsFixed { repository: String, taken: Vec<String>, new: Digest },
    #[error("{0}")]
    Tags(Box<Unset>),
    #[error(transparent)]
    Image(#[from] image::Error),
    #[error(transparent)]
    Layer(#[from] layer::Error),
    #[error(transparent)]
    Registry(#[from] registry::Error),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    pub(super) fn base_platform(base: &str, wanted: &Platform, offered: &[Platform]) -> Error {
        let names: Vec<String> = offered.iter().map(Platform::to_string).collect();
        let offered = if names.is_empty() { "no platform".into() } else { names.join(", ") };
        Error::BasePlatform { base: base.to_owned(), wanted: wanted.to_string(), offered }
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Error::NoInput => "Name what goes in: --jar FILE, --binary FILE or --files SRC:DEST.".into(),
            Error::NoBase => "Name what lies below: --from REFERENCE, --from oci:DIR, --from docker-archive:FILE or --from scratch.".into(),
            Error::BaseMissing(_) => "Check the name and the tag given to --from.".into(),
            Error::BasePlatform { .. } => "Give --platform one of these, or another base.".into(),
            Error::BinaryPlatform { needs, .. } => format!("Give --platform {needs}, or build the binary for the image's platform."),
            Error::BinaryInterpreter { .. } => "Link the binary statically (Rust: --target x86_64-unknown-linux-musl, Go: CGO_ENABLED=0), or give --from a base that has the interpreter.".into(),
            Error::TooManyLayers { .. } => "Choose a base with fewer layers, or fewer --files mappings.".into(),
            Error::Changed { .. } => "Let nothing write to the inputs while the image is built, then run it again.".into(),
            Error::ArchivedLayer { .. } => "Save the image again.".into(),
            Error::ArchiveIndex => "Write it to oci:DIR instead.".into(),
            Error::BaseUnusable { .. } | Error::Spool { .. } => return None,
            Error::SourceMissing(_) => "Check --source-tag: it is the tag or the digest of an image in this very repository.".into(),
            Error::TagsFixed { .. } => "No tag was set. Give others, or leave those that exist alone with --skip-when-tags-exist; the repository's tag immutability forbids moving them.".into(),
            Error::Tags(unset) => return unset.failed.first().and_then(|(_, why)| why.hint()),
            Error::Image(error) => return error.hint(),
            Error::Layer(error) => return error.hint(),
            Error::Registry(error) => return error.hint(),
            Error::Source(error) => return error.hint(),
            Error::Store(error) => return error.hint(),
        })
    }

    fn kind(&self) -> Kind {
        match self {
            Error::Spool { .. } | Error::Changed { .. } | Error::Tags(_) => Kind::Failed,
            Error::Image(error) => error.kind(),
            Error::Layer(error) => error.kind(),
            Error::Registry(error) => error.kind(),
            Error::Source(error) => error.kind(),
            Error::Store(error) => error.kind(),
            _ => Kind::Input,
        }
    }
}
