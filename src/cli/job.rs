//! A run and what may end it early: an interrupt, the CI system's request to stop, the limit of `--timeout`.

use std::future::Future;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::error::Error;
use super::exit::{Done, Failure};
use crate::clock::Clock;
use crate::config::{Env, Settings};
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
    let late = async {
        match job.settings.timeout {
            Some(limit) => {
                job.clock.sleep(limit).await;
                limit
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = unminded() => Error::Interrupted,
        limit = late => Error::TimedOut(limit),
    }
}

/// The interrupts of this process, and whether the work minds the first of them. One place counts them, so none falls
/// between those who wait for it: whoever asks late is told all the same.
#[derive(Default)]
struct Interrupts {
    minded: AtomicBool,
    count: watch::Sender<u32>,
}

static INTERRUPTS: LazyLock<Interrupts> = LazyLock::new(Interrupts::default);

impl Interrupts {
    /// One more came. Does it end the run? The first one does not while the work minds it.
    fn came(&self) -> bool {
        self.count.send_modify(|count| *count += 1);
        *self.count.borrow() > 1 || !self.minded.load(Ordering::SeqCst)
    }

    fn first(&self) -> impl Future<Output = ()> + use<> {
        let mut count = self.count.subscribe();
        async move {
            let _ = count.wait_for(|count| *count > 0).await;
        }
    }
}

/// While there is one, the work itself minds the first interrupt: it says what goes on without it, or takes it back.
/// Signals are sent to the process, and so this holds for the process.
pub struct Minding;

impl Minding {
    pub fn begin() -> Self {
        INTERRUPTS.minded.store(true, Ordering::SeqCst);
        Minding
    }

    /// The first interrupt, whether it is still to come or came before anybody minded it.
    pub fn interrupted(&self) -> impl Future<Output = ()> + use<> {
        INTERRUPTS.first()
    }
}

impl Drop for Minding {
    fn drop(&mut self) {
        INTERRUPTS.minded.store(false, Ordering::SeqCst);
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
        if INTERRUPTS.came() {
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
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::config::Given;

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
        let interrupts = Interrupts::default();
        let asked_before = interrupts.first();
        interrupts.minded.store(true, Ordering::SeqCst);
        assert!(!interrupts.came(), "the work minds it");
        asked_before.await;
        interrupts.first().await;
        assert!(interrupts.came(), "the second one ends the run");
    }

    #[tokio::test]
    async fn interrupt_that_nobody_minds_ends_the_run() {
        assert!(Interrupts::default().came());
    }

    #[tokio::test]
    async fn guard_lets_finished_work_through() {
        let work = async { Err(Error::Conflict("x".into()).into()) };
        assert_eq!(guard(work, &job(Some(Duration::from_secs(1)))).await.unwrap_err().code, 2);
    }
}
