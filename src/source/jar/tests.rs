//! Jars made in memory, sound and odd ones, and what becomes of them.

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

fn boot<'a>(launcher: &str, own: Members<'a>) -> Members<'a> {
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

#[test]
fn boot_without_index_is_split_by_folder_and_loses_nothing() {
    let own = vec![
        ("BOOT-INF/lib/y-2-SNAPSHOT.jar", vec![]),
        ("BOOT-INF/classes/application.yml", b"port: 1".to_vec()),
        ("BOOT-INF/classpath.idx", b"- x".to_vec()),
        ("banner.txt", vec![]),
    ];
    let application = Workspace::with(&deflated(&boot(NEW, own))).exploded();
    assert_eq!(
        files(&application),
        [
            ("dependencies", vec!["app/BOOT-INF/lib/x-1.jar"]),
            ("spring-boot-loader", vec!["app/org/springframework/boot/loader/launch/JarLauncher.class"]),
            ("snapshot dependencies", vec!["app/BOOT-INF/lib/y-2-SNAPSHOT.jar"]),
            ("resources", vec!["app/BOOT-INF/classes/application.yml", "app/META-INF/MANIFEST.MF"]),
            ("classes", vec!["app/BOOT-INF/classes/a/Main.class", "app/BOOT-INF/classpath.idx", "app/banner.txt"]),
        ]
    );
    assert_eq!(entrypoint(&application), format!("java -cp /app {NEW}"));
    assert_eq!(content(&application, "app/BOOT-INF/classes/application.yml").unwrap(), b"port: 1");
    assert_eq!((application.cmd, application.working_dir, application.warnings), (None, None, vec![]));
}

#[test]
fn boot_with_index_keeps_its_layers_and_puts_the_rest_on_top() {
    let index = "- \"dependencies\":\r\n  - \"BOOT-INF/lib/x-1.jar\"\r\n  - \"BOOT-INF/lib/gone.jar\"\r\n\
                 - \"spring-boot-loader\":\r\n  - \"org/\"\r\n- \"snapshot-dependencies\":\r\n\
                 - \"application\":\r\n  - \"BOOT-INF/classes/\"\r\n  - \"META-INF/\"\r\n";
    let own = vec![("BOOT-INF/layers.idx", index.into()), ("BOOT-INF/lib/new.jar", vec![])];
    let application = Workspace::with(&deflated(&boot(OLD, own))).exploded();
    let names: Vec<&str> = application.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["dependencies", "spring-boot-loader", "application"]);
    assert_eq!(
        files(&application)[2].1,
        ["app/BOOT-INF/classes/a/Main.class", "app/BOOT-INF/lib/new.jar", "app/META-INF/MANIFEST.MF"]
    );
    assert_eq!(entrypoint(&application), format!("java -cp /app {OLD}"));
}

#[test]
fn boot_index_that_lists_itself_is_kept() {
    let own = vec![("BOOT-INF/layers.idx", b"- \"all\":\n  - \"BOOT-INF/layers.idx\"\n".to_vec())];
    let application = Workspace::with(&deflated(&boot(NEW, own))).exploded();
    assert!(files(&application)[0].1.contains(&"app/BOOT-INF/layers.idx"));
}

#[test]
fn boot_index_that_is_malformed_names_file_and_line() {
    let own = vec![("BOOT-INF/layers.idx", b"- \"a\":\n  - \"b\"\n- c:\n".to_vec())];
    let error = Workspace::with(&deflated(&boot(NEW, own))).error();
    assert!(error.to_string().contains("BOOT-INF/layers.idx, line 3"), "{error}");
}

#[test]
fn boot_attributes_of_the_manifest_say_where_things_are() {
    let attributes = "Main-Class: org.springframework.boot.loader.launch.WarLauncher\r\n\
                      Spring-Boot-Classes: WEB-INF/classes/\r\nSpring-Boot-Lib: WEB-INF/lib\r\n\
                      Spring-Boot-Layers-Index: WEB-INF/gone.idx";
    let members = vec![
        manifest(attributes),
        ("WEB-INF/classes/A.class", class(21)),
        ("WEB-INF/lib/a.jar", vec![]),
        ("index.html", vec![]),
    ];
    let application = Workspace::with(&deflated(&members)).exploded();
    assert_eq!(files(&application)[0], ("dependencies", vec!["app/WEB-INF/lib/a.jar"]));
    assert_eq!(files(&application)[2], ("classes", vec!["app/WEB-INF/classes/A.class", "app/index.html"]));
    assert_eq!(application.java_version, Some(21));
    assert!(application.warnings[0].text.contains("WEB-INF/gone.idx"));
}

#[test]
fn boot_packaged_is_one_file_that_runs_itself() {
    let workspace = Workspace::with(&deflated(&boot(NEW, vec![])));
    let application = workspace.packaged();
    assert_eq!(files(&application), [("jar", vec!["app/app.jar"])]);
    assert_eq!(entrypoint(&application), "java -jar /app/app.jar");
    assert_eq!(content(&application, "app/app.jar").unwrap(), std::fs::read(workspace.jar()).unwrap());
}

#[test]
fn boot_without_main_class_takes_the_launcher_that_is_there() {
    let mut members = boot(NEW, vec![]);
    members[0] = manifest("Start-Class: a.Main");
    let application = Workspace::with(&deflated(&members)).exploded();
    assert_eq!(entrypoint(&application), format!("java -cp /app {NEW}"));
    assert!(application.warnings.is_empty());
    members.retain(|(name, _)| !name.starts_with("org/"));
    let workspace = Workspace::with(&deflated(&members));
    assert_eq!(workspace.exploded().warnings.len(), 1);
    assert!(workspace.packaged().warnings[0].text.contains("no Main-Class"));
}

#[test]
fn boot_members_to_unpack_are_files_like_others() {
    let mut writer = ZipWriter::new(Cursor::new(deflated(&boot(NEW, vec![]))));
    writer = ZipWriter::new_append(writer.finish().unwrap()).unwrap();
    let options = SimpleFileOptions::default().into_full_options().with_file_comment("UNPACK:0a1b");
    writer.start_file("BOOT-INF/lib/jruby.jar", options).unwrap();
    writer.write_all(b"ruby").unwrap();
    let application = Workspace::with(&writer.finish().unwrap().into_inner()).exploded();
    assert_eq!(content(&application, "app/BOOT-INF/lib/jruby.jar").unwrap(), b"ruby");
}

#[test]
fn executable_jar_behind_a_script_is_read() {
    let script = b"#!/bin/bash\nexec java -jar \"$0\"\n".repeat(100);
    let application = Workspace::with(&[script, deflated(&boot(NEW, vec![]))].concat()).exploded();
    assert_eq!(content(&application, "app/BOOT-INF/lib/x-1.jar").unwrap(), b"jar");
    assert_eq!(application.java_version, Some(17));
}

#[test]
fn java_version_is_the_highest_that_must_be_loaded() {
    let version = |members: &Members| Workspace::with(&deflated(members)).exploded().java_version;
    let mut members = boot(
        NEW,
        vec![
            ("BOOT-INF/classes/B.class", class(21)),
            ("BOOT-INF/classes/Empty.class", vec![]),
            ("BOOT-INF/classes/template.class", b"public class ${name}".to_vec()),
            ("BOOT-INF/classes/module-info.class", class(25)),
            ("BOOT-INF/classes/META-INF/versions/25/B.class", class(25)),
            ("org/springframework/boot/loader/launch/Other.class", class(24)),
        ],
    );
    assert_eq!(version(&members), Some(21));
    members.retain(|(name, _)| !name.starts_with("BOOT-INF/classes/"));
    assert_eq!(version(&members), Some(17), "the launcher's");
    let plain = vec![manifest("Main-Class: A"), ("A.class", class(8)), ("b/B.class", class(11))];
    assert_eq!(version(&plain), Some(11));
    assert_eq!(Workspace::with(&stored(&plain)).exploded().java_version, Some(11));
    assert_eq!(version(&plain[..1].to_vec()), None);
}

#[test]
fn jar_whose_classes_are_none_is_refused() {
    let members = [manifest("Main-Class: A"), ("A.class", b"invalid class".to_vec())];
    assert!(matches!(Workspace::with(&deflated(&members)).error(), Error::Class { .. }));
}

#[test]
fn plain_jar_is_content_and_dependencies() {
    let attributes =
        "Main-Class: a.Main\r\nClass-Path: lib/x.jar  lib/y-SNAPSHOT.jar lib/my%20z.ja\r\n r lib/x.jar app.jar";
    let members = [manifest(attributes), ("a/Main.class", class(17)), ("a/b.txt", b"b".to_vec())];
    let workspace = Workspace::with(&deflated(&members)).and(&["lib/x.jar", "lib/y-SNAPSHOT.jar", "lib/my z.jar"]);
    let application = workspace.exploded();
    assert_eq!(
        files(&application),
        [
            ("dependencies", vec!["app/dependencies/my z.jar", "app/dependencies/x.jar"]),
            ("snapshot dependencies", vec!["app/dependencies/y-SNAPSHOT.jar"]),
            ("resources", vec!["app/explodedJar/META-INF/MANIFEST.MF", "app/explodedJar/a/b.txt"]),
            ("classes", vec!["app/explodedJar/a/Main.class"]),
        ]
    );
    assert_eq!(entrypoint(&application), "java -cp /app/explodedJar:/app/dependencies/* a.Main");
    let application = workspace.packaged();
    assert_eq!(
        files(&application),
        [
            ("dependencies", vec!["app/lib/my z.jar", "app/lib/x.jar"]),
            ("snapshot dependencies", vec!["app/lib/y-SNAPSHOT.jar"]),
            ("jar", vec!["app/app.jar"]),
        ]
    );
    assert_eq!(entrypoint(&application), "java -jar /app/app.jar");
    assert_eq!(content(&application, "app/lib/my z.jar").unwrap(), b"lib/my z.jar");
}

#[test]
fn libraries_of_one_name_both_stay() {
    let members = [manifest("Main-Class: M\r\nClass-Path: a/x.jar b/x.jar")];
    let workspace = Workspace::with(&deflated(&members)).and(&["a/x.jar", "b/x.jar"]);
    let application = workspace.exploded();
    assert_eq!(files(&application)[0].1, ["app/dependencies/x-2.jar", "app/dependencies/x.jar"]);
    assert_eq!(content(&application, "app/dependencies/x-2.jar").unwrap(), b"b/x.jar");
}

#[test]
fn class_path_directories_follow_the_jvm() {
    let members = [manifest("Main-Class: M\r\nClass-Path: config/ . lib/a.jar gone/ lib http://x/y.jar ../")];
    let workspace = Workspace::with(&deflated(&members)).and(&["config/log.xml", "config/sub/b", "lib/a.jar"]);
    let application = workspace.exploded();
    assert_eq!(
        files(&application)[0].1,
        ["app/dependencies/a.jar", "app/dependencies/config/log.xml", "app/dependencies/config/sub/b"]
    );
    assert_eq!(
        entrypoint(&application),
        "java -cp /app/explodedJar:/app/dependencies/config:/app:/app/dependencies/* M"
    );
    let passed_over: Vec<&str> = application.warnings.iter().filter_map(|w| w.text.split('\'').nth(1)).collect();
    assert_eq!(passed_over, ["gone/", "lib", "http://x/y.jar", "../"]);
    let packaged = workspace.packaged();
    assert_eq!(files(&packaged)[0].1, ["app/config/log.xml", "app/config/sub/b", "app/lib/a.jar"]);
}

#[test]
fn class_path_outside_of_the_directory_of_the_jar() {
    let outside = Workspace::with(b"").and(&["o.jar"]);
    let absolute = outside.0.path().join("o.jar");
    let class_path = format!("Main-Class: M\r\nClass-Path: ../x/up.jar file:{}", absolute.display());
    let workspace = Workspace::with(b"").and(&["x/up.jar", "target/app.jar"]);
    let jar = workspace.0.path().join("target/app.jar");
    std::fs::write(&jar, deflated(&[manifest(&class_path)])).unwrap();
    let application = read(&jar, &Options { mode: Mode::Packaged, ..Options::default() }).unwrap();
    let mut wanted = vec![absolute.to_str().unwrap().trim_start_matches('/'), "x/up.jar"];
    wanted.sort();
    assert_eq!(files(&application)[0].1, wanted);
    assert_eq!(
        files(&read(&jar, &Options::default()).unwrap())[0].1,
        ["app/dependencies/o.jar", "app/dependencies/up.jar"]
    );
}

#[test]
fn class_path_entry_that_is_missing_is_named() {
    let members = [manifest("Main-Class: M\r\nClass-Path: lib/gone.jar")];
    let workspace = Workspace::with(&deflated(&members));
    for error in [
        workspace.error(),
        read(&workspace.jar(), &Options { mode: Mode::Packaged, ..Options::default() }).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("'lib/gone.jar' in Class-Path of its META-INF/MANIFEST.MF"), "{text}");
        assert!(text.contains("app.jar"), "{text}");
    }
}

#[test]
fn jar_without_main_class_needs_an_entrypoint() {
    let workspace = Workspace::with(&deflated(&[manifest("Created-By: me"), ("A.class", class(8))]));
    assert!(matches!(workspace.error(), Error::MainClass { .. }));
    let options =
        Options { entrypoint: Some(vec!["run".into()]), jvm_flags: vec!["-Xmx1g".into()], ..Options::default() };
    assert_eq!(entrypoint(&workspace.read(&options).unwrap()), "run");
    assert!(matches!(Workspace::with(&deflated(&[("A.class", class(8))])).error(), Error::MainClass { .. }));
}

#[test]
fn options_put_flags_arguments_and_root_where_they_belong() {
    let options = Options {
        app_root: "/srv/shop/".into(),
        jvm_flags: vec!["-Xmx1g".into(), "-Da=b c".into()],
        program_args: vec!["--port".into(), "1".into()],
        ..Options::default()
    };
    let application = Workspace::with(&deflated(&boot(NEW, vec![]))).read(&options).unwrap();
    assert_eq!(application.entrypoint.clone().unwrap(), ["java", "-Xmx1g", "-Da=b c", "-cp", "/srv/shop", NEW]);
    assert_eq!(application.cmd.clone().unwrap(), ["--port", "1"]);
    assert_eq!(application.layers[0].entries[0].path, "srv/shop");
    let relative = Options { app_root: "app".into(), ..options };
    assert!(matches!(Workspace::with(b"").read(&relative), Err(Error::Option { option: "--app-root", .. })));
}

#[test]
fn attributes_that_java_jar_obeys_become_flags_when_laid_out() {
    let attributes = "Main-Class: M\r\nAdd-Opens: java.base/java.lang java.base/java.util\r\nMulti-Release: true";
    let version = ("META-INF/versions/11/A.class", class(11));
    let modern = Workspace::with(&deflated(&[manifest(attributes), ("A.class", class(17)), version.clone()]));
    let flags = "--add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.util=ALL-UNNAMED";
    let application = modern.exploded();
    assert_eq!(entrypoint(&application), format!("java {flags} -cp /app/explodedJar:/app/dependencies/* M"));
    assert!(application.warnings[0].text.contains("META-INF/versions"));
    assert_eq!(entrypoint(&modern.packaged()), "java -jar /app/app.jar");
    assert!(modern.packaged().warnings.is_empty());
    let java8 = Workspace::with(&deflated(&[manifest(attributes), ("A.class", class(8))])).exploded();
    assert_eq!(entrypoint(&java8), "java -cp /app/explodedJar:/app/dependencies/* M");
}

#[test]
fn entries_have_the_same_owner_mode_and_time_everywhere() {
    let application = Workspace::with(&deflated(&boot(NEW, vec![]))).exploded();
    for entry in application.layers.iter().flat_map(|layer| &layer.entries) {
        let mode = if matches!(entry.kind, Kind::Directory) { 0o755 } else { 0o644 };
        assert_eq!((entry.mode, entry.uid, entry.gid, entry.mtime), (mode, 0, 0, Entry::MTIME), "{}", entry.path);
    }
    let paths: Vec<&str> = application.layers[0].entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["app", "app/BOOT-INF", "app/BOOT-INF/lib", "app/BOOT-INF/lib/x-1.jar"]);
}

#[test]
fn members_are_read_whole_and_often_and_at_once() {
    let long: Vec<u8> = (0..300_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
    let members = [manifest("Main-Class: M"), ("empty.txt", vec![]), ("long.bin", long.clone())];
    let large = SimpleFileOptions::default().large_file(true);
    for bytes in [deflated(&members), stored(&members), zip(&members, large)] {
        let application = Workspace::with(&bytes).exploded();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert!(content(&application, "app/explodedJar/long.bin").unwrap() == long));
            }
        });
        assert_eq!(content(&application, "app/explodedJar/empty.txt").unwrap(), b"");
    }
}

#[test]
fn jar_that_is_missing_empty_cut_off_or_no_zip_is_refused() {
    let whole = deflated(&boot(NEW, vec![]));
    for bytes in [&b""[..], b"hello", &whole[..whole.len() / 2], &whole[..whole.len() - 10]] {
        let error = Workspace::with(bytes).error();
        assert!(matches!(error, Error::Zip { .. }), "{error}");
        assert!(error.hint().unwrap().contains("downloaded"));
    }
    // The end alone: a directory of members that are not there.
    let tail = &whole[whole.len() / 2..];
    assert!(matches!(Workspace::with(tail).error(), Error::Zip { .. } | Error::Member { .. }));
    let workspace = Workspace::with(b"");
    assert!(matches!(read(&workspace.0.path().join("no.jar"), &Options::default()), Err(Error::Missing { .. })));
    assert!(matches!(read(workspace.0.path(), &Options::default()), Err(Error::Shape { .. })));
}

/// Replaces bytes, in local headers and the central directory alike.
fn patch(mut jar: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..jar.len() - from.len()).filter(|at| jar[*at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| jar[at..at + to.len()].copy_from_slice(to));
    jar
}

#[test]
fn damaged_member_fails_when_it_is_read() {
    let members = [manifest("Main-Class: M"), ("data.txt", b"sound content ".repeat(50))];
    let mut inflates_wrongly = deflated(&members);
    let name = inflates_wrongly.windows(8).position(|bytes| bytes == b"data.txt").unwrap();
    inflates_wrongly[name + 8 + 3] ^= 0x55;
    let mut header_gone = stored(&members);
    let header = header_gone.windows(4).position(|bytes| bytes == b"soun").unwrap() - 8 - 30;
    header_gone[header] = b'Q';
    for (damaged, word) in [
        (patch(stored(&members), b"sound content sound", b"sound content Sound"), "checksum"),
        (inflates_wrongly, ""),
        (header_gone, "local header"),
    ] {
        let application = Workspace::with(&damaged).exploded();
        let error = content(&application, "app/explodedJar/data.txt").unwrap_err().to_string();
        assert!(error.contains("'data.txt' in ") && error.contains("damaged") && error.contains(word), "{error}");
    }
}

#[test]
fn names_that_cannot_be_files_of_the_image_are_refused() {
    for (name, word) in [
        ("../evil", "leads out"),
        ("aa/../ev", "leads out"),
        ("/etc/pwd", "absolute"),
        ("./dotted", "'.' part"),
        ("a//wrong", "empty"),
    ] {
        let fitting = &"placehol"[..name.len().min(8)];
        let fitting = format!("{fitting}{}", "d".repeat(name.len() - fitting.len()));
        let jar = deflated(&[manifest("Main-Class: M"), (&fitting, vec![1])]);
        let error = Workspace::with(&patch(jar, fitting.as_bytes(), name.as_bytes())).error().to_string();
        assert!(error.contains(name) && error.contains(word), "{error}");
    }
    let jar = deflated(&[manifest("Main-Class: M"), ("caf__.txt", vec![1])]);
    let error = Workspace::with(&patch(jar, b"caf__.txt", b"caf\xe9_.txt")).error().to_string();
    assert!(error.contains("not UTF-8"), "{error}");
    let jar = deflated(&[manifest("Main-Class: M"), ("a/b", vec![1]), ("a", vec![2])]);
    let error = Workspace::with(&jar).error().to_string();
    assert!(error.contains("'a' is in the jar as a file"), "{error}");
}

#[test]
fn encrypted_member_and_unknown_method_are_refused() {
    let members = [manifest("Main-Class: M"), ("data.txt", vec![1])];
    let jar = stored(&members);
    let start = jar.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    for (at, value, word) in [(8, 1, "encrypted"), (10, 99, "stored and deflated")] {
        let mut odd = jar.clone();
        odd[start + at] = value;
        let error = Workspace::with(&odd).error().to_string();
        assert!(error.contains("data.txt") && error.contains(word), "{error}");
    }
}

#[test]
fn of_two_members_with_one_name_the_later_counts_as_for_java() {
    let jar = stored(&[manifest("Main-Class: M"), ("x1.txt", b"first".to_vec()), ("x2.txt", b"second".to_vec())]);
    let application = Workspace::with(&patch(jar, b"x1.txt", b"x2.txt")).exploded();
    assert_eq!(content(&application, "app/explodedJar/x2.txt").unwrap(), b"second");
    assert_eq!(files(&application)[0].1.len(), 2);
}
