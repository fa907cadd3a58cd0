//! Where an entry of the timetable stands. Its calendar begins at the present time when the entry is made, changed or
//! enabled, and from there runs `speed` times as fast: at the sandbox's fast clock a minute of a schedule is a second,
//! as it is for a bake time of ECS.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Expression;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Course {
    expression: String,
    zone: String,
    /// When its calendar began; epoch seconds, as all that follows.
    since: f64,
    /// Calendar time before which nothing happens, and at which it ends.
    start: Option<f64>,
    end: Option<f64>,
    /// Calendar time of the next occurrence.
    next: Option<f64>,
}

impl Course {
    /// None if the expression or the zone is not one.
    pub fn begin(expression: &str, zone: &str, start: Option<f64>, end: Option<f64>, now: f64) -> Option<Self> {
        let (expression, zone) = (expression.to_owned(), zone.to_owned());
        let mut course = Course { expression, zone, since: now, start, end, next: None };
        course.parts()?;
        course.next = course.after(now);
        Some(course)
    }

    fn parts(&self) -> Option<(Expression, TimeZone)> {
        Some((Expression::parse(&self.expression)?, TimeZone::get(&self.zone).ok()?))
    }

    /// A rate with a start date counts from it, and its first occurrence is the start itself (Scheduler user guide).
    fn after(&self, calendar: f64) -> Option<f64> {
        let (expression, zone) = self.parts()?;
        let origin = self.start.unwrap_or(self.since);
        let first = matches!(expression, Expression::Rate(_)) && self.start.is_some() && calendar < origin;
        let next = match first {
            true => origin,
            false => {
                let from = stamp(calendar.max(self.start.unwrap_or(calendar)))?;
                expression.next(stamp(origin)?, from, &zone)?.as_second() as f64
            }
        };
        self.end.is_none_or(|end| next <= end).then_some(next)
    }

    /// When the next occurrence comes, in true time.
    pub fn due(&self, speed: f64) -> Option<f64> {
        self.next.map(|next| self.since + (next - self.since) / speed)
    }

    /// The course once what is due by `now` has happened: what was missed in between does not come again.
    pub fn moved_on(&self, now: f64, speed: f64) -> Self {
        let calendar = self.since + (now - self.since) * speed;
        Course { next: self.after(calendar.max(self.next.unwrap_or(calendar))), ..self.clone() }
    }

    pub fn is_over(&self) -> bool {
        self.next.is_none()
    }
}

fn stamp(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_second(seconds as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01T00:00:00Z
    const NEW_YEAR: f64 = 1_767_225_600.0;

    fn begin(expression: &str, start: Option<f64>) -> Course {
        Course::begin(expression, "UTC", start, None, NEW_YEAR).unwrap()
    }

    #[test]
    fn course_runs_as_fast_as_the_clock() {
        let course = begin("rate(5 minutes)", None);
        assert_eq!((course.due(1.0), course.due(60.0)), (Some(NEW_YEAR + 300.0), Some(NEW_YEAR + 5.0)));
        let later = course.moved_on(NEW_YEAR + 5.0, 60.0);
        assert_eq!(later.due(60.0), Some(NEW_YEAR + 10.0));
    }

    #[test]
    fn course_does_not_make_up_for_what_was_missed() {
        let later = begin("rate(1 minute)", None).moved_on(NEW_YEAR + 3600.5, 1.0);
        assert_eq!(later.due(1.0), Some(NEW_YEAR + 3660.0));
    }

    #[test]
    fn course_of_a_single_time_ends() {
        let course = begin("at(2026-01-01T10:00:00)", None);
        assert_eq!(course.due(3600.0), Some(NEW_YEAR + 10.0));
        assert!(course.moved_on(NEW_YEAR + 10.0, 3600.0).is_over());
    }

    #[test]
    fn course_keeps_within_its_dates() {
        let (start, end) = (NEW_YEAR + 90.0, NEW_YEAR + 200.0);
        let course = Course::begin("rate(1 minute)", "UTC", Some(start), Some(end), NEW_YEAR).unwrap();
        assert_eq!(course.due(1.0), Some(start));
        let second = course.moved_on(start, 1.0);
        assert_eq!(second.due(1.0), Some(start + 60.0));
        assert!(second.moved_on(start + 60.0, 1.0).is_over());
    }

    #[test]
    fn course_of_nonsense_is_none() {
        assert!(Course::begin("rate(x)", "UTC", None, None, NEW_YEAR).is_none());
        assert!(Course::begin("rate(1 day)", "Mars/Olympus", None, None, NEW_YEAR).is_none());
    }
}
