//! A jar as a list of members whose bytes can be had in any order. The central directory alone says what is in
//! it, as for the JVM: of two members with one name the later counts (tried with OpenJDK 17), and what stands
//! before the archive (the shell script of an "executable" Spring Boot jar) is skipped.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Decompress;
use zip::{CompressionMethod, ZipArchive};

use super::super::{Error, place};
use super::content;
use crate::layer::Content;

/// What is read whole into memory: manifests and indexes. Bytes.
const DOCUMENT_LIMIT: u64 = 64 << 20;

pub(super) struct Archive {
    pub path: PathBuf,
    file: Arc<File>,
    /// Files in the order of the central directory.
    pub members: Vec<Member>,
    directories: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub name: String,
    /// Bytes after and before decompression.
    pub size: u64,
    pub packed: u64,
    pub crc: u32,
    /// Position of its local header.
    pub header: u64,
    pub deflated: bool,
    /// Why its content or name cannot be used.
    trouble: Option<String>,
}

impl Archive {
    pub fn open(path: &Path) -> Result<Archive, Error> {
        let file = File::open(path).map_err(|error| Error::io("jar", path, error))?;
        let length = match file.metadata() {
            Ok(metadata) if metadata.is_file() => metadata.len(),
            Ok(_) => return Err(Error::Shape { path: path.into(), wanted: "a file" }),
            Err(source) => return Err(Error::Unreadable { path: path.into(), source }),
        };
        let not_a_jar = |why: String| Error::Zip { path: path.into(), why };
        let archive = ZipArchive::new(BufReader::new(&file)).map_err(|error| not_a_jar(error.to_string()))?;
        let (mut members, mut directories) = (Vec::with_capacity(archive.len()), Vec::new());
        for index in 0..archive.len() {
            let entry = archive.by_index_data(index).map_err(|error| not_a_jar(error.to_string()))?;
            let member = Member::new(&entry);
            if member.name.ends_with('/') {
                directories.push(member.name);
            } else if member.header.saturating_add(member.packed) > length {
                return Err(not_a_jar(format!("'{}' lies beyond its end", member.name)));
            } else {
                members.push(member);
            }
        }
        Ok(Archive { path: path.into(), file: Arc::new(file), members, directories })
    }

    pub fn find(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Whether anything in the jar, be it an empty directory, has a name that begins so.
    pub fn has_prefix(&self, prefix: &str) -> bool {
        let names = self.members.iter().map(|member| &member.name);
        names.chain(&self.directories).any(|name| name.starts_with(prefix))
    }

    /// The whole of a small member, or nothing if there is none.
    pub fn document(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(member) = self.find(name) else { return Ok(None) };
        let refuse = |why: String| Error::Member { path: self.path.clone(), member: name.into(), why };
        if let Some(why) = &member.trouble {
            return Err(refuse(why.clone()));
        }
        if member.size > DOCUMENT_LIMIT {
            return Err(refuse(format!("it has {} bytes", member.size)));
        }
        let mut bytes = Vec::new();
        let content = self.content(member).open();
        content.and_then(|mut content| content.read_to_end(&mut bytes)).map_err(|error| refuse(error.to_string()))?;
        Ok(Some(bytes))
    }

    /// Refuses what cannot be laid out as files: names that lead elsewhere, members no JVM can read, and a file
    /// where others need a directory.
    pub fn check_layout(&self) -> Result<(), Error> {
        let files: HashSet<&str> = self.members.iter().map(|member| member.name.as_str()).collect();
        for member in &self.members {
            let under_a_file = place::parents(&member.name).find(|parent| files.contains(parent));
            let why = match (&member.trouble, under_a_file) {
                (Some(trouble), _) => trouble.clone(),
                (None, Some(parent)) => format!("'{parent}' is in the jar as a file, so it cannot be a directory too"),
                (None, None) => continue,
            };
            return Err(Error::Member { path: self.path.clone(), member: member.name.clone(), why });
        }
        Ok(())
    }

    pub fn content(&self, member: &Member) -> Content {
        content::of(&self.file, &self.path, member)
    }

    /// The first eight bytes of a member; nothing if it is shorter or cannot be read.
    pub fn peek(&self, member: &Member, inflate: &mut Decompress) -> Option<[u8; 8]> {
        let readable = member.trouble.is_none() && member.size >= 8;
        readable.then(|| content::head(&self.file, member, inflate))?
    }
}

impl Member {
    fn new(entry: &zip::read::ZipFileEntry<'_>) -> Self {
        let method = entry.compression();
        let (name, trouble) = match std::str::from_utf8(entry.name_raw()) {
            Ok(name) => (name.to_owned(), misplaced(name)),
            Err(_) => (String::from_utf8_lossy(entry.name_raw()).into_owned(), Some("its name is not UTF-8".into())),
        };
        let trouble = trouble.or_else(|| match method {
            _ if entry.encrypted() => Some("it is encrypted".into()),
            CompressionMethod::Stored | CompressionMethod::Deflated => None,
            other => Some(format!("a JVM reads stored and deflated members only, this one is {other}")),
        });
        Member {
            name,
            size: entry.size(),
            packed: entry.compressed_size(),
            crc: entry.crc32(),
            header: entry.header_start(),
            deflated: method == CompressionMethod::Deflated,
            trouble,
        }
    }
}

/// Why a name is no path below the directory that the jar is laid out in.
fn misplaced(name: &str) -> Option<String> {
    let path = name.strip_suffix('/').unwrap_or(name);
    let why = match () {
        _ if name.starts_with('/') => "its name is an absolute path",
        _ if path.split('/').any(|part| part == "..") => "its name leads out of the jar",
        _ if path.split('/').any(|part| part.is_empty() || part == ".") => "its name has an empty or '.' part",
        _ if name.contains('\0') => "its name has a NUL character",
        _ => return None,
    };
    Some(why.into())
}
