//! AWS's time, as the `Date` of its answers tells it. Where this machine's clock is right, that is its own; where it is
//! off, AWS refuses what it signed until the SDK has learned the difference (each client of a service does, by one
//! refusal), and credentials seem to last for longer or shorter than they do. What is compared with AWS's moments is
//! compared by this time, and people are told once that their clock is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use jiff::{RoundMode, SignedDuration, SignedDurationRound, Unit};

use crate::clock::Clock;
use crate::report::Events;

/// Off by more than this is wrong. AWS bears five minutes; the SDK begins to correct at four.
const FAR: Duration = Duration::from_secs(240);

/// Cheap to clone; all clones learn together.
#[derive(Debug, Clone)]
pub(super) struct Time(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    /// Milliseconds by which AWS is ahead of this machine's clock.
    ahead: AtomicI64,
    told: AtomicBool,
}

impl Time {
    pub fn new(clock: Clock) -> Time {
        Time(Arc::new(Inner { clock, ahead: AtomicI64::new(0), told: AtomicBool::new(false) }))
    }

    pub fn now(&self) -> SystemTime {
        let (now, ahead) = (self.0.clock.now(), self.0.ahead.load(Ordering::Relaxed));
        let by = Duration::from_millis(ahead.unsigned_abs());
        if ahead < 0 { now.checked_sub(by) } else { now.checked_add(by) }.unwrap_or(now)
    }

    /// Learns from an answer to what was sent at `began`, by this machine's clock.
    pub fn learn(&self, response: &HttpResponse, began: SystemTime, events: &Events) {
        // A cache answers with a date of the past.
        let Some(date) = date(response).filter(|_| response.headers().get("age").is_none()) else { return };
        let took = self.0.clock.now().duration_since(began).unwrap_or_default();
        let ahead = difference(date, began + took / 2);
        let wrong = ahead.unsigned_abs() > FAR;
        self.0.ahead.store(if wrong { ahead.as_millis() as i64 } else { 0 }, Ordering::Relaxed);
        if wrong && !self.0.told.swap(true, Ordering::Relaxed) {
            let hint = "Set it: AWS refuses what is signed more than five minutes early or late. Until then dockless goes by AWS's time.";
            events.warn(text(ahead), Some(hint.into()));
        }
    }
}

/// The server's own time, to the second.
pub(super) fn date(response: &HttpResponse) -> Option<SystemTime> {
    let date = DateTime::from_str(response.headers().get("date")?, Format::HttpDate).ok()?;
    SystemTime::try_from(date).ok()
}

/// Whether a request with this `X-Amz-Date` was signed by a clock that agrees with the answer's: a refusal then has
/// other reasons.
pub(super) fn is_timely(signed: &str, response: &HttpResponse) -> bool {
    let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", signed).ok();
    let signed = signed.and_then(|signed| signed.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(SystemTime::from);
    let apart = signed.zip(date(response)).map(|(signed, date)| difference(date, signed).unsigned_abs());
    apart.is_some_and(|apart| apart <= FAR)
}

/// How much later `one` is.
fn difference(one: SystemTime, other: SystemTime) -> SignedDuration {
    SignedDuration::system_until(other, one).unwrap_or_default()
}

fn text(ahead: SignedDuration) -> String {
    let how = if ahead.is_positive() { "behind" } else { "ahead of" };
    let minutes = SignedDurationRound::new().smallest(Unit::Minute).mode(RoundMode::HalfExpand);
    let by = ahead.abs().round(minutes).unwrap_or_default();
    format!("this machine's clock is {by:#} {how} AWS's")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(date: &str) -> HttpResponse {
        let mut response = HttpResponse::new(200.try_into().unwrap(), aws_smithy_types::body::SdkBody::empty());
        response.headers_mut().insert("date", date.to_owned());
        response
    }

    const DATE: &str = "Fri, 02 Jan 2026 03:04:05 GMT";

    fn learned(seconds: i64) -> (Time, SystemTime) {
        let date = date(&response(DATE)).unwrap();
        let off = Duration::from_secs(seconds.unsigned_abs());
        let clock = Clock::fake(if seconds < 0 { date - off } else { date + off });
        let time = Time::new(clock.clone());
        time.learn(&response(DATE), clock.now(), &Events::none());
        (time, date)
    }

    #[test]
    fn time_is_awss_once_the_clock_is_far_off() {
        for seconds in [-3600, 3600, 100_000] {
            let (time, date) = learned(seconds);
            assert_eq!(time.now(), date, "{seconds}");
        }
        let (time, date) = learned(30);
        assert_eq!(time.now(), date + Duration::from_secs(30), "near enough");
    }

    #[test]
    fn time_of_a_cache_teaches_nothing() {
        let clock = Clock::fake(SystemTime::UNIX_EPOCH);
        let time = Time::new(clock.clone());
        let mut old = response(DATE);
        old.headers_mut().insert("age", "7");
        time.learn(&old, clock.now(), &Events::none());
        assert_eq!(time.now(), SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn signature_is_timely_within_four_minutes() {
        let timely = |signed: &str| is_timely(signed, &response(DATE));
        assert!(timely("20260102T030405Z") && timely("20260102T030800Z") && timely("20260102T030010Z"));
        assert!(!timely("20260102T040405Z") && !timely("20260102T020405Z") && !timely("yesterday"));
    }

    #[test]
    fn wrong_clock_is_told_in_words() {
        let told = |seconds: i64| text(SignedDuration::from_secs(seconds));
        assert_eq!(told(3601), "this machine's clock is 1h behind AWS's");
        assert_eq!(told(-3570), "this machine's clock is 1h ahead of AWS's");
        assert_eq!(told(5 * 3600 + 29 * 60), "this machine's clock is 5h 29m behind AWS's");
    }
}
