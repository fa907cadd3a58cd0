//! Files by which a CI system takes values and summaries to later steps. A sink that cannot be written is worth a
//! warning, never a failure: the work itself is done.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Failure, circleci, github};
use crate::report::Report;

/// Where they are, as far as the CI system has any.
#[derive(Debug, Clone, Default)]
pub struct Sinks {
    /// `$GITHUB_OUTPUT`
    pub github_output: Option<PathBuf>,
    /// `$GITHUB_STEP_SUMMARY`
    pub github_summary: Option<PathBuf>,
    /// `$BASH_ENV`
    pub bash_env: Option<PathBuf>,
}

impl Sinks {
    /// Hands the report on; answers with what could not be written, and why. `timeline` is Markdown.
    pub(super) fn write(&self, report: &Report, timeline: &str) -> Vec<String> {
        let tried = [
            ("GITHUB_OUTPUT", &self.github_output, github::outputs(&report.exports, &github::delimiter())),
            ("GITHUB_STEP_SUMMARY", &self.github_summary, Ok(github::summary(report, timeline))),
            ("BASH_ENV", &self.bash_env, circleci::exports(&report.exports)),
        ];
        tried.into_iter().filter_map(|(name, path, text)| put(name, path, text)).collect()
    }

    /// What is to be known of a watch that came to no verdict.
    pub(super) fn write_failure(&self, failure: &Failure, timeline: &str) -> Option<String> {
        put("GITHUB_STEP_SUMMARY", &self.github_summary, Ok(github::failure(failure, timeline)))
    }
}

fn put(name: &str, path: &Option<PathBuf>, text: Result<String, String>) -> Option<String> {
    let path = path.as_deref()?;
    let written = text.and_then(|text| append(path, &text).map_err(|why| why.to_string()));
    written.err().map(|why| format!("nothing was written to ${name} ({}): {why}", path.display()))
}

/// Appends in one write, on a line of its own even after a last line without an end.
fn append(path: &Path, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    let gap = if ends_in_line(&mut file)? { "" } else { "\n" };
    file.write_all(format!("{gap}{text}").as_bytes())
}

fn ends_in_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::{Export, Outcome};

    fn report() -> Report {
        let export = Export { name: "image-digest", variables: &["DOCKLESS_IMAGE_DIGEST"], value: "sha256:12".into() };
        Report {
            outcome: Outcome::Succeeded,
            lines: vec![],
            document: Value::Null,
            exports: vec![export],
            summary: "**Pushed** shop:v1".into(),
        }
    }

    #[test]
    fn sinks_append_to_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| Some(dir.path().join(name));
        let sinks = Sinks { github_output: None, github_summary: path("summary"), bash_env: path("env") };
        std::fs::write(dir.path().join("env"), "export A=1").unwrap();
        assert_eq!(sinks.write(&report(), ""), Vec::<String>::new());
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(read("env"), "export A=1\nexport DOCKLESS_IMAGE_DIGEST='sha256:12'\n");
        assert_eq!(read("summary"), "**Pushed** shop:v1\n\n- image-digest: `sha256:12`\n\n");
    }

    #[test]
    fn sinks_that_cannot_be_written_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let sinks = Sinks { bash_env: Some(dir.path().to_owned()), ..Sinks::default() };
        let [warning] = &sinks.write(&report(), "")[..] else { panic!("one warning wanted") };
        assert!(warning.starts_with("nothing was written to $BASH_ENV ("), "{warning}");
    }
}
