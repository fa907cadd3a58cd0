//! Trying again: which failures pass, how long to wait, when to stop. The wait doubles, with jitter so that a
//! matrix of jobs does not come back all at once, and gives way to what the server asks for in `Retry-After`.

use std::time::{Duration, SystemTime};

use backon::{ExponentialBuilder, Retryable};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::{Error, Options};
use crate::clock::Clock;
use crate::report::{Event, Events};

/// A failed attempt.
pub(super) struct Failure {
    pub(super) error: Error,
    again: Again,
}

enum Again {
    No,
    Later,
    /// At once: the cause has just been removed (a fresh login was fetched).
    Now,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let again = if error.is_passing() { Again::Later } else { Again::No };
        Failure { error, again }
    }
}

impl Failure {
    /// Worth another attempt, although the error itself does not say so.
    pub(super) fn later(error: Error) -> Self {
        Failure { error, again: Again::Later }
    }

    pub(super) fn now(error: Error) -> Self {
        Failure { error, again: Again::Now }
    }
}

/// A server that says nothing is not tried again after this time; each attempt costs whole minutes.
const SILENCE: Duration = Duration::from_secs(600);

/// Runs operations until they succeed, fail for good, or have been tried often enough.
#[derive(Clone)]
pub(super) struct Retry {
    attempts: usize,
    base: Duration,
    longest: Duration,
    clock: Clock,
    events: Events,
}

impl Retry {
    pub(super) fn new(options: &Options, clock: &Clock, events: &Events) -> Self {
        Retry {
            attempts: options.attempts.max(1),
            base: options.base_delay,
            longest: options.max_delay,
            clock: clock.clone(),
            events: events.clone(),
        }
    }

    pub(super) async fn run<T, F>(&self, mut operation: impl FnMut(usize) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut made = 0;
        let (clock, begin) = (self.clock.clone(), self.clock.now());
        let attempt = || {
            made += 1;
            operation(made)
        };
        let result = attempt
            .retry(self.waits())
            .sleep(move |wait| sleep(clock.clone(), wait))
            .when(|failure| self.may_go_on(failure, begin))
            .adjust(|failure, wait| self.adjust(failure, wait?))
            .notify(|failure, wait| self.tell(&failure.error, wait))
            .await;
        result.map_err(|failure| failure.error.tried(made))
    }

    fn may_go_on(&self, failure: &Failure, begin: SystemTime) -> bool {
        match (&failure.again, &failure.error) {
            (Again::No, _) => false,
            (_, Error::Silent { .. }) => self.clock.now().duration_since(begin).is_ok_and(|past| past < SILENCE),
            _ => true,
        }
    }

    fn waits(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.base)
            .with_max_delay(self.longest)
            .with_max_times(self.attempts - 1)
    }

    /// What the server asked for, unless that is longer than anyone should wait: then no further attempt is made.
    fn adjust(&self, failure: &Failure, wait: Duration) -> Option<Duration> {
        match (&failure.again, failure.error.asked_wait()) {
            (Again::Now, _) => Some(Duration::ZERO),
            (_, Some(asked)) if asked > self.longest => None,
            (_, Some(asked)) => Some(asked.max(self.base)),
            (_, None) => Some(wait),
        }
    }

    fn tell(&self, error: &Error, wait: Duration) {
        let text = error.to_string();
        let (what, why) = text.split_once(": ").unwrap_or(("request", &text));
        self.events.emit(Event::Retry { what: what.into(), why: why.into(), wait });
    }
}

async fn sleep(clock: Clock, wait: Duration) {
    if !wait.is_zero() {
        clock.sleep(wait).await
    }
}

/// Whether this status, or this code from the registry's error document, means "not now".
pub(super) fn is_passing(status: u16, code: &str) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504) || code == "TOOMANYREQUESTS"
}

/// `Retry-After`, in seconds or as a date.
pub(super) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(SystemTime::from(then).duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn failing(wait: Option<Duration>) -> Error {
        Error::Server { what: "sending".into(), status: 503, said: "HTTP 503".into(), attempts: 1, wait }
    }

    async fn run(clock: &Clock, wait: Option<Duration>) -> (usize, Error) {
        let retry = Retry::new(&Options::default(), clock, &Events::none());
        let made = Cell::new(0);
        let error = retry
            .run(|_| {
                made.set(made.get() + 1);
                async { Err::<(), _>(failing(wait).into()) }
            })
            .await
            .unwrap_err();
        (made.get(), error)
    }

    #[tokio::test]
    async fn retry_of_a_server_that_fails_for_ever_ends() {
        let start = SystemTime::UNIX_EPOCH;
        let clock = Clock::fake(start);
        let (made, error) = run(&clock, None).await;
        assert_eq!(made, 5);
        assert!(error.to_string().ends_with("5 attempts"), "{error}");
        let waited = clock.now().duration_since(start).unwrap();
        assert!(waited >= Duration::from_millis(7500) && waited <= Duration::from_secs(15), "{waited:?}");
    }

    #[tokio::test]
    async fn retry_after_is_obeyed_unless_it_is_too_long() {
        let start = SystemTime::UNIX_EPOCH;
        let clock = Clock::fake(start);
        run(&clock, Some(Duration::from_secs(7))).await;
        assert_eq!(clock.now().duration_since(start).unwrap(), Duration::from_secs(28));
        assert_eq!(run(&clock, Some(Duration::from_secs(3600))).await.0, 1);
    }

    #[test]
    fn retry_after_in_seconds_and_as_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_470);
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            asked_wait(&headers, now)
        };
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(read("Wed, 21 Oct 2015 07:27:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
    }
}
