//! A failure, ready to be shown: what, why, and what to do about it.

use serde_json::{Value, json};

use super::line::{Brush, ERROR, HINT};
use super::text::clean;
use crate::report::{Explain, Kind};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed and where, in one line.
    pub message: String,
    /// What lay behind it, the nearest first.
    pub causes: Vec<String>,
    /// The cure.
    pub hint: Option<String>,
    pub kind: Kind,
}

impl Failure {
    pub fn new(error: &dyn Explain) -> Self {
        let message = error.to_string();
        Failure { causes: causes(error, &message), message, hint: error.hint(), kind: error.kind() }
    }

    /// From the words of a command-line parser: `error: what`, then how to write it better.
    pub(super) fn usage(words: &str) -> Self {
        let (message, hint) = words.split_once("\n\n").unwrap_or((words, ""));
        let message = message.strip_prefix("error: ").unwrap_or(message);
        let hint = Some(super::text::one_line(hint)).filter(|hint| !hint.is_empty());
        Failure { message: super::text::one_line(message), causes: vec![], hint, kind: Kind::Input }
    }

    pub(super) fn render(&self, brush: Brush) -> String {
        let mut lines = vec![brush.labelled(ERROR, "error", &self.message)];
        lines.extend(self.reasons(brush));
        lines.join("\n")
    }

    /// What lay behind it, and the cure.
    pub(super) fn reasons(&self, brush: Brush) -> Vec<String> {
        let causes = self.causes.iter().flat_map(|cause| cause.lines());
        let mut lines: Vec<String> = causes.map(|line| format!("  {}", clean(line))).collect();
        lines.extend(self.hint.iter().map(|hint| brush.labelled(HINT, "hint", hint)));
        lines
    }

    /// `{message, causes, hint, kind, exit_code}`.
    pub(super) fn document(&self, exit_code: u8) -> Value {
        let kind = match self.kind {
            Kind::Input => "input",
            Kind::Failed => "failed",
            Kind::Interrupted => "interrupted",
        };
        json!({
            "message": self.message, "causes": self.causes, "hint": self.hint, "kind": kind, "exit_code": exit_code,
        })
    }
}

/// The chain of sources, without those whose words the message has already.
fn causes(error: &dyn Explain, message: &str) -> Vec<String> {
    let mut told = message.to_owned();
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !told.contains(&text) {
            told.push_str(&text);
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read policy.json")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("line 3: {0}")]
    struct Middle(#[source] std::io::Error);

    impl Explain for Outer {
        fn hint(&self) -> Option<String> {
            Some("Check it.".into())
        }

        fn kind(&self) -> Kind {
            Kind::Input
        }
    }

    fn failure() -> Failure {
        Failure::new(&Outer(Middle(std::io::Error::other("the end\x1b[2J"))))
    }

    #[test]
    fn failure_tells_causes_once() {
        assert_eq!(
            failure().render(Brush(false)),
            "error: cannot read policy.json\n  line 3: the end\\u{1b}[2J\nhint: Check it."
        );
    }

    #[test]
    fn failure_usage_has_message_and_hint() {
        let failure = Failure::usage(
            "error: unexpected argument '--frm' found\n\n  tip: a similar one exists: '--from'\n\nUsage: x",
        );
        assert_eq!(failure.message, "unexpected argument '--frm' found");
        assert_eq!(failure.hint.as_deref(), Some("tip: a similar one exists: '--from' Usage: x"));
    }

    #[test]
    fn failure_document_holds_all() {
        let wanted = r#"{"message":"cannot read policy.json","causes":["line 3: the end\u001b[2J"],"hint":"Check it.","kind":"input","exit_code":2}"#;
        assert_eq!(failure().document(2).to_string(), wanted);
    }
}
