//! What may end work before it is done: an interrupt, or the limit of the whole run. The work is told of it, says how
//! things stand, and does what was promised for that case; only then does the run end.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use crate::report::Outcome;

/// How long ECS may take to answer what was promised for the end of a run: the rollback of a deployment, for example.
pub const LAST_CALLS: std::time::Duration = std::time::Duration::from_secs(20);

/// How long what was asked for then is watched.
pub const LAST_LOOKS: std::time::Duration = std::time::Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    Interrupted,
    TimeUp,
}

/// Where to ask for both. Whoever asks late is told all the same.
#[derive(Clone)]
pub struct Halts {
    interrupt: Shared<BoxFuture<'static, ()>>,
    limit: Shared<BoxFuture<'static, ()>>,
}

impl Halts {
    pub fn new(
        interrupt: impl Future<Output = ()> + Send + 'static,
        limit: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Halts { interrupt: interrupt.boxed().shared(), limit: limit.boxed().shared() }
    }

    pub fn first(&self) -> impl Future<Output = Halt> + Send + use<> {
        let (interrupt, limit) = (self.interrupt.clone(), self.limit.clone());
        async move {
            tokio::select! {
                biased;
                () = interrupt => Halt::Interrupted,
                () = limit => Halt::TimeUp,
            }
        }
    }

    /// For what is done when time is up.
    pub fn interrupt(&self) -> impl Future<Output = Halt> + Send + use<> {
        self.interrupt.clone().map(|()| Halt::Interrupted)
    }

    pub fn is_time_up(&self) -> bool {
        self.limit.clone().now_or_never().is_some()
    }
}

impl Halt {
    /// As a sentence about it begins.
    pub fn word(self) -> &'static str {
        match self {
            Halt::Interrupted => "interrupted",
            Halt::TimeUp => "time is up",
        }
    }

    pub fn outcome(self) -> Outcome {
        match self {
            Halt::Interrupted => Outcome::Interrupted,
            Halt::TimeUp => Outcome::TimedOut,
        }
    }
}

#[cfg(test)]
impl Halts {
    pub fn never() -> Self {
        Halts::new(std::future::pending(), std::future::pending())
    }

    /// After so many turns of everything else.
    pub fn after(turns: u32, halt: Halt) -> Self {
        let soon = async move {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        };
        match halt {
            Halt::Interrupted => Halts::new(soon, std::future::pending()),
            Halt::TimeUp => Halts::new(std::future::pending(), soon),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn halts_tell_again_whoever_asks_again() {
        let halts = Halts::after(2, Halt::TimeUp);
        assert!(!halts.is_time_up());
        assert_eq!((halts.first().await, halts.first().await), (Halt::TimeUp, Halt::TimeUp));
        assert!(halts.is_time_up() && halts.interrupt().now_or_never().is_none());
    }
}
