//! Jars made in memory, sound and odd ones, and what becomes of them.

mod boot;
mod odd;
mod plain;

use std::io::{Cursor, Read, Write};
use std::path::PathBuf;

use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::layer::Kind;
use crate::report::Explain;

const OLD: &str = "org.springframework.boot.loader.JarLauncher";
const NEW: &str = "org.springframework.boot.loader.launch.JarLauncher";

/// The members of a jar, by name; those whose name ends in `/` are directories.
type Members<'a> = Vec<(&'a str, Vec<u8>)>;

fn zip(members: &[(&str, Vec<u8>)], options: SimpleFileOptions) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        match name.ends_with('/') {
            true => writer.add_directory(*name, options).unwrap(),
            false => {
                writer.start_file(*name, options).unwrap();
                writer.write_all(content).unwrap();
            }
        }
    }
    writer.finish().unwrap().into_inner()
}

fn deflated(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    zip(members, SimpleFileOptions::default())
}

fn stored(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    zip(members, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored))
}

/// A directory with `app.jar`, and beside it files that hold their own names.
struct Workspace(TempDir);

impl Workspace {
    fn with(jar: &[u8]) -> Workspace {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("app.jar"), jar).unwrap();
        Workspace(directory)
    }

    fn and(self, files: &[&str]) -> Workspace {
        for file in files {
            let path = self.0.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        self
    }

    fn jar(&self) -> PathBuf {
        self.0.path().join("app.jar")
    }

    fn read(&self, options: &Options) -> Result<Application, Error> {
        read(&self.jar(), options)
    }

    fn exploded(&self) -> Application {
        self.read(&Options::default()).unwrap()
    }

    fn packaged(&self) -> Application {
        self.read(&Options { mode: Mode::Packaged, ..Options::default() }).unwrap()
    }

    fn error(&self) -> Error {
        self.read(&Options::default()).unwrap_err()
    }
}

fn manifest(attributes: &str) -> (&'static str, Vec<u8>) {
    ("META-INF/MANIFEST.MF", format!("Manifest-Version: 1.0\r\n{attributes}\r\n\r\n").into_bytes())
}

/// The head of a class file for this Java.
fn class(java: u8) -> Vec<u8> {
    [&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, java + 44][..], &[7; 40]].concat()
}

fn boot_jar<'a>(launcher: &str, own: Members<'a>) -> Members<'a> {
    let launch = ("org/springframework/boot/loader/launch/JarLauncher.class", class(17));
    let mut members = vec![manifest(&format!("Main-Class: {launcher}\r\nStart-Class: a.Main")), ("BOOT-INF/", vec![])];
    members.extend([launch, ("BOOT-INF/classes/a/Main.class", class(17)), ("BOOT-INF/lib/x-1.jar", b"jar".to_vec())]);
    members.extend(own);
    members
}

/// Name and files of each layer; directories are left out.
fn files(application: &Application) -> Vec<(&str, Vec<&str>)> {
    fn of(layer: &LayerSpec) -> (&str, Vec<&str>) {
        let files = layer.entries.iter().filter(|entry| matches!(entry.kind, Kind::File { .. }));
        (&layer.name, files.map(|entry| entry.path.as_str()).collect())
    }
    application.layers.iter().map(of).collect()
}

fn content(application: &Application, path: &str) -> std::io::Result<Vec<u8>> {
    let mut entries = application.layers.iter().flat_map(|layer| &layer.entries);
    let entry = entries.find(|entry| entry.path == path).unwrap_or_else(|| panic!("no {path}"));
    let Kind::File { size, content } = &entry.kind else { panic!("{path} is no file") };
    let mut bytes = Vec::new();
    // As a packer does: exactly `size` bytes, never the end.
    content.open()?.take(*size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn entrypoint(application: &Application) -> String {
    application.entrypoint.as_ref().unwrap().join(" ")
}

/// Replaces bytes, in local headers and the central directory alike.
fn patch(mut jar: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..jar.len() - from.len()).filter(|at| jar[*at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| jar[at..at + to.len()].copy_from_slice(to));
    jar
}
