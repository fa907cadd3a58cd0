//! The operators of a shell that change what a variable holds: a piece of it, without its beginning or its end, with
//! something in the place of something else, in capitals. What is set and what is not has been looked at before.

use std::ops::Range;

use super::pattern::{Pattern, Reach};

/// What becomes of `value`; nothing if the operator is not understood.
pub fn change(value: &str, operator: &str) -> Option<String> {
    let text: Vec<char> = value.chars().collect();
    let (first, rest) = operator.split_at_checked(1).filter(|_| !operator.contains('$'))?;
    let (doubled, pattern) = rest.strip_prefix(first).map_or((false, rest), |rest| (true, rest));
    let reach = if doubled { Reach::Longest } else { Reach::Shortest };
    let kept = match first {
        ":" => slice(rest, text.len())?,
        "#" => Pattern::parse(pattern)?.begins(&text, reach).unwrap_or(0)..text.len(),
        "%" => 0..Pattern::parse(pattern)?.ends(&text, reach).unwrap_or(text.len()),
        "/" => return replaced(&text, rest),
        "^" => return cased(&text, doubled, pattern, |c| c.to_uppercase().collect()),
        "," => return cased(&text, doubled, pattern, |c| c.to_lowercase().collect()),
        _ => return None,
    };
    Some(text[kept].iter().collect())
}

/// `offset` or `offset:length` of a text of `size` characters, cut to what there is. A shell needs a blank before a
/// negative offset (`:-` being the default), and so does this.
fn slice(text: &str, size: usize) -> Option<Range<usize>> {
    let (offset, length) = text.split_once(':').map_or((text, None), |(offset, length)| (offset, Some(length)));
    let size = i64::try_from(size).ok()?;
    let from_end = |n: i64, end: i64| if n < 0 { end + n } else { n };
    let offset: i64 = offset.trim().parse().ok()?;
    let start = from_end(offset, size);
    if start < 0 {
        return Some(0..0);
    }
    let start = start.min(size);
    let end = match length.map(|length| length.trim().parse::<i64>().ok()) {
        None => size,
        Some(length) => length.map(|n| if n < 0 { size + n } else { start.saturating_add(n) })?.clamp(start, size),
    };
    Some(start as usize..end as usize)
}

/// `PATTERN/TEXT` for the first match, with `/` before it for each, `#` for one at the beginning, `%` at the end.
fn replaced(text: &[char], rest: &str) -> Option<String> {
    let place = rest.chars().next().filter(|c| "/#%".contains(*c));
    let (pattern, new) = halves(&rest[place.map_or(0, char::len_utf8)..]);
    let (pattern, new) = (Pattern::parse(pattern)?, unescaped(new)?);
    let around = |range: Range<usize>| {
        let (before, after) = (text[..range.start].iter(), text[range.end..].iter());
        before.copied().chain(new.chars()).chain(after.copied()).collect()
    };
    let unchanged = || text.iter().collect();
    Some(match place {
        Some('#') => pattern.begins(text, Reach::Longest).map_or_else(unchanged, |end| around(0..end)),
        Some('%') => pattern.ends(text, Reach::Longest).map_or_else(unchanged, |start| around(start..text.len())),
        _ if pattern.is_empty() => unchanged(),
        // A `*` is there even in nothing.
        _ if text.is_empty() => pattern.begins(text, Reach::Longest).map_or_else(unchanged, |_| new.clone()),
        place => each(text, &pattern, &new, if place.is_some() { usize::MAX } else { 1 }),
    })
}

fn each(text: &[char], pattern: &Pattern, new: &str, times: usize) -> String {
    let (mut out, mut at, mut left) = (String::new(), 0, times);
    while at < text.len() {
        match pattern.begins(&text[at..], Reach::Longest).filter(|length| *length > 0 && left > 0) {
            Some(length) => {
                out.push_str(new);
                (at, left) = (at + length, left - 1);
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

/// Before and after the first `/` that has no `\` before it.
fn halves(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == '/' && !escaped {
            return (&text[..at], &text[at + 1..]);
        }
        escaped = c == '\\' && !escaped;
    }
    (text, "")
}

/// Without its backslashes. Bash 5.2 takes `&` for what was found, and others for itself; quotes are taken away.
fn unescaped(text: &str) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text.chars());
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.push(rest.next()?),
            '&' | '\'' | '"' => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

/// The first character or all of them, where they match the pattern; one that becomes two stays as it is, as in bash.
fn cased(text: &[char], all: bool, pattern: &str, change: fn(char) -> String) -> Option<String> {
    let pattern = Pattern::parse(if pattern.is_empty() { "?" } else { pattern })?;
    let one = |(at, c): (usize, &char)| {
        let changed = change(*c);
        let meant = (all || at == 0) && pattern.begins(&[*c], Reach::Longest) == Some(1);
        if meant && changed.chars().count() == 1 { changed } else { c.to_string() }
    };
    Some(text.iter().enumerate().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What bash makes of it, in the locale C.UTF-8.
    const CASES: [(&str, &str, &str); 34] = [
        ("0123456789abcdef", ":0:7", "0123456"),
        ("0123456789abcdef", ":10", "abcdef"),
        ("0123456789abcdef", ": -3:2", "de"),
        ("v1.2.3", "#v", "1.2.3"),
        ("1.2.3", "#v", "1.2.3"),
        ("a/b/c", "#*/", "b/c"),
        ("a/b/c", "##*/", "c"),
        ("a/b/c", "%/*", "a/b"),
        ("a/b/c", "%%/*", "a"),
        ("shop.tar.gz", "%.gz", "shop.tar"),
        ("feature/a/b", r"/\//-", "feature-a/b"),
        ("feature/a/b", r"//\//-", "feature-a-b"),
        ("Fix #7: grün & gut", "//[^a-zA-Z0-9]/-", "Fix--7--gr-n---gut"),
        ("größe_1", "//[![:alnum:]]/-", "größe-1"),
        ("a.b.c", "//.", "abc"),
        ("a.b.c", "/.", "ab.c"),
        ("a/b/c", "/#a/x", "x/b/c"),
        ("a/b/c", "/#b/x", "a/b/c"),
        ("a/b/c", "/%c/x", "a/b/x"),
        ("abc", "/#/v", "vabc"),
        ("abc", "/%/-rc", "abc-rc"),
        ("abc", "//", "abc"),
        ("abcb", "/b*/x", "ax"),
        ("abcb", "//?b/x", "xx"),
        ("", "//*/x", "x"),
        ("", "//?/x", ""),
        ("a*b", r"//\*/\-", "a-b"),
        ("größe", "^^", "GRÖßE"),
        ("größe", "^", "Größe"),
        ("GRÖSSE", ",,", "grösse"),
        ("GRÖSSE", ",", "gRÖSSE"),
        ("abc", "^^[ac]", "AbC"),
        ("a-b", "//-/ ", "a b"),
        ("a]b", "//[]]/x", "axb"),
    ];

    #[test]
    fn value_is_changed_as_bash_would() {
        for (value, operator, wanted) in CASES {
            assert_eq!(change(value, operator).as_deref(), Some(wanted), "'{value}' {operator}");
        }
    }

    /// The shell itself, wherever there is one.
    #[test]
    fn cases_are_what_bash_does() {
        for (value, operator, wanted) in CASES {
            let mut bash = std::process::Command::new("bash");
            bash.args(["-c", &format!("printf %s \"${{V{operator}}}\"")]).env("LC_ALL", "C.UTF-8").env("V", value);
            let Ok(output) = bash.output() else { return };
            assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "'{value}' {operator}");
        }
    }

    #[test]
    fn operator_that_is_none_is_refused() {
        for operator in ["", "@Q", "!", ":a", ":1:b", ":", "#'v'", "//a/&", "//a/\"x\"", "//[a/x", "/a/\\", "#$V"] {
            assert_eq!(change("value", operator), None, "{operator}");
        }
    }
}
