//! Unpacked images, kept by the chain of their layers. A new image is a clone, by hard links, of the longest chain
//! that is there already and the layers that are missing, so the next version of an application unpacks its own
//! last layer alone. Nobody writes to a kept tree: containers get an overlay over it, or a copy. A file beside it tells
//! when it was last used.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::SystemTime;

use super::images::{Blob, Image, Images};
use super::{Error, tree, unpack};
use crate::image::Digest;
use crate::layer::unpacked;

/// What is not whole yet begins so.
const PART: &str = ".part-";

/// When a tree was last used is when its file of this kind was written.
const USED: &str = "used";

pub struct Roots {
    dir: PathBuf,
    leases: Leases,
    /// Two tasks of one image unpack it once.
    turn: tokio::sync::Mutex<()>,
}

/// Trees that tasks are using.
type Leases = Mutex<HashMap<PathBuf, Weak<Lease>>>;

/// An image's tree, which stays as long as this does.
pub struct Tree {
    path: PathBuf,
    _lease: Arc<Lease>,
}

struct Lease(PathBuf);

impl Tree {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        touch(&self.0);
    }
}

fn touch(tree: &Path) {
    // At worst the tree is unpacked again.
    let _ = fs::write(tree.with_extension(USED), "");
}

impl Roots {
    pub fn open(dir: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&dir).map_err(Error::file(&dir))?;
        let listed = fs::read_dir(&dir).map_err(Error::file(&dir))?;
        let torn = listed.flatten().filter(|entry| entry.file_name().as_encoded_bytes().starts_with(PART.as_bytes()));
        torn.for_each(|entry| drop(tree::remove(&entry.path())));
        Ok(Roots { dir, leases: Leases::default(), turn: tokio::sync::Mutex::new(()) })
    }

    /// The tree of this image.
    pub async fn tree(&self, images: &dyn Images, image: &Image) -> Result<Tree, Error> {
        let _turn = self.turn.lock().await;
        let chains = chains(image);
        let known = chains.iter().rposition(|chain| self.dir.join(chain.hex()).is_dir());
        let mut below = known.map(|at| self.dir.join(chains[at].hex()));
        let start = known.map_or(0, |at| at + 1);
        for (chain, layer) in chains.iter().zip(&image.layers).skip(start) {
            let blob = images.layer(image, layer).await?;
            let (dir, name, base) = (self.dir.clone(), chain.hex().to_owned(), below.take());
            let built = tokio::task::spawn_blocking(move || build(&dir, &name, base.as_deref(), blob)).await;
            let built = built.unwrap_or_else(|_| Err(io::Error::other("interrupted")));
            let told = |why: io::Error| Error::Pull {
                image: image.repository.to_string(),
                why: format!("layer {}: {why}", layer.digest),
            };
            below = Some(built.map_err(told)?);
        }
        // Those below are where the next version of the image begins.
        chains.iter().for_each(|chain| touch(&self.dir.join(chain.hex())));
        below.map_or_else(|| self.empty(), Ok).map(|path| self.lease(path))
    }

    fn lease(&self, path: PathBuf) -> Tree {
        let mut leases = self.leases.lock().expect("leases lock");
        let lease = leases.get(&path).and_then(Weak::upgrade).unwrap_or_else(|| Arc::new(Lease(path.clone())));
        leases.insert(path.clone(), Arc::downgrade(&lease));
        Tree { path, _lease: lease }
    }

    /// Takes away the trees that no task has used since this moment.
    pub async fn prune(&self, before: SystemTime) {
        let _turn = self.turn.lock().await;
        let trees = fs::read_dir(&self.dir).into_iter().flatten().flatten().map(|entry| entry.path());
        for tree in trees.filter(|path| path.is_dir()) {
            let leased =
                self.leases.lock().expect("leases lock").get(&tree).is_some_and(|lease| lease.strong_count() > 0);
            let mark = tree.with_extension(USED);
            let last = fs::metadata(&mark).and_then(|about| about.modified());
            if leased || last.is_ok_and(|last| last >= before) {
                continue;
            }
            let _ = tokio::task::spawn_blocking(move || tree::remove(&tree)).await;
            let _ = fs::remove_file(&mark);
        }
    }

    fn empty(&self) -> Result<PathBuf, Error> {
        let path = self.dir.join("empty");
        fs::create_dir_all(&path).map_err(Error::file(&path))?;
        Ok(path)
    }
}

/// What each layer stands for together with those below it.
fn chains(image: &Image) -> Vec<Digest> {
    let mut below = String::new();
    let next = |layer: &crate::image::Descriptor| {
        let chain = Digest::of(format!("{below} {}", layer.digest).as_bytes());
        below = chain.to_string();
        chain
    };
    image.layers.iter().map(next).collect()
}

/// Unpacks beside and renames: a tree is there whole or not at all.
fn build(dir: &Path, name: &str, base: Option<&Path>, blob: Blob) -> io::Result<PathBuf> {
    let fresh = tempfile::Builder::new().prefix(PART).tempdir_in(dir)?;
    let (root, path) = (fresh.path().join("root"), dir.join(name));
    fs::create_dir(&root)?;
    base.map_or(Ok(()), |base| tree::clone(base, &root, tree::How::Link))?;
    unpack::unpack(unpacked(blob).map_err(io::Error::other)?, &root)?;
    match fs::rename(&root, &path) {
        // Somebody who was thought to have given up was faster.
        Err(_) if path.is_dir() => Ok(path),
        renamed => renamed.map(|()| path),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn tree_goes_when_nobody_has_used_it_for_long() {
        let dir = tempfile::TempDir::new().unwrap();
        let roots = Roots::open(dir.path().to_owned()).unwrap();
        let path = |name: &str| dir.path().join(name);
        ["old", "young", "leased", "unmarked"].iter().for_each(|name| fs::create_dir(path(name)).unwrap());
        let lease = roots.lease(path("leased"));
        let long_ago = SystemTime::UNIX_EPOCH;
        for name in ["old", "young", "leased"] {
            touch(&path(name));
            if name != "young" {
                fs::File::options()
                    .write(true)
                    .open(path(name).with_extension(USED))
                    .unwrap()
                    .set_modified(long_ago)
                    .unwrap();
            }
        }
        roots.prune(long_ago + Duration::from_secs(1)).await;
        let left = || ["old", "young", "leased", "unmarked"].map(|name| path(name).exists());
        assert_eq!(left(), [false, true, true, false]);
        drop(lease);
        roots.prune(long_ago + Duration::from_secs(1)).await;
        assert_eq!(left(), [false, true, true, false], "its last use was now");
    }
}
