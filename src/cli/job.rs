//! A run and what may end it early: an interrupt, the CI system's request to stop, the limit of `--timeout`.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::error::Error;
use super::exit::{Done, Failure};
use crate::clock::Clock;
use crate::config::{Env, Settings};
use crate::deploy::Halts;
use crate::report::Events;

/// What a run is handed. It passes on to each step what that step uses.
pub struct Job {
    pub settings: Settings,
    /// For the variables in a `Template`.
    pub env: Env,
    pub events: Events,
    pub clock: Clock,
}

/// Runs `work` until it is done, interrupted or out of time. Work that is let go leaves nothing half-written: files
/// come into being by a rename, and what AWS has been asked for is whole.
///
/// The end is looked at first: an interrupt that is there already ends the run before it begins.
pub async fn guard(work: impl Future<Output = Result<Done, Failure>>, job: &Job) -> Result<Done, Failure> {
    tokio::select! {
        biased;
        why = early_end(job) => Err(why.into()),
        done = work => done,
    }
}

/// Why a run is to end before it is done, as soon as it is.
pub async fn early_end(job: &Job) -> Error {
    tokio::select! {
        () = unminded() => Error::Interrupted { untouched: SIGNS.untouched() },
        limit = late(job) => Error::TimedOut { limit, untouched: SIGNS.untouched() },
    }
}

/// What the work minds it is told of, and given time for.
const GRACE: Duration = Duration::from_secs(60);

async fn late(job: &Job) -> Duration {
    let Some(limit) = job.settings.timeout else { return std::future::pending().await };
    job.clock.sleep(limit).await;
    if SIGNS.time_is_up() {
        job.clock.sleep(GRACE).await;
    }
    limit
}

/// What came to this process: interrupts and the end of its time, and whether the work minds them. One place counts
/// them, so none falls between those who wait for it: whoever asks late is told all the same.
#[derive(Default)]
struct Signs {
    minded: AtomicBool,
    interrupts: watch::Sender<u32>,
    late: watch::Sender<bool>,
    /// What was not done yet.
    untouched: Mutex<Option<&'static str>>,
}

static SIGNS: LazyLock<Signs> = LazyLock::new(Signs::default);

impl Signs {
    fn is_minded(&self) -> bool {
        self.minded.load(Ordering::SeqCst)
    }

    /// One more interrupt came. Does it end the run? The first one does not while the work minds it.
    fn came(&self) -> bool {
        self.interrupts.send_modify(|count| *count += 1);
        *self.interrupts.borrow() > 1 || !self.is_minded()
    }

    /// Tells the work, if it minds: then the run has some time left.
    fn time_is_up(&self) -> bool {
        let minded = self.is_minded();
        self.late.send_replace(minded);
        minded
    }

    fn untouched(&self) -> Option<&'static str> {
        *self.untouched.lock().expect("a word")
    }

    fn halts(&self) -> Halts {
        let (mut interrupts, mut late) = (self.interrupts.subscribe(), self.late.subscribe());
        let interrupt = async move { drop(interrupts.wait_for(|count| *count > 0).await) };
        Halts::new(interrupt, async move { drop(late.wait_for(|late| *late).await) })
    }
}

/// What an early end may say of the work while nothing has had an effect: "nothing was deployed".
pub fn untouched(what: &'static str) {
    *SIGNS.untouched.lock().expect("a word") = Some(what);
}

/// While there is one, the work itself minds the first interrupt and the limit of the run: it says what goes on without
/// it, or takes it back. Signals are sent to the process, and so this holds for the process.
pub struct Minding;

impl Minding {
    /// From here on the work has effects.
    pub fn begin() -> Self {
        SIGNS.minded.store(true, Ordering::SeqCst);
        *SIGNS.untouched.lock().expect("a word") = None;
        Minding
    }

    /// The first interrupt, whether it is still to come or came before anybody minded it, and the end of the time.
    pub fn halts(&self) -> Halts {
        SIGNS.halts()
    }
}

impl Drop for Minding {
    fn drop(&mut self) {
        SIGNS.minded.store(false, Ordering::SeqCst);
    }
}

/// The first interrupt that the work does not mind, or the second one. Ctrl-C is one, and so is the signal by which
/// CI systems end a job.
async fn unminded() {
    let kinds = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = kinds else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if SIGNS.came() {
            return;
        }
    }
}

pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::Runtime)?;
    let done = runtime.block_on(work);
    runtime.shutdown_background(); // a thread that still packs a layer is not waited for
    done
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::SystemTime;

    use super::*;
    use crate::config::Given;
    use crate::deploy::Halt;

    fn job(timeout: Option<Duration>) -> Job {
        let settings = Settings::resolve(Given { timeout, ..Given::default() }, &Env::default()).unwrap();
        let clock = Clock::fake(SystemTime::UNIX_EPOCH);
        Job { settings, env: Env::default(), events: Events::none(), clock }
    }

    #[tokio::test]
    async fn guard_out_of_time_is_exit_code_6() {
        let failure = guard(pending(), &job(Some(Duration::from_secs(600)))).await.unwrap_err();
        assert_eq!(
            (failure.code, failure.shown.message.as_str()),
            (6, "not done after 10m, the limit that --timeout set")
        );
    }

    /// A signal may be noticed in the very moment in which the work begins to mind it.
    #[tokio::test]
    async fn interrupt_that_came_before_the_work_asks_is_told() {
        let signs = Signs::default();
        let asked_before = signs.halts();
        signs.minded.store(true, Ordering::SeqCst);
        assert!(!signs.came(), "the work minds it");
        assert_eq!(asked_before.first().await, Halt::Interrupted);
        assert_eq!(signs.halts().first().await, Halt::Interrupted);
        assert!(signs.came(), "the second one ends the run");
    }

    #[tokio::test]
    async fn interrupt_that_nobody_minds_ends_the_run() {
        assert!(Signs::default().came());
    }

    #[tokio::test]
    async fn time_that_is_up_is_told_to_work_that_minds_it() {
        let signs = Signs::default();
        assert!(!signs.time_is_up() && !signs.halts().is_time_up(), "the run ends at once");
        signs.minded.store(true, Ordering::SeqCst);
        assert!(signs.time_is_up(), "the run waits for the last words");
        assert_eq!(signs.halts().first().await, Halt::TimeUp);
    }

    #[tokio::test]
    async fn guard_lets_finished_work_through() {
        let work = async { Err(Error::Conflict("x".into()).into()) };
        assert_eq!(guard(work, &job(Some(Duration::from_secs(1)))).await.unwrap_err().code, 2);
    }
}
