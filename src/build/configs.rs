//! Base images' configurations, kept from build to build: they are named by their digest, so what is kept is what
//! the registry would send. A cache that cannot be read or written is none.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::Error;
use crate::image::{Descriptor, Digest, Repository};
use crate::registry::Client;

/// Configurations that are kept. Older ones go when a new one comes.
const MOST: usize = 64;

/// The configuration, from the directory if it is there, else from the registry.
pub async fn read(
    client: &Client,
    repository: &Repository,
    descriptor: &Descriptor,
    directory: Option<&Path>,
) -> Result<Bytes, Error> {
    let path = directory.map(|directory| directory.join(descriptor.digest.hex()));
    if let Some(kept) = path.as_deref().and_then(|path| std::fs::read(path).ok())
        && Digest::of(&kept) == descriptor.digest
    {
        return Ok(kept.into());
    }
    let bytes = client.read_blob(repository, descriptor).await?.bytes().await?;
    if let (Some(directory), Some(path)) = (directory, path) {
        let _ = keep(directory, &path, &bytes);
    }
    Ok(bytes)
}

fn keep(directory: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let file = tempfile::NamedTempFile::new_in(directory)?;
    std::fs::write(file.path(), bytes)?;
    file.persist(path).map_err(|why| why.error)?;
    let mut kept: Vec<(std::time::SystemTime, PathBuf)> = std::fs::read_dir(directory)?
        .filter_map(|entry| entry.ok().and_then(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))))
        .collect();
    kept.sort_unstable();
    let surplus = kept.len().saturating_sub(MOST);
    kept[..surplus].iter().try_for_each(|(_, path)| std::fs::remove_file(path))
}
