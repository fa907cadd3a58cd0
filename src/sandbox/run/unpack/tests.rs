//! Layers that are well made, and layers that are not.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use super::*;

/// Name, kind, content or link.
fn layer(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(if *kind == EntryType::Directory { 0o751 } else { 0o640 });
        header.set_mtime(1_000_000);
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        header.set_uid(uid.into());
        header.set_gid(gid.into());
        // Written as it stands: the crate itself refuses names that lead out.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        let is_link = matches!(kind, EntryType::Link | EntryType::Symlink);
        if is_link {
            header.as_gnu_mut().unwrap().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        let body = if is_link { "" } else { content };
        header.set_size(body.len() as u64);
        header.set_cksum();
        builder.append(&header, body.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn root(layers: &[&[(&str, EntryType, &str)]]) -> TempDir {
    let root = TempDir::new().unwrap();
    layers.iter().for_each(|entries| unpack(&layer(entries)[..], root.path()).unwrap());
    root
}

fn refused(entries: &[(&str, EntryType, &str)]) -> String {
    let root = TempDir::new().unwrap();
    unpack(&layer(entries)[..], root.path()).unwrap_err().to_string()
}

use EntryType::{Directory as D, Link as H, Regular as F, Symlink as L};

#[test]
fn layer_keeps_modes_times_and_links() {
    let root = root(&[&[("a", D, ""), ("a/f", F, "text"), ("a/h", H, "a/f"), ("l", L, "/a/f"), ("deep/x/y", F, "1")]]);
    let file = fs::metadata(root.path().join("a/f")).unwrap();
    assert_eq!((file.permissions().mode() & 0o7777, file.mtime(), file.nlink()), (0o640, 1_000_000, 2));
    assert_eq!(fs::metadata(root.path().join("a")).unwrap().permissions().mode() & 0o777, 0o751);
    assert_eq!(fs::read_link(root.path().join("l")).unwrap(), Path::new("/a/f"));
    assert_eq!(fs::read(root.path().join("deep/x/y")).unwrap(), b"1");
}

#[test]
fn whiteout_takes_away_what_was_below() {
    let below: &[_] = &[("d/one", F, ""), ("d/two", F, ""), ("e/deep/f", F, ""), ("kept", F, "")];
    let above: &[_] = &[("d/.wh.one", F, ""), (".wh.e", F, ""), (".wh.never", F, "")];
    let root = root(&[below, above]);
    let there = |path: &str| root.path().join(path).exists();
    assert!(!there("d/one") && there("d/two") && !there("e") && there("kept"));
    assert!(!there("d/.wh.one") && !there(".wh.e"));
}

#[test]
fn opaque_directory_hides_all_below_and_nothing_of_its_own_layer() {
    let below: &[_] = &[("d/old", F, ""), ("d/sub/old", F, "")];
    let above: &[_] = &[("d/new", F, ""), ("d/sub/new", F, ""), ("d/.wh..wh..opq", F, ""), ("d/newer", F, "")];
    let root = root(&[below, above]);
    assert!(!root.path().join("d/sub/old").exists());
    let mut left: Vec<_> = fs::read_dir(root.path().join("d")).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["new", "newer", "sub"]);
}

#[test]
fn kinds_replace_each_other() {
    let root = root(&[&[("x/f", F, ""), ("y", F, "")], &[("x", F, "file"), ("y", D, ""), ("y/z", F, "")]]);
    assert_eq!(fs::read(root.path().join("x")).unwrap(), b"file");
    assert!(root.path().join("y/z").is_file());
}

#[test]
fn link_within_the_image_is_followed_to_its_directory() {
    let root = root(&[&[("usr/bin", D, ""), ("bin", L, "usr/bin")], &[("bin/tool", F, "1")]]);
    assert_eq!(fs::read(root.path().join("usr/bin/tool")).unwrap(), b"1");
}

#[test]
fn name_that_leads_out_is_refused() {
    assert!(refused(&[("../evil", F, "")]).contains("leads out"));
    assert!(refused(&[("a/../../evil", F, "")]).contains("leads out"));
    assert!(refused(&[("/etc/evil", F, "")]).contains("leads out"));
    assert!(refused(&[("h", H, "../../etc/passwd")]).contains("leads out"));
    assert!(refused(&[(".wh...", F, "")]).contains("leads out"));
}

#[test]
fn link_that_leads_out_stays_within() {
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("victim"), "safe").unwrap();
    let target = outside.path().to_str().unwrap();
    let root = TempDir::new().unwrap();
    symlink(target, root.path().join("out")).unwrap();
    symlink("../../../../../..", root.path().join("up")).unwrap();
    let text = layer(&[("up/tmp/x", F, "mine")]);
    unpack(&text[..], root.path()).unwrap();
    assert_eq!(fs::read(root.path().join("tmp/x")).unwrap(), b"mine");
    // The link's target does not exist within the image.
    assert!(unpack(&layer(&[("out/victim", F, "mine")])[..], root.path()).is_err());
    assert!(unpack(&layer(&[("out/.wh.victim", F, "")])[..], root.path()).is_err());
    assert_eq!(fs::read(outside.path().join("victim")).unwrap(), b"safe");
}
