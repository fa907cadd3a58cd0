//! Moments as ECS tells them, for people and for programs.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// Shown to the second: `2026-01-31T12:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Moment(f64);

impl Moment {
    /// Seconds since 1970.
    pub fn read(value: &serde_json::Value) -> Option<Moment> {
        value.as_f64().map(Moment)
    }

    /// How long ago that was, in its largest unit.
    pub fn age(self, now: SystemTime) -> String {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64();
        // The clocks of two machines differ.
        let seconds = (now - self.0).max(0.0) as u64;
        match seconds {
            0..120 => format!("{seconds} s"),
            120..7200 => format!("{} min", seconds / 60),
            7200..172_800 => format!("{} h", seconds / 3600),
            _ => format!("{} d", seconds / 86_400),
        }
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Timestamp::from_second(self.0 as i64) {
            Ok(at) => at.fmt(f),
            Err(_) => f.write_str("?"),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}
