//! The manifest's `Class-Path`, by the JVM's rule: URLs relative to the jar's own place, percent-encoded and
//! separated by spaces; what ends in `/` is a directory to load classes and resources from, all else is a jar.
//! Unlike the JVM, which passes over what is not there, a missing jar is an error here: the application would
//! start and fail at the first class it needs from it.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::{Error, Warning};
use super::archive::Archive;
use super::manifest::Manifest;

/// One entry that is there.
#[derive(Debug)]
pub(super) struct Dependency {
    /// As the manifest has it.
    pub written: String,
    /// Where it lies.
    pub source: PathBuf,
    /// Where `java -jar /app/x.jar` looks for it.
    pub place: Place,
    pub kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// From the directory of the jar: `lib/a.jar`, `../a.jar`.
    Relative(String),
    Absolute(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Jar,
    Directory,
    /// The directory of the jar itself, whose content is not the application's (a build directory, mostly).
    Home,
}

/// What the manifest's Class-Path names, in its order and each only once.
pub(super) fn resolve(
    jar: &Archive,
    manifest: &Manifest,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Dependency>, Error> {
    let own = fs::canonicalize(&jar.path).map_err(|error| Error::io("jar", &jar.path, error))?;
    let home = jar.path.parent().unwrap_or(Path::new(""));
    let mut seen = HashSet::from([own.clone()]);
    let mut found = Vec::new();
    for written in manifest.get("Class-Path").unwrap_or_default().split_whitespace() {
        let Some(place) = locate(written) else {
            warnings.push(passed_over(written, "it is not a file: URL"));
            continue;
        };
        let source = match &place {
            Place::Relative(path) => home.join(path),
            Place::Absolute(path) => path.into(),
        };
        let missing = || Error::Dependency { jar: jar.path.clone(), entry: written.into(), path: source.clone() };
        match (fs::canonicalize(&source), is_directory(&place)) {
            (Ok(real), directory) if real.is_dir() != directory => match directory {
                true => return Err(missing()),
                false => warnings.push(passed_over(written, "it is a directory and does not end in '/'")),
            },
            (Ok(real), true) if own.parent() != Some(&real) && own.starts_with(&real) => {
                warnings.push(passed_over(written, "it is a directory above the jar"));
            }
            (Ok(real), directory) => {
                let kind = match directory {
                    true if own.parent() == Some(&real) => Kind::Home,
                    true => Kind::Directory,
                    false => Kind::Jar,
                };
                if seen.insert(real) {
                    found.push(Dependency { written: written.into(), source, place, kind });
                }
            }
            (Err(_), true) => warnings.push(passed_over(written, "there is no such directory")),
            (Err(_), false) => return Err(missing()),
        }
    }
    Ok(found)
}

fn passed_over(entry: &str, why: &str) -> Warning {
    Warning::new(
        format!("'{entry}' in the manifest's Class-Path is passed over: {why}"),
        "A JVM passes over it as well; add what the application needs of it with --files.",
    )
}

fn is_directory(place: &Place) -> bool {
    let (Place::Relative(path) | Place::Absolute(path)) = place;
    path.is_empty() || path.ends_with('/') || matches!(path.rsplit('/').next(), Some("." | ".."))
}

/// Takes an entry for the URL it is. Nothing if it is one of another scheme than `file`.
fn locate(entry: &str) -> Option<Place> {
    let (scheme, rest) = match entry.split_once(':') {
        Some((scheme, rest)) if !scheme.contains('/') => (scheme, rest),
        _ => ("file", entry),
    };
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let rest = match rest.strip_prefix("//") {
        Some(with_host) => &with_host[with_host.find('/')?..],
        None => rest,
    };
    let path = decode(rest);
    Some(if path.starts_with('/') { Place::Absolute(path) } else { Place::Relative(path) })
}

/// Undoes percent-encoding; what is no encoding stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let code = others.get(..2).filter(|_| first == b'%').and_then(|digits| hex::decode(digits).ok());
        bytes.push(code.as_ref().map_or(first, |code| code[0]));
        rest = if code.is_some() { &others[2..] } else { others };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_a_url_relative_to_the_jar() {
        let relative = |path: &str| Some(Place::Relative(path.into()));
        let absolute = |path: &str| Some(Place::Absolute(path.into()));
        assert_eq!(locate("lib/a%20b.jar"), relative("lib/a b.jar"));
        assert_eq!(locate("../100%.jar"), relative("../100%.jar"));
        assert_eq!(locate("lib/%C3%BC.jar"), relative("lib/ü.jar"));
        assert_eq!(locate("file:lib/a.jar"), relative("lib/a.jar"));
        assert_eq!(locate("FILE:/opt/a.jar"), absolute("/opt/a.jar"));
        assert_eq!(locate("file:///opt/a.jar"), absolute("/opt/a.jar"));
        assert_eq!(locate("/opt/a.jar"), absolute("/opt/a.jar"));
        assert_eq!(locate("https://example.com/a.jar"), None);
    }

    #[test]
    fn entry_is_a_directory_by_its_end() {
        for (entry, directory) in [("lib/", true), (".", true), ("lib/..", true), ("lib", false), ("a..", false)] {
            assert_eq!(is_directory(&locate(entry).unwrap()), directory, "{entry}");
        }
    }
}
