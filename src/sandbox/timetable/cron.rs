//! AWS's cron: minutes, hours, day of month, month, day of week, year. One of the two days is `?`, the other says which
//! days are meant: `L` is the last one, `15W` the working day nearest to the 15th, `6L` the last Friday, `2#1` the
//! first Monday. Sunday is 1. Names of months and days may be written in any case.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::expression::moment;
use super::field::{Set, number, parse};

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEK: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// The guide names 2199 as the last year; PutRule takes later ones too.
const YEARS: (u16, u16) = (1970, 9999);

#[derive(Debug, Clone, PartialEq)]
pub struct Cron {
    minutes: Set,
    hours: Set,
    days: Days,
    months: Set,
    years: Set,
}

#[derive(Debug, Clone, PartialEq)]
enum Days {
    OfMonth(Vec<MonthDay>),
    OfWeek(Vec<WeekDay>),
}

#[derive(Debug, Clone, PartialEq)]
enum MonthDay {
    In(Set),
    Last,
    /// The working day nearest to this one, within the month.
    Near(u16),
}

#[derive(Debug, Clone, PartialEq)]
enum WeekDay {
    In(Set),
    /// The last of its kind in the month.
    Last(u16),
    /// Day, and which of its kind in the month.
    Nth(u16, u16),
}

impl Cron {
    pub fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, of_month, month, of_week, year] = fields[..] else { return None };
        let days = match (of_month, of_week) {
            ("?", "?") => return None,
            (days, "?") => Days::OfMonth(days.split(',').map(MonthDay::parse).collect::<Option<_>>()?),
            ("?", days) => Days::OfWeek(days.split(',').map(WeekDay::parse).collect::<Option<_>>()?),
            _ => return None,
        };
        Some(Cron {
            minutes: parse(minutes, (0, 59), &[])?,
            hours: parse(hours, (0, 23), &[])?,
            days,
            months: parse(month, (1, 12), &MONTHS)?,
            years: parse(year, YEARS, &[])?,
        })
    }

    /// The first moment after `after`, if there is one at all.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let first = after.to_zoned(zone.clone()).datetime();
        let mut day = first.date();
        loop {
            day = self.day(day)?;
            let times = self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (hour, minute)));
            let moments = times.filter_map(|(hour, minute)| {
                let time = Time::new(hour as i8, minute as i8, 0, 0).ok()?;
                moment(day.to_datetime(time), zone)
            });
            // On a day when clocks are put back, a later wall time may be the earlier moment.
            if let Some(next) = moments.filter(|moment| *moment > after).min() {
                return Some(next);
            }
            day = day.tomorrow().ok()?;
        }
    }

    /// The first day from this one on that fits.
    fn day(&self, mut day: Date) -> Option<Date> {
        loop {
            if !self.years.has(day.year() as u16) {
                let year = self.years.iter().find(|year| *year > day.year() as u16)?;
                day = Date::new(year as i16, 1, 1).ok()?;
            } else if !self.months.has(day.month() as u16) {
                day = day.first_of_month().checked_add(1.month()).ok()?;
            } else if self.days.fit(day) {
                return Some(day);
            } else {
                day = day.tomorrow().ok()?;
            }
        }
    }
}

impl Days {
    fn fit(&self, day: Date) -> bool {
        match self {
            Days::OfMonth(days) => days.iter().any(|one| one.fits(day)),
            Days::OfWeek(days) => days.iter().any(|one| one.fits(day)),
        }
    }
}

impl MonthDay {
    fn parse(text: &str) -> Option<Self> {
        if text == "L" {
            return Some(MonthDay::Last);
        }
        match text.strip_suffix('W') {
            Some(day) => number(day, (1, 31), &[]).map(MonthDay::Near),
            None => parse(text, (1, 31), &[]).map(MonthDay::In),
        }
    }

    fn fits(&self, day: Date) -> bool {
        match self {
            MonthDay::In(set) => set.has(day.day() as u16),
            MonthDay::Last => day == day.last_of_month(),
            MonthDay::Near(wanted) => near(day, *wanted).is_some_and(|near| near == day),
        }
    }
}

/// A Saturday gives way to the Friday before, a Sunday to the Monday after, unless that leaves the month.
fn near(month: Date, wanted: u16) -> Option<Date> {
    let day = Date::new(month.year(), month.month(), wanted as i8).ok()?;
    let shift = match (weekday(day), day == day.first_of_month(), day == day.last_of_month()) {
        (7, true, _) => 2,
        (7, ..) => -1,
        (1, _, true) => -2,
        (1, ..) => 1,
        _ => 0,
    };
    day.checked_add(shift.days()).ok()
}

impl WeekDay {
    fn parse(text: &str) -> Option<Self> {
        if let Some((day, which)) = text.split_once('#') {
            return Some(WeekDay::Nth(number(day, (1, 7), &WEEK)?, number(which, (1, 5), &[])?));
        }
        match text.strip_suffix('L') {
            Some("") => Some(WeekDay::In(parse("7", (1, 7), &[])?)),
            Some(day) => number(day, (1, 7), &WEEK).map(WeekDay::Last),
            None => parse(text, (1, 7), &WEEK).map(WeekDay::In),
        }
    }

    fn fits(&self, day: Date) -> bool {
        let which = (day.day() as u16 - 1) / 7 + 1;
        match self {
            WeekDay::In(set) => set.has(weekday(day)),
            WeekDay::Last(wanted) => weekday(day) == *wanted && day.day() > day.days_in_month() - 7,
            WeekDay::Nth(wanted, nth) => weekday(day) == *wanted && which == *nth,
        }
    }
}

/// 1 is Sunday.
fn weekday(day: Date) -> u16 {
    day.weekday().to_sunday_one_offset() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first occurrences after the beginning of 2026, a Thursday.
    fn three(text: &str) -> Vec<String> {
        let cron = Cron::parse(text).unwrap_or_else(|| panic!("{text}"));
        let mut after: Timestamp = "2025-12-31T23:59:59Z".parse().unwrap();
        let mut next = || {
            after = cron.next(after, &TimeZone::UTC)?;
            Some(after.strftime("%y-%m-%d %H:%M").to_string())
        };
        (0..3).map_while(|_| next()).collect()
    }

    #[test]
    fn cron_finds_the_times_of_a_day() {
        assert_eq!(three("0/20 8 * * ? *"), ["26-01-01 08:00", "26-01-01 08:20", "26-01-01 08:40"]);
        assert_eq!(three("0 10,22 * * ? *"), ["26-01-01 10:00", "26-01-01 22:00", "26-01-02 10:00"]);
        assert_eq!(three("*/30 0 1 1 ? 2027"), ["27-01-01 00:00", "27-01-01 00:30"]);
    }

    #[test]
    fn cron_finds_the_days_of_a_week() {
        assert_eq!(three("0 8 ? * MON-FRI *"), ["26-01-01 08:00", "26-01-02 08:00", "26-01-05 08:00"]);
        assert_eq!(three("0 0 ? * sun *"), ["26-01-04 00:00", "26-01-11 00:00", "26-01-18 00:00"]);
        assert_eq!(three("0 0 ? * 6L *"), ["26-01-30 00:00", "26-02-27 00:00", "26-03-27 00:00"]);
        assert_eq!(three("0 0 ? * 2#1 *"), ["26-01-05 00:00", "26-02-02 00:00", "26-03-02 00:00"]);
        assert_eq!(three("0 0 ? * L *"), ["26-01-03 00:00", "26-01-10 00:00", "26-01-17 00:00"]);
        assert_eq!(three("0 0 ? * FRI-MON *"), ["26-01-02 00:00", "26-01-03 00:00", "26-01-04 00:00"]);
    }

    #[test]
    fn cron_finds_the_days_of_a_month() {
        assert_eq!(three("0 0 L * ? *"), ["26-01-31 00:00", "26-02-28 00:00", "26-03-31 00:00"]);
        assert_eq!(three("0 0 1W * ? *"), ["26-01-01 00:00", "26-02-02 00:00", "26-03-02 00:00"]);
        assert_eq!(three("0 0 31W * ? *"), ["26-01-30 00:00", "26-03-31 00:00", "26-05-29 00:00"]);
        assert_eq!(three("0 0 29 2 ? *"), ["28-02-29 00:00", "32-02-29 00:00", "36-02-29 00:00"]);
    }

    #[test]
    fn cron_that_never_comes_has_no_next() {
        assert!(three("0 0 31 2 ? *").is_empty());
        assert!(three("0 0 1 1 ? 2020-2025").is_empty());
    }

    #[test]
    fn cron_that_aws_refuses_is_refused() {
        for text in [
            "0 8 * * * *",
            "0 8 ? * ? *",
            "60 8 * * ? *",
            "0 24 * * ? *",
            "0 8 0 * ? *",
            "0 8 * 13 ? *",
            "0 8 ? * 8 *",
            "0 8 * * ?",
            "0 8 * * ? 1969",
            "0#1 8 * * ? *",
            "0 8 ? * 2#6 *",
            "5-1 8 * * ? *",
            "0/0 8 * * ? *",
            "a 8 * * ? *",
        ] {
            assert_eq!(Cron::parse(text), None, "{text}");
        }
    }
}
