//! Jars that are damaged, hostile or only strange.

use super::*;

#[test]
fn jar_whose_classes_are_none_is_refused() {
    let members = [manifest("Main-Class: A"), ("A.class", b"invalid class".to_vec())];
    assert!(matches!(Workspace::with(&deflated(&members)).error(), Error::Class { .. }));
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
    let whole = deflated(&boot_jar(NEW, vec![]));
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
