//! Directories on a real disk, sound and odd ones, and the layers that they become.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use super::*;

fn scratch(files: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for file in files {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    directory
}

fn map(source: &Path, destination: &str) -> Result<LayerSpec, Error> {
    map_with(source, destination, &Options::default())
}

fn map_with(source: &Path, destination: &str, options: &Options) -> Result<LayerSpec, Error> {
    let mapping: Mapping = format!("{}:{destination}", source.display()).parse()?;
    Ok(read(&[mapping], options)?.layers.pop().unwrap_or(LayerSpec { name: String::new(), entries: Vec::new() }))
}

fn paths(layer: &LayerSpec) -> Vec<&str> {
    layer.entries.iter().map(|entry| entry.path.as_str()).collect()
}

fn entry<'a>(layer: &'a LayerSpec, path: &str) -> &'a Entry {
    layer.entries.iter().find(|entry| entry.path == path).unwrap()
}

#[test]
fn directory_lands_with_its_content_below_dest() {
    let site = scratch(&["index.html", "css/a.css"]);
    let layer = map(site.path(), "/srv/www/").unwrap();
    assert_eq!(paths(&layer), ["srv/www", "srv/www/css", "srv/www/css/a.css", "srv/www/index.html"]);
    assert_eq!(entry(&layer, "srv/www/css").mode, 0o755);
    assert_eq!(entry(&layer, "srv/www/index.html").mtime, Entry::MTIME);
}

#[test]
fn directories_of_the_base_keep_what_they_are() {
    let root = scratch(&["etc/nginx/a.conf", "lib/x.so", "tmp/x", "usr/local/bin/run"]);
    let layer = map(root.path(), "/").unwrap();
    assert_eq!(paths(&layer), ["etc/nginx", "etc/nginx/a.conf", "lib/x.so", "tmp/x", "usr/local/bin/run"]);
    assert_eq!(paths(&map(&root.path().join("etc"), "/etc").unwrap()), ["etc/nginx", "etc/nginx/a.conf"]);
}

#[test]
fn empty_system_directory_is_made_with_its_usual_mode() {
    let root = scratch(&[]);
    for name in ["tmp", "lib", "srv/data"] {
        fs::create_dir_all(root.path().join(name)).unwrap();
    }
    let options = Options { owner: "7".parse().unwrap(), keep_modes: false };
    let layer = map_with(root.path(), "/", &options).unwrap();
    assert_eq!(paths(&layer), ["srv/data", "tmp"]);
    assert_eq!((entry(&layer, "tmp").mode, entry(&layer, "tmp").uid), (0o1777, 0));
    assert_eq!(entry(&layer, "srv/data").uid, 7);
}

#[test]
fn file_goes_into_dest_or_becomes_it() {
    let site = scratch(&["a.conf"]);
    let file = site.path().join("a.conf");
    assert_eq!(paths(&map(&file, "/opt/x/").unwrap()), ["opt/x/a.conf"]);
    assert_eq!(paths(&map(&file, "/opt/x").unwrap()), ["opt/x"]);
    assert_eq!(paths(&map(&file, "/").unwrap()), ["a.conf"]);
    assert!(map(&file, "/etc").unwrap_err().to_string().contains("end DEST with '/'"));
}

#[test]
fn modes_are_normalised_unless_kept() {
    let site = scratch(&["run", "data", "secret"]);
    for (name, mode) in [("run", 0o4750), ("data", 0o664), ("secret", 0o600)] {
        fs::set_permissions(site.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(site.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let modes = |layer: &LayerSpec| layer.entries.iter().map(|entry| entry.mode).collect::<Vec<_>>();
    assert_eq!(modes(&map(site.path(), "/x").unwrap()), [0o755, 0o644, 0o755, 0o644]);
    let options = Options { keep_modes: true, ..Options::default() };
    assert_eq!(modes(&map_with(site.path(), "/x", &options).unwrap()), [0o711, 0o664, 0o4750, 0o600]);
}

#[test]
fn links_are_kept_as_they_are() {
    let site = scratch(&["b/file", "c"]);
    symlink("nowhere", site.path().join("dangling")).unwrap();
    symlink("/etc/absolute", site.path().join("absolute")).unwrap();
    symlink("..", site.path().join("b/up")).unwrap();
    fs::hard_link(site.path().join("b/file"), site.path().join("a")).unwrap();
    let outside = scratch(&[]);
    fs::hard_link(site.path().join("c"), outside.path().join("c")).unwrap();
    let layer = map(site.path(), "/x").unwrap();
    let target = |path: &str| match &entry(&layer, path).kind {
        Kind::Symlink { target } => format!("-> {target}"),
        Kind::HardLink { target } => format!("= {target}"),
        kind => format!("{kind:?}").chars().take(4).collect(),
    };
    assert_eq!(target("x/dangling"), "-> nowhere");
    assert_eq!(target("x/absolute"), "-> /etc/absolute");
    assert_eq!(target("x/b/up"), "-> ..");
    assert_eq!((target("x/a").as_str(), target("x/b/file").as_str()), ("File", "= x/a"));
    assert_eq!(target("x/c"), "File");
}

#[test]
fn source_itself_is_followed_when_it_is_a_link() {
    let site = scratch(&["v5/index.html"]);
    symlink("v5", site.path().join("current")).unwrap();
    assert_eq!(paths(&map(&site.path().join("current"), "/w").unwrap()), ["w", "w/index.html"]);
    symlink("v5/index.html", site.path().join("page")).unwrap();
    let layer = map(&site.path().join("page"), "/w/").unwrap();
    assert!(matches!(entry(&layer, "w/page").kind, Kind::File { size: 13, .. }));
}

#[test]
fn what_no_layer_can_hold_is_refused_by_name() {
    let site = scratch(&["a"]);
    let _socket = UnixListener::bind(site.path().join("app.sock")).unwrap();
    let error = map(site.path(), "/x").unwrap_err().to_string();
    assert!(error.contains("app.sock is a socket"), "{error}");
    let site = scratch(&[]);
    fs::write(site.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "").unwrap();
    assert!(matches!(map(site.path(), "/x"), Err(Error::Name { .. })));
    assert!(matches!(map(Path::new("no/such/dir"), "/x"), Err(Error::Missing { .. })));
}

#[test]
fn layer_name_does_not_depend_on_the_machine() {
    for (source, wanted) in
        [("dist/html/", "files html"), (".", "files"), ("a/..", "files"), ("/home/me/dist", "files")]
    {
        assert_eq!(name(Path::new(source)), wanted, "{source}");
    }
}

#[test]
fn layers_keep_the_order_of_their_mappings_and_none_is_empty() {
    let (one, none) = (scratch(&["a"]), scratch(&[]));
    let mappings = [(none.path(), "/"), (one.path(), "/x"), (one.path(), "/y")];
    let mappings = mappings.map(|(source, dest)| format!("{}:{dest}", source.display()).parse().unwrap());
    let layers = read(&mappings, &Options::default()).unwrap().layers;
    assert_eq!(layers.iter().map(|layer| &*layer.entries[0].path).collect::<Vec<_>>(), ["x", "y"]);
}
