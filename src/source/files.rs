//! Files and directories as a layer, one per `SRC:DEST`. The layer depends on names, contents, links and the
//! executable bit alone, which is all that a checkout keeps: not on times, owners, umask or the order in which a
//! file system lists. What base images have anyway (`/etc`, `/tmp`, `/lib`) stays theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use walkdir::WalkDir;

use super::place::{self, System};
use super::{Application, Error};
use crate::layer::{Content, Entry, Kind, LayerSpec};

/// `SRC:DEST` as it is written; a `:` in SRC is written `\:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub source: PathBuf,
    /// Without slashes at its ends; empty for `/`.
    destination: String,
    /// DEST ends in `/`: a file goes into it under its own name.
    into: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    pub owner: Owner,
    /// Permission bits as they are on disk, instead of 0755 for directories and executable files and 0644 for others.
    pub keep_modes: bool,
}

/// `UID` or `UID:GID`; the group is the same number as the user unless given, as in `COPY --chown`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owner {
    pub uid: u64,
    pub gid: u64,
}

impl FromStr for Mapping {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why| Error::Option { option: "--files", text: text.into(), why };
        let colon = text.match_indices(':').map(|(at, _)| at).find(|at| !text[..*at].ends_with('\\'));
        let (source, destination) =
            colon.map(|at| (&text[..at], &text[at + 1..])).ok_or_else(|| refuse("there is no ':' in it"))?;
        if source.is_empty() {
            return Err(refuse("SRC is empty"));
        }
        Ok(Mapping {
            source: source.replace("\\:", ":").into(),
            destination: place::absolute(destination).map_err(|why| match why {
                "not an absolute path" => refuse("DEST is not an absolute path"),
                why => refuse(why),
            })?,
            into: destination.ends_with('/'),
        })
    }
}

impl FromStr for Owner {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (user, group) = text.split_once(':').unwrap_or((text, text));
        // Kernels reserve the highest number.
        let id = |digits: &str| {
            let number: Option<u64> = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
            number.filter(|number| *number < u64::from(u32::MAX))
        };
        match (id(user), id(group)) {
            (Some(uid), Some(gid)) => Ok(Owner { uid, gid }),
            _ => Err(Error::Option { option: "--chown", text: text.into(), why: "users are given by number" }),
        }
    }
}

/// One layer per mapping, in their order: of two files at one place the later one is seen.
pub fn read(mappings: &[Mapping], options: &Options) -> Result<Application, Error> {
    let layers: Vec<LayerSpec> = mappings.iter().map(|mapping| layer(mapping, options)).collect::<Result<_, _>>()?;
    let layers = layers.into_iter().filter(|layer| !layer.entries.is_empty()).collect();
    Ok(Application { layers, ..Application::default() })
}

/// SRC itself may be a link, which is followed; links in it are kept.
fn layer(mapping: &Mapping, options: &Options) -> Result<LayerSpec, Error> {
    let source = &mapping.source;
    let metadata = fs::metadata(source).map_err(|error| Error::io("file", source, error))?;
    let mut tree = Tree { options, entries: BTreeMap::new(), links: BTreeMap::new() };
    if metadata.is_dir() {
        tree.take_directory(mapping)?;
    } else {
        tree.take(&place_of_file(mapping)?, source, &metadata)?;
    }
    Ok(LayerSpec { name: name(source), entries: tree.finish() })
}

/// Layer names get into the image's history, so a directory that is named otherwise on another machine must not
/// be in them: `.`, `dist/..` and absolute paths name none.
fn name(source: &Path) -> String {
    let text = source.to_str().unwrap_or_default().trim_end_matches('/');
    match text.rsplit('/').next() {
        _ if source.is_absolute() => "files".into(),
        None | Some("" | "." | "..") => "files".into(),
        Some(base) => format!("files {base}"),
    }
}

fn place_of_file(mapping: &Mapping) -> Result<String, Error> {
    let (source, destination) = (&mapping.source, &mapping.destination);
    if mapping.into {
        return join(destination, Path::new(source.file_name().unwrap_or_default()), source);
    }
    if place::system(destination).is_some() {
        let why = "DEST is a directory and SRC is a file: end DEST with '/'";
        return Err(Error::Option { option: "--files", text: format!("{}:/{destination}", source.display()), why });
    }
    Ok(destination.clone())
}

fn join(directory: &str, relative: &Path, source: &Path) -> Result<String, Error> {
    let name = relative.to_str().ok_or_else(|| Error::Name { path: source.into(), why: "its name is not UTF-8" })?;
    Ok(match (directory, name) {
        ("", name) => name.into(),
        (directory, "") => directory.into(),
        (directory, name) => format!("{directory}/{name}"),
    })
}

/// What goes into one layer, by path: the order is the same whatever the file system's.
struct Tree<'a> {
    options: &'a Options,
    entries: BTreeMap<String, Entry>,
    /// Paths of one file that has several names on disk, by device and inode.
    links: BTreeMap<(u64, u64), BTreeSet<String>>,
}

impl Tree<'_> {
    fn take_directory(&mut self, mapping: &Mapping) -> Result<(), Error> {
        let root = &mapping.source;
        for found in WalkDir::new(root).follow_links(false) {
            let found = found.map_err(|error| {
                let path = error.path().unwrap_or(root).to_owned();
                Error::io("file", path, error.into())
            })?;
            let source = found.path();
            let relative = source.strip_prefix(root).unwrap_or(Path::new(""));
            let path = join(&mapping.destination, relative, source)?;
            let metadata = match relative.as_os_str().is_empty() {
                true => fs::metadata(source),
                false => fs::symlink_metadata(source),
            };
            self.take(&path, source, &metadata.map_err(|error| Error::io("file", source, error))?)?;
        }
        Ok(())
    }

    fn take(&mut self, path: &str, source: &Path, metadata: &Metadata) -> Result<(), Error> {
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_symlink() => Kind::Symlink { target: link_target(source)? },
            kind if kind.is_file() => self.file(path, source, metadata)?,
            kind => return Err(Error::Special { path: source.into(), kind: special(kind) }),
        };
        if !path.is_empty() {
            let mode = self.mode(&kind, metadata);
            let Owner { uid, gid } = self.options.owner;
            self.entries.insert(path.into(), Entry { uid, gid, ..Entry::new(path, kind, mode) });
        }
        Ok(())
    }

    fn file(&mut self, path: &str, source: &Path, metadata: &Metadata) -> Result<Kind, Error> {
        File::open(source).map_err(|error| Error::io("file", source, error))?;
        if metadata.nlink() > 1 {
            self.links.entry((metadata.dev(), metadata.ino())).or_default().insert(path.into());
        }
        Ok(Kind::File { size: metadata.len(), content: Content::Disk(source.into()) })
    }

    /// Of a mode, Git and many archives keep the executable bit alone.
    fn mode(&self, kind: &Kind, metadata: &Metadata) -> u32 {
        match kind {
            Kind::Symlink { .. } => 0o777,
            _ if self.options.keep_modes => metadata.mode() & 0o7777,
            Kind::Directory => 0o755,
            _ if metadata.mode() & 0o111 != 0 => 0o755,
            _ => 0o644,
        }
    }

    /// The first name of a file stays the file, the others become hard links to it.
    fn finish(mut self) -> Vec<Entry> {
        for paths in self.links.values() {
            let mut paths = paths.iter();
            let Some(first) = paths.next() else { continue };
            for path in paths {
                if let Some(entry) = self.entries.get_mut(path) {
                    entry.kind = Kind::HardLink { target: first.clone() };
                }
            }
        }
        let empty =
            |path: &str| self.entries.range(format!("{path}/")..).next().is_none_or(|(next, _)| !below(path, next));
        let keep = |entry: &Entry| match (&entry.kind, place::system(&entry.path)) {
            (Kind::Directory, Some(System::MayBeLink)) => None,
            (Kind::Directory, Some(System::Directory(mode))) => {
                // Somebody who maps an empty directory there wants it made, as `/tmp` on an empty base.
                empty(&entry.path).then(|| Entry { mode, uid: 0, gid: 0, ..entry.clone() })
            }
            _ => Some(entry.clone()),
        };
        self.entries.values().filter_map(keep).collect()
    }
}

fn below(directory: &str, path: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

fn link_target(source: &Path) -> Result<String, Error> {
    let target = fs::read_link(source).map_err(|error| Error::io("file", source, error))?;
    let text = target.into_os_string().into_string();
    text.map_err(|_| Error::Name { path: source.into(), why: "what it links to is not UTF-8" })
}

fn special(kind: fs::FileType) -> &'static str {
    match () {
        _ if kind.is_socket() => "a socket",
        _ if kind.is_fifo() => "a named pipe",
        _ => "a device",
    }
}

#[cfg(test)]
mod tests {
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
    fn mapping_is_cut_at_the_first_colon_that_is_not_escaped() {
        let parse = |text: &str| text.parse::<Mapping>().unwrap();
        let mapping = parse(r"a\:b:/c:d/");
        assert_eq!((mapping.source, mapping.destination, mapping.into), ("a:b".into(), "c:d".into(), true));
        let mapping = parse("a:/x//./y");
        assert_eq!((mapping.destination.as_str(), mapping.into), ("x/y", false));
    }

    #[test]
    fn mapping_that_cannot_be_meant_is_refused() {
        for (text, word) in [
            ("site", "no ':'"),
            (":/x", "SRC is empty"),
            ("site:", "absolute"),
            ("site:html", "absolute"),
            ("site:/a/../b", "'..'"),
            (r"a\:/b", "no ':'"),
        ] {
            let error = text.parse::<Mapping>().unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn owner_is_given_by_number() {
        assert_eq!("1000".parse::<Owner>().unwrap(), Owner { uid: 1000, gid: 1000 });
        assert_eq!("0:101".parse::<Owner>().unwrap(), Owner { uid: 0, gid: 101 });
        for wrong in ["www-data", "1:", ":1", "", "+1", "4294967295", "1:2:3"] {
            assert!(wrong.parse::<Owner>().is_err(), "{wrong}");
        }
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
}
