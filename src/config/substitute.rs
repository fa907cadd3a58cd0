//! Variables in values: `${CIRCLE_SHA1:0:7}` or `${CIRCLE_BRANCH//\//-}` as a shell would read it, without a shell. An
//! operator that is not known is refused, because ignoring one (as `circleci env subst` does with `:0:7`) deploys
//! something that nobody asked for. An unset variable is an error for the same reason. What a variable holds is
//! never read again, so a comma or a `$` in a branch's name stays what it is.

use super::operator::change;
use super::{Env, Error};

/// `text` with its variables replaced: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:=default}`, `${NAME:+instead}`,
/// `${NAME:?message}` and the same without the colon; `${NAME:offset}`, `${NAME:offset:length}` (characters; negative
/// counts from the end), `${NAME#pattern}`, `${NAME%pattern}`, `${NAME/pattern/text}`, `${NAME^}`, `${NAME,}` and the
/// same doubled; `$$` is a dollar sign. A `$` before anything else stands for itself.
pub fn substitute(text: &str, env: &Env) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let name = name_length(tail);
        rest = if let Some(tail) = tail.strip_prefix('$') {
            out.push('$');
            tail
        } else if let Some(tail) = tail.strip_prefix('{') {
            let end = closing_brace(tail).ok_or(Error::Unclosed)?;
            out.push_str(&expand(&tail[..end], env)?);
            &tail[end + 1..]
        } else if name > 0 {
            out.push_str(demand(&tail[..name], env)?);
            &tail[name..]
        } else {
            out.push('$');
            tail
        };
    }
    out.push_str(rest);
    Ok(out)
}

/// What stands between `${` and `}`.
fn expand(inner: &str, env: &Env) -> Result<String, Error> {
    let (name, operator) = inner.split_at(name_length(inner));
    let unsupported = || Error::Unsupported(format!("${{{inner}}}"));
    if name.is_empty() {
        return Err(unsupported());
    }
    let set = env.lookup(name);
    let filled = set.filter(|value| !value.is_empty());
    let or_default =
        |value: Option<&str>, default| value.map_or_else(|| substitute(default, env), |v| Ok(v.to_owned()));
    let or_error = |value: Option<&str>, words: &str| {
        let words = if words.is_empty() { "not set" } else { words };
        value.map(str::to_owned).ok_or_else(|| Error::Demanded { name: name.into(), words: words.into() })
    };
    let (colon, rest) = operator.strip_prefix(':').map_or((false, operator), |rest| (true, rest));
    let present = if colon { filled } else { set };
    match rest.split_at_checked(1) {
        Some(("-" | "=", default)) => or_default(present, default),
        Some(("+", instead)) => present.map_or_else(|| Ok(String::new()), |_| substitute(instead, env)),
        Some(("?", words)) => or_error(present, words),
        _ if operator.is_empty() => demand(name, env).map(str::to_owned),
        _ => {
            let changed = change(set.unwrap_or_default(), operator).ok_or_else(unsupported)?;
            demand(name, env).map(|_| changed)
        }
    }
}

fn demand<'e>(name: &str, env: &'e Env) -> Result<&'e str, Error> {
    env.lookup(name).ok_or_else(|| Error::Unset(name.to_owned()))
}

/// Bytes of the variable's name that `text` begins with; 0 if it begins with none.
fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// Where the `}` is that closes a brace opened before `text`; defaults may hold `${…}` of their own.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 1;
    let mut dollar = false;
    for (at, c) in text.char_indices() {
        match c {
            '{' if dollar => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
        dollar = c == '$' && !dollar;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env::from_iter([
            ("SHA", "0123456789abcdef"),
            ("EMPTY", ""),
            ("BRANCH", "x,container=nginx,$SHA"),
            ("WORD", "größe"),
        ])
    }

    fn good(text: &str) -> String {
        substitute(text, &env()).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    fn bad(text: &str) -> Error {
        substitute(text, &env()).expect_err(text)
    }

    #[test]
    fn substitute_reads_what_pipelines_write() {
        for (text, wanted) in [
            ("v1", "v1"),
            ("", ""),
            ("$SHA", "0123456789abcdef"),
            ("a-${SHA}-z", "a-0123456789abcdef-z"),
            ("$SHA.$SHA", "0123456789abcdef.0123456789abcdef"),
            ("${SHA:0:7}", "0123456"),
            ("${SHA:10}", "abcdef"),
            ("${SHA: -3}", "def"),
            ("${SHA: -3:2}", "de"),
            ("${SHA:2:-10}", "2345"),
            ("${SHA:99}", ""),
            ("${SHA:4:99}", "456789abcdef"),
            ("${WORD:2:2}", "öß"),
            ("${NONE:-latest}", "latest"),
            ("${EMPTY:-latest}", "latest"),
            ("${EMPTY-latest}", ""),
            ("${NONE-latest}", "latest"),
            ("${NONE:-}", ""),
            ("${NONE:-${SHA:0:2}}x", "01x"),
            ("${SHA:-${NONE}}", "0123456789abcdef"),
            ("${NONE:-a{b}", "a{b"),
            ("${EMPTY}", ""),
            ("${SHA:?needed}", "0123456789abcdef"),
            ("${EMPTY?needed}", ""),
            ("${NONE:=latest}", "latest"),
            ("${NONE=latest}", "latest"),
            ("${EMPTY=latest}", ""),
            ("${SHA:+-${SHA:0:2}}", "-01"),
            ("x${NONE:+-$NONE}${EMPTY:+-}${NONE+-}", "x"),
            ("${EMPTY+set}", "set"),
            ("${SHA#0}", "123456789abcdef"),
            ("${SHA%%[a-z]*}", "0123456789"),
            ("${BRANCH//[^a-z]/-}", "x-container-nginx-----"),
            ("${WORD^^}", "GRÖßE"),
        ] {
            assert_eq!(good(text), wanted, "{text}");
        }
    }

    #[test]
    fn substitute_dollar_before_anything_else_is_a_dollar() {
        for (text, wanted) in [
            ("$$SHA", "$SHA"),
            ("$", "$"),
            ("5$", "5$"),
            ("$5", "$5"),
            ("$(id)", "$(id)"),
            ("a$ b", "a$ b"),
            ("$$$SHA", "$0123456789abcdef"),
        ] {
            assert_eq!(good(text), wanted, "{text}");
        }
    }

    #[test]
    fn substitute_does_not_read_a_value_again() {
        assert_eq!(good("${BRANCH}"), "x,container=nginx,$SHA");
        assert_eq!(good("${NONE:-$BRANCH}"), "x,container=nginx,$SHA");
    }

    #[test]
    fn substitute_unset_variable_is_named() {
        assert_eq!(bad("${CIRCLE_SHA1}"), Error::Unset("CIRCLE_SHA1".into()));
        assert_eq!(bad("$NONE/nginx:v1"), Error::Unset("NONE".into()));
        assert_eq!(bad("${NONE:0:7}"), Error::Unset("NONE".into()));
        assert_eq!(bad("${NONE:?run the build job first}").to_string(), "variable NONE: run the build job first");
        assert_eq!(bad("${EMPTY:?}").to_string(), "variable EMPTY: not set");
    }

    #[test]
    fn substitute_unknown_operators_are_refused() {
        for text in [
            "${SHA#'0'}",
            "${SHA@Q}",
            "${SHA//a/&}",
            "${SHA//[a/b}",
            "${SHA#$WORD}",
            "${SHA/9/$WORD}",
            "${#SHA}",
            "${!SHA}",
            "${}",
            "${5}",
            "${SHA:a}",
            "${SHA:1:b}",
            "${SHA:}",
            "${S HA}",
        ] {
            assert_eq!(bad(text), Error::Unsupported(text.into()));
        }
        assert_eq!(bad("${SHA"), Error::Unclosed);
        assert_eq!(bad("${NONE:-${SHA}"), Error::Unclosed);
    }

    proptest::proptest! {
        #[test]
        fn substitute_no_text_panics(text in r"(\$\{?|\}|SHA|WORD|NONE|EMPTY|[:#%/^,?*!&'-]|\[|\]|\\|[0-9a-z ü])*") {
            let _ = substitute(&text, &env());
        }
    }
}
