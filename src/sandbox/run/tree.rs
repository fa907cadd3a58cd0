//! Whole directory trees: cloned by hard links where nobody will write to them, copied where somebody will.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::Path;

use walkdir::WalkDir;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Link,
    Copy,
}

/// Makes `to` the like of `from`. Neither is changed by anyone else meanwhile.
pub fn clone(from: &Path, to: &Path, how: How) -> io::Result<()> {
    let owners = rustix::process::geteuid().is_root();
    let mut modes = Vec::new();
    for entry in WalkDir::new(from).follow_links(false).min_depth(0) {
        let entry = entry?;
        let below = entry.path().strip_prefix(from).map_err(io::Error::other)?;
        let (kind, target) = (entry.file_type(), to.join(below));
        let about = entry.metadata()?;
        if kind.is_dir() {
            fs::create_dir_all(&target)?;
            modes.push((target.clone(), about.permissions()));
        } else if how == How::Link {
            fs::hard_link(entry.path(), &target)?;
            continue;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
        }
        if owners && kind.is_symlink() {
            lchown(&target, Some(about.uid()), Some(about.gid()))?;
        } else if owners {
            chown(&target, Some(about.uid()), Some(about.gid()))?;
            fs::set_permissions(&target, about.permissions())?;
        }
    }
    // Last and from below: a directory may be closed to its owner.
    modes.into_iter().rev().try_for_each(|(dir, mode)| fs::set_permissions(dir, mode))
}

/// Takes a tree away, what it holds shut included: an overlay keeps a directory without any permission.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(why) if why.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path)?;
            fs::remove_dir_all(path)
        }
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}

fn open_up(dir: &Path) -> io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tree_is_cloned_with_links_and_modes() {
        let dir = tempfile::TempDir::new().unwrap();
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("a")).unwrap();
        fs::write(from.join("a/f"), "1").unwrap();
        symlink("nowhere", from.join("l")).unwrap();
        fs::set_permissions(from.join("a"), fs::Permissions::from_mode(0o710)).unwrap();
        for (how, links) in [(How::Copy, 1), (How::Link, 2)] {
            let to = dir.path().join(format!("{how:?}"));
            clone(&from, &to, how).unwrap();
            assert_eq!(fs::metadata(to.join("a")).unwrap().permissions().mode() & 0o777, 0o710);
            assert_eq!(fs::metadata(to.join("a/f")).unwrap().nlink(), links);
            assert_eq!(fs::read_link(to.join("l")).unwrap(), Path::new("nowhere"));
        }
    }
}
