//! Files and directories as a layer, one per `SRC:DEST`. The layer depends on names, contents, links and the
//! executable bit alone, which is all that a checkout keeps: not on times, owners, umask or the order in which a
//! file system lists. What base images have anyway (`/etc`, `/tmp`, `/lib`) stays theirs.

mod mapping;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use walkdir::WalkDir;

use super::place::{self, System};
use super::{Application, Error};
use crate::layer::{Content, Entry, Kind, LayerSpec};
pub use mapping::{Mapping, Owner};

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    pub owner: Owner,
    /// Permission bits as they are on disk, instead of 0755 for directories and executable files and 0644 for others.
    pub keep_modes: bool,
}

/// One layer per mapping, in their order: of two files at one place the later one is seen.
pub fn read(mappings: &[Mapping], options: &Options) -> Result<Application, Error> {
    let layers: Vec<LayerSpec> = mappings.iter().map(|mapping| layer(mapping, options)).collect::<Result<_, _>>()?;
    let layers = layers.into_iter().filter(|layer| !layer.entries.is_empty()).collect();
    Ok(Application { layers, ..Application::default() })
}

/// SRC itself may be a link, which is followed; links in it are kept.
fn layer(mapping: &Mapping, options: &Options) -> Result<LayerSpec, Error> {
    let source = &mapping.source;
    let metadata = fs::metadata(source).map_err(|error| Error::io("file", source, error))?;
    let mut tree = Tree { options, entries: BTreeMap::new(), links: BTreeMap::new() };
    if metadata.is_dir() {
        tree.take_directory(mapping)?;
    } else {
        tree.take(&place_of_file(mapping)?, source, &metadata)?;
    }
    Ok(LayerSpec { name: name(source), entries: tree.finish() })
}

/// Layer names get into the image's history, so a directory that is named otherwise on another machine must not
/// be in them: `.`, `dist/..` and absolute paths name none.
fn name(source: &Path) -> String {
    let text = source.to_str().unwrap_or_default().trim_end_matches('/');
    match text.rsplit('/').next() {
        _ if source.is_absolute() => "files".into(),
        None | Some("" | "." | "..") => "files".into(),
        Some(base) => format!("files {base}"),
    }
}

fn place_of_file(mapping: &Mapping) -> Result<String, Error> {
    let (source, destination) = (&mapping.source, &mapping.destination);
    if mapping.into {
        return join(destination, Path::new(source.file_name().unwrap_or_default()), source);
    }
    if place::system(destination).is_some() {
        let why = "DEST is a directory and SRC is a file: end DEST with '/'";
        return Err(Error::Option { option: "--files", text: format!("{}:/{destination}", source.display()), why });
    }
    Ok(destination.clone())
}

fn join(directory: &str, relative: &Path, source: &Path) -> Result<String, Error> {
    let name = relative.to_str().ok_or_else(|| Error::Name { path: source.into(), why: "its name is not UTF-8" })?;
    Ok(match (directory, name) {
        ("", name) => name.into(),
        (directory, "") => directory.into(),
        (directory, name) => format!("{directory}/{name}"),
    })
}

/// What goes into one layer, by path: the order is the same whatever the file system's.
struct Tree<'a> {
    options: &'a Options,
    entries: BTreeMap<String, Entry>,
    /// Paths of one file that has several names on disk, by device and inode.
    links: BTreeMap<(u64, u64), BTreeSet<String>>,
}

impl Tree<'_> {
    fn take_directory(&mut self, mapping: &Mapping) -> Result<(), Error> {
        let root = &mapping.source;
        for found in WalkDir::new(root).follow_links(false) {
            let found = found.map_err(|error| {
                let path = error.path().unwrap_or(root).to_owned();
                Error::io("file", path, error.into())
            })?;
            let source = found.path();
            let relative = source.strip_prefix(root).unwrap_or(Path::new(""));
            let path = join(&mapping.destination, relative, source)?;
            let metadata = match relative.as_os_str().is_empty() {
                true => fs::metadata(source),
                false => fs::symlink_metadata(source),
            };
            self.take(&path, source, &metadata.map_err(|error| Error::io("file", source, error))?)?;
        }
        Ok(())
    }

    fn take(&mut self, path: &str, source: &Path, metadata: &Metadata) -> Result<(), Error> {
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_symlink() => Kind::Symlink { target: link_target(source)? },
            kind if kind.is_file() => self.file(path, source, metadata)?,
            kind => return Err(Error::Special { path: source.into(), kind: special(kind) }),
        };
        if !path.is_empty() {
            let mode = self.mode(&kind, metadata);
            let Owner { uid, gid } = self.options.owner;
            self.entries.insert(path.into(), Entry { uid, gid, ..Entry::new(path, kind, mode) });
        }
        Ok(())
    }

    fn file(&mut self, path: &str, source: &Path, metadata: &Metadata) -> Result<Kind, Error> {
        File::open(source).map_err(|error| Error::io("file", source, error))?;
        if metadata.nlink() > 1 {
            self.links.entry((metadata.dev(), metadata.ino())).or_default().insert(path.into());
        }
        Ok(Kind::File { size: metadata.len(), content: Content::Disk(source.into()) })
    }

    /// Of a mode, Git and many archives keep the executable bit alone.
    fn mode(&self, kind: &Kind, metadata: &Metadata) -> u32 {
        match kind {
            Kind::Symlink { .. } => 0o777,
            _ if self.options.keep_modes => metadata.mode() & 0o7777,
            Kind::Directory => 0o755,
            _ if metadata.mode() & 0o111 != 0 => 0o755,
            _ => 0o644,
        }
    }

    /// The first name of a file stays the file, the others become hard links to it.
    fn finish(mut self) -> Vec<Entry> {
        for paths in self.links.values() {
            let mut paths = paths.iter();
            let Some(first) = paths.next() else { continue };
            for path in paths {
                if let Some(entry) = self.entries.get_mut(path) {
                    entry.kind = Kind::HardLink { target: first.clone() };
                }
            }
        }
        let empty =
            |path: &str| self.entries.range(format!("{path}/")..).next().is_none_or(|(next, _)| !below(path, next));
        let keep = |entry: &Entry| match (&entry.kind, place::system(&entry.path)) {
            (Kind::Directory, Some(System::MayBeLink)) => None,
            (Kind::Directory, Some(System::Directory(mode))) => {
                // Somebody who maps an empty directory there wants it made, as `/tmp` on an empty base.
                empty(&entry.path).then(|| Entry { mode, uid: 0, gid: 0, ..entry.clone() })
            }
            _ => Some(entry.clone()),
        };
        self.entries.values().filter_map(keep).collect()
    }
}

fn below(directory: &str, path: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

fn link_target(source: &Path) -> Result<String, Error> {
    let target = fs::read_link(source).map_err(|error| Error::io("file", source, error))?;
    let text = target.into_os_string().into_string();
    text.map_err(|_| Error::Name { path: source.into(), why: "what it links to is not UTF-8" })
}

fn special(kind: fs::FileType) -> &'static str {
    match () {
        _ if kind.is_socket() => "a socket",
        _ if kind.is_fifo() => "a named pipe",
        _ => "a device",
    }
}
