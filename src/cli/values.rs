//! The kinds of values that flags take, and how they are read.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Text that holds a small language of its own. Its variables are replaced after it has been taken apart, so that
/// what they hold is never read as part of the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub String);

impl From<String> for Template {
    fn from(text: String) -> Self {
        Template(text)
    }
}

/// `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub name: String,
    pub value: String,
}

impl From<String> for Pair {
    fn from(text: String) -> Self {
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        Pair { name: name.into(), value: value.into() }
    }
}

/// When an image says that it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// When it is built; such an image is never the same twice.
    Now,
    At(Timestamp),
}

/// `true`, `false`, `1`, `0`: CI systems write booleans in each of these ways.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("wanted true, false, 1 or 0".into()),
    }
}

/// `90` (seconds), `90s`, `10m`, `1h30m`.
pub fn period(text: &str) -> Result<Duration, String> {
    let refuse = || "wanted a time longer than zero, like 90, 90s, 10m or 1h30m".to_owned();
    let period = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => text.parse::<SignedDuration>().ok().and_then(|d| d.try_into().ok()).ok_or_else(refuse)?,
    };
    if period.is_zero() { Err(refuse()) } else { Ok(period) }
}

/// `now`, milliseconds since 1970, or ISO 8601 with an offset.
pub fn created(text: &str) -> Result<Created, String> {
    if text.eq_ignore_ascii_case("now") {
        return Ok(Created::Now);
    }
    let at = match text.parse::<i64>() {
        Ok(millis) => Timestamp::from_millisecond(millis),
        Err(_) => text.parse(),
    };
    at.map(Created::At).map_err(|_| "wanted now, milliseconds since 1970, or 2026-01-31T12:00:00Z".into())
}

/// `8080`, `8080/udp`, `8000-8003/tcp`; as an image writes it, one port a text: `8080/tcp`.
pub fn ports(text: &str) -> Result<Vec<String>, String> {
    let refuse = || "wanted PORT[-PORT][/tcp|/udp]".to_owned();
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(refuse);
    let (first, last) = (number(first)?, number(last)?);
    if first > last || !["tcp", "udp", "sctp"].contains(&protocol) {
        return Err(refuse());
    }
    Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switch_in_all_spellings() {
        for (text, wanted) in [("true", true), ("TRUE", true), ("1", true), ("False", false), ("0", false)] {
            assert_eq!(switch(text), Ok(wanted), "{text}");
        }
        assert!(switch("yes").is_err() && switch("").is_err());
    }

    #[test]
    fn period_in_all_spellings() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1h 30m", 5400), ("2h", 7200)]
        {
            assert_eq!(period(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "0", "0s", "-5", "-5m", "5 apples", "m"] {
            assert!(period(text).is_err(), "{text}");
        }
    }

    #[test]
    fn created_in_all_spellings() {
        let at = |text: &str| {
            created(text).map(|created| match created {
                Created::At(at) => at.to_string(),
                Created::Now => "now".into(),
            })
        };
        assert_eq!(at("now").unwrap(), "now");
        assert_eq!(at("0").unwrap(), "1970-01-01T00:00:00Z");
        assert_eq!(at("1500").unwrap(), "1970-01-01T00:00:01.5Z");
        assert_eq!(at("2026-01-31T12:00:00+01:00").unwrap(), "2026-01-31T11:00:00Z");
        assert!(at("yesterday").is_err());
    }

    #[test]
    fn ports_in_all_forms() {
        assert_eq!(ports("8080").unwrap(), ["8080/tcp"]);
        assert_eq!(ports("53-54/udp").unwrap(), ["53/udp", "54/udp"]);
        for text in ["0", "http", "80/icmp", "90-80", "65536", ""] {
            assert!(ports(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pair_value_may_hold_equals_signs() {
        let pair = Pair::from("URL=https://x?a=b".to_owned());
        assert_eq!((pair.name.as_str(), pair.value.as_str()), ("URL", "https://x?a=b"));
    }
}
