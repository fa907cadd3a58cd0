//! A clock that is wrong, seen from outside. Within, the sandbox goes by the right time; to a request that meets the
//! effect `clock`, it speaks as a server would whose clock is so many seconds ahead: the moments of its answers are
//! moved by that much, those of the question are moved back, and the signature's age is told by that clock. To a
//! client this is the same as a clock of its own that is wrong the other way, which is the common case.

use jiff::Timestamp;
use serde_json::Value;

/// Seconds ahead of the right time; behind it, if negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skew(i64);

/// In what a document counts its moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    /// CloudWatch Logs.
    Milliseconds,
}

impl Skew {
    /// No larger, either way: a century is enough for any clock.
    pub const MOST: i64 = 100 * 366 * 86_400;

    pub fn new(ahead: i64) -> Self {
        Skew(ahead)
    }

    pub fn is_none(self) -> bool {
        self == Skew::default()
    }

    /// What the wrong clock shows at this moment, in seconds.
    pub fn shown(self, now: f64) -> f64 {
        now + self.0 as f64
    }

    /// The value of a `Date` header.
    pub fn date(self, now: f64) -> String {
        let date = Timestamp::from_second(self.shown(now) as i64).unwrap_or_default();
        date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// An answer's moments, on their way out.
    pub fn tell(self, answer: &mut Value, unit: Unit) {
        self.shift(answer, self.0 * unit.per_second());
    }

    /// A question's moments, on their way in.
    pub fn hear(self, question: &mut Value, unit: Unit) {
        self.shift(question, -self.0 * unit.per_second());
    }

    fn shift(self, document: &mut Value, by: i64) {
        match document {
            _ if self.is_none() => {}
            Value::Array(list) => list.iter_mut().for_each(|one| self.shift(one, by)),
            Value::Object(members) => members.iter_mut().for_each(|(name, value)| match is_moment(name) {
                true => move_all(value, by),
                false => self.shift(value, by),
            }),
            _ => {}
        }
    }
}

impl Unit {
    pub fn of(service: &str) -> Self {
        if service == "logs" { Unit::Milliseconds } else { Unit::Seconds }
    }

    fn per_second(self) -> i64 {
        match self {
            Unit::Seconds => 1,
            Unit::Milliseconds => 1000,
        }
    }
}

/// How the services that are here name their moments: `createdAt`, `startTime`, `timestamp`, `CreationDate`; ranges
/// of them are objects (`createdAt.after`, `createTimeRange.start`).
fn is_moment(name: &str) -> bool {
    ["At", "Time", "Date", "imestamp", "TimeRange"].iter().any(|end| name.ends_with(end))
}

/// A number is a moment; so are those of a range. Anything else only has a name like one.
fn move_all(value: &mut Value, by: i64) {
    match value {
        Value::Number(moment) => {
            let whole = moment.as_i64().map(|moment| Value::from(moment + by));
            *value = whole.or_else(|| Some(Value::from(moment.as_f64()? + by as f64))).unwrap_or_default();
        }
        Value::Object(range) => range.values_mut().filter(|one| one.is_number()).for_each(|one| move_all(one, by)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_are_moved_wherever_they_are() {
        let mut answer = json!({ "services": [{ "createdAt": 1_700_000_000.25, "desiredCount": 2, "events": [
            { "createdAt": 1_700_000_001, "message": "steady" }] }], "bakeTimeInMinutes": 5, "startedAt": null });
        Skew::new(3600).tell(&mut answer, Unit::Seconds);
        assert_eq!(answer["services"][0]["createdAt"], 1_700_003_600.25);
        assert_eq!(answer["services"][0]["events"][0]["createdAt"], 1_700_003_601);
        assert_eq!((&answer["bakeTimeInMinutes"], &answer["startedAt"]), (&json!(5), &Value::Null));
        assert_eq!(answer["services"][0]["desiredCount"], 2);
    }

    #[test]
    fn questions_are_moved_back_ranges_and_milliseconds_as_well() {
        let skew = Skew::new(-60);
        let mut question = json!({ "createdAt": { "after": 100 }, "createTimeRange": { "start": 200.5 } });
        skew.hear(&mut question, Unit::Seconds);
        assert_eq!(question, json!({ "createdAt": { "after": 160 }, "createTimeRange": { "start": 260.5 } }));
        let mut question = json!({ "startTime": 1_700_000_000_000_i64, "limit": 5 });
        skew.hear(&mut question, Unit::of("logs"));
        assert_eq!(question, json!({ "startTime": 1_700_000_060_000_i64, "limit": 5 }));
    }

    #[test]
    fn date_is_the_wrong_clocks() {
        assert_eq!(Skew::new(0).date(784_111_777.9), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(Skew::new(3600).date(784_111_777.0), "Sun, 06 Nov 1994 09:49:37 GMT");
    }
}
