//! Spring Boot jars, and what all jars have in common.

use super::*;

#[test]
fn boot_without_index_is_split_by_folder_and_loses_nothing() {
    let own = vec![
        ("BOOT-INF/lib/y-2-SNAPSHOT.jar", vec![]),
        ("BOOT-INF/classes/application.yml", b"port: 1".to_vec()),
        ("BOOT-INF/classpath.idx", b"- x".to_vec()),
        ("banner.txt", vec![]),
    ];
    let application = Workspace::with(&deflated(&boot_jar(NEW, own))).exploded();
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
    let application = Workspace::with(&deflated(&boot_jar(OLD, own))).exploded();
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
    let application = Workspace::with(&deflated(&boot_jar(NEW, own))).exploded();
    assert!(files(&application)[0].1.contains(&"app/BOOT-INF/layers.idx"));
}

#[test]
fn boot_index_that_is_malformed_names_file_and_line() {
    let own = vec![("BOOT-INF/layers.idx", b"- \"a\":\n  - \"b\"\n- c:\n".to_vec())];
    let error = Workspace::with(&deflated(&boot_jar(NEW, own))).error();
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
    let workspace = Workspace::with(&deflated(&boot_jar(NEW, vec![])));
    let application = workspace.packaged();
    assert_eq!(files(&application), [("jar", vec!["app/app.jar"])]);
    assert_eq!(entrypoint(&application), "java -jar /app/app.jar");
    assert_eq!(content(&application, "app/app.jar").unwrap(), std::fs::read(workspace.jar()).unwrap());
}

#[test]
fn boot_without_main_class_takes_the_launcher_that_is_there() {
    let mut members = boot_jar(NEW, vec![]);
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
    let mut writer = ZipWriter::new(Cursor::new(deflated(&boot_jar(NEW, vec![]))));
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
    let application = Workspace::with(&[script, deflated(&boot_jar(NEW, vec![]))].concat()).exploded();
    assert_eq!(content(&application, "app/BOOT-INF/lib/x-1.jar").unwrap(), b"jar");
    assert_eq!(application.java_version, Some(17));
}

#[test]
fn java_version_is_the_highest_that_must_be_loaded() {
    let version = |members: &Members| Workspace::with(&deflated(members)).exploded().java_version;
    let mut members = boot_jar(
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
fn options_put_flags_arguments_and_root_where_they_belong() {
    let options = Options {
        app_root: "/srv/shop/".into(),
        jvm_flags: vec!["-Xmx1g".into(), "-Da=b c".into()],
        program_args: vec!["--port".into(), "1".into()],
        ..Options::default()
    };
    let application = Workspace::with(&deflated(&boot_jar(NEW, vec![]))).read(&options).unwrap();
    assert_eq!(application.entrypoint.clone().unwrap(), ["java", "-Xmx1g", "-Da=b c", "-cp", "/srv/shop", NEW]);
    assert_eq!(application.cmd.clone().unwrap(), ["--port", "1"]);
    assert_eq!(application.layers[0].entries[0].path, "srv/shop");
    let relative = Options { app_root: "app".into(), ..options };
    assert!(matches!(Workspace::with(b"").read(&relative), Err(Error::Option { option: "--app-root", .. })));
}

#[test]
fn entries_have_the_same_owner_mode_and_time_everywhere() {
    let application = Workspace::with(&deflated(&boot_jar(NEW, vec![]))).exploded();
    for entry in application.layers.iter().flat_map(|layer| &layer.entries) {
        let mode = if matches!(entry.kind, Kind::Directory) { 0o755 } else { 0o644 };
        assert_eq!((entry.mode, entry.uid, entry.gid, entry.mtime), (mode, 0, 0, Entry::MTIME), "{}", entry.path);
    }
    let paths: Vec<&str> = application.layers[0].entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["app", "app/BOOT-INF", "app/BOOT-INF/lib", "app/BOOT-INF/lib/x-1.jar"]);
}
