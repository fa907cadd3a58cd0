//! A run and what may end it early: an interrupt, the CI system's request to stop, the limit of `--timeout`.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

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
/// The end is looked at before the work goes on: a signal that came before the work minds any would be nobody's if the
/// work began to mind them in between.
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

/// While there is one, the work itself minds the first interrupt: it says what goes on without it, or takes it back.
/// Signals are sent to the process, and so this holds for the process.
pub struct Minding;

static MINDED: AtomicBool = AtomicBool::new(false);

impl Minding {
    pub fn begin() -> Self {
        MINDED.store(true, Ordering::SeqCst);
        Minding
    }
}

impl Drop for Minding {
    fn drop(&mut self) {
        MINDED.store(false, Ordering::SeqCst);
    }
}

/// The first interrupt that the work does not mind, or the second one.
async fn unminded() {
    interrupt().await;
    if MINDED.load(Ordering::SeqCst) {
        interrupt().await;
    }
}

/// Ctrl-C, or the signal by which CI systems end a job: the next one from this call on, whenever it is awaited.
pub fn interrupt() -> impl Future<Output = ()> {
    let kinds = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async {
        let (Ok(mut interrupt), Ok(mut terminate)) = kinds else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
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

    #[tokio::test]
    async fn guard_lets_finished_work_through() {
        let work = async { Err(Error::Conflict("x".into()).into()) };
        assert_eq!(guard(work, &job(Some(Duration::from_secs(1)))).await.unwrap_err().code, 2);
    }
}
