//! What packing would give, remembered from builds before: `DiffId` and level to digest and size. It lets an
//! unchanged layer be found in a registry without being compressed. Packing is a pure function, so an entry is
//! never out of date; and since it can always be worked out again, no trouble with the files is worth an error.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Level, RECIPE};
use crate::clock::Clock;
use crate::image::{DiffId, Digest};

/// So many entries are kept, the latest used; at some 80 bytes each.
const CAPACITY: usize = 2000;

/// A directory with one small file an entry. Several builds may share it at the same time.
#[derive(Debug, Clone)]
pub struct Known {
    dir: Option<PathBuf>,
}

impl Known {
    /// Without a directory nothing is remembered. It is made when there is something to put into it.
    pub fn open(dir: Option<PathBuf>) -> Known {
        Known { dir }
    }

    /// Digest and size of the blob that packing at this level gives, if it has been seen.
    pub fn find(&self, diff_id: &DiffId, level: Level) -> Option<(Digest, u64)> {
        let path = self.dir.as_ref()?.join(name(diff_id, level));
        let found = parse(&fs::read_to_string(&path).ok()?)?;
        let _ = File::options().write(true).open(&path).and_then(|file| file.set_modified(Clock::Real.now()));
        Some(found)
    }

    pub fn remember(&self, diff_id: &DiffId, level: Level, digest: &Digest, size: u64) {
        if let Some(dir) = &self.dir {
            // A cache that cannot be written to is as good as none.
            let _ = put(dir, &name(diff_id, level), &format!("{digest} {size}\n"));
            trim(dir, CAPACITY);
        }
    }

    /// Nothing can be found here, so there is no point in measuring before packing.
    pub fn is_empty(&self) -> bool {
        let ours = format!("{RECIPE}-");
        self.dir.as_deref().is_none_or(|dir| !entries(dir).any(|name| name.starts_with(&ours)))
    }
}

fn name(diff_id: &DiffId, level: Level) -> String {
    format!("{RECIPE}-{level}-{}", diff_id.digest().hex())
}

fn parse(text: &str) -> Option<(Digest, u64)> {
    let (digest, size) = text.strip_suffix('\n')?.split_once(' ')?;
    Some((digest.parse().ok()?, size.parse().ok().filter(|size| *size > 0)?))
}

fn put(dir: &Path, name: &str, text: &str) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.persist(dir.join(name))?;
    Ok(())
}

/// Removes the entries that have not been used for longest.
fn trim(dir: &Path, capacity: usize) {
    let mut found: Vec<_> = entries(dir).collect();
    if found.len() <= capacity {
        return;
    }
    found.sort_by_cached_key(|name| fs::metadata(dir.join(name)).and_then(|about| about.modified()).ok());
    for name in &found[..found.len() - capacity] {
        let _ = fs::remove_file(dir.join(name));
    }
}

/// The names of this and other recipes' entries; the directory may hold files that are nobody's business here.
fn entries(dir: &Path) -> impl Iterator<Item = String> {
    let files = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    files.filter_map(|file| file.file_name().into_string().ok()).filter(|name| is_entry(name))
}

fn is_entry(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match name.splitn(3, '-').collect::<Vec<_>>()[..] {
        [recipe, level, hex] => number(recipe) && number(level) && hex.len() == 64,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn diff_id(text: &str) -> DiffId {
        DiffId::new(Digest::of(text.as_bytes()))
    }

    fn level(number: u8) -> Level {
        Level::new(number).unwrap()
    }

    fn age(dir: &Path, name: &str, seconds: u64) {
        let time = SystemTime::now() - Duration::from_secs(seconds);
        File::options().write(true).open(dir.join(name)).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn known_layer_is_found_at_its_level_only() {
        let dir = tempfile::tempdir().unwrap();
        let known = Known::open(Some(dir.path().join("made/on/demand")));
        assert!(known.is_empty());
        known.remember(&diff_id("a"), level(5), &Digest::of(b"blob"), 4);
        assert!(!known.is_empty());
        assert_eq!(known.find(&diff_id("a"), level(5)), Some((Digest::of(b"blob"), 4)));
        assert_eq!(known.find(&diff_id("a"), level(6)), None);
        assert_eq!(known.find(&diff_id("b"), level(5)), None);
    }

    #[test]
    fn known_without_a_usable_directory_remembers_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for dir in [None, Some(file.path().join("below-a-file"))] {
            let known = Known::open(dir);
            known.remember(&diff_id("a"), level(5), &Digest::of(b"blob"), 4);
            assert!(known.is_empty());
            assert_eq!(known.find(&diff_id("a"), level(5)), None);
        }
    }

    #[test]
    fn corrupt_entry_is_not_found_and_can_be_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let known = Known::open(Some(dir.path().to_owned()));
        let good = format!("{} 4\n", Digest::of(b"blob"));
        for text in
            ["", "x", "sha256:12 4\n", &good[..good.len() - 1], &good.replace(" 4", " 0"), &format!("{good}4\n")]
        {
            fs::write(dir.path().join(name(&diff_id("a"), level(5))), text).unwrap();
            assert_eq!(known.find(&diff_id("a"), level(5)), None, "{text:?}");
        }
        known.remember(&diff_id("a"), level(5), &Digest::of(b"blob"), 4);
        assert!(known.find(&diff_id("a"), level(5)).is_some());
    }

    #[test]
    fn entry_of_another_recipe_is_as_good_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let other = name(&diff_id("a"), level(5)).replacen(&RECIPE.to_string(), &(RECIPE + 1).to_string(), 1);
        fs::write(dir.path().join(other), format!("{} 4\n", Digest::of(b"blob"))).unwrap();
        let known = Known::open(Some(dir.path().to_owned()));
        assert!(known.is_empty());
        assert_eq!(known.find(&diff_id("a"), level(5)), None);
    }

    #[test]
    fn full_cache_drops_what_was_not_used_for_longest_and_no_foreign_file() {
        let dir = tempfile::tempdir().unwrap();
        let known = Known::open(Some(dir.path().to_owned()));
        for (days, text) in ["a", "b", "c"].into_iter().enumerate() {
            known.remember(&diff_id(text), level(5), &Digest::of(b"blob"), 4);
            age(dir.path(), &name(&diff_id(text), level(5)), 86_400 * (10 - days as u64));
        }
        fs::write(dir.path().join("README"), "mine").unwrap();
        age(dir.path(), "README", 86_400 * 100);
        known.find(&diff_id("a"), level(5)).unwrap();
        trim(dir.path(), 2);
        let left = ["a", "b", "c"].map(|text| known.find(&diff_id(text), level(5)).is_some());
        assert_eq!(left, [true, false, true]);
        assert!(dir.path().join("README").exists());
    }

    #[test]
    fn nothing_temporary_is_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        Known::open(Some(dir.path().to_owned())).remember(&diff_id("a"), level(5), &Digest::of(b"blob"), 4);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
