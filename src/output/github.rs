//! GitHub Actions' files. A value goes into `$GITHUB_OUTPUT` between two lines of a random delimiter, so that no
//! value can write an output of its own (docs.github.com, "Workflow commands", multiline strings).

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::report::Export;

/// GitHub drops a summary above 1 MiB.
const SUMMARY_LIMIT: usize = 1 << 20;

/// A word that nobody can foresee: the standard library's hashers are seeded by the operating system.
pub fn delimiter() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("dockless_{:016x}{:016x}", random(), random())
}

pub fn outputs(exports: &[Export], delimiter: &str) -> Result<String, String> {
    let block = |export: &Export| match export.value.contains(delimiter) {
        true => Err(format!("the value of {} contains the delimiter", export.name)),
        false => Ok(format!("{}<<{delimiter}\n{}\n{delimiter}\n", export.name, export.value)),
    };
    exports.iter().map(block).collect()
}

/// Markdown, with a blank line behind it so that the next summary begins a paragraph.
pub fn summary(markdown: &str) -> String {
    let markdown = markdown.trim_end();
    let end = markdown.floor_char_boundary(SUMMARY_LIMIT - 2);
    if end == 0 { String::new() } else { format!("{}\n\n", &markdown[..end]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(value: &str) -> [Export; 1] {
        [Export { name: "image", variables: &[], value: value.into() }]
    }

    #[test]
    fn outputs_keep_lines_inside_the_delimiter() {
        let text = outputs(&export("a\nadmin=true"), "EOF_1").unwrap();
        assert_eq!(text, "image<<EOF_1\na\nadmin=true\nEOF_1\n");
    }

    #[test]
    fn outputs_with_the_delimiter_inside_are_refused() {
        assert_eq!(
            outputs(&export("a\nEOF_1\nx=y"), "EOF_1").unwrap_err(),
            "the value of image contains the delimiter"
        );
    }

    #[test]
    fn delimiter_is_new_each_time() {
        assert_ne!(delimiter(), delimiter());
        assert_eq!(delimiter().len(), "dockless_".len() + 32);
    }

    #[test]
    fn summary_is_cut_at_a_character() {
        assert_eq!(summary("# a\n"), "# a\n\n");
        assert_eq!(summary(""), "");
        assert!(summary(&"é".repeat(SUMMARY_LIMIT)).len() <= SUMMARY_LIMIT);
    }
}
