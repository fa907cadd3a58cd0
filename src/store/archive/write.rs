//! Writing a Docker archive: one form, always the same bytes for the same image.

use std::io::{self, Read, Write};
use std::path::Path;

use tar::{EntryType, Header};

use super::Item;
use crate::image::{Descriptor, Digest, Hasher, Manifest, Reference};
use crate::store::Error;
use crate::store::place::parent;

/// Writes an image, in the place of whatever file was there, once it is complete. `open` yields a layer's bytes;
/// compressed layers are stored as they are, which Docker, podman and skopeo load.
pub fn write_archive<R: Read>(
    path: &Path,
    reference: Option<&Reference>,
    manifest: &Manifest,
    config: &[u8],
    mut open: impl FnMut(&Descriptor) -> io::Result<R>,
) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let fail = Error::io(path);
    let mode = std::fs::Permissions::from_mode(0o644);
    let file = tempfile::Builder::new().prefix(".new.").permissions(mode).tempfile_in(parent(path)).map_err(&fail)?;
    let mut out = tar::Builder::new(io::BufWriter::with_capacity(256 * 1024, file));
    let config_name = format!("{}.json", Digest::of(config).hex());
    append(&mut out, &config_name, config.len() as u64, config).map_err(&fail)?;
    let mut layers: Vec<String> = Vec::new();
    for layer in &manifest.layers {
        let name = layer_name(layer);
        if !layers.contains(&name) {
            append_layer(&mut out, path, &name, layer, open(layer).map_err(&fail)?)?;
        }
        layers.push(name);
    }
    let item = Item { config: config_name, repo_tags: Some(reference.iter().map(|r| shown(r)).collect()), layers };
    let list = serde_json::to_vec(&[item]).expect("plain JSON");
    append(&mut out, "manifest.json", list.len() as u64, &list[..]).map_err(&fail)?;
    let file =
        out.into_inner().and_then(|buffer| buffer.into_inner().map_err(|why| why.into_error())).map_err(&fail)?;
    file.persist(path).map_err(|why| fail(why.error))?;
    Ok(())
}

fn append_layer(
    out: &mut tar::Builder<impl Write>,
    path: &Path,
    name: &str,
    layer: &Descriptor,
    content: impl Read,
) -> Result<(), Error> {
    let mut checked = Checked { from: content, hasher: Hasher::default() };
    append(out, name, layer.size, &mut checked).map_err(Error::io(path))?;
    let more = io::copy(&mut checked.by_ref().take(1), &mut io::sink()).map_err(Error::io(path))?;
    let (size, got) = (checked.hasher.size(), checked.hasher.digest());
    if more > 0 || size != layer.size || got != layer.digest {
        let got = format!("{size} bytes of {got}");
        return Err(Error::Digest { path: path.to_owned(), wanted: layer.digest.clone(), got });
    }
    Ok(())
}

pub(super) fn append(out: &mut tar::Builder<impl Write>, name: &str, size: u64, content: impl Read) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_entry_type(EntryType::Regular);
    out.append_data(&mut header, name, content.take(size))
}

fn layer_name(layer: &Descriptor) -> String {
    let compressed = layer.media_type.ends_with("gzip");
    format!("{}.tar{}", layer.digest.hex(), if compressed { ".gz" } else { "" })
}

/// Docker shows its own images without `docker.io/library/`, and loads them so.
fn shown(reference: &Reference) -> String {
    let text = Reference { digest: None, ..reference.clone() }.to_string();
    let short = text.strip_prefix("docker.io/library/").or_else(|| text.strip_prefix("docker.io/"));
    short.unwrap_or(&text).to_owned()
}

/// Hashes what is read through it.
struct Checked<R> {
    from: R,
    hasher: Hasher,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.from.read(buffer)?;
        self.hasher.update(&buffer[..size]);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::media_type::{self, Format};
    use crate::store::Archive;
    use serde_json::json;

    #[test]
    fn archive_is_the_same_each_time_and_holds_a_layer_once() {
        let dir = tempfile::tempdir().unwrap();
        let layer = Descriptor::of(media_type::OCI_LAYER_GZIP, b"\x1f\x8blayer");
        let ids = [Digest::of(b"1"), Digest::of(b"2")];
        let config = json!({ "rootfs": { "type": "layers", "diff_ids": ids } }).to_string().into_bytes();
        let about = Descriptor::of(media_type::OCI_CONFIG, &config);
        let manifest = Manifest::new(Format::Oci, about, vec![layer.clone(), layer]);
        let write = |name: &str, content: &'static [u8]| {
            let path = dir.path().join(name);
            let reference: Reference = "app:v1".parse().unwrap();
            write_archive(&path, Some(&reference), &manifest, &config, |_| Ok(content)).map(|()| path)
        };
        let (one, two) = (write("1", b"\x1f\x8blayer").unwrap(), write("2", b"\x1f\x8blayer").unwrap());
        let bytes = std::fs::read(&one).unwrap();
        assert_eq!(bytes, std::fs::read(two).unwrap());
        assert!(bytes.len() <= 10 * 512, "{}", bytes.len());
        let image = Archive::open(one).unwrap().image(None).unwrap();
        assert_eq!((image.tags[0].as_str(), image.config_bytes), ("app:v1", config.clone()));
        let mut bytes = Vec::new();
        image.layers[1].section.read().unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"\x1f\x8blayer");
        for wrong in [&b"\x1f\x8blayeR"[..], b"\x1f\x8b", b"\x1f\x8blayer and more"] {
            assert!(write("3", wrong).is_err());
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing half is left");
    }
}
