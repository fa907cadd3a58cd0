//! The only place that knows what time it is and the only one that sleeps. A fake clock jumps instead of
//! sleeping, so a rollout of twenty minutes is a test of a millisecond.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// Wall-clock time and sleep. Clones of a fake clock share one time.
#[derive(Debug, Clone)]
pub enum Clock {
    Real,
    Fake(Arc<Mutex<SystemTime>>),
}

impl Clock {
    /// A clock that starts at `start` and moves only when someone sleeps on it.
    pub fn fake(start: SystemTime) -> Self {
        Clock::Fake(Arc::new(Mutex::new(start)))
    }

    pub fn now(&self) -> SystemTime {
        match self {
            Clock::Real => SystemTime::now(),
            Clock::Fake(time) => *time.lock().expect("clock lock"),
        }
    }

    pub async fn sleep(&self, duration: Duration) {
        match self {
            Clock::Real => tokio::time::sleep(duration).await,
            Clock::Fake(time) => {
                *time.lock().expect("clock lock") += duration;
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Calls `beat` in a thread of its own, at the end of each period, until it answers that there is to be no other.
pub fn every(period: Duration, mut beat: impl FnMut() -> bool + Send + 'static) {
    let beats = move || {
        std::thread::sleep(period);
        while beat() {
            std::thread::sleep(period);
        }
    };
    // Without a thread there is no beat, which all can do without.
    std::thread::Builder::new().name("beat".into()).spawn(beats).ok();
}
