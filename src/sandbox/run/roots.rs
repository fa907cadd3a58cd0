//! Unpacked images, kept by the chain of their layers. A new image is a clone, by hard links, of the longest chain
//! that is there already and the layers that are missing, so the next version of an application unpacks its own
//! last layer alone. Nobody writes to a kept tree: containers get an overlay over it, or a copy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::Mutex;

use super::images::{Blob, Image, Images};
use super::{Error, tree, unpack};
use crate::image::Digest;
use crate::layer::unpacked;

/// What is not whole yet begins so.
const PART: &str = ".part-";

pub struct Roots {
    dir: PathBuf,
    /// Two tasks of one image unpack it once.
    turn: Mutex<()>,
}

impl Roots {
    pub fn open(dir: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&dir).map_err(Error::file(&dir))?;
        let listed = fs::read_dir(&dir).map_err(Error::file(&dir))?;
        let torn = listed.flatten().filter(|entry| entry.file_name().as_encoded_bytes().starts_with(PART.as_bytes()));
        torn.for_each(|entry| drop(tree::remove(&entry.path())));
        Ok(Roots { dir, turn: Mutex::new(()) })
    }

    /// The tree of this image.
    pub async fn tree(&self, images: &dyn Images, image: &Image) -> Result<PathBuf, Error> {
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
        below.map_or_else(|| self.empty(), Ok)
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
