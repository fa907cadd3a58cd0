//! What happened when, as a table for GitHub's step summary. Cells hold foreign text: all that Markdown would make
//! something of is escaped.

use std::time::SystemTime;

use super::line::{name, without_service};
use super::text::{clock, one_line};
use crate::report::{Event, Outcome};

/// Rows that are kept; of more, those of the middle go.
const ROWS: usize = 200;
/// Rows of the beginning that stay in any case.
const FIRST: usize = 20;

#[derive(Debug, Default)]
pub struct Timeline {
    rows: Vec<(SystemTime, String)>,
    left_out: usize,
    /// Something was watched; all else needs no timeline.
    watched: bool,
}

impl Timeline {
    pub fn note(&mut self, event: &Event, now: SystemTime) {
        let what = match event {
            Event::Step { text } => cell(text),
            Event::Rollout(rollout) => told(&rollout.service, &rollout.text),
            Event::Remark { service, text, trouble: false, .. } => told(service, text),
            Event::Remark { service, text, .. } => format!("⚠️ {}", told(service, text)),
            Event::Warning { text, .. } => format!("⚠️ {}", cell(text)),
            Event::Verdict { service, text, outcome: Outcome::Succeeded, .. } => format!("✅ {}", told(service, text)),
            Event::Verdict { service, text, .. } => format!("❌ {}", told(service, text)),
            _ => return,
        };
        self.watched |= matches!(event, Event::Rollout(_));
        self.rows.push((now, what));
        if self.rows.len() > ROWS {
            self.rows.remove(FIRST);
            self.left_out += 1;
        }
    }

    /// Nothing if nothing was watched. What went well is folded away.
    pub fn markdown(&self, unfolded: bool) -> String {
        let Some((began, _)) = self.rows.first().filter(|_| self.watched) else { return String::new() };
        let open = if unfolded { " open" } else { "" };
        let head = format!("<details{open}><summary>Timeline</summary>\n\n| UTC | after | |\n|---|---|---|\n");
        let mut rows: Vec<String> = self.rows.iter().map(|(at, what)| row(*began, *at, what)).collect();
        if self.left_out > 0 {
            rows.insert(FIRST, format!("| | | … {} more … |\n", self.left_out));
        }
        format!("{head}{}\n</details>\n", rows.concat())
    }
}

fn row(began: SystemTime, at: SystemTime, what: &str) -> String {
    let utc = jiff::Timestamp::try_from(at).map(|at| at.strftime("%H:%M:%S").to_string()).unwrap_or_default();
    format!("| {utc} | {} | {what} |\n", clock(at.duration_since(began).unwrap_or_default()))
}

fn told(service: &str, text: &str) -> String {
    format!("**{}** {}", cell(name(service)), cell(without_service(text, service)))
}

/// GitHub's Markdown lets a backslash take the meaning from any punctuation (GFM, 2.4).
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for c in one_line(text).chars() {
        if matches!(c, '\\' | '|' | '<' | '>' | '&' | '`' | '*' | '_' | '[' | ']' | '!' | '~' | '@') {
            cell.push('\\');
        }
        cell.push(c);
    }
    cell
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fixture::{remark, rollout, verdict};
    use super::*;

    fn timeline(events: &[(u64, Event)]) -> Timeline {
        let mut timeline = Timeline::default();
        for (seconds, event) in events {
            timeline.note(event, SystemTime::UNIX_EPOCH + Duration::from_secs(3600 + seconds));
        }
        timeline
    }

    #[test]
    fn timeline_of_a_rollout() {
        let step = Event::Step { text: "deploying web:8 to web".into() };
        let timeline = timeline(&[
            (0, step),
            (2, rollout("web", 1, "web:8 0 of 2 running")),
            (9, remark("web", 8, "(service web) has started 2 tasks.")),
            (72, verdict("web", 71)),
        ]);
        let wanted = "<details><summary>Timeline</summary>

| UTC | after | |
|---|---|---|
| 01:00:00 | 0:00 | deploying web:8 to web |
| 01:00:02 | 0:02 | **web** web:8 0 of 2 running |
| 01:00:09 | 0:09 | **web** has started 2 tasks. |
| 01:01:12 | 1:12 | ✅ **web** web:8 is deployed |

</details>
";
        assert_eq!(timeline.markdown(false), wanted);
        assert!(timeline.markdown(true).starts_with("<details open>"));
    }

    #[test]
    fn timeline_is_for_what_was_watched() {
        assert_eq!(timeline(&[(0, Event::Step { text: "x".into() })]).markdown(true), "");
    }

    #[test]
    fn timeline_shows_foreign_text_as_text() {
        let evil = "a | b\n|c| <img src=x> [l](http://x) ![i](y) `q` **s** \x1b[2J @you &lt;";
        let text = timeline(&[(0, rollout("web", 0, evil))]).markdown(false);
        let row = text.lines().find(|line| line.contains("**web**")).unwrap();
        let wanted = r"a \| b \|c\| \<img src=x\> \[l\](http://x) \!\[i\](y) \`q\` \*\*s\*\* \\u{1b}\[2J \@you \&lt; |";
        assert!(row.ends_with(wanted), "{row}");
    }

    #[test]
    fn timeline_keeps_the_beginning_and_the_end() {
        let events: Vec<(u64, Event)> = (0..500).map(|n| (n, rollout("web", n, &format!("n{n};")))).collect();
        let text = timeline(&events).markdown(false);
        assert_eq!(text.lines().filter(|line| line.contains("**web**")).count(), ROWS);
        assert!(text.contains("n0;") && text.contains("n19;") && text.contains("… 300 more …"), "{text}");
        assert!(!text.contains("n20;") && text.contains("n499;"));
    }
}
