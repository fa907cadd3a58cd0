//! GitHub Actions' files. A value goes into `$GITHUB_OUTPUT` between two lines of a random delimiter, so that no
//! value can write an output of its own (docs.github.com, "Workflow commands", multiline strings).

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::report::{Export, Report};

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

/// Markdown: what happened, and what later steps are handed. A blank line behind it lets the next summary begin a
/// paragraph.
pub fn summary(report: &Report) -> String {
    let exports = report.exports.iter().map(|export| format!("- {}: `{}`\n", export.name, export.value));
    let exports: String = exports.collect();
    let markdown = format!("{}\n\n{exports}", report.summary.trim_end());
    let markdown = markdown.trim();
    let end = markdown.floor_char_boundary(SUMMARY_LIMIT - 2);
    if end == 0 { String::new() } else { format!("{}\n\n", &markdown[..end]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Outcome;

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

    fn report(summary: &str, exports: &[Export]) -> Report {
        let (lines, document) = (vec!["geheim".into()], serde_json::Value::Null);
        Report { outcome: Outcome::Succeeded, lines, document, exports: exports.into(), summary: summary.into() }
    }

    #[test]
    fn summary_tells_what_is_handed_on_and_not_what_stdout_says() {
        assert_eq!(summary(&report("Done.\n", &export("a"))), "Done.\n\n- image: `a`\n\n");
    }

    #[test]
    fn summary_is_cut_at_a_character() {
        assert_eq!(summary(&report("# a\n", &[])), "# a\n\n");
        assert_eq!(summary(&report("", &[])), "");
        assert!(summary(&report(&"é".repeat(SUMMARY_LIMIT), &[])).len() <= SUMMARY_LIMIT);
    }
}
