//! The main section of `META-INF/MANIFEST.MF`, by the jar file specification: `Name: value` lines in any of the
//! three line ends, cut at 72 bytes (in the midst of a character, too) and continued on lines that begin with a
//! space; names regardless of case; the first empty line ends the section.

use super::super::Error;
use super::archive::Archive;

pub(super) const NAME: &str = "META-INF/MANIFEST.MF";

#[derive(Debug, Default)]
pub(super) struct Manifest(Vec<(String, String)>);

impl Manifest {
    /// The jar's manifest; an empty one if it has none.
    pub fn read(jar: &Archive) -> Result<Manifest, Error> {
        Ok(jar.document(NAME)?.map(|bytes| Manifest::parse(&bytes)).unwrap_or_default())
    }

    pub fn parse(bytes: &[u8]) -> Manifest {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for line in Lines(bytes).take_while(|line| !line.is_empty()) {
            match (line.strip_prefix(b" "), lines.last_mut()) {
                (Some(rest), Some(last)) => last.extend(rest),
                _ => lines.push(line.to_vec()),
            }
        }
        let pair = |line: &Vec<u8>| {
            let line = String::from_utf8_lossy(line);
            line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        };
        Manifest(lines.iter().filter_map(pair).collect())
    }

    /// The value of an attribute, the last one if it is repeated, as for the JVM. Nothing if it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Lines that end in LF, CR or CR LF.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix(b"\r\n").unwrap_or(rest.get(1..).unwrap_or_default());
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_joins_continued_lines_whatever_the_line_end() {
        for end in ["\n", "\r", "\r\n"] {
            let text = ["Manifest-Version: 1.0", "Class-Path: a.jar dir", " ectory/b.jar", "", ""].join(end);
            assert_eq!(Manifest::parse(text.as_bytes()).get("Class-Path"), Some("a.jar directory/b.jar"), "{end:?}");
        }
    }

    #[test]
    fn manifest_joins_a_character_that_a_line_end_cut_in_two() {
        let bytes = [&b"Main-Class: M\xc3"[..], b"\r\n ", b"\xbcller\r\n"].concat();
        assert_eq!(Manifest::parse(&bytes).get("Main-Class"), Some("Müller"));
    }

    #[test]
    fn manifest_ends_its_main_section_at_an_empty_line() {
        let manifest = Manifest::parse(b"main-class: a.B \n\nName: x/\nClass-Path: c.jar\n");
        assert_eq!((manifest.get("Main-Class"), manifest.get("Class-Path")), (Some("a.B"), None));
    }

    #[test]
    fn manifest_without_line_end_at_its_end_or_with_an_empty_value() {
        let manifest = Manifest::parse(b"Class-Path:\nMulti-Release: TRUE\nMain-Class: B");
        assert_eq!((manifest.get("Main-Class"), manifest.get("Class-Path")), (Some("B"), None));
        assert!(manifest.is_true("multi-release"));
    }
}
