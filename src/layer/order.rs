//! The order in which a layer's entries are written, and the entries that no tar should hold: what cannot be
//! unpacked, or would be unpacked differently by different tools. All of it is decided before the first byte.

use std::collections::HashMap;

use super::{Entry, Error, Kind};

/// The entries sorted by path as bytes, a directory's path ending in `/`, as Jib and `LC_ALL=C sort` have it. A
/// directory so comes before what is in it.
pub(super) fn arrange(entries: &[Entry]) -> Result<Vec<&Entry>, Error> {
    let mut by_path = HashMap::with_capacity(entries.len());
    for entry in entries {
        refuse_path(&entry.path)?;
        if by_path.insert(entry.path.as_str(), entry).is_some() {
            return Err(Error::Duplicate(entry.path.clone()));
        }
    }
    for entry in entries {
        refuse_parent(entry, &by_path)?;
        refuse_target(entry, &by_path)?;
    }
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by_cached_key(|entry| entry.name());
    Ok(sorted)
}

fn refuse_path(path: &str) -> Result<(), Error> {
    let why = if path.is_empty() {
        "it is empty"
    } else if path.starts_with('/') {
        "it must not begin with '/'"
    } else if path.contains('\0') {
        "it has a NUL character"
    } else {
        match path.split('/').find(|part| matches!(*part, "" | "." | "..")) {
            None => return Ok(()),
            Some("") => "it has an empty component",
            Some(_) => "it has a '.' or '..' component",
        }
    };
    Err(Error::Path { path: path.to_owned(), why })
}

/// A parent that is not listed is the business of the layers below; one that is listed has to be a directory.
fn refuse_parent(entry: &Entry, by_path: &HashMap<&str, &Entry>) -> Result<(), Error> {
    let mut path = entry.path.as_str();
    while let Some((parent, _)) = path.rsplit_once('/') {
        if by_path.get(parent).is_some_and(|found| !matches!(found.kind, Kind::Directory)) {
            return Err(Error::Parent { path: entry.path.clone(), parent: parent.to_owned() });
        }
        path = parent;
    }
    Ok(())
}

fn refuse_target(entry: &Entry, by_path: &HashMap<&str, &Entry>) -> Result<(), Error> {
    let (target, why) = match &entry.kind {
        Kind::Symlink { target } if target.is_empty() => (target, "the target is empty"),
        Kind::Symlink { target } if target.contains('\0') => (target, "the target has a NUL character"),
        Kind::HardLink { target } => match by_path.get(target.as_str()) {
            None => (target, "the layer has no such file"),
            Some(found) if !matches!(found.kind, Kind::File { .. }) => (target, "the target is not a file"),
            Some(_) if target.as_bytes() > entry.path.as_bytes() => (target, "the target is sorted behind the link"),
            Some(_) => return Ok(()),
        },
        _ => return Ok(()),
    };
    Err(Error::Link { path: entry.path.clone(), target: target.clone(), why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Content;

    fn file(path: &str) -> Entry {
        Entry::file(path, 0, Content::Memory(Default::default()))
    }

    fn link(path: &str, target: &str) -> Entry {
        Entry::new(path, Kind::HardLink { target: target.to_owned() }, 0o644)
    }

    fn symlink(path: &str, target: &str) -> Entry {
        Entry::new(path, Kind::Symlink { target: target.to_owned() }, 0o777)
    }

    #[test]
    fn order_is_by_bytes_with_directories_ending_in_a_slash() {
        let entries = [file("a0"), file("a/b"), Entry::directory("a"), file("a-b"), file("Z"), file("é"), file("z")];
        let paths: Vec<&str> = arrange(&entries).unwrap().iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["Z", "a-b", "a", "a/b", "a0", "z", "é"]);
    }

    #[test]
    fn paths_that_leave_the_layer_or_have_two_spellings_are_refused() {
        for path in ["", "/", "/etc/passwd", "a/", "a//b", ".", "./a", "a/./b", "..", "../a", "a/../b", "a/..", "a\0b"]
        {
            assert!(matches!(arrange(&[file(path)]), Err(Error::Path { .. })), "{path:?}");
        }
        for path in ["...", "a/..b", ".a", "a b", "a\\b", "-", "a\nb"] {
            assert!(arrange(&[file(path)]).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn path_used_twice_is_refused_whatever_its_kinds() {
        assert!(matches!(arrange(&[file("a"), Entry::directory("a")]), Err(Error::Duplicate(path)) if path == "a"));
    }

    #[test]
    fn path_below_a_file_or_link_is_refused() {
        for parent in [file("a"), symlink("a", "b"), link("a", "0")] {
            let error = arrange(&[file("0"), file("a/b/c"), parent]).unwrap_err();
            assert!(matches!(error, Error::Parent { parent, .. } if parent == "a"));
        }
    }

    #[test]
    fn hard_link_must_follow_the_file_it_links_to() {
        assert!(arrange(&[link("b", "a"), file("a")]).is_ok());
        for entries in [
            vec![link("b", "a")],
            vec![link("a", "b"), file("b")],
            vec![link("b", "a"), Entry::directory("a")],
            vec![link("c", "b"), link("b", "a"), file("a")],
            vec![link("a", "a")],
        ] {
            assert!(matches!(arrange(&entries), Err(Error::Link { .. })), "{entries:?}");
        }
    }

    #[test]
    fn symbolic_link_to_nothing_or_nul_is_refused() {
        assert!(arrange(&[symlink("a", "../../anywhere")]).is_ok());
        assert!(matches!(arrange(&[symlink("a", "")]), Err(Error::Link { .. })));
        assert!(matches!(arrange(&[symlink("a", "b\0")]), Err(Error::Link { .. })));
    }
}
