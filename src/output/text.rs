//! Making text fit to be shown: sizes, short digests, and the removal of what a terminal or a CI runner would obey
//! instead of showing.

use std::borrow::Cow;
use std::time::Duration;

/// Control characters become visible escapes, and so do those that turn the direction of text around; line ends and
/// tabs stay.
pub fn clean(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| is_obeyed(c) && c != '\n' && c != '\t';
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    text.chars()
        .map(|c| if obeyed(c) { c.escape_default().to_string() } else { c.to_string() })
        .collect::<String>()
        .into()
}

fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same for JSON, whose strings can hold any character by its number.
pub fn clean_json(json: &str) -> String {
    let escape = |c: char| match c {
        c if is_obeyed(c) && c != '\n' => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    // Neither stands outside of a string.
    json.chars().map(escape).collect::<String>().replace("##", r"#\u0023")
}

/// Markdown as text: without the marks that only a renderer wants to see.
pub fn unmarked(markdown: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut quoted = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            quoted = !quoted;
            continue;
        }
        let line = line.trim_end();
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(if quoted { line.to_owned() } else { unbold(line) });
        }
    }
    lines.join("\n").trim_end().to_owned()
}

/// Two asterisks are a mark where another two close it; `***` is a value that is not shown.
fn unbold(line: &str) -> String {
    let marks: Vec<usize> = line
        .match_indices("**")
        .map(|(at, _)| at)
        .filter(|at| !line[..*at].ends_with('*') && !line[at + 2..].starts_with('*'))
        .collect();
    let mut text = line.to_owned();
    marks[..marks.len() / 2 * 2].iter().rev().for_each(|at| text.replace_range(at..&(at + 2), ""));
    text
}

/// On one line, whatever it was.
pub fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// GitHub's runner obeys `::command::` at the beginning of a line (blanks before it do not count) and the older
/// `##[command]` anywhere in it (actions/runner, ActionCommand.cs); Azure's obeys `##vso[command]`, TeamCity's
/// `##teamcity[command]`. A blank in the middle makes text of all of them.
pub fn disarm(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##") {
        return Cow::Borrowed(text);
    }
    let disarmed = text.split('\n').map(|line| {
        let blanks = line.len() - line.trim_start().len();
        match line[blanks..].strip_prefix("::") {
            Some(rest) => format!("{}: :{rest}", &line[..blanks]),
            None => line.to_owned(),
        }
    });
    part_hashes(&disarmed.collect::<Vec<_>>().join("\n")).into()
}

/// `##word[` becomes `# #word[`.
fn part_hashes(text: &str) -> String {
    let mut parted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("##") {
        let behind = rest[at + 2..].trim_start_matches(|c: char| c.is_ascii_alphabetic());
        parted.push_str(&rest[..=at]);
        if behind.starts_with('[') {
            parted.push(' ');
        }
        rest = &rest[at + 1..];
    }
    parted + rest
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

/// How long it goes on: `0:12`, `12:05`, `1:02:03`.
pub fn clock(elapsed: Duration) -> String {
    let (hours, minutes, seconds) = (elapsed.as_secs() / 3600, elapsed.as_secs() / 60 % 60, elapsed.as_secs() % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
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
    fn clean_shows_what_turns_text_around() {
        assert_eq!(clean("a\u{202e}b\u{9b}2J\u{2028}c"), r"a\u{202e}b\u{9b}2J\u{2028}c");
    }

    #[test]
    fn clean_json_stays_what_it_says() {
        let value = serde_json::json!({"a": "\u{9b}2J\u{7f}\u{202e} ##[error]x ##vso[y]"});
        let text = clean_json(&format!("{value:#}"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert!(!text.contains(|c| is_obeyed(c) && c != '\n') && !text.contains("##"), "{text}");
    }

    #[test]
    fn unmarked_is_bold_nowhere_on_a_line() {
        assert_eq!(unmarked("registered **web:8**, then **web:9**"), "registered web:8, then web:9");
        assert_eq!(unmarked("A: *** -> *** ** b"), "A: *** -> *** ** b");
        assert_eq!(unmarked("```diff\n+ GLOB=**/*.rs,**\n```"), "+ GLOB=**/*.rs,**");
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
        assert_eq!(disarm("std::env and a#[b ## c"), "std::env and a#[b ## c");
        assert_eq!(disarm("x ##vso[task.a]b ###[c] ##teamcity[d]"), "x # #vso[task.a]b ## #[c] # #teamcity[d]");
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
        for (seconds, wanted) in [(0, "0:00"), (72, "1:12"), (3723, "1:02:03")] {
            assert_eq!(clock(Duration::from_secs(seconds)), wanted);
        }
        assert_eq!(short("sha256:0123456789abcdef"), "sha256:0123456789ab");
        assert_eq!(short("x"), "x");
    }
}
