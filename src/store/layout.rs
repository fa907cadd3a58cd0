//! The OCI layout: blobs under their digests, an index that names images, a file that says what it all is.
//!
//! Writing puts blobs first and the index last, each by way of a temporary file, so that a reader always finds an
//! index whose blobs are there. Reading takes what others write: umoci's manifests carry no media type, skopeo
//! puts several images into one layout, and some nest an index in the index.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::place::parent;
use super::{Error, Section};
use crate::image::{Descriptor, Digest, Hasher, Index, Platform, media_type};

/// A directory that holds images.
#[derive(Debug, Clone)]
pub struct Layout {
    dir: PathBuf,
}

const MARK: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
const NAME: &str = "org.opencontainers.image.ref.name";
/// Indexes in indexes that are followed.
const DEPTH: usize = 4;
/// No manifest, index or configuration is larger.
const LARGEST: u64 = 16 * 1024 * 1024;

impl Layout {
    /// A layout that is there.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Layout, Error> {
        let layout = Layout { dir: dir.into() };
        let mark = layout.dir.join("oci-layout");
        let text = match std::fs::read(&mark) {
            Ok(text) => text,
            Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(Error::NoLayout { path: layout.dir });
            }
            Err(why) => return Err(Error::Io { path: mark, why }),
        };
        let stated: Value = serde_json::from_slice(&text).map_err(|why| Error::broken(&mark, why.to_string()))?;
        match stated.get("imageLayoutVersion").and_then(Value::as_str) {
            Some(version) if version.starts_with("1.") => Ok(layout),
            version => Err(Error::broken(&mark, format!("layout version {version:?} is not known"))),
        }
    }

    /// A layout that is there, or a new and empty one.
    pub fn create(dir: impl Into<PathBuf>) -> Result<Layout, Error> {
        let layout = Layout { dir: dir.into() };
        let blobs = layout.dir.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).map_err(Error::io(&blobs))?;
        let mark = layout.dir.join("oci-layout");
        if !mark.exists() {
            replace(&mark, MARK.as_bytes())?;
            replace(&layout.dir.join("index.json"), &Index::new(Vec::new()).to_bytes())?;
        }
        Layout::open(layout.dir)
    }

    /// Where a blob lies, whether it is there or not.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join("blobs/sha256").join(digest.hex())
    }

    /// A blob, if it is there and of the size that it should be.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<Section, Error> {
        let path = self.path(&descriptor.digest);
        let size = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(why) if why.kind() == ErrorKind::NotFound => {
                return Err(Error::broken(&self.dir, format!("blob {} is missing", descriptor.digest)));
            }
            Err(why) => return Err(Error::Io { path, why }),
        };
        if size != descriptor.size {
            let (wanted, got) = (descriptor.digest.clone(), format!("{size} bytes instead of {}", descriptor.size));
            return Err(Error::Digest { path, wanted, got });
        }
        Ok(Section { path, offset: 0, size })
    }

    /// The whole of a small blob (manifest, index, configuration), its digest checked.
    pub fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let section = self.blob(descriptor)?;
        if section.size > LARGEST {
            return Err(Error::broken(&section.path, format!("it is larger than {LARGEST} bytes")));
        }
        let bytes = std::fs::read(&section.path).map_err(Error::io(&section.path))?;
        let got = Digest::of(&bytes);
        if got != descriptor.digest {
            let wanted = descriptor.digest.clone();
            return Err(Error::Digest { path: section.path, wanted, got: got.to_string() });
        }
        Ok(bytes)
    }

    /// What a tag names: a manifest or an index, with its bytes. Without a tag, the only image there is.
    pub fn find(&self, tag: Option<&str>) -> Result<(Descriptor, Vec<u8>), Error> {
        let index = self.index()?;
        let named = index.manifests.iter().filter(|m| (tag.is_none() || name(m) == tag) && !m.is_attestation());
        let named: Vec<&Descriptor> = named.collect();
        let path = || self.dir.clone();
        match named[..] {
            [] => {
                let wanted = tag.unwrap_or("at all").to_owned();
                Err(Error::NoImage { path: path(), wanted, held: names(&index) })
            }
            // Several names may mean one image.
            [first, ..] if named.iter().all(|m| m.digest == first.digest) => {
                let bytes = self.document(first)?;
                let mut descriptor = first.clone();
                descriptor.media_type = stated_type(&bytes).unwrap_or(descriptor.media_type);
                Ok((descriptor, bytes))
            }
            // One image, a platform each, straight in the top index.
            [first, ..] if named.iter().all(|m| m.platform().is_some() && name(m) == name(first)) => {
                let bytes = Index::new(named.into_iter().cloned().collect()).to_bytes();
                Ok((Descriptor::of(media_type::OCI_INDEX, &bytes), bytes))
            }
            _ => Err(Error::Ambiguous { path: path(), held: names(&index) }),
        }
    }

    /// The image manifest for a platform, with its bytes; indexes are gone through.
    pub fn find_for(&self, tag: Option<&str>, platform: &Platform) -> Result<(Descriptor, Vec<u8>), Error> {
        let (mut descriptor, mut bytes) = self.find(tag)?;
        for _ in 0..DEPTH {
            if !media_type::is_index(&descriptor.media_type) {
                return Ok((descriptor, bytes));
            }
            let index = Index::parse(&bytes)?;
            let nested = || index.manifests.iter().find(|m| media_type::is_index(&m.media_type));
            descriptor = index.select(platform).or_else(nested).cloned().ok_or_else(|| {
                let held: Vec<String> = index.platforms().iter().map(Platform::to_string).collect();
                Error::NoImage { path: self.dir.clone(), wanted: format!("for {platform}"), held: held.join(", ") }
            })?;
            bytes = self.document(&descriptor)?;
        }
        Err(Error::broken(&self.dir, "its indexes lie too deep in each other"))
    }

    /// Stores a blob, unless it is there. The content is checked on its way.
    pub fn put_blob(&self, descriptor: &Descriptor, content: impl Read) -> Result<(), Error> {
        let path = self.path(&descriptor.digest);
        if self.blob(descriptor).is_ok() {
            return Ok(());
        }
        let fail = Error::io(&path);
        let mut file = temporary(&path)?;
        let mut hasher = Hasher::default();
        // One byte more than there should be is enough to see that there are too many.
        copy_hashing(content.take(descriptor.size.saturating_add(1)), file.as_file_mut(), &mut hasher)
            .map_err(&fail)?;
        let (size, got) = (hasher.size(), hasher.digest());
        if size != descriptor.size || got != descriptor.digest {
            let wanted = descriptor.digest.clone();
            let (path, got) = (path.clone(), format!("{size} bytes of {got}"));
            return Err(Error::Digest { path, wanted, got });
        }
        file.persist(&path).map_err(|why| fail(why.error))?;
        Ok(())
    }

    /// Names a manifest or index whose blobs are there. A tag is taken from whatever had it; without a tag, only
    /// an entry for the same manifest is replaced.
    pub fn put_image(&self, tag: Option<&str>, descriptor: &Descriptor) -> Result<(), Error> {
        self.blob(descriptor)?;
        let mut index = self.index()?;
        let mut entry = descriptor.clone();
        set_name(&mut entry, tag);
        index.manifests.retain(|old| match tag {
            Some(_) => name(old) != tag,
            None => name(old).is_some() || old.digest != entry.digest,
        });
        index.manifests.push(entry);
        replace(&self.dir.join("index.json"), &index.to_bytes())
    }

    fn index(&self) -> Result<Index, Error> {
        let path = self.dir.join("index.json");
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        Index::parse(&bytes).map_err(|why| Error::broken(&path, why.to_string()))
    }
}

/// The tag, in its annotation.
fn name(descriptor: &Descriptor) -> Option<&str> {
    descriptor.rest.get("annotations")?.get(NAME)?.as_str()
}

/// All tags, for error texts.
fn names(index: &Index) -> String {
    let names: Vec<&str> = index.manifests.iter().filter_map(name).collect();
    if names.is_empty() { "nothing with a name".to_owned() } else { names.join(", ") }
}

fn set_name(descriptor: &mut Descriptor, tag: Option<&str>) {
    let mut annotations = match descriptor.rest.shift_remove("annotations") {
        Some(Value::Object(annotations)) => annotations,
        _ => Default::default(),
    };
    match tag {
        Some(tag) => annotations.insert(NAME.into(), json!(tag)),
        None => annotations.shift_remove(NAME),
    };
    if !annotations.is_empty() {
        descriptor.rest.insert("annotations".into(), Value::Object(annotations));
    }
}

fn stated_type(bytes: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(bytes).ok()?;
    document.get("mediaType").and_then(Value::as_str).map(str::to_owned)
}

fn temporary(path: &Path) -> Result<tempfile::NamedTempFile, Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o644);
    tempfile::Builder::new().prefix(".new.").permissions(mode).tempfile_in(parent(path)).map_err(Error::io(path))
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = temporary(path)?;
    file.write_all(bytes).map_err(Error::io(path))?;
    file.persist(path).map_err(|why| Error::Io { path: path.to_owned(), why: why.error })?;
    Ok(())
}

fn copy_hashing(mut from: impl Read, to: &mut File, hasher: &mut Hasher) -> std::io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let size = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(size) => size,
            Err(why) if why.kind() == ErrorKind::Interrupted => continue,
            Err(why) => return Err(why),
        };
        hasher.update(&buffer[..size]);
        to.write_all(&buffer[..size])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Manifest, media_type::Format};

    fn put(layout: &Layout, kind: &str, bytes: &[u8]) -> Descriptor {
        let descriptor = Descriptor::of(kind, bytes);
        layout.put_blob(&descriptor, bytes).unwrap();
        descriptor
    }

    fn image(layout: &Layout, layer: &[u8]) -> Descriptor {
        let config = put(layout, media_type::OCI_CONFIG, b"{}");
        let layer = put(layout, media_type::OCI_LAYER, layer);
        put(layout, media_type::OCI_MANIFEST, &Manifest::new(Format::Oci, config, vec![layer]).to_bytes())
    }

    #[test]
    fn layout_keeps_other_images_and_moves_tags() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path()).unwrap();
        let (one, two) = (image(&layout, b"1"), image(&layout, b"2"));
        layout.put_image(Some("a"), &one).unwrap();
        layout.put_image(Some("b"), &one).unwrap();
        Layout::create(dir.path()).unwrap().put_image(Some("a"), &two).unwrap();
        assert_eq!(layout.find(Some("a")).unwrap().0.digest, two.digest);
        assert_eq!(layout.find(Some("b")).unwrap().0.digest, one.digest);
        assert!(matches!(layout.find(None), Err(Error::Ambiguous { .. })));
        let why = layout.find(Some("c")).unwrap_err().to_string();
        assert!(why.contains("b, a"), "{why}");
    }

    #[test]
    fn layout_refuses_content_of_another_digest_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path()).unwrap();
        for content in [&b"wrong"[..], b"righ", b"right or more"] {
            let result = layout.put_blob(&Descriptor::of("x", b"right"), content);
            assert!(matches!(result, Err(Error::Digest { .. })), "{result:?}");
        }
        assert_eq!(std::fs::read_dir(dir.path().join("blobs/sha256")).unwrap().count(), 0);
    }

    #[test]
    fn layout_replaces_a_damaged_blob_and_no_sound_one() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path()).unwrap();
        let descriptor = Descriptor::of("x", b"right");
        std::fs::write(layout.path(&descriptor.digest), "rig").unwrap();
        assert!(layout.blob(&descriptor).is_err());
        layout.put_blob(&descriptor, &b"right"[..]).unwrap();
        layout.put_blob(&descriptor, std::io::empty()).unwrap();
        assert_eq!(layout.document(&descriptor).unwrap(), b"right");
    }

    #[test]
    fn layout_is_gone_through_to_the_platform() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path()).unwrap();
        let of = |layer: &[u8], architecture: &str| {
            let mut descriptor = image(&layout, layer);
            descriptor.rest.insert("platform".into(), json!({ "os": "linux", "architecture": architecture }));
            descriptor
        };
        let (amd, arm) = (of(b"1", "amd64"), of(b"2", "arm64"));
        let index = put(&layout, media_type::OCI_INDEX, &Index::new(vec![amd.clone(), arm.clone()]).to_bytes());
        let outer = put(&layout, media_type::OCI_INDEX, &Index::new(vec![index]).to_bytes());
        layout.put_image(None, &outer).unwrap();
        for (platform, wanted) in [("linux/amd64", amd), ("linux/arm64", arm)] {
            assert_eq!(layout.find_for(None, &platform.parse().unwrap()).unwrap().0.digest, wanted.digest);
        }
        let why = layout.find_for(None, &"linux/s390x".parse().unwrap()).unwrap_err().to_string();
        assert!(why.contains("linux/amd64"), "{why}");
    }

    #[test]
    fn layout_that_is_none_says_so() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Layout::open(dir.path()).unwrap_err().to_string().contains("no OCI layout"));
        assert!(Layout::open(dir.path().join("missing")).is_err());
        Layout::create(dir.path()).unwrap();
        std::fs::write(dir.path().join("index.json"), "{").unwrap();
        assert!(matches!(Layout::open(dir.path()).unwrap().find(None), Err(Error::Broken { .. })));
    }
}
