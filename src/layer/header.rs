//! Tar headers, POSIX.1-2001: a ustar header for every entry, and before it a PAX header with what does not fit
//! into ustar. GNU's own extensions (`L` and `K` records, base-256 numbers) are never used: PAX is what Go's tar
//! writer, hence Docker, emits and what every container engine reads.

use ::tar::{EntryType, Header};

use super::{Entry, Kind};

/// Largest numbers of ustar's fields of 8 and 12 octal digits, of which one is a terminator.
const MAX_7_DIGITS: u64 = 0o7777777;
const MAX_11_DIGITS: u64 = 0o77777777777;
/// Bytes of the name and link fields; a name that fills its field has no terminator.
const NAME: usize = 100;

/// The bytes in front of an entry's content: a multiple of 512.
pub(super) fn encode(entry: &Entry) -> Vec<u8> {
    let mut records = Vec::new();
    let header = entry_header(entry, &mut records);
    let mut bytes = Vec::with_capacity(512);
    if !records.is_empty() {
        bytes.extend_from_slice(pax_header(records.len() as u64).as_bytes());
        bytes.append(&mut records);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend_from_slice(header.as_bytes());
    bytes
}

fn entry_header(entry: &Entry, records: &mut Vec<u8>) -> Header {
    let (kind, size, target) = match &entry.kind {
        Kind::File { size, .. } => (EntryType::Regular, *size, ""),
        Kind::Directory => (EntryType::Directory, 0, ""),
        Kind::Symlink { target } => (EntryType::Symlink, 0, target.as_str()),
        Kind::HardLink { target } => (EntryType::Link, 0, target.as_str()),
    };
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(entry.mode & 0o7777);
    header.as_old_mut().name = text("path", &entry.name(), records);
    header.as_old_mut().linkname = text("linkpath", target, records);
    header.set_uid(number("uid", entry.uid, MAX_7_DIGITS, records));
    header.set_gid(number("gid", entry.gid, MAX_7_DIGITS, records));
    header.set_size(number("size", size, MAX_11_DIGITS, records));
    header.set_mtime(seconds(entry.mtime, records));
    finish(header)
}

/// Tools that know PAX never show this name; the others would make a file of it.
fn pax_header(size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::XHeader);
    header.as_old_mut().name[..9].copy_from_slice(b"PaxHeader");
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(0);
    finish(header)
}

fn finish(mut header: Header) -> Header {
    let ustar = header.as_ustar_mut().expect("made as ustar");
    ustar.set_device_major(0);
    ustar.set_device_minor(0);
    header.set_cksum();
    header
}

/// The value of a name field. What is too long or not ASCII goes to a record, and the field gets what a reader
/// without PAX could still make sense of.
fn text(key: &str, value: &str, records: &mut Vec<u8>) -> [u8; NAME] {
    let mut field = [0; NAME];
    if value.is_ascii() && value.len() <= NAME {
        field[..value.len()].copy_from_slice(value.as_bytes());
        return field;
    }
    record(key, value, records);
    let readable = value.chars().map(|c| if c.is_ascii() { c as u8 } else { b'_' });
    field.iter_mut().zip(readable).for_each(|(to, from)| *to = from);
    field
}

fn number(key: &str, value: u64, max: u64, records: &mut Vec<u8>) -> u64 {
    if value <= max {
        return value;
    }
    record(key, &value.to_string(), records);
    0
}

fn seconds(value: i64, records: &mut Vec<u8>) -> u64 {
    match u64::try_from(value) {
        Ok(value) => number("mtime", value, MAX_11_DIGITS, records),
        Err(_) => {
            record("mtime", &value.to_string(), records);
            0
        }
    }
}

/// `LENGTH KEY=VALUE\n`, where the length counts its own digits.
fn record(key: &str, value: &str, records: &mut Vec<u8>) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}={value}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Content;

    fn file(path: &str, size: u64) -> Entry {
        Entry::file(path, size, Content::Memory(Default::default()))
    }

    #[test]
    fn plain_entry_has_one_header_of_fixed_bytes() {
        let mut expected = [0; 512];
        for (at, text) in [
            (0, "app/a.jar"),
            (100, "0000644\0"),
            (108, "0000000\0"),
            (116, "0000000\0"),
            (124, "00000000052\0"),
            (136, "00000000001\0"),
            (148, "0010701\0"),
            (156, "0"),
            (257, "ustar\x0000"),
            (329, "0000000\0"),
            (337, "0000000\0"),
        ] {
            expected[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        assert_eq!(encode(&file("app/a.jar", 42)), expected);
    }

    #[test]
    fn name_that_fills_its_field_needs_no_record_and_one_more_byte_does() {
        assert_eq!(encode(&file(&"n".repeat(100), 0)).len(), 512);
        assert_eq!(encode(&file(&"n".repeat(101), 0)).len(), 3 * 512);
        let directory = Entry::directory("n".repeat(100));
        assert_eq!(encode(&directory).len(), 3 * 512, "a directory's slash counts");
    }

    #[test]
    fn record_counts_the_digits_of_its_own_length() {
        for (value, expected) in [("v", "6 k=v\n"), ("vvvv", "9 k=vvvv\n"), ("vvvvv", "11 k=vvvvv\n")] {
            let mut records = Vec::new();
            record("k", value, &mut records);
            assert_eq!(String::from_utf8(records).unwrap(), expected);
        }
        let mut records = Vec::new();
        record("k", &"v".repeat(94), &mut records);
        assert_eq!(records.len(), 101);
        assert!(records.starts_with(b"101 k="));
    }

    #[test]
    fn numbers_beyond_ustar_become_records() {
        let mut entry = file("big", 8 << 30);
        (entry.uid, entry.gid, entry.mtime) = (2_097_152, u64::MAX, -1);
        let bytes = encode(&entry);
        let records = String::from_utf8_lossy(&bytes[512..1024]);
        let expected = "15 uid=2097152\n28 gid=18446744073709551615\n19 size=8589934592\n12 mtime=-1\n";
        assert_eq!(records.trim_end_matches('\0'), expected);
        let header = Header::from_byte_slice(&bytes[1024..]);
        assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
        entry = file("big", (8 << 30) - 1);
        (entry.uid, entry.gid) = (2_097_151, 2_097_151);
        assert_eq!(encode(&entry).len(), 512);
    }

    #[test]
    fn file_type_in_the_mode_is_left_out() {
        let mut entry = file("a", 0);
        entry.mode = 0o104755;
        assert_eq!(Header::from_byte_slice(&encode(&entry)).mode().unwrap(), 0o4755);
    }
}
