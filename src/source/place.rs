//! Places in the image. An application owns its root directory (`/app`), so the directories in there are written
//! out with a mode of their own; the directories above belong to the base image and are left to it.

use std::collections::BTreeSet;

use super::Error;
use crate::layer::{Entry, LayerSpec};

/// The directory that belongs to the application, without slashes at its ends; empty for `/`.
#[derive(Debug, Clone)]
pub(super) struct Root(String);

impl Root {
    pub fn parse(text: &str) -> Result<Root, Error> {
        absolute(text).map(Root).map_err(|why| Error::Option { option: "--app-root", text: text.into(), why })
    }

    /// As a container sees it: `/app`.
    pub fn absolute(&self) -> String {
        format!("/{}", self.0)
    }

    /// As a container sees something in it: `/app/lib`.
    pub fn inside(&self, path: &str) -> String {
        format!("/{}", self.join(path))
    }

    /// The path of an entry in it: `app/lib/a.jar`.
    pub fn join(&self, path: &str) -> String {
        if self.0.is_empty() { path.into() } else { format!("{}/{path}", self.0) }
    }

    /// A layer of these files and of the directories that lead to them, from the root downwards.
    pub fn layer(&self, name: &str, files: Vec<Entry>) -> LayerSpec {
        let directories: BTreeSet<&str> = files.iter().flat_map(|file| self.leading_to(&file.path)).collect();
        let mut entries: Vec<Entry> = directories.into_iter().map(Entry::directory).collect();
        entries.extend(files);
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        LayerSpec { name: name.into(), entries }
    }

    fn leading_to<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a str> {
        let inside = self.0.is_empty() || path.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('/'));
        let shortest = self.0.len().max(1);
        parents(path)
            .take_while(move |parent| inside && parent.len() >= shortest)
            .filter(|parent| system(parent).is_none())
    }
}

/// The directories above a path, the nearest first: `a/b`, `a` for `a/b/c`.
pub(super) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').map(|(at, _)| &path[..at])
}

/// An absolute path of the image as entries have it: no slashes at the ends, no `.` or empty parts.
pub(super) fn absolute(text: &str) -> Result<String, &'static str> {
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    match () {
        _ if !text.starts_with('/') => Err("not an absolute path"),
        _ if parts.contains(&"..") => Err("'..' is not allowed"),
        _ if text.contains('\0') => Err("a path cannot hold a NUL character"),
        _ => Ok(parts.join("/")),
    }
}

/// What is known of a directory that most base images have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    /// Its usual mode. Writing it out with another one, `/tmp` with 0755 say, would break the image.
    Directory(u32),
    /// Often a symbolic link (`/lib` to `usr/lib`); a directory in its place would hide what is behind it.
    MayBeLink,
}

/// Whether this entry path is a directory of the Filesystem Hierarchy Standard, which belongs to the base image.
pub(super) fn system(path: &str) -> Option<System> {
    match path {
        "bin" | "sbin" | "lib" | "lib32" | "lib64" | "libx32" | "usr/lib64" | "usr/sbin" | "var/lock" | "var/run" => {
            Some(System::MayBeLink)
        }
        "tmp" | "var/tmp" => Some(System::Directory(0o1777)),
        "root" => Some(System::Directory(0o700)),
        "boot" | "dev" | "etc" | "home" | "media" | "mnt" | "opt" | "proc" | "run" | "srv" | "sys" | "usr" | "var" => {
            Some(System::Directory(0o755))
        }
        "usr/bin" | "usr/include" | "usr/lib" | "usr/libexec" | "usr/local" | "usr/share" | "usr/src" => {
            Some(System::Directory(0o755))
        }
        "usr/local/bin" | "usr/local/etc" | "usr/local/include" | "usr/local/lib" | "usr/local/sbin"
        | "usr/local/share" | "var/cache" | "var/lib" | "var/log" | "var/opt" | "var/spool" => {
            Some(System::Directory(0o755))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Content;

    fn paths(root: &str, files: &[&str]) -> Vec<String> {
        let files = files.iter().map(|path| Entry::file(*path, 0, Content::Memory(Default::default()))).collect();
        Root::parse(root).unwrap().layer("x", files).entries.into_iter().map(|entry| entry.path).collect()
    }

    #[test]
    fn layer_owns_directories_from_the_root_downwards() {
        assert_eq!(paths("/app", &["app/a/b", "app/c"]), ["app", "app/a", "app/a/b", "app/c"]);
        assert_eq!(paths("/opt/app/", &["opt/app/c"]), ["opt/app", "opt/app/c"]);
        assert_eq!(paths("/", &["a/b"]), ["a", "a/b"]);
    }

    #[test]
    fn layer_leaves_the_directories_of_the_base_alone() {
        assert_eq!(paths("/app", &["application/c", "lib/c"]), ["application/c", "lib/c"]);
        assert_eq!(paths("/opt", &["opt/a/c"]), ["opt/a", "opt/a/c"]);
        assert_eq!(paths("/", &["usr/share/x/c"]), ["usr/share/x", "usr/share/x/c"]);
    }

    #[test]
    fn root_must_be_absolute_and_stay_inside() {
        assert_eq!(Root::parse("//srv/./app/").unwrap().absolute(), "/srv/app");
        assert_eq!(Root::parse("/").unwrap().inside("x"), "/x");
        for wrong in ["", "app", "/a/../b", "/a\0"] {
            assert!(Root::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
