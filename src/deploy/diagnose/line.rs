//! A foreign line made fit to be shown in a build log: what terminals and CI runners would obey is taken out, what
//! looks like a secret is masked. Log lines are written by whoever writes to the container, which may be anybody.

use crate::deploy::mask::{MASK, looks_secret};

/// Characters of a line that are kept.
const LONGEST: usize = 1000;

/// One line as text; nothing if nothing is left of it.
pub fn harmless(line: &str, secrets: &[String]) -> Option<String> {
    let plain = plain(line);
    let masked = masked(plain.trim_end(), secrets);
    let text = disarmed(&masked);
    let text = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    (!text.trim().is_empty()).then_some(text)
}

/// Without escape sequences and control characters. A carriage return begins the line anew, as progress bars do.
fn plain(line: &str) -> String {
    let line = line.trim_end_matches(['\r', '\n']);
    let last = line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
    let mut text = String::new();
    let mut chars = last.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_sequence(&mut chars),
            '\t' => text.push(' '),
            c if c.is_control() || is_invisible(c) => {}
            c => text.push(c),
        }
    }
    text
}

fn skip_escape(chars: &mut std::str::Chars) {
    match chars.next() {
        Some('[') => skip_sequence(chars),
        // Titles, links and the like run to a bell or to `ESC \`.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let mut escaped = false;
            for c in chars.by_ref() {
                if c == '\u{7}' || (escaped && c == '\\') {
                    return;
                }
                escaped = c == '\u{1b}';
            }
        }
        _ => {}
    }
}

/// Parameters, and one final character from `@` to `~` (ECMA-48, 5.4).
fn skip_sequence(chars: &mut std::str::Chars) {
    chars.by_ref().find(|c| ('@'..='~').contains(c));
}

/// Those that turn the direction of text around or cannot be seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// GitHub's runner obeys `::command::` at the beginning of a line and the older `##[command]` within it; Azure's
/// obeys `##vso[command]` (actions/runner, ActionCommand.cs).
fn disarmed(text: &str) -> String {
    let blanks = text.len() - text.trim_start().len();
    let text = match text[blanks..].strip_prefix("::") {
        Some(rest) => format!("{}: :{rest}", &text[..blanks]),
        None => text.to_owned(),
    };
    text.replace("##[", "# #[").replace("##vso[", "# #vso[")
}

/// Known values go wherever they stand; words go that give themselves away, by their name or by their look.
fn masked(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= 4) {
        text = text.replace(secret.as_str(), MASK);
    }
    let parts = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '(' | ')' | '<' | '>' | '{' | '}');
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(parts) {
        let bare = word.trim_end_matches(parts);
        out.push_str(&masked_word(bare));
        out.push_str(&word[bare.len()..]);
    }
    out
}

fn masked_word(word: &str) -> String {
    match word.split_once('=') {
        Some((name, value)) if !value.is_empty() && looks_secret(name, value) => format!("{name}={MASK}"),
        None if looks_secret("", word) => MASK.to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        harmless(line, &["hunter2".to_owned()]).unwrap_or_default()
    }

    #[test]
    fn line_commands_nobody() {
        assert_eq!(shown("::error file=x::y"), ": :error file=x::y");
        assert_eq!(shown(" \t::stop-commands::z"), "  : :stop-commands::z");
        assert_eq!(shown("a ##[group]b ##vso[task.setvariable]"), "a # #[group]b # #vso[task.setvariable]");
        assert_eq!(shown("\u{1b}[0m::set-env name=A::b"), ": :set-env name=A::b", "an escape does not hide it");
        assert_eq!(shown("\u{200b}::error::x"), ": :error::x");
        assert_eq!(shown("std::env::var"), "std::env::var");
    }

    #[test]
    fn line_is_plain_text() {
        assert_eq!(shown("\u{1b}[31;1mred\u{1b}[0m \u{9b}2Jx\u{7}"), "red x");
        assert_eq!(shown("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b"), "ab");
        assert_eq!(shown("10%\r20%\r100%\r\n"), "100%");
        assert_eq!(shown("a\u{202e}b\tc\0"), "ab c");
        assert_eq!(harmless("\u{1b}[0m \r\n", &[]), None);
        assert_eq!(shown(&"é".repeat(2000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn line_keeps_secrets() {
        assert_eq!(shown("login with hunter2!"), "login with ***!");
        assert_eq!(shown("DB_PASSWORD=abc next"), "DB_PASSWORD=*** next");
        assert_eq!(shown("to \"postgres://app:pw@db/app\", now"), "to \"***\", now");
        assert_eq!(shown("key AKIAIOSFODNN7EXAMPLE"), "key ***");
        assert_eq!(shown("VERSION=abc a=b==c"), "VERSION=abc a=b==c");
    }
}
