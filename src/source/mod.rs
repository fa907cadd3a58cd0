//! What becomes layers: a jar ([`jar`]), files and directories ([`files`]) or a ready program ([`binary`]). Each
//! reads its input once, describes it as an [`Application`] and leaves the bytes where they lie: the contents of
//! the entries are opened when a layer is packed. Nothing is unpacked to disk, and nothing here knows a base
//! image or a registry.

pub mod binary;
mod elf;
mod error;
pub mod files;
pub mod jar;
mod place;

pub use error::Error;

use crate::image::Platform;
use crate::layer::LayerSpec;

/// What goes on top of a base image, and how it is started.
#[derive(Debug, Clone, Default)]
pub struct Application {
    /// From the bottom to the top. No layer is empty.
    pub layers: Vec<LayerSpec>,
    /// Nothing: the base image's own.
    pub entrypoint: Option<Vec<String>>,
    pub cmd: Option<Vec<String>>,
    pub working_dir: Option<String>,
    /// The lowest Java that can load the application's classes: 8, 11, 17. Nothing if it has no classes.
    pub java_version: Option<u32>,
    pub needs: Needs,
    /// Not fatal, but the user should know.
    pub warnings: Vec<Warning>,
}

/// What the image must offer for the application to start, as far as its file tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// A program that must be in the base image: a dynamically linked binary's loader
    /// (`/lib64/ld-linux-x86-64.so.2`), a script's shell. An absolute path.
    pub interpreter: Option<String>,
    /// The platform that the binary is compiled for.
    pub platform: Option<Platform>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub text: String,
    pub hint: Option<String>,
}

impl Warning {
    fn new(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Warning { text: text.into(), hint: Some(hint.into()) }
    }
}
