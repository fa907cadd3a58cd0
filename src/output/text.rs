//! Making text fit to be shown: sizes, short digests, and the removal of what a terminal or a CI runner would obey
//! instead of showing.

use std::borrow::Cow;
use std::time::Duration;

/// Control characters become visible escapes; line ends and tabs stay.
pub fn clean(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    text.chars()
        .map(|c| if obeyed(c) { c.escape_default().to_string() } else { c.to_string() })
        .collect::<String>()
        .into()
}

/// Markdown as text: without the marks that only a renderer wants to see.
pub fn unmarked(markdown: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in markdown.lines().filter(|line| !line.trim_start().starts_with("```")) {
        let line = line.trim_end();
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            // Only what begins a line is bold: `***` elsewhere is a value that is not shown.
            let bold = line.strip_prefix("**").filter(|rest| rest.contains("**"));
            lines.push(bold.map_or(line.to_owned(), |rest| rest.replacen("**", "", 1)));
        }
    }
    lines.join("\n").trim_end().to_owned()
}

/// On one line, whatever it was.
pub fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// GitHub's runner obeys `::command::` at the beginning of a line (blanks before it do not count) and the older
/// `##[command]` anywhere in it (actions/runner, ActionCommand.cs). A blank in the middle makes text of both.
pub fn disarm(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##[") {
        return Cow::Borrowed(text);
    }
    let disarmed = text.split('\n').map(|line| {
        let blanks = line.len() - line.trim_start().len();
        match line[blanks..].strip_prefix("::") {
            Some(rest) => format!("{}: :{rest}", &line[..blanks]),
            None => line.to_owned(),
        }
    });
    disarmed.collect::<Vec<_>>().join("\n").replace("##[", "# #[").into()
}

/// Bytes for people, in the units of registries' price lists: `999 B`, `1.2 kB`, `45.6 MB`.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB"] {
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

/// `850 ms`, `2.0 s`, `1m 5s`.
pub fn time(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{:.1} s", duration.as_secs_f64()),
        seconds => format!("{}m {}s", seconds / 60, seconds % 60),
    }
}

/// `sha256:0123456789ab`: enough to recognise it by.
pub fn short(digest: &str) -> &str {
    let end = digest.find(':').map_or(12, |colon| colon + 13);
    digest.get(..end).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_shows_what_a_terminal_would_obey() {
        assert_eq!(clean("a\tb\nc"), "a\tb\nc");
        assert_eq!(clean("\x1b[31mred\x07\r\nnext\rover"), "\\u{1b}[31mred\\u{7}\nnext\\rover");
        assert_eq!(one_line(" a\n  b\r\n"), "a b");
    }

    #[test]
    fn unmarked_leaves_the_words() {
        assert_eq!(unmarked("**web**: up\n\n```diff\n  ~ a: ***\n```\n"), "web: up\n\n  ~ a: ***");
    }

    #[test]
    fn disarm_makes_text_of_workflow_commands() {
        assert_eq!(disarm("::set-output name=x::y"), ": :set-output name=x::y");
        assert_eq!(disarm("ok\n \t::stop-commands::z"), "ok\n \t: :stop-commands::z");
        assert_eq!(disarm("a ##[error]b"), "a # #[error]b");
        assert_eq!(disarm("std::env and a#[b"), "std::env and a#[b");
    }

    #[test]
    fn size_and_time_for_people() {
        for (bytes, wanted) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (12_345_678_901, "12.3 GB"),
        ] {
            assert_eq!(size(bytes), wanted);
        }
        for (millis, wanted) in [(850, "850 ms"), (2000, "2.0 s"), (65_000, "1m 5s"), (3_600_000, "60m 0s")] {
            assert_eq!(time(Duration::from_millis(millis)), wanted);
        }
        assert_eq!(short("sha256:0123456789abcdef"), "sha256:0123456789ab");
        assert_eq!(short("x"), "x");
    }
}
