//! Layouts and archives against the programs that write and read them: skopeo, umoci, podman.

use std::io::{Read, Write};
use std::path::Path;

use dockless::image::{Config, Descriptor, DiffId, Digest, History, Manifest, Platform, Reference, media_type};
use dockless::store::{Archive, Layout, Section, write_archive};
use futures_util::TryStreamExt;
use tempfile::TempDir;

use crate::support::docker_registry::{program, run};

/// A small image: one layer with one file.
struct Image {
    layer: Vec<u8>,
    config: Vec<u8>,
    manifest: Manifest,
}

const TEXT: &[u8] = b"hello from a layer\n";

fn image(format: media_type::Format) -> Image {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(TEXT.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "app/hello", TEXT).unwrap();
    let tar = tar.into_inner().unwrap();
    let mut config = Config::scratch(&Platform::default());
    let history = History { created: "1970-01-01T00:00:00Z".into(), created_by: "test".into(), comment: None };
    config.push_layer(&DiffId::new(Digest::of(&tar)), &history);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&tar).unwrap();
    let (layer, config) = (gzip.finish().unwrap(), config.to_bytes());
    let layers = vec![Descriptor::of(format.layer_gzip(), &layer)];
    let manifest = Manifest::new(format, Descriptor::of(format.config(), &config), layers);
    Image { layer, config, manifest }
}

impl Image {
    fn put(&self, layout: &Layout, tag: Option<&str>) -> Descriptor {
        layout.put_blob(&self.manifest.layers[0], &self.layer[..]).unwrap();
        layout.put_blob(&self.manifest.config, &self.config[..]).unwrap();
        let bytes = self.manifest.to_bytes();
        let descriptor = Descriptor::of(&self.manifest.media_type, &bytes);
        layout.put_blob(&descriptor, &bytes[..]).unwrap();
        layout.put_image(tag, &descriptor).unwrap();
        descriptor
    }

    fn archive(&self, path: &Path, reference: &str) {
        let reference: Reference = reference.parse().unwrap();
        write_archive(path, Some(&reference), &self.manifest, &self.config, |_| Ok(&self.layer[..])).unwrap();
    }
}

fn skopeo(dir: &TempDir, arguments: &[&str]) -> String {
    run(program("skopeo").arg("--insecure-policy").args(arguments).current_dir(dir.path()))
}

fn bytes(section: &Section) -> Vec<u8> {
    let mut bytes = Vec::new();
    section.read().unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// The layer's tar, whether it is compressed or not.
fn tar_of(section: &Section) -> Vec<u8> {
    let mut tar = Vec::new();
    match section.is_gzip().unwrap() {
        true => flate2::read::MultiGzDecoder::new(section.read().unwrap()).read_to_end(&mut tar).unwrap(),
        false => section.read().unwrap().read_to_end(&mut tar).unwrap(),
    };
    tar
}

#[test]
fn layout_of_ours_is_read_by_skopeo_and_umoci() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create(dir.path().join("ours")).unwrap();
    let image = image(media_type::Format::Oci);
    let descriptor = image.put(&layout, Some("v1"));
    let raw = skopeo(&dir, &["inspect", "--raw", "oci:ours:v1"]);
    assert_eq!(Digest::of(raw.as_bytes()), descriptor.digest);
    skopeo(&dir, &["copy", "oci:ours:v1", "dir:copy"]);
    let unpack = ["unpack", "--rootless", "--image", "ours:v1", "bundle"];
    run(program("umoci").args(unpack).current_dir(dir.path()));
    assert_eq!(std::fs::read(dir.path().join("bundle/rootfs/app/hello")).unwrap(), TEXT);
}

#[test]
fn layout_of_skopeo_with_two_images_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let image = image(media_type::Format::Oci);
    image.put(&Layout::create(dir.path().join("ours")).unwrap(), None);
    skopeo(&dir, &["copy", "oci:ours", "oci:theirs:one"]);
    skopeo(&dir, &["copy", "oci:ours", "oci:theirs:two"]);
    let theirs = Layout::open(dir.path().join("theirs")).unwrap();
    let (descriptor, found) = theirs.find_for(Some("two"), &Platform::default()).unwrap();
    let manifest = Manifest::parse(&found).unwrap();
    assert_eq!(Digest::of(&found), descriptor.digest);
    assert_eq!(bytes(&theirs.blob(&manifest.layers[0]).unwrap()), image.layer);
    // Both names mean one image, so no name is needed.
    assert_eq!(theirs.find(None).unwrap().0.digest, descriptor.digest);
    image.put(&theirs, Some("three"));
    assert!(skopeo(&dir, &["inspect", "oci:theirs:two"]).contains("sha256"));
}

#[test]
fn layout_of_umoci_has_manifests_without_a_type() {
    let dir = tempfile::tempdir().unwrap();
    let umoci = |arguments: &[&str]| run(program("umoci").args(arguments).current_dir(dir.path()));
    umoci(&["init", "--layout", "theirs"]);
    umoci(&["new", "--image", "theirs:v1"]);
    std::fs::write(dir.path().join("hello"), TEXT).unwrap();
    umoci(&["insert", "--rootless", "--image", "theirs:v1", "hello", "/app/hello"]);
    let theirs = Layout::open(dir.path().join("theirs")).unwrap();
    let (descriptor, found) = theirs.find_for(Some("v1"), &Platform::default()).unwrap();
    assert!(!String::from_utf8_lossy(&found).contains(r#""mediaType":"application/vnd.oci.image.manifest"#));
    assert_eq!(descriptor.media_type, media_type::OCI_MANIFEST);
    let manifest = Manifest::parse(&found).unwrap();
    let tar = tar_of(&theirs.blob(&manifest.layers[0]).unwrap());
    assert!(tar.windows(TEXT.len()).any(|window| window == TEXT));
}

#[test]
fn archive_of_ours_is_read_by_skopeo() {
    let dir = tempfile::tempdir().unwrap();
    for (format, name) in [(media_type::Format::Oci, "oci"), (media_type::Format::Docker, "docker")] {
        let image = image(format);
        image.archive(&dir.path().join(format!("{name}.tar")), "host.example/team/app:v1");
        let from = format!("docker-archive:{name}.tar:host.example/team/app:v1");
        skopeo(&dir, &["copy", &from, &format!("oci:{name}:v1")]);
        let copy = Layout::open(dir.path().join(name)).unwrap();
        let manifest = Manifest::parse(&copy.find(Some("v1")).unwrap().1).unwrap();
        let expected = Config::parse(&image.config).unwrap().diff_ids().unwrap();
        let config = Config::parse(&copy.document(&manifest.config).unwrap()).unwrap();
        assert_eq!(config.diff_ids().unwrap(), expected);
        assert_eq!(Digest::of(&tar_of(&copy.blob(&manifest.layers[0]).unwrap())), *expected[0].digest());
    }
}

#[test]
fn archive_of_ours_is_loaded_by_podman() {
    let dir = tempfile::tempdir().unwrap();
    image(media_type::Format::Oci).archive(&dir.path().join("a.tar"), "host.example/team/app:v1");
    let podman = |arguments: &[&str]| {
        let store = ["--root", "store", "--runroot", "run", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"];
        run(program("podman").env("HOME", dir.path()).args(store).args(arguments).current_dir(dir.path()))
    };
    let loaded = podman(&["load", "-i", "a.tar"]);
    assert!(loaded.contains("host.example/team/app:v1"), "{loaded}");
    podman(&["save", "-o", "theirs.tar", "host.example/team/app:v1"]);
    reads(&dir.path().join("theirs.tar"), "host.example/team/app:v1");
}

#[test]
fn archive_of_skopeo_is_read() {
    let dir = tempfile::tempdir().unwrap();
    image(media_type::Format::Oci).put(&Layout::create(dir.path().join("ours")).unwrap(), Some("v1"));
    skopeo(&dir, &["copy", "oci:ours:v1", "docker-archive:theirs.tar:app:v1"]);
    reads(&dir.path().join("theirs.tar"), "app:v1");
}

fn reads(path: &Path, reference: &str) {
    let archive = Archive::open(path).unwrap();
    let found = archive.image(Some(&reference.parse().unwrap())).unwrap();
    assert_eq!(Digest::of(&tar_of(&found.layers[0].section)), *found.layers[0].diff_id.digest());
    let other = archive.image(Some(&"other:v2".parse().unwrap())).unwrap_err().to_string();
    assert!(other.contains("app:v1"), "{other}");
}

#[tokio::test]
async fn section_streams_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.tar");
    let image = image(media_type::Format::Oci);
    image.archive(&path, "app:v1");
    let layer = Archive::open(path).unwrap().image(None).unwrap().layers.remove(0);
    let pieces: Vec<_> = layer.section.stream().await.unwrap().try_collect().await.unwrap();
    assert_eq!(pieces.concat(), image.layer);
}
