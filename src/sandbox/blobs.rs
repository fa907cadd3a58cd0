//! Content on disk, by digest: one file a blob or manifest, whichever repositories hold it. A file gets its name only
//! when it is whole and its digest is known, so what is there can be trusted; drafts live in a directory of
//! their own, which is emptied at each start.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::Error;
use crate::image::{Digest, Hasher};

pub struct Blobs {
    whole: PathBuf,
    drafts: PathBuf,
}

/// Content that is still growing. Dropping it removes it.
pub struct Draft {
    file: NamedTempFile,
    hasher: Hasher,
}

/// A point that a draft can go back to.
pub struct Mark(Hasher);

impl Blobs {
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let (whole, drafts) = (dir.join("blobs"), dir.join("uploads"));
        if drafts.exists() {
            fs::remove_dir_all(&drafts).map_err(Error::file(&drafts))?;
        }
        for dir in [&whole, &drafts] {
            fs::create_dir_all(dir).map_err(Error::file(dir))?;
        }
        Ok(Blobs { whole, drafts })
    }

    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.whole.join(digest.hex())
    }

    /// Whether the content is there in full.
    pub fn holds(&self, digest: &Digest, size: u64) -> bool {
        fs::metadata(self.path(digest)).is_ok_and(|file| file.len() == size)
    }

    pub fn draft(&self) -> io::Result<Draft> {
        Ok(Draft { file: NamedTempFile::new_in(&self.drafts)?, hasher: Hasher::default() })
    }

    /// Gives a draft its name.
    pub fn keep(&self, draft: Draft) -> io::Result<(Digest, u64)> {
        let (digest, size) = (draft.hasher.clone().digest(), draft.size());
        draft.file.persist(self.path(&digest))?;
        Ok((digest, size))
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<Digest> {
        let mut draft = self.draft()?;
        draft.write(bytes)?;
        Ok(self.keep(draft)?.0)
    }

    pub fn read(&self, digest: &Digest) -> io::Result<Vec<u8>> {
        fs::read(self.path(digest))
    }

    pub fn remove(&self, digest: &Digest) {
        let _ = fs::remove_file(self.path(digest));
    }

    /// Removes what nobody knows of: content whose upload was whole when the process was killed.
    pub fn sweep(&self, known: &HashSet<&str>) {
        let files = fs::read_dir(&self.whole).into_iter().flatten().flatten();
        let unknown = files.filter(|file| !file.file_name().to_str().is_some_and(|name| known.contains(name)));
        unknown.for_each(|file| drop(fs::remove_file(file.path())));
    }
}

impl Draft {
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_file_mut().write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }

    pub fn size(&self) -> u64 {
        self.hasher.size()
    }

    pub fn digest(&self) -> Digest {
        self.hasher.clone().digest()
    }

    pub fn mark(&self) -> Mark {
        Mark(self.hasher.clone())
    }

    /// Forgets what was written since.
    pub fn rewind(&mut self, mark: Mark) -> io::Result<()> {
        self.hasher = mark.0;
        let file = self.file.as_file_mut();
        file.set_len(self.hasher.size())?;
        file.seek(SeekFrom::End(0)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draft_goes_back_to_a_mark() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        let mut draft = blobs.draft().unwrap();
        draft.write(b"one ").unwrap();
        let mark = draft.mark();
        draft.write(b"torn").unwrap();
        draft.rewind(mark).unwrap();
        draft.write(b"two").unwrap();
        let (digest, size) = blobs.keep(draft).unwrap();
        assert_eq!((&digest, size), (&Digest::of(b"one two"), 7));
        assert_eq!(blobs.read(&digest).unwrap(), b"one two");
    }

    #[test]
    fn leftovers_go_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        let (known, orphan) = (blobs.put(b"known").unwrap(), blobs.put(b"orphan").unwrap());
        fs::write(dir.path().join("uploads/torn"), "x").unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        blobs.sweep(&HashSet::from([known.hex()]));
        assert!(blobs.holds(&known, 5) && !blobs.holds(&orphan, 6));
        assert!(!dir.path().join("uploads/torn").exists());
    }
}
