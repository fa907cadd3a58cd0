//! Schedule expressions of EventBridge and of EventBridge Scheduler: `rate(5 minutes)`, `cron(0 8 ? * MON-FRI *)` and,
//! for Scheduler alone, `at(2026-12-24T18:00:00)`. Rules count in UTC; a schedule may name a time zone.
//! (EventBridge user guide, "cron expressions", "rate expressions"; Scheduler user guide, "schedule types".)

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::cron::Cron;

#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Rate(SignedDuration),
    Cron(Box<Cron>),
    At(DateTime),
}

impl Expression {
    /// None if AWS would not take it either.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('(')?;
        let inner = rest.strip_suffix(')')?;
        match kind {
            "rate" => rate(inner).map(Expression::Rate),
            "cron" => Cron::parse(inner).map(|cron| Expression::Cron(Box::new(cron))),
            "at" => inner.parse().ok().filter(|_| inner.contains('T')).map(Expression::At),
            _ => None,
        }
    }

    /// The first occurrence after `after`. A rate counts from `origin`.
    pub fn next(&self, origin: Timestamp, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Expression::Rate(every) => {
                let passed = after.duration_since(origin).as_secs().max(0) / every.as_secs();
                origin.checked_add(every.checked_mul(i32::try_from(passed + 1).ok()?)?).ok()
            }
            Expression::Cron(cron) => cron.next(after, zone),
            Expression::At(when) => moment(*when, zone).filter(|at| *at > after),
        }
    }
}

/// Scheduler skips a time that daylight saving leaves out, and takes the first of two that it repeats.
pub fn moment(when: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(when);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => None,
        _ => ambiguous.earlier().ok(),
    }
}

/// The unit is singular for 1 and plural for more, or AWS refuses it.
fn rate(inner: &str) -> Option<SignedDuration> {
    let (number, unit) = inner.trim().split_once(' ')?;
    let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
    let seconds = match (number, unit.trim()) {
        (1, "minute") | (2.., "minutes") => 60,
        (1, "hour") | (2.., "hours") => 3600,
        (1, "day") | (2.., "days") => 86400,
        _ => return None,
    };
    number.checked_mul(seconds).map(SignedDuration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(text: &str, after: &str, zone: &str) -> Option<String> {
        let after = after.parse().unwrap();
        let zone = TimeZone::get(zone).unwrap();
        Expression::parse(text).unwrap().next(after, after, &zone).map(|next| next.to_string())
    }

    #[test]
    fn rate_counts_from_its_origin() {
        let (origin, late) = ("2026-01-01T00:00:30Z".parse().unwrap(), "2026-01-01T00:11:00Z".parse().unwrap());
        let five = Expression::parse("rate(5 minutes)").unwrap();
        assert_eq!(five.next(origin, late, &TimeZone::UTC).unwrap().to_string(), "2026-01-01T00:15:30Z");
        assert_eq!(five.next(origin, origin, &TimeZone::UTC).unwrap().to_string(), "2026-01-01T00:05:30Z");
    }

    #[test]
    fn at_is_once_and_in_its_zone() {
        let at = "at(2026-07-01T09:00:00)";
        assert_eq!(next(at, "2026-01-01T00:00:00Z", "Europe/Berlin").unwrap(), "2026-07-01T07:00:00Z");
        assert_eq!(next(at, "2026-07-01T07:00:00Z", "Europe/Berlin"), None);
    }

    #[test]
    fn daylight_saving_skips_what_is_not_and_takes_the_first_of_two() {
        let half_past_two = "cron(30 2 * * ? *)";
        assert_eq!(next(half_past_two, "2026-03-28T12:00:00Z", "Europe/Berlin").unwrap(), "2026-03-30T00:30:00Z");
        assert_eq!(next(half_past_two, "2026-10-24T12:00:00Z", "Europe/Berlin").unwrap(), "2026-10-25T00:30:00Z");
        assert_eq!(next(half_past_two, "2026-10-25T00:30:00Z", "Europe/Berlin").unwrap(), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn expression_that_aws_refuses_is_refused() {
        for text in [
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(0 minutes)",
            "rate(30 seconds)",
            "rate(-1 days)",
            "rate(1)",
            "cron(* * * * *)",
            "at(2026-07-01)",
            "at(noon)",
            "every(5 minutes)",
            "rate(5 minutes",
            "",
        ] {
            assert_eq!(Expression::parse(text), None, "{text}");
        }
    }
}
