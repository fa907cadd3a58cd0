//! One layer onto a root directory: files, links, modes and owners, and whiteouts, which take away what layers
//! below have brought. Every path is resolved within the root by the kernel (`RESOLVE_IN_ROOT`), so no link and no
//! name in an image leads out of it; what tries by name is refused.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, chmodat, chownat, fchmod,
    fchown, futimens, linkat, mkdirat, openat, openat2, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Unpacks the plain tar of a layer into `root`, to its last byte.
pub fn unpack(tar: impl Read, root: &Path) -> io::Result<()> {
    let mut layer =
        Layer { root: open_root(root)?, brought: HashSet::new(), owners: rustix::process::geteuid().is_root() };
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        layer
            .take(&mut entry, &path)
            .map_err(|why| io::Error::new(why.kind(), format!("{}: {why}", path.display())))?;
    }
    // Padding after the end belongs to the layer's digest.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map(drop)
}

struct Layer {
    root: OwnedFd,
    /// What this layer has brought so far; its own whiteouts leave that alone.
    brought: HashSet<PathBuf>,
    owners: bool,
}

impl Layer {
    fn take(&mut self, entry: &mut tar::Entry<'_, impl Read>, path: &Path) -> io::Result<()> {
        let path = clean(path)?;
        let Some(name) = path.file_name() else { return Ok(()) };
        let parent = self.dir(path.parent().unwrap_or(Path::new("")))?;
        if name.as_bytes() == OPAQUE {
            return self.clear(&parent, path.parent().unwrap_or(Path::new("")));
        }
        if let Some(hidden) = name.as_bytes().strip_prefix(WHITEOUT) {
            return remove(&parent, OsStr::from_bytes(&plain(hidden)?));
        }
        self.place(entry, &parent, name)?;
        self.brought.insert(path);
        Ok(())
    }

    fn place(&self, entry: &mut tar::Entry<'_, impl Read>, parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
        use tar::EntryType as Kind;
        match entry.header().entry_type() {
            Kind::Directory => {
                if !is(parent, name, FileType::Directory) {
                    remove(parent, name)?;
                    mkdirat(parent, name, Mode::from(0o755))?;
                }
                self.dress(entry, parent, name)
            }
            Kind::Regular | Kind::Continuous | Kind::GNUSparse => {
                remove(parent, name)?;
                self.write(entry, parent, name)
            }
            Kind::Symlink => {
                remove(parent, name)?;
                symlinkat(link(entry)?.as_path(), parent, name)?;
                self.own(entry, parent, name)
            }
            Kind::Link => {
                let target = clean(&link(entry)?)?;
                let there = self.find(target.parent().unwrap_or(Path::new("")))?;
                let file = target.file_name().ok_or(ErrorKind::InvalidData)?;
                remove(parent, name)?;
                Ok(linkat(&there, file, parent, name, AtFlags::empty())?)
            }
            // Devices come from the container's /dev; a pipe in an image is of no use.
            _ => Ok(()),
        }
    }

    fn write(&self, entry: &mut tar::Entry<'_, impl Read>, parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(parent, name, flags, Mode::from(0o600))?;
        let mut file = std::fs::File::from(file);
        io::copy(entry, &mut file)?;
        let header = entry.header();
        if self.owners {
            let (uid, gid) = owner(header);
            fchown(&file, Some(uid), Some(gid))?;
        }
        // After the owner: a change of it takes set-uid bits away.
        fchmod(&file, mode(header)?)?;
        let time = Timespec { tv_sec: header.mtime().unwrap_or(0) as i64, tv_nsec: 0 };
        Ok(futimens(&file, &Timestamps { last_access: time, last_modification: time })?)
    }

    fn dress(&self, entry: &tar::Entry<'_, impl Read>, parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
        self.own(entry, parent, name)?;
        // Only root may write below a directory that is closed to its owner.
        let open = if self.owners { Mode::empty() } else { Mode::RWXU };
        Ok(chmodat(parent, name, mode(entry.header())? | open, AtFlags::empty())?)
    }

    fn own(&self, entry: &tar::Entry<'_, impl Read>, parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
        if !self.owners {
            return Ok(());
        }
        let (uid, gid) = owner(entry.header());
        Ok(chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// A directory within the root, as a program that runs there would find it.
    fn find(&self, path: &Path) -> io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat2(&self.root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).map_err(|why| match why {
            Errno::NOSYS => io::Error::other("openat2 is missing (Linux 5.6 has it)"),
            why => why.into(),
        })
    }

    /// The same, made if nothing is there: layers may leave out the directories above their files.
    fn dir(&self, path: &Path) -> io::Result<OwnedFd> {
        match (self.find(path), path.file_name()) {
            (Err(why), Some(name)) if why.kind() == ErrorKind::NotFound => {
                let parent = self.dir(path.parent().unwrap_or(Path::new("")))?;
                mkdirat(&parent, name, Mode::from(0o755))?;
                self.find(path)
            }
            (found, _) => found,
        }
    }

    /// Empties a directory, but for what this layer has brought.
    fn clear(&self, dir: &OwnedFd, path: &Path) -> io::Result<()> {
        for name in names(dir)? {
            let path = path.join(&name);
            if !self.brought.iter().any(|brought| brought.starts_with(&path)) {
                remove(dir, &name)?;
            } else if is(dir, &name, FileType::Directory) {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                self.clear(&openat(dir, &name, flags, Mode::empty())?, &path)?;
            }
        }
        Ok(())
    }
}

fn open_root(root: &Path) -> io::Result<OwnedFd> {
    Ok(openat(CWD, root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// The path's names alone. One that begins at `/` or goes up is refused.
fn clean(path: &Path) -> io::Result<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            _ => return Err(io::Error::new(ErrorKind::InvalidData, "the name leads out of the image")),
        }
    }
    Ok(clean)
}

/// A whiteout's name; `.wh...` would hide the directory above.
fn plain(name: &[u8]) -> io::Result<Vec<u8>> {
    match name {
        b"" | b"." | b".." => Err(io::Error::new(ErrorKind::InvalidData, "the whiteout leads out of its directory")),
        name => Ok(name.to_owned()),
    }
}

fn link(entry: &tar::Entry<'_, impl Read>) -> io::Result<PathBuf> {
    let link = entry.link_name()?.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "a link to nothing"))?;
    Ok(link.into_owned())
}

/// A field left blank stands for 0.
fn owner(header: &tar::Header) -> (Uid, Gid) {
    (Uid::from_raw(header.uid().unwrap_or(0) as u32), Gid::from_raw(header.gid().unwrap_or(0) as u32))
}

fn mode(header: &tar::Header) -> io::Result<Mode> {
    Ok(Mode::from(header.mode()? & 0o7777))
}

fn is(parent: &OwnedFd, name: &OsStr, kind: FileType) -> bool {
    let found = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    found.is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == kind)
}

fn names(dir: impl AsFd) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

/// Takes away what has this name, with all that is below it; nothing is fine too.
fn remove(parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(why) => return Err(why.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = openat(parent, name, flags, Mode::empty())?;
    names(&dir)?.iter().try_for_each(|name| remove(&dir, name))?;
    Ok(unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}

#[cfg(test)]
mod tests;
