//! A ready program as a layer of one file. What it needs from the base image and the platform is read from its
//! header, so that "exec format error" and "no such file or directory" (the kernel's words for a wrong
//! architecture and for a missing loader) are found before anything is built.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::elf::{self, Elf};
use super::place::Root;
use super::{Application, Error, Needs};
use crate::image::Platform;
use crate::layer::{Content, Entry};

#[derive(Debug, Clone)]
pub struct Options {
    /// The directory of the image that belongs to the application, absolute.
    pub app_root: String,
    /// The image's Cmd.
    pub program_args: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options { app_root: "/app".into(), program_args: Vec::new() }
    }
}

const BUILD_FOR_LINUX: &str =
    "Build it for Linux, for example with GOOS=linux, or cargo build --target x86_64-unknown-linux-musl.";
const BUILD_AGAIN: &str = "Build it again, or check that it was downloaded or restored completely.";
const GIVE_PROGRAM: &str = "Give the program itself, as the linker writes it.";

pub fn read(path: &Path, options: &Options) -> Result<Application, Error> {
    let root = Root::parse(&options.app_root)?;
    let file = File::open(path).map_err(|error| Error::io("binary", path, error))?;
    let metadata = file.metadata().map_err(|error| Error::io("binary", path, error))?;
    if !metadata.is_file() {
        return Err(Error::Shape { path: path.into(), wanted: "a file" });
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Error::Name { path: path.into(), why: "its name is not UTF-8" })?;
    let needs = needs(&file, path)?;
    let content = Content::Disk(path.into());
    let program = Entry { mode: 0o755, ..Entry::file(root.join(name), metadata.len(), content) };
    Ok(Application {
        layers: vec![root.layer("binary", vec![program])],
        entrypoint: Some(vec![root.inside(name)]),
        cmd: Some(options.program_args.clone()).filter(|args| !args.is_empty()),
        needs,
        ..Application::default()
    })
}

fn needs(file: &File, path: &Path) -> Result<Needs, Error> {
    let mut head = [0; 256];
    let length = fill(file, &mut head).map_err(|error| Error::io("binary", path, error))?;
    let head = &head[..length];
    let refuse = |why: &str, hint| Err(Error::Binary { path: path.into(), why: why.into(), hint });
    match head {
        _ if head.starts_with(elf::MAGIC) => elf_needs(file, path),
        [b'#', b'!', line @ ..] => match script_interpreter(line) {
            Some(interpreter) => Ok(Needs { interpreter: Some(interpreter), platform: None }),
            None => refuse("its #! line names no absolute path", "Begin it with a line such as #!/bin/sh."),
        },
        [] => refuse("it is empty", BUILD_AGAIN),
        [b'M', b'Z', ..] => refuse("it is a Windows program", BUILD_FOR_LINUX),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => {
            refuse("it is a macOS program or a Java class", BUILD_FOR_LINUX)
        }
        [b'P', b'K', 3, 4, ..] => refuse("it is a jar or zip archive", "Give a jar with --jar."),
        _ => refuse("it is neither an ELF program nor a script that begins with #!", GIVE_PROGRAM),
    }
}

fn elf_needs(file: &File, path: &Path) -> Result<Needs, Error> {
    let refuse = |why: String, hint| Err(Error::Binary { path: path.into(), why, hint });
    let elf = match Elf::read(file) {
        Ok(elf) => elf,
        Err(error) => return refuse(error.to_string(), BUILD_AGAIN),
    };
    match (elf.kind, elf.architecture) {
        (elf::Kind::Library, _) => refuse("it is a library, without an entry point".into(), GIVE_PROGRAM),
        (elf::Kind::Other, _) => refuse("it is an object file or a core dump".into(), GIVE_PROGRAM),
        (elf::Kind::Program, _) if !matches!(elf.abi, 0 | 3) => {
            refuse(format!("it is made for another system (ELF OS/ABI {})", elf.abi), BUILD_FOR_LINUX)
        }
        (elf::Kind::Program, None) => {
            refuse(format!("no container platform has its machine (ELF machine {})", elf.machine), BUILD_FOR_LINUX)
        }
        (elf::Kind::Program, Some(architecture)) => {
            let platform = Platform { os: "linux".into(), architecture: architecture.into(), variant: None };
            Ok(Needs { interpreter: elf.interpreter, platform: Some(platform) })
        }
    }
}

/// The program of a `#!` line, by the kernel's rule: blanks, a path, then perhaps one argument.
fn script_interpreter(after_mark: &[u8]) -> Option<String> {
    let line = after_mark.split(|byte| *byte == b'\n').next()?;
    let path = std::str::from_utf8(line).ok()?.split_whitespace().next()?;
    path.starts_with('/').then(|| path.to_owned())
}

fn fill(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read_at(&mut buffer[got..], got as u64)? {
            0 => break,
            more => got += more,
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Explain;

    fn read_bytes(bytes: &[u8]) -> Result<Application, Error> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server");
        std::fs::write(&path, bytes).unwrap();
        read(&path, &Options::default())
    }

    /// A header of 64 bits, little-endian, with a PT_INTERP segment if there is a loader to name.
    fn elf64(kind: u8, machine: u8, entry: u8, loader: &str) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        (bytes[16], bytes[18], bytes[24]) = (kind, machine, entry);
        if !loader.is_empty() {
            (bytes[32], bytes[54], bytes[56]) = (64, 56, 2);
            let mut rows = [[0; 56]; 2];
            rows[0][0] = 6;
            (rows[1][0], rows[1][8], rows[1][32]) = (3, 176, loader.len() as u8 + 1);
            bytes.extend(rows.concat());
            bytes.extend(loader.as_bytes());
            bytes.push(0);
        }
        bytes
    }

    #[test]
    fn program_is_one_executable_file_of_the_application_root() {
        let application = read_bytes(&elf64(2, 62, 1, "")).unwrap();
        let [layer] = &application.layers[..] else { panic!() };
        let entries: Vec<_> = layer.entries.iter().map(|entry| (entry.path.as_str(), entry.mode)).collect();
        assert_eq!((layer.name.as_str(), entries), ("binary", vec![("app", 0o755), ("app/server", 0o755)]));
        assert_eq!(application.entrypoint.unwrap(), ["/app/server"]);
        assert_eq!(application.needs.platform.unwrap().to_string(), "linux/amd64");
        assert_eq!(application.needs.interpreter, None);
    }

    #[test]
    fn program_names_its_loader_and_machine() {
        let needs = read_bytes(&elf64(3, 183, 1, "/lib/ld-linux-aarch64.so.1")).unwrap().needs;
        assert_eq!(needs.interpreter.as_deref(), Some("/lib/ld-linux-aarch64.so.1"));
        assert_eq!(needs.platform.unwrap().to_string(), "linux/arm64");
    }

    #[test]
    fn program_of_32_bits_and_big_endian() {
        let mut arm = vec![0; 52];
        arm[..6].copy_from_slice(b"\x7fELF\x01\x01");
        (arm[16], arm[18], arm[24]) = (2, 40, 1);
        assert_eq!(read_bytes(&arm).unwrap().needs.platform.unwrap().to_string(), "linux/arm");
        let mut s390x = vec![0; 64];
        s390x[..6].copy_from_slice(b"\x7fELF\x02\x02");
        (s390x[17], s390x[19], s390x[31]) = (2, 22, 1);
        assert_eq!(read_bytes(&s390x).unwrap().needs.platform.unwrap().to_string(), "linux/s390x");
    }

    #[test]
    fn script_needs_its_interpreter_on_any_platform() {
        let needs = read_bytes(b"#! /usr/bin/env python3\nprint()\n").unwrap().needs;
        assert_eq!(needs, Needs { interpreter: Some("/usr/bin/env".into()), platform: None });
    }

    #[test]
    fn other_files_are_refused_by_what_they_are() {
        let mut freebsd = elf64(2, 62, 1, "");
        freebsd[7] = 9;
        let cut = elf64(3, 62, 1, "/lib64/ld-linux-x86-64.so.2");
        for (bytes, word) in [
            (b"".to_vec(), "empty"),
            (b"MZ\x90\0".to_vec(), "Windows"),
            (b"\xcf\xfa\xed\xfe".to_vec(), "macOS"),
            (b"PK\x03\x04".to_vec(), "jar"),
            (b"hello".to_vec(), "neither"),
            (b"#!python\n".to_vec(), "absolute"),
            (b"\x7fELF\x02\x01".to_vec(), "cut off"),
            (cut[..150].to_vec(), "cut off"),
            ([&b"\x7fELF\x07\x01"[..], &[0; 60]].concat(), "damaged"),
            (elf64(1, 62, 0, ""), "object file"),
            (elf64(3, 62, 0, ""), "library"),
            (elf64(2, 200, 1, ""), "machine 200"),
            (freebsd, "another system"),
        ] {
            let error = read_bytes(&bytes).unwrap_err();
            assert!(error.to_string().contains(word), "{word}: {error}");
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn missing_program_and_directory_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let missing = read(&directory.path().join("x"), &Options::default()).unwrap_err();
        assert!(matches!(missing, Error::Missing { what: "binary", .. }));
        assert!(matches!(read(directory.path(), &Options::default()), Err(Error::Shape { .. })));
    }

    #[test]
    fn own_test_binary_is_understood() {
        let needs = read(&std::env::current_exe().unwrap(), &Options::default()).unwrap().needs;
        let here: Platform = format!("linux/{}", std::env::consts::ARCH).parse().unwrap();
        assert_eq!(needs.platform, Some(here));
    }
}
