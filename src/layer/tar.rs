//! A layer's tar, as a stream: headers, contents and padding in the order of `order::arrange`, then the two empty
//! blocks that end it. The same entries give the same bytes on every machine, and memory does not grow with them.

use std::io::{self, Read, Write};

use super::{Content, Entry, Error, Kind, LayerSpec, header, order};

/// Tar's unit: headers are one, contents are padded to a multiple.
const RECORD: usize = 512;
/// How much of a content is read at once.
const CHUNK: usize = 128 * 1024;

pub(super) fn write(spec: &LayerSpec, out: &mut impl Write) -> Result<(), Error> {
    let mut buffer = vec![0; CHUNK];
    for entry in order::arrange(&spec.entries)? {
        out.write_all(&header::encode(entry)).map_err(Error::Write)?;
        if let Kind::File { size, content } = &entry.kind {
            copy(entry, *size, content, &mut buffer, out)?;
            let padding = size.next_multiple_of(RECORD as u64) - size;
            out.write_all(&[0; RECORD][..padding as usize]).map_err(Error::Write)?;
        }
    }
    out.write_all(&[0; 2 * RECORD]).map_err(Error::Write)
}

/// Copies exactly `size` bytes. It asks for one more than that, to see a content that has grown.
fn copy(entry: &Entry, size: u64, content: &Content, buffer: &mut [u8], out: &mut impl Write) -> Result<(), Error> {
    let unreadable = |source| Error::Read { path: entry.path.clone(), from: origin(content), source };
    let changed = |found| Error::Changed { path: entry.path.clone(), from: origin(content), size, found };
    let mut reader = content.open().map_err(unreadable)?;
    let mut left = size;
    loop {
        let wanted = left.saturating_add(1).min(buffer.len() as u64) as usize;
        let got = read(&mut reader, &mut buffer[..wanted]).map_err(unreadable)?;
        if got == 0 && left > 0 {
            return Err(changed((size - left).to_string()));
        }
        if got as u64 > left {
            return Err(changed("more".to_owned()));
        }
        if got == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..got]).map_err(Error::Write)?;
        left -= got as u64;
    }
}

pub(super) fn read(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => return result,
        }
    }
}

fn origin(content: &Content) -> String {
    match content {
        Content::Disk(path) => path.display().to_string(),
        Content::Memory(_) | Content::Stream(_) => "its content".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;

    use ::tar::{Archive, EntryType};
    use proptest::prelude::*;

    use super::*;

    fn tar(entries: Vec<Entry>) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        write(&LayerSpec { name: "test".to_owned(), entries }, &mut bytes)?;
        Ok(bytes)
    }

    fn file(path: &str, text: &'static str) -> Entry {
        Entry::file(path, text.len() as u64, Content::Memory(text.into()))
    }

    /// What a reader makes of a tar: type, path, link target, mode, owners, time, content.
    type Member = (u8, String, String, u32, u64, u64, u64, Vec<u8>);

    fn read_back(bytes: &[u8]) -> Vec<Member> {
        let mut archive = Archive::new(bytes);
        let members = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            let target = entry.link_name_bytes().unwrap_or_default().into_owned();
            let (uid, gid) = (entry.header().uid().unwrap(), entry.header().gid().unwrap());
            let (mode, mtime) = (entry.header().mode().unwrap(), entry.header().mtime().unwrap());
            (
                entry.header().entry_type().as_byte(),
                path,
                String::from_utf8(target).unwrap(),
                mode,
                uid,
                gid,
                mtime,
                content,
            )
        });
        members.collect()
    }

    fn expected(entry: &Entry) -> Member {
        let (kind, target, content) = match &entry.kind {
            Kind::File { content, .. } => {
                let mut bytes = Vec::new();
                content.open().unwrap().read_to_end(&mut bytes).unwrap();
                (EntryType::Regular, "", bytes)
            }
            Kind::Directory => (EntryType::Directory, "", Vec::new()),
            Kind::Symlink { target } => (EntryType::Symlink, target.as_str(), Vec::new()),
            Kind::HardLink { target } => (EntryType::Link, target.as_str(), Vec::new()),
        };
        let path = if kind.is_dir() { format!("{}/", entry.path) } else { entry.path.clone() };
        (kind.as_byte(), path, target.to_owned(), entry.mode, entry.uid, entry.gid, entry.mtime as u64, content)
    }

    #[test]
    fn tar_does_not_depend_on_the_order_of_the_entries() {
        let mut entries = vec![file("app/b", "two"), Entry::directory("app"), file("app/a", "one")];
        let forwards = tar(entries.clone()).unwrap();
        entries.reverse();
        assert_eq!(tar(entries).unwrap(), forwards);
    }

    #[test]
    fn empty_layer_is_two_empty_records() {
        assert_eq!(tar(Vec::new()).unwrap(), vec![0; 1024]);
    }

    #[test]
    fn content_is_padded_to_whole_records() {
        for (size, length) in [(0, 512), (1, 1024), (512, 1024), (513, 1536)] {
            let content = Content::Memory(vec![b'x'; size].into());
            let bytes = tar(vec![Entry::file("a", size as u64, content)]).unwrap();
            assert_eq!(bytes.len(), length + 1024, "{size}");
        }
    }

    #[test]
    fn long_and_foreign_names_are_read_back_whole() {
        let long = ["deep"; 60].join("/");
        let entries = vec![
            file(&format!("{long}/Größe 大.txt"), "text"),
            file(&"n".repeat(100), "fits"),
            Entry::directory(format!("o/{}", "d".repeat(120))),
            Entry::new("p", Kind::Symlink { target: format!("/{long}/大") }, 0o777),
            Entry::new("q", Kind::HardLink { target: format!("{long}/Größe 大.txt") }, 0o644),
        ];
        let bytes = tar(entries.clone()).unwrap();
        assert_eq!(read_back(&bytes), entries.iter().map(expected).collect::<Vec<_>>());
        let gnu =
            bytes.chunks(512).any(|record| &record[257..263] == b"ustar " || record.starts_with(b"././@LongLink"));
        assert!(!gnu);
    }

    #[test]
    fn content_of_another_size_than_announced_is_named() {
        for (size, found) in [(3, "more"), (5, "4")] {
            let error = tar(vec![Entry::file("app/a", size, Content::Memory("four".into()))]).unwrap_err();
            assert!(error.to_string().contains("app/a"), "{error}");
            assert!(matches!(error, Error::Changed { found: is, .. } if is == found));
        }
    }

    #[test]
    fn missing_file_is_named_by_both_its_paths() {
        let error = tar(vec![Entry::file("app/a", 1, Content::Disk("/no/such/file".into()))]).unwrap_err();
        assert!(matches!(error, Error::Read { .. }));
        assert!(error.to_string().contains("app/a") && error.to_string().contains("/no/such/file"), "{error}");
    }

    #[test]
    fn content_that_comes_in_pieces_is_written_whole() {
        let pieces =
            || -> io::Result<Box<dyn Read + Send>> { Ok(Box::new(Cursor::new("ab").chain(Cursor::new("cd")))) };
        let bytes = tar(vec![Entry::file("a", 4, Content::Stream(Arc::new(pieces)))]).unwrap();
        assert_eq!(&bytes[512..516], b"abcd");
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let name = prop_oneof!["[a-c]", "[ -~&&[^/.]]{1,9}", "\\PC{1,9}", "[xyz]{90,130}"];
        let name = name.prop_filter("a component", |name| !name.contains('/') && name != "." && name != "..");
        let path = prop::collection::vec(name, 1..4).prop_map(|names| names.join("/"));
        let kind = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..1500)
                .prop_map(|bytes| Kind::File { size: bytes.len() as u64, content: Content::Memory(bytes.into()) }),
            Just(Kind::Directory),
            "\\PC{1,120}".prop_map(|target| Kind::Symlink { target }),
        ];
        let entry = (path, kind, 0..0o10000u32, 0..5_000_000u64, 0..5_000_000u64, 0..1i64 << 33);
        let entry = entry.prop_map(|(path, kind, mode, uid, gid, mtime)| Entry { path, kind, mode, uid, gid, mtime });
        prop::collection::vec(entry, 0..12).prop_map(|mut entries| {
            let file = entries.iter().find(|entry| matches!(entry.kind, Kind::File { .. }));
            let target = file.map(|file| file.path.clone());
            entries.extend(target.map(|target| Entry::new("\u{10fffd}", Kind::HardLink { target }, 0o644)));
            entries
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_layer_that_is_accepted_is_read_back_as_it_was(entries in entries()) {
            if let Ok(bytes) = tar(entries.clone()) {
                let mut members = read_back(&bytes);
                let mut expected: Vec<_> = entries.iter().map(expected).collect();
                let sorted = members.is_sorted_by(|a, b| a.1 < b.1);
                prop_assert!(sorted);
                members.sort();
                expected.sort();
                prop_assert_eq!(members, expected);
            }
        }
    }
}
