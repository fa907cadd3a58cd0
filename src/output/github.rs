//! GitHub Actions' files. A value goes into `$GITHUB_OUTPUT` between two lines of a random delimiter, so that no
//! value can write an output of its own (docs.github.com, "Workflow commands", multiline strings).

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use super::Failure;
use super::text::{clean, disarm, one_line};
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

/// Markdown: what happened, what later steps are handed, and what happened when.
pub fn summary(report: &Report, timeline: &str) -> String {
    let exports = report.exports.iter().map(|export| format!("- {}: `{}`\n", export.name, one_line(&export.value)));
    page(&[&clean(&report.summary), &exports.collect::<String>(), timeline])
}

/// The same of a run that came to no verdict; nothing where nothing was watched.
pub fn failure(failure: &Failure, timeline: &str) -> String {
    if timeline.is_empty() {
        return String::new();
    }
    let hint = failure.hint.as_deref().unwrap_or_default();
    page(&[&format!("**failed**: {}", one_line(&failure.message)), &clean(hint), timeline])
}

/// Paragraphs, as much as fits. A blank line behind them lets the next summary begin one of its own.
fn page(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
    let markdown = parts.join("\n\n");
    let end = markdown.floor_char_boundary(SUMMARY_LIMIT - 2);
    if end == 0 { String::new() } else { format!("{}\n\n", &markdown[..end]) }
}

/// Lines between these two are folded ("Grouping log lines"). The title says what they are about.
pub fn group(title: &str) -> String {
    format!("::group::{}", one_line(title).replace('%', "%25"))
}

/// A line that GitHub shows on the run's page too ("Setting an error message"): `kind` is `error` or `warning`.
pub fn annotation(kind: &str, text: &str) -> String {
    format!("::{kind}::{}", disarm(&one_line(text)).replace('%', "%25"))
}

pub const END_OF_GROUP: &str = "::endgroup::";

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
        assert_eq!(summary(&report("Done.\n", &export("a")), ""), "Done.\n\n- image: `a`\n\n");
    }

    #[test]
    fn summary_is_cut_at_a_character() {
        assert_eq!(summary(&report("# a\n", &[]), ""), "# a\n\n");
        assert_eq!(summary(&report("", &[]), ""), "");
        assert!(summary(&report(&"é".repeat(SUMMARY_LIMIT), &[]), "").len() <= SUMMARY_LIMIT);
    }

    #[test]
    fn summary_has_no_control_characters_and_ends_with_the_timeline() {
        let text = summary(&report("a\x1b[2J\nb", &export("c\nd")), "<details>\n");
        assert_eq!(text, "a\\u{1b}[2J\nb\n\n- image: `c d`\n\n<details>\n\n");
    }

    #[test]
    fn failure_is_worth_a_page_if_something_was_watched() {
        let why = Failure { message: "lost\x07".into(), causes: vec![], hint: None, kind: crate::report::Kind::Failed };
        assert_eq!(failure(&why, ""), "");
        assert_eq!(failure(&why, "<details>"), "**failed**: lost\\u{7}\n\n<details>\n\n");
    }

    #[test]
    fn annotation_is_one_command() {
        assert_eq!(annotation("error", "a 1%\n::debug::b ##[x]"), "::error::a 1%25 ::debug::b # #[x]");
    }

    #[test]
    fn group_is_one_command() {
        assert_eq!(group("Rollout of a\n::error::b 100%"), "::group::Rollout of a ::error::b 100%25");
    }
}
