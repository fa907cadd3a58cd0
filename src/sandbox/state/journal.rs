//! One document on disk: `NAME.json` is the snapshot, `NAME.N.log` holds one JSON line for every change since the
//! snapshot of generation N. A change costs one `write`, whatever the document's size; when the log has outgrown the
//! snapshot, a new generation begins. Journals of other generations are leftovers of a process that was killed
//! between its two steps, and are removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sandbox::Error;

/// A log may grow to this size, or to that of the snapshot, before it is folded into one.
const SMALL: u64 = 4 * 1024 * 1024;

pub struct Journal {
    dir: PathBuf,
    name: &'static str,
    generation: u64,
    log: File,
    logged: u64,
    snapshot: u64,
}

/// A document as it was found.
pub struct Opened<E> {
    pub journal: Journal,
    /// None on the first start.
    pub snapshot: Option<Vec<u8>>,
    pub entries: Vec<E>,
}

impl Journal {
    pub fn open<E: DeserializeOwned>(dir: &Path, name: &'static str) -> Result<Opened<E>, Error> {
        let (generation, snapshot) = read_snapshot(dir, name)?;
        remove_others(dir, name, generation);
        let path = log_path(dir, name, generation);
        let (entries, whole) = read(&path)?;
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(Error::file(&path))?;
        log.set_len(whole).map_err(Error::file(&path))?;
        let size = snapshot.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let journal = Journal { dir: dir.to_owned(), name, generation, log, logged: whole, snapshot: size };
        Ok(Opened { journal, snapshot, entries })
    }

    /// Writes entries that belong together: a process killed meanwhile leaves all of them or none.
    pub fn append<E: Serialize>(&mut self, entries: &[E]) -> io::Result<()> {
        let mut line = serde_json::to_vec(entries).expect("entries are plain JSON");
        line.push(b'\n');
        self.log.write_all(&line)?;
        self.logged += line.len() as u64;
        Ok(())
    }

    /// Whether the log is due to be folded into a snapshot.
    pub fn is_long(&self) -> bool {
        self.logged > SMALL.max(self.snapshot)
    }

    /// Begins a new generation with this document (JSON text).
    pub fn fold(&mut self, document: &[u8]) -> io::Result<()> {
        let generation = self.generation + 1;
        let path = log_path(&self.dir, self.name, generation);
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        log.set_len(0)?;
        let mut bytes = format!("{generation}\n").into_bytes();
        bytes.extend_from_slice(document);
        replace(&self.dir.join(format!("{}.json", self.name)), &bytes)?;
        let _ = fs::remove_file(log_path(&self.dir, self.name, self.generation));
        (self.generation, self.log, self.logged, self.snapshot) = (generation, log, 0, document.len() as u64);
        Ok(())
    }
}

/// Generation and document; none of either before the first fold.
fn read_snapshot(dir: &Path, name: &str) -> Result<(u64, Option<Vec<u8>>), Error> {
    let path = dir.join(format!("{name}.json"));
    match fs::read(&path) {
        Ok(bytes) => match split(&bytes) {
            Some((generation, document)) => Ok((generation, Some(document.to_vec()))),
            None => Err(Error::State { path, why: "it does not begin with a number".into() }),
        },
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok((0, None)),
        Err(why) => Err(Error::file(&path)(why)),
    }
}

fn log_path(dir: &Path, name: &str, generation: u64) -> PathBuf {
    dir.join(format!("{name}.{generation}.log"))
}

fn split(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?, &bytes[end + 1..]))
}

/// The entries of all whole lines, and how many bytes these are.
fn read<E: DeserializeOwned>(path: &Path) -> Result<(Vec<E>, u64), Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(why) => return Err(Error::file(path)(why)),
    };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut entries = Vec::new();
    for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let group: Vec<E> =
            serde_json::from_slice(line).map_err(|why| Error::State { path: path.to_owned(), why: why.to_string() })?;
        entries.extend(group);
    }
    Ok((entries, whole as u64))
}

fn remove_others(dir: &Path, name: &str, generation: u64) {
    let keep = log_path(dir, name, generation);
    let logs = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let ours = |path: &PathBuf| {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        file.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".log"))
    };
    logs.filter(ours).filter(|path| *path != keep).for_each(|path| drop(fs::remove_file(path)));
}

/// Puts a file in place as a whole or not at all.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
    temporary.write_all(bytes)?;
    temporary.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> Opened<u32> {
        Journal::open(dir, "n").unwrap()
    }

    #[test]
    fn journal_gives_back_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = open(dir.path());
        assert!(first.snapshot.is_none());
        first.journal.append(&[1, 2]).unwrap();
        first.journal.append(&[3]).unwrap();
        assert_eq!(open(dir.path()).entries, [1, 2, 3]);
    }

    /// Task definitions hold environments, and people put secrets there.
    #[test]
    fn journal_is_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path()).journal;
        journal.append(&[1]).unwrap();
        let modes = || {
            let files = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().metadata().unwrap());
            files.map(|file| file.permissions().mode() & 0o777).collect::<Vec<_>>()
        };
        assert_eq!(modes(), [0o600]);
        journal.fold(b"[]").unwrap();
        assert_eq!(modes(), [0o600, 0o600]);
    }

    #[test]
    fn journal_drops_a_torn_line_and_goes_on_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).journal.append(&[1]).unwrap();
        let path = dir.path().join("n.0.log");
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"[2,").unwrap();
        let mut second = open(dir.path());
        assert_eq!(second.entries, [1]);
        second.journal.append(&[4]).unwrap();
        assert_eq!(open(dir.path()).entries, [1, 4]);
    }

    #[test]
    fn journal_killed_while_folding_is_whole_either_way() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).journal.append(&[1]).unwrap();
        // Killed before the rename: an empty log of the next generation lies about.
        fs::write(dir.path().join("n.1.log"), "[9]\n").unwrap();
        assert_eq!(open(dir.path()).entries, [1]);
        assert!(!dir.path().join("n.1.log").exists());
        // Killed after it: the old log is still there, and must not be read again.
        let mut opened = open(dir.path());
        opened.journal.fold(b"\"doc\"").unwrap();
        opened.journal.append(&[2]).unwrap();
        fs::write(dir.path().join("n.0.log"), "[1]\n").unwrap();
        let again = open(dir.path());
        assert_eq!((again.snapshot.as_deref(), again.entries), (Some(&b"\"doc\""[..]), vec![2]));
    }

    #[test]
    fn journal_with_a_broken_middle_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("n.0.log"), "[1]\n{{\n[2]\n").unwrap();
        assert!(matches!(Journal::open::<u32>(dir.path(), "n"), Err(Error::State { .. })));
    }
}
