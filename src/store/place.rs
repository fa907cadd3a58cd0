//! `oci:DIRECTORY[:TAG]` and `docker-archive:FILE[:REPOSITORY:TAG]`, as skopeo and podman write them.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Error, Layout};
use crate::image::Reference;

/// Where an image lies, or is to lie, in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An OCI layout; the tag is the image's name in it.
    Layout { dir: PathBuf, tag: Option<String> },
    /// A Docker archive; the reference is the name that loading it gives the image.
    Archive { file: PathBuf, reference: Option<Reference> },
}

impl Place {
    /// Reads a text that begins like a place; none if it does not, and so may be a reference to a registry. The
    /// path ends at the first colon.
    pub fn parse(text: &str) -> Option<Result<Place, Error>> {
        if let Some(rest) = text.strip_prefix("oci:") {
            return Some(layout(rest).map_err(|why| Error::Place { text: text.into(), why }));
        }
        let rest = text.strip_prefix("docker-archive:")?;
        Some(archive(rest).map_err(|why| Error::Place { text: text.into(), why }))
    }

    /// Directory or file.
    pub fn path(&self) -> &Path {
        match self {
            Place::Layout { dir, .. } => dir,
            Place::Archive { file, .. } => file,
        }
    }
}

fn split(rest: &str) -> Result<(PathBuf, Option<&str>), String> {
    let (path, name) = match rest.split_once(':') {
        Some((path, name)) => (path, Some(name)),
        None => (rest, None),
    };
    match (path, name) {
        ("", _) => Err("the path is missing".into()),
        (_, Some("")) => Err("there is nothing behind the colon".into()),
        (path, name) => Ok((path.into(), name)),
    }
}

fn layout(rest: &str) -> Result<Place, String> {
    let (dir, tag) = split(rest)?;
    // The grammar of the annotation that holds it is wider than that of tags: skopeo puts whole references there.
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._:@/+".contains(&b);
    if tag.is_some_and(|tag| !tag.bytes().all(legal)) {
        return Err("the tag holds a character that no tag may".into());
    }
    Ok(Place::Layout { dir, tag: tag.map(str::to_owned) })
}

fn archive(rest: &str) -> Result<Place, String> {
    let (file, name) = split(rest)?;
    let reference = name.map(|name| name.parse::<Reference>().map_err(|why| why.to_string())).transpose()?;
    if reference.as_ref().is_some_and(|reference| reference.digest.is_some()) {
        return Err("an archive's image is named by a tag, not by a digest".into());
    }
    let reference = reference.map(|r| Reference { tag: Some(r.tag.unwrap_or_else(|| "latest".into())), ..r });
    Ok(Place::Archive { file, reference })
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Layout { dir, tag } => {
                write!(f, "oci:{}", dir.display())?;
                tag.iter().try_for_each(|tag| write!(f, ":{tag}"))
            }
            Place::Archive { file, reference } => {
                write!(f, "docker-archive:{}", file.display())?;
                reference.iter().try_for_each(|reference| write!(f, ":{reference}"))
            }
        }
    }
}

/// Finds out, before any work is done, that the image could not be written there.
pub fn check_writable(place: &Place) -> Result<(), Error> {
    let path = place.path();
    let refuse = |why: String| Error::Unwritable { path: path.to_owned(), why };
    let dir = match place {
        Place::Layout { dir, .. } => existing(dir).ok_or_else(|| refuse("no such directory".into()))?,
        Place::Archive { file, .. } if file.is_dir() => return Err(refuse("it is a directory".into())),
        Place::Archive { file, .. } => parent(file),
    };
    if !dir.is_dir() {
        return Err(refuse(format!("{} is no directory", dir.display())));
    }
    let foreign =
        |dir: &Path| Layout::open(dir).is_err() && std::fs::read_dir(dir).is_ok_and(|mut d| d.next().is_some());
    if matches!(place, Place::Layout { dir, .. } if dir.is_dir() && foreign(dir)) {
        return Err(refuse("the directory holds something that is no OCI layout".into()));
    }
    let probe = tempfile::Builder::new().prefix(".dockless.").tempfile_in(dir);
    probe.map(drop).map_err(|why| refuse(why.to_string()))
}

/// The directory that a file lies in.
pub(super) fn parent(file: &Path) -> &Path {
    file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path itself, or its nearest ancestor that is there.
fn existing(path: &Path) -> Option<&Path> {
    let here = path.ancestors().find(|dir| dir.exists() && !dir.as_os_str().is_empty());
    here.or_else(|| path.is_relative().then_some(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_of_each_kind() {
        for text in ["oci:dir", "oci:/a/dir:v1", "docker-archive:a.tar", "docker-archive:/a.tar:host.example/app:v1"] {
            assert_eq!(Place::parse(text).unwrap().unwrap().to_string(), text);
        }
        let short = Place::parse("docker-archive:a.tar:app").unwrap().unwrap();
        assert_eq!(short.to_string(), "docker-archive:a.tar:docker.io/library/app:latest");
        assert!(Place::parse("nginx:latest").is_none());
        assert!(Place::parse("oci.example/app").is_none());
    }

    #[test]
    fn place_with_missing_parts_is_refused() {
        for text in ["oci:", "oci::v1", "oci:dir:", "oci:dir:a b", "docker-archive:", "docker-archive:a:UP:x"] {
            assert!(Place::parse(text).unwrap().is_err(), "{text}");
        }
    }

    #[test]
    fn unwritable_places_are_found_before_any_work() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let (under, here) = (file.join("under"), dir.path());
        for text in [
            format!("oci:{}", under.display()),
            format!("oci:{}", file.display()),
            format!("oci:{}", here.display()),
            format!("docker-archive:{}", under.display()),
            format!("docker-archive:{}", here.display()),
            format!("docker-archive:{}/missing/a.tar", here.display()),
        ] {
            let place = Place::parse(&text).unwrap().unwrap();
            assert!(matches!(check_writable(&place), Err(Error::Unwritable { .. })), "{text}");
        }
        for text in [format!("oci:{}/new/layout", here.display()), format!("docker-archive:{}/a.tar", here.display())] {
            check_writable(&Place::parse(&text).unwrap().unwrap()).unwrap_or_else(|why| panic!("{text}: {why}"));
        }
        assert_eq!(std::fs::read_dir(here).unwrap().count(), 1, "nothing is left behind");
    }
}
