//! Jars with and without a Class-Path.

use super::*;

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
