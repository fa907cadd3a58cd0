//! Which Java can load a jar's classes: a class file states the major version of its format in its first eight
//! bytes (52 is Java 8, 61 is Java 17; JVM specification, 4.1). The highest one counts, since one class that is
//! too new stops the application.

use flate2::Decompress;

use super::super::Error;
use super::archive::{Archive, Member};

const MAGIC: [u8; 4] = [0xca, 0xfe, 0xba, 0xbe];

/// The lowest Java that loads all of these classes; nothing if there are none. Files without content are passed
/// over, and so are files that only bear the name of a class, unless all of them do.
pub(super) fn required<'a>(jar: &Archive, members: impl Iterator<Item = &'a Member>) -> Result<Option<u32>, Error> {
    let (mut highest, mut invalid) = (None, None);
    let mut inflate = Decompress::new(false);
    for member in members.filter(|member| counts(&member.name)) {
        match jar.peek(member, &mut inflate) {
            Some([a, b, c, d, _, _, high, low]) if [a, b, c, d] == MAGIC => {
                highest = highest.max(Some(java(u16::from_be_bytes([high, low]))));
            }
            Some(_) => invalid = invalid.or(Some(member)),
            None => {}
        }
    }
    match (highest, invalid) {
        (None, Some(member)) => Err(Error::Class { path: jar.path.clone(), member: member.name.clone() }),
        _ => Ok(highest),
    }
}

/// `META-INF/versions` holds classes for newer Javas than the jar needs; a module descriptor is read by newer
/// Javas only.
fn counts(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.ends_with(".class") && file != "module-info.class" && !name.contains("META-INF/versions/")
}

fn java(major: u16) -> u32 {
    u32::from(major).saturating_sub(44).max(1)
}
