//! A difference as people and programs read it: the lines of a dry run, and the same as a document.

use serde_json::json;

use super::Difference;
use crate::deploy::edit::short;
use crate::deploy::mask::MASK;
use crate::report::{Outcome, Report};

/// Nothing is planned or done by it; the outcome tells whether there is anything to do.
pub fn report_diff(difference: &Difference) -> Report {
    let Difference { live, wanted, changes, .. } = difference;
    Report {
        outcome: if changes.is_empty() { Outcome::NothingToDo } else { Outcome::Planned },
        lines: lines(difference),
        document: json!({
            "differs": !changes.is_empty(),
            "live": live,
            "wanted": wanted,
            "changes": changes,
            "warnings": difference.warnings,
        }),
        exports: Vec::new(),
        summary: summary(difference),
    }
}

/// Each change on a line of its own, whatever is in its value.
fn lines(difference: &Difference) -> Vec<String> {
    if difference.changes.is_empty() {
        return Vec::new();
    }
    let head = [format!("--- {}", short(&difference.live)), format!("+++ {}", difference.wanted)];
    let changes = difference.changes.iter().map(ToString::to_string);
    head.into_iter().chain(changes).collect()
}

fn summary(difference: &Difference) -> String {
    let Difference { live, wanted, changes, warnings } = difference;
    let mut lines: Vec<String> = warnings.iter().map(|warning| format!("warning: {warning}")).collect();
    if changes.is_empty() {
        lines.push(match short(live) {
            live if live == wanted => format!("{live} is live already: nothing would change"),
            live => format!("{wanted} and {live} say the same"),
        });
    }
    if changes.iter().any(|change| change.secret) {
        lines.push(format!("Values whose name or look says secret are shown as {MASK}"));
    }
    lines.join("\n")
}
