//! What must not be read in a build log. A value is taken for a secret if its name says so, or if it looks
//! like one: a private key, an AWS key id, a token with a well-known head, a URL with a password in it.

use serde_json::Value;

pub const MASK: &str = "***";

/// Words of a variable's name that mark its value as secret; `_`, `-` and changes of case part words.
const WORDS: [&str; 19] = [
    "password",
    "passwd",
    "pwd",
    "pass",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "tokens",
    "key",
    "apikey",
    "credential",
    "credentials",
    "auth",
    "authorization",
    "bearer",
    "private",
    "dsn",
    "cookie",
];

/// How values begin that are secrets whatever they are called.
const HEADS: [&str; 10] =
    ["-----BEGIN", "AKIA", "ASIA", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "eyJhbGciOi"];

/// Whether the value of this variable is kept out of logs: by its name, by its look, or for a secret somewhere in it.
pub fn is_secret(name: &str, value: &str) -> bool {
    looks_secret(name, value) || holds_secret(value)
}

/// Whether a single word is a secret, by the name before it or by its own look.
pub fn looks_secret(name: &str, value: &str) -> bool {
    says_secret(name) || HEADS.iter().any(|head| value.starts_with(head)) || has_password(value)
}

fn says_secret(name: &str) -> bool {
    words(name).iter().any(|word| WORDS.contains(&word.as_str()))
}

/// Connection strings, JSON, options and headers name what they hold: `Password=x;`, `"token": "x"`,
/// `-Dspring.datasource.password=x`, `Authorization: Bearer x`.
fn holds_secret(value: &str) -> bool {
    let quotes = ['"', '\'', '\\', ' '];
    let named = |(at, _): (usize, &str)| {
        let before = value[..at].trim_end_matches(quotes);
        let begin = before.rfind(|c: char| !c.is_alphanumeric() && !"._-".contains(c));
        let name = &before[begin.map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8))..];
        let rest = value[at + 1..].trim_start_matches(quotes);
        says_secret(name) && !rest.is_empty() && !rest.starts_with("//")
    };
    value.match_indices(['=', ':']).any(named)
}

/// Whether a word of a command is kept out of logs: `--token=abc` or a URL with a password in it.
pub fn is_secret_word(word: &str) -> bool {
    let (name, value) = word.split_once('=').unwrap_or(("", word));
    is_secret(name, value)
}

fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = c.is_lowercase();
        if c.is_alphanumeric() {
            words.last_mut().expect("never empty").extend(c.to_lowercase());
        }
    }
    words
}

/// `scheme://user:password@host`
fn has_password(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// A copy of a request body that may be shown. Masked at any depth are secret values of `environment` entries, of
/// labels and of a log driver's options (Splunk's token is one), and secret words of commands.
pub fn shown(body: &Value) -> Value {
    match body {
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), shown_member(name, value))).collect())
        }
        other => other.clone(),
    }
}

fn shown_member(name: &str, value: &Value) -> Value {
    match value {
        Value::Array(entries) if name == "environment" => entries.iter().map(shown_variable).collect(),
        Value::Array(words) if ["command", "entryPoint"].contains(&name) => words.iter().map(shown_word).collect(),
        Value::Object(members) if ["dockerLabels", "options"].contains(&name) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), shown_option(name, value))).collect())
        }
        other => shown(other),
    }
}

fn shown_word(word: &Value) -> Value {
    if word.as_str().is_some_and(is_secret_word) { MASK.into() } else { word.clone() }
}

fn shown_option(name: &str, value: &Value) -> Value {
    if value.as_str().is_some_and(|value| is_secret(name, value)) { MASK.into() } else { value.clone() }
}

fn shown_variable(entry: &Value) -> Value {
    let mut entry = entry.clone();
    let name = entry["name"].as_str().unwrap_or_default().to_owned();
    if let Some(value) = entry.get_mut("value")
        && is_secret(&name, value.as_str().unwrap_or_default())
    {
        *value = MASK.into();
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mask_by_name_or_by_value() {
        for (name, value) in [
            ("DB_PASSWORD", "x"),
            ("apiKey", "x"),
            ("NPM_TOKEN", "x"),
            ("DATABASE_URL", "postgres://app:hunter2@db/app"),
            ("X", "AKIAIOSFODNN7EXAMPLE"),
        ] {
            assert!(is_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("MONKEY", "banana"),
            ("VERSION", "v1"),
            ("URL", "https://host:80/a@b"),
            ("KEYBOARD", "x"),
            ("AUTHOR", "x"),
        ] {
            assert!(!is_secret(name, value), "{name}");
        }
    }

    #[test]
    fn mask_by_what_a_value_names_within() {
        for value in [
            "Server=db;User=app;Password=hunter2;",
            r#"{"user": "app", "password": "hunter2"}"#,
            r#"{\"apiKey\":\"x\"}"#,
            "-Xmx1g -Dspring.datasource.password=x",
            "Authorization: Bearer abcdef",
            "https://host/hook?token=x",
        ] {
            assert!(is_secret("X", value), "{value}");
        }
        for value in ["-Xmx1g -Dmode=fast", r#"{"user": "app"}"#, "https://host:80/a", "keyboard=x", "password=", "é=1"]
        {
            assert!(!is_secret("X", value), "{value}");
        }
    }

    #[test]
    fn shown_body_masks_words_of_commands_labels_and_options() {
        let body = json!({"containerDefinitions": [{"command": ["run", "--token=abc", "--mode=fast"],
            "dockerLabels": {"api-key": "abc", "team": "web"},
            "logConfiguration": {"logDriver": "splunk", "options": {"splunk-token": "abc", "splunk-url": "https://x"}}}]});
        let shown = shown(&body).to_string();
        assert!(!shown.contains("abc"), "{shown}");
        for kept in ["run", "--mode=fast", "\"team\":\"web\"", "https://x"] {
            assert!(shown.contains(kept), "{kept} in {shown}");
        }
    }

    #[test]
    fn shown_body_masks_only_environment_values() {
        let body = json!({"containerDefinitions": [{"name": "web", "environment": [
            {"name": "TOKEN", "value": "abc"}, {"name": "V", "value": "1"}],
            "secrets": [{"name": "KEY", "valueFrom": "arn"}]}]});
        let shown = shown(&body);
        assert_eq!(shown["containerDefinitions"][0]["environment"][0]["value"], "***");
        assert_eq!(shown["containerDefinitions"][0]["environment"][1]["value"], "1");
        assert_eq!(shown["containerDefinitions"][0]["secrets"], body["containerDefinitions"][0]["secrets"]);
    }
}
