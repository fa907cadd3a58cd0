//! The time of the simulation. It is handed in with every call, so an hour of rollout is a test of a
//! millisecond, and it counts whole milliseconds, which is what ECS's own timestamps resolve.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A moment: milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Now(u64);

impl Now {
    pub fn from_seconds(seconds: f64) -> Self {
        Now((seconds.max(0.0) * 1000.0).round() as u64)
    }

    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// This moment and `seconds` more; a negative span counts as none.
    pub fn after(self, seconds: f64) -> Self {
        Now(self.0.saturating_add(Now::from_seconds(seconds).0))
    }

    /// How the wire says it: epoch seconds with a fraction.
    pub fn stamp(self) -> Value {
        Value::from(self.seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moment_keeps_milliseconds_on_the_wire() {
        let moment = Now::from_seconds(1_700_000_000.25).after(0.5);
        assert_eq!(moment.stamp().to_string(), "1700000000.75");
        assert_eq!(moment.after(-3.0), moment);
    }
}
