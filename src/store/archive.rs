//! Docker archives: a tar with a `manifest.json` that names configuration and layers. Read in the forms of Docker
//! old (`<id>/layer.tar`, some of them links) and new (`blobs/sha256/…`), podman, skopeo and crane; never unpacked,
//! since a layer is a stretch of the file.

mod write;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tar::EntryType;

use super::{Error, Section};
use crate::image::{Config, DiffId, Reference};

pub use write::write_archive;

/// An archive whose table of contents has been read.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    members: HashMap<String, Member>,
    images: Vec<Item>,
}

#[derive(Debug)]
enum Member {
    File { offset: u64, size: u64 },
    Link { target: String },
}

/// One image in `manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// An image of an archive. There is no manifest in it: its layers have yet to be compressed, or at least hashed.
#[derive(Debug, Clone)]
pub struct ArchivedImage {
    pub tags: Vec<String>,
    pub config: Config,
    pub config_bytes: Vec<u8>,
    /// Bottom first.
    pub layers: Vec<ArchivedLayer>,
}

#[derive(Debug, Clone)]
pub struct ArchivedLayer {
    /// What the configuration says of it.
    pub diff_id: DiffId,
    pub section: Section,
    /// Whether `section` is compressed; Docker's are plain tars, crane's are not.
    pub gzip: bool,
}

/// `manifest.json` and configurations are not larger.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Links to links that are followed.
const DEPTH: usize = 8;

impl Archive {
    pub fn open(path: impl Into<PathBuf>) -> Result<Archive, Error> {
        let path = path.into();
        let members = contents(&path)?;
        let mut archive = Archive { path, members, images: Vec::new() };
        let manifest = archive.document("manifest.json")?;
        archive.images = serde_json::from_slice(&manifest)
            .map_err(|why| Error::broken(&archive.path, format!("manifest.json: {why}")))?;
        Ok(archive)
    }

    /// The image of this name, or the only one.
    pub fn image(&self, reference: Option<&Reference>) -> Result<ArchivedImage, Error> {
        let item = self.select(reference)?;
        let config_bytes = self.document(&item.config)?;
        let config = Config::parse(&config_bytes)?;
        let ids = config.diff_ids()?;
        if ids.len() != item.layers.len() {
            let why = format!("the configuration names {} layers, manifest.json {}", ids.len(), item.layers.len());
            return Err(Error::broken(&self.path, why));
        }
        let layer = |(name, diff_id): (&String, DiffId)| {
            let section = self.section(name)?;
            let gzip = section.is_gzip().map_err(Error::io(&self.path))?;
            Ok(ArchivedLayer { diff_id, section, gzip })
        };
        let layers = item.layers.iter().zip(ids).map(layer).collect::<Result<_, Error>>()?;
        Ok(ArchivedImage { tags: item.repo_tags.clone().unwrap_or_default(), config, config_bytes, layers })
    }

    fn select(&self, reference: Option<&Reference>) -> Result<&Item, Error> {
        let tags = |item: &Item| item.repo_tags.clone().unwrap_or_default();
        let held = || self.images.iter().flat_map(tags).collect::<Vec<_>>().join(", ");
        let same = |tag: &String| tag.parse::<Reference>().is_ok_and(|tag| Some(&tag) == reference);
        match (reference, &self.images[..]) {
            (None, [only]) => Ok(only),
            (None, [_, _, ..]) => Err(Error::Ambiguous { path: self.path.clone(), held: held() }),
            (Some(_), images) if images.iter().any(|item| tags(item).iter().any(same)) => {
                let found = images.iter().find(|item| tags(item).iter().any(same));
                Ok(found.expect("just seen"))
            }
            (wanted, _) => {
                let wanted = wanted.map_or("at all".into(), Reference::to_string);
                Err(Error::NoImage { path: self.path.clone(), wanted, held: held() })
            }
        }
    }

    fn document(&self, name: &str) -> Result<Vec<u8>, Error> {
        let section = self.section(name)?;
        if section.size > LARGEST {
            return Err(Error::broken(&self.path, format!("{name} is larger than {LARGEST} bytes")));
        }
        let mut bytes = Vec::new();
        section.read().and_then(|mut from| from.read_to_end(&mut bytes)).map_err(Error::io(&self.path))?;
        Ok(bytes)
    }

    fn section(&self, name: &str) -> Result<Section, Error> {
        let mut name = normal(name);
        for _ in 0..DEPTH {
            match self.members.get(&name) {
                Some(Member::File { offset, size }) => {
                    return Ok(Section { path: self.path.clone(), offset: *offset, size: *size });
                }
                Some(Member::Link { target }) => name = target.clone(),
                None => return Err(Error::broken(&self.path, format!("its member {name} is missing"))),
            }
        }
        Err(Error::broken(&self.path, format!("its member {name} is a link that leads nowhere")))
    }
}

/// Where everything lies. Only headers are read.
fn contents(path: &Path) -> Result<HashMap<String, Member>, Error> {
    let fail = Error::io(path);
    let whole = std::fs::metadata(path).map_err(&fail)?.len();
    if (Section { path: path.to_owned(), offset: 0, size: whole }).is_gzip().map_err(&fail)? {
        return Err(Error::Compressed { path: path.to_owned() });
    }
    let cut = |why: io::Error| Error::broken(path, format!("no tar, or a damaged one: {why}"));
    let mut archive = tar::Archive::new(File::open(path).map_err(&fail)?);
    let mut members = HashMap::new();
    for entry in archive.entries_with_seek().map_err(cut)? {
        let entry = entry.map_err(cut)?;
        let name = normal(&String::from_utf8_lossy(&entry.path_bytes()));
        let link = entry.link_name_bytes().map(|target| String::from_utf8_lossy(&target).into_owned());
        let member = match (entry.header().entry_type(), link) {
            (EntryType::Regular | EntryType::Continuous, _) => {
                let (offset, size) = (entry.raw_file_position(), entry.size());
                if offset.saturating_add(size) > whole {
                    return Err(Error::broken(path, format!("it ends in the middle of its member {name}")));
                }
                Member::File { offset, size }
            }
            (EntryType::Link, Some(target)) => Member::Link { target: normal(&target) },
            (EntryType::Symlink, Some(target)) => {
                let dir = name.rsplit_once('/').map_or("", |(dir, _)| dir);
                Member::Link { target: normal(&format!("{dir}/{target}")) }
            }
            _ => continue,
        };
        members.insert(name, member);
    }
    Ok(members)
}

/// The path without `.` and `..`.
fn normal(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::write::append;
    use super::*;
    use crate::image::Digest;
    use serde_json::json;
    use tar::Header;

    fn config(layers: usize) -> Vec<u8> {
        let ids: Vec<Digest> = (0..layers).map(|n| Digest::of(&[n as u8])).collect();
        json!({ "rootfs": { "type": "layers", "diff_ids": ids } }).to_string().into_bytes()
    }

    /// A tar of files, or of symbolic links where the content begins with `->`.
    fn tar(members: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
        let mut out = tar::Builder::new(tempfile::NamedTempFile::new().unwrap());
        for (name, content) in members {
            match content.strip_prefix(b"->") {
                None => append(&mut out, name, content.len() as u64, *content).unwrap(),
                Some(target) => {
                    let mut header = Header::new_gnu();
                    header.set_entry_type(EntryType::Symlink);
                    header.set_size(0);
                    out.append_link(&mut header, name, std::str::from_utf8(target).unwrap()).unwrap();
                }
            }
        }
        out.into_inner().unwrap()
    }

    fn read(section: &Section) -> Vec<u8> {
        let mut bytes = Vec::new();
        section.read().unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn archive_of_old_docker_with_linked_layers() {
        let list = br#"[{"Config":"c.json","RepoTags":["app:v1"],"Layers":["a/layer.tar","b/layer.tar"]}]"#;
        let file = tar(&[
            ("a/layer.tar", b"one"),
            ("b/layer.tar", b"->../a/layer.tar"),
            ("c.json", &config(2)),
            ("manifest.json", list),
        ]);
        let image = Archive::open(file.path()).unwrap().image(Some(&"app:v1".parse().unwrap())).unwrap();
        assert_eq!(image.tags, ["app:v1"]);
        assert_eq!(image.layers.iter().map(|l| read(&l.section)).collect::<Vec<_>>(), [b"one", b"one"]);
        assert!(!image.layers[0].gzip);
    }

    #[test]
    fn archive_of_new_docker_without_tags() {
        let list = br#"[{"Config":"blobs/sha256/c","RepoTags":null,"Layers":["blobs/sha256/l"],"LayerSources":{}}]"#;
        let file = tar(&[("blobs/sha256/c", &config(1)), ("blobs/sha256/l", b"\x1f\x8bx"), ("./manifest.json", list)]);
        let image = Archive::open(file.path()).unwrap().image(None).unwrap();
        assert!(image.tags.is_empty() && image.layers[0].gzip);
    }

    #[test]
    fn archive_without_a_member_names_it() {
        let list = br#"[{"Config":"c.json","RepoTags":[],"Layers":["l.tar"]}]"#;
        let file = tar(&[("c.json", &config(1)), ("manifest.json", list)]);
        let why = Archive::open(file.path()).unwrap().image(None).unwrap_err().to_string();
        assert!(why.contains("l.tar"), "{why}");
        let why = Archive::open(tar(&[("a", b"")]).path()).unwrap_err().to_string();
        assert!(why.contains("manifest.json"), "{why}");
        let round = tar(&[("manifest.json", b"->manifest.json")]);
        assert!(matches!(Archive::open(round.path()), Err(Error::Broken { .. })));
    }

    #[test]
    fn archive_that_is_cut_or_compressed_or_none_is_refused() {
        let file = tar(&[("manifest.json", &[b' '; 4000])]);
        file.as_file().set_len(2000).unwrap();
        assert!(matches!(Archive::open(file.path()), Err(Error::Broken { .. })));
        std::fs::write(file.path(), [0x1f, 0x8b, 8, 0]).unwrap();
        assert!(matches!(Archive::open(file.path()), Err(Error::Compressed { .. })));
        std::fs::write(file.path(), "hello".repeat(300)).unwrap();
        assert!(matches!(Archive::open(file.path()), Err(Error::Broken { .. })));
        std::fs::write(file.path(), "").unwrap();
        assert!(matches!(Archive::open(file.path()), Err(Error::Broken { .. })));
    }
}
