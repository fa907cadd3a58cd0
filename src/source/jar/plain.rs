//! Jars that are not Spring Boot's: one that holds the application alone and names its libraries in the
//! manifest's Class-Path, or a fat one that holds everything. Laid out, the jar's content is `explodedJar` and its
//! libraries are `dependencies`; packaged, every library lies where `java -jar` looks for it.

use std::collections::HashSet;
use std::path::Path;

use walkdir::WalkDir;

use super::super::place::Root;
use super::super::{Error, Warning};
use super::archive::Archive;
use super::class_path::{self, Dependency, Kind, Place};
use super::manifest::Manifest;
use super::{Layout, is_snapshot, launch, layer_of, on_disk, whole};
use crate::layer::{Entry, LayerSpec};

const CONTENT: &str = "explodedJar/";
const LIBRARIES: &str = "dependencies";

pub(super) fn exploded(
    jar: &Archive,
    manifest: &Manifest,
    root: &Root,
    warnings: &mut Vec<Warning>,
) -> Result<Layout, Error> {
    jar.check_layout()?;
    launch::warn(manifest, jar.has_prefix("META-INF/versions/"), warnings);
    let dependencies = class_path::resolve(jar, manifest, warnings)?;
    let mut taken = HashSet::new();
    let placed: Vec<(Dependency, String)> = dependencies
        .into_iter()
        .map(|dependency| {
            let path = root.join(&format!("{LIBRARIES}/{}", free_name(&dependency.source, &mut taken)));
            (dependency, path)
        })
        .collect();
    let is_class = |name: &str| name.ends_with(".class");
    let mut layers = dependency_layers(root, &placed)?;
    let members = |classes| jar.members.iter().filter(move |member| is_class(&member.name) == classes);
    layers.push(layer_of(jar, root, "resources", CONTENT, members(false)));
    layers.push(layer_of(jar, root, "classes", CONTENT, members(true)));
    let command = manifest.get("Main-Class").map(|main| vec!["-cp".into(), search_path(root, &placed), main.into()]);
    Ok(Layout { layers, command, doubt: None })
}

pub(super) fn packaged(
    jar: &Archive,
    manifest: &Manifest,
    root: &Root,
    warnings: &mut Vec<Warning>,
) -> Result<Layout, Error> {
    let (own, command) = whole(jar, root)?;
    let place_of = |place: &Place| match place {
        Place::Relative(path) => below(&root.absolute(), path),
        Place::Absolute(path) => below("/", path),
    };
    let own_paths = own.entries.iter().map(|entry| entry.path.clone());
    let mut taken: HashSet<String> = own_paths.collect();
    let dependencies = class_path::resolve(jar, manifest, warnings)?.into_iter();
    let placed = dependencies.map(|dependency| {
        let path = place_of(&dependency.place);
        (dependency, path)
    });
    let placed: Vec<(Dependency, String)> = placed.filter(|(_, path)| taken.insert(path.clone())).collect();
    let mut layers = dependency_layers(root, &placed)?;
    layers.push(own);
    Ok(Layout { layers, command: manifest.get("Main-Class").map(|_| command), doubt: None })
}

/// The class path in the order of the manifest; all the jars stand where the first one does, as a wildcard.
fn search_path(root: &Root, placed: &[(Dependency, String)]) -> String {
    let wildcard = root.inside(&format!("{LIBRARIES}/*"));
    let mut parts = vec![root.inside(CONTENT.trim_end_matches('/'))];
    for (dependency, path) in placed {
        match dependency.kind {
            Kind::Jar if !parts.contains(&wildcard) => parts.push(wildcard.clone()),
            Kind::Jar => {}
            Kind::Directory => parts.push(format!("/{path}")),
            Kind::Home => parts.push(root.absolute()),
        }
    }
    if !parts.contains(&wildcard) {
        parts.push(wildcard);
    }
    parts.join(":")
}

fn dependency_layers(root: &Root, placed: &[(Dependency, String)]) -> Result<Vec<LayerSpec>, Error> {
    let (mut stable, mut snapshots) = (Vec::new(), Vec::new());
    // A library may be named itself and lie in a directory that is named too.
    let mut taken = HashSet::new();
    for (dependency, path) in placed {
        let entries = entries(dependency, path)?.into_iter().filter(|entry| taken.insert(entry.path.clone()));
        match is_snapshot(&dependency.written) {
            true => snapshots.extend(entries),
            false => stable.extend(entries),
        }
    }
    Ok(vec![root.layer("dependencies", stable), root.layer("snapshot dependencies", snapshots)])
}

fn entries(dependency: &Dependency, path: &str) -> Result<Vec<Entry>, Error> {
    match dependency.kind {
        Kind::Jar => Ok(vec![on_disk(path.into(), &dependency.source)?]),
        Kind::Directory => below_directory(&dependency.source, path),
        Kind::Home => Ok(Vec::new()),
    }
}

/// The files of a directory on the class path. A class path knows no links, so what they lead to is taken.
fn below_directory(source: &Path, path: &str) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for found in WalkDir::new(source).follow_links(true) {
        let found = found.map_err(|error| {
            let at = error.path().unwrap_or(source).to_owned();
            Error::io("file", at, error.into())
        })?;
        if found.file_type().is_file() {
            let name = found.path().strip_prefix(source).ok().and_then(Path::to_str);
            let name = name.ok_or_else(|| Error::Name { path: found.path().into(), why: "its name is not UTF-8" })?;
            entries.push(on_disk(format!("{path}/{name}"), found.path())?);
        }
    }
    Ok(entries)
}

/// The file's name, with `-2`, `-3`, ... before its extension if another library of the Class-Path bears it too.
fn free_name(source: &Path, taken: &mut HashSet<String>) -> String {
    let name = source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_else(|| "directory".into());
    let (stem, extension) = name.rsplit_once('.').map_or((&*name, String::new()), |(s, e)| (s, format!(".{e}")));
    let names = (2..).map(|count| format!("{stem}-{count}{extension}"));
    let free = std::iter::once(name.clone()).chain(names).find(|name| taken.insert(name.clone()));
    free.unwrap_or(name)
}

/// Where a URL's path leads from a directory of the image; `..` goes no higher than the root. Without slashes at
/// its ends.
fn below(directory: &str, path: &str) -> String {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
