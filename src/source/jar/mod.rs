//! A jar as layers, by Jib's layout: Spring Boot jars by their own `layers.idx` or by the usual folders, other
//! jars by dependencies, resources and classes; or, "packaged", as the one file it is. Members are read from the
//! jar when a layer is packed, so a jar of any size costs neither disk nor memory.

mod archive;
mod boot;
mod class_path;
mod class_version;
mod content;
mod launch;
mod layers_index;
mod manifest;
mod plain;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::str::FromStr;

use archive::{Archive, Member};
use boot::Boot;
use manifest::Manifest;

use super::place::Root;
use super::{Application, Error, Warning};
use crate::layer::{Content, Entry, LayerSpec};

#[derive(Debug, Clone)]
pub struct Options {
    pub mode: Mode,
    /// The directory of the image that belongs to the application, absolute.
    pub app_root: String,
    /// For `java`, before its own flags of the entrypoint.
    pub jvm_flags: Vec<String>,
    /// The image's Cmd, which `java` hands on to the main class.
    pub program_args: Vec<String>,
    /// Instead of the computed one; no main class is needed then, and `jvm_flags` have no meaning.
    pub entrypoint: Option<Vec<String>>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            mode: Mode::Exploded,
            app_root: "/app".into(),
            jvm_flags: Vec::new(),
            program_args: Vec::new(),
            entrypoint: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Laid out as files: what did not change since the last build is not sent again.
    #[default]
    Exploded,
    /// The jar in one layer.
    Packaged,
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "exploded" => Ok(Mode::Exploded),
            "packaged" => Ok(Mode::Packaged),
            _ => Err(Error::Option { option: "--mode", text: text.into(), why: "it is exploded or packaged" }),
        }
    }
}

/// Layers of a jar from the bottom to the top, and what `java` is told after its flags.
struct Layout {
    layers: Vec<LayerSpec>,
    /// Nothing if the jar has no main class.
    command: Option<Vec<String>>,
    /// Why the command may fail.
    doubt: Option<Warning>,
}

pub fn read(path: &Path, options: &Options) -> Result<Application, Error> {
    let root = Root::parse(&options.app_root)?;
    let jar = Archive::open(path)?;
    let manifest = Manifest::read(&jar)?;
    let boot = Boot::find(&jar, &manifest);
    let java_version = match &boot {
        Some(boot) => class_version::required(&jar, boot.own_classes(&jar, &manifest))?,
        None => class_version::required(&jar, jar.members.iter())?,
    };
    let mut warnings = Vec::new();
    let layout = match (&boot, options.mode) {
        (Some(boot), Mode::Exploded) => boot.exploded(&jar, &manifest, &root, &mut warnings)?,
        (Some(_), Mode::Packaged) => boot::packaged(&jar, &manifest, &root)?,
        (None, Mode::Exploded) => plain::exploded(&jar, &manifest, &root, &mut warnings)?,
        (None, Mode::Packaged) => plain::packaged(&jar, &manifest, &root, &mut warnings)?,
    };
    let module_flags = match options.mode {
        Mode::Exploded => launch::module_flags(&manifest, java_version),
        Mode::Packaged => Vec::new(),
    };
    let entrypoint = match (&options.entrypoint, layout.command) {
        (Some(given), _) => given.clone(),
        (None, Some(command)) => {
            warnings.extend(layout.doubt);
            launch::java(&options.jvm_flags, module_flags, command)
        }
        (None, None) => return Err(Error::MainClass { path: path.into() }),
    };
    Ok(Application {
        layers: layout.layers.into_iter().filter(|layer| !layer.entries.is_empty()).collect(),
        entrypoint: Some(entrypoint),
        cmd: Some(options.program_args.clone()).filter(|args| !args.is_empty()),
        java_version,
        warnings,
        ..Application::default()
    })
}

/// A layer of members, each at its own name below `folder` of the root (`""`: the root itself).
fn layer_of<'a>(
    jar: &Archive,
    root: &Root,
    name: &str,
    folder: &str,
    members: impl Iterator<Item = &'a Member>,
) -> LayerSpec {
    let path = |member: &Member| root.join(&[folder, &member.name].concat());
    root.layer(name, members.map(|member| Entry::file(path(member), member.size, jar.content(member))).collect())
}

/// The jar as one file of the layer `jar`, and the command that runs it.
fn whole(jar: &Archive, root: &Root) -> Result<(LayerSpec, Vec<String>), Error> {
    let name = jar.path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Error::Name { path: jar.path.clone(), why: "its name is not UTF-8" })?;
    let layer = root.layer("jar", vec![on_disk(root.join(name), &jar.path)?]);
    Ok((layer, vec!["-jar".into(), root.inside(name)]))
}

fn on_disk(entry: String, source: &Path) -> Result<Entry, Error> {
    let metadata = std::fs::metadata(source).map_err(|error| Error::io("file", source, error))?;
    Ok(Entry::file(entry, metadata.len(), Content::Disk(source.into())))
}

/// Jib's mark of a dependency that changes often.
fn is_snapshot(name: &str) -> bool {
    name.contains("SNAPSHOT")
}
