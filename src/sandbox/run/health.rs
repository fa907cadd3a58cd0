//! When to look at a container or a target, and what to make of what was seen. Pure: moments go in, verdicts come
//! out. A sandbox in a hurry looks more often, but never gives up sooner than ECS would: programs start no faster.

use std::time::Duration;

use serde_json::Value;

/// A check's settings, with ECS's defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    pub interval: Duration,
    pub timeout: Duration,
    pub retries: u32,
    pub start_period: Duration,
}

impl Timing {
    /// A container's `healthCheck`.
    pub fn of_container(check: &Value) -> Self {
        let seconds = |name: &str, usual| Duration::from_secs(check[name].as_u64().unwrap_or(usual));
        Timing {
            interval: seconds("interval", 30),
            timeout: seconds("timeout", 5),
            retries: check["retries"].as_u64().unwrap_or(3) as u32,
            start_period: seconds("startPeriod", 0),
        }
    }

    /// A target group's, as a load balancer is usually set up: two looks, 30 s apart.
    pub fn of_target() -> Self {
        Timing {
            interval: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
            retries: 2,
            start_period: Duration::ZERO,
        }
    }

    /// How long one may fail from the start before it counts.
    fn patience(&self) -> Duration {
        self.start_period + self.interval * self.retries
    }
}

/// How often to look when in a hurry: until the first success, and from then on.
const EAGER: Duration = Duration::from_millis(200);
const BRISK: Duration = Duration::from_secs(1);

/// What is known of one check. `at` counts from the container's start.
#[derive(Debug)]
pub struct Course {
    timing: Timing,
    hurry: bool,
    ever: bool,
    failures: u32,
    verdict: Option<bool>,
}

impl Course {
    pub fn new(timing: Timing, hurry: bool) -> Self {
        Course { timing, hurry, ever: false, failures: 0, verdict: None }
    }

    /// How long to wait before the next look.
    pub fn pause(&self) -> Duration {
        let interval = self.timing.interval;
        match (self.hurry, self.ever) {
            (false, _) => interval,
            (true, false) => interval.min(EAGER),
            (true, true) => interval.min(BRISK),
        }
    }

    /// Takes in what was seen. Says so if the verdict changes.
    pub fn hear(&mut self, healthy: bool, at: Duration) -> Option<bool> {
        self.failures = if healthy { 0 } else { self.failures + 1 };
        self.ever |= healthy;
        let verdict = match healthy {
            true => Some(true),
            false if self.is_lost(at) => Some(false),
            false => self.verdict,
        };
        let changed = verdict != self.verdict;
        self.verdict = verdict;
        verdict.filter(|_| changed)
    }

    fn is_lost(&self, at: Duration) -> bool {
        let starting = if self.hurry { self.timing.patience() } else { self.timing.start_period };
        match self.ever {
            false if at < starting => false,
            false if self.hurry => true,
            _ => self.failures >= self.timing.retries,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing() -> Timing {
        Timing::of_container(&serde_json::json!({ "interval": 5, "retries": 2, "startPeriod": 3 }))
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn container_without_settings_has_those_of_ecs() {
        let usual = Timing::of_container(&Value::Null);
        assert_eq!(
            (usual.interval, usual.timeout, usual.retries, usual.start_period),
            (seconds(30), seconds(5), 3, seconds(0))
        );
    }

    #[test]
    fn failures_while_starting_do_not_count() {
        let mut course = Course::new(timing(), false);
        assert_eq!((course.hear(false, seconds(1)), course.hear(false, seconds(2))), (None, None));
        assert_eq!(course.hear(true, seconds(3)), Some(true));
        assert_eq!(course.hear(true, seconds(8)), None);
    }

    #[test]
    fn failures_in_a_row_make_it_unhealthy_and_one_success_well_again() {
        let mut course = Course::new(timing(), false);
        assert_eq!(course.hear(true, seconds(5)), Some(true));
        assert_eq!((course.hear(false, seconds(10)), course.hear(false, seconds(15))), (None, Some(false)));
        assert_eq!((course.hear(false, seconds(20)), course.hear(true, seconds(25))), (None, Some(true)));
    }

    #[test]
    fn hurry_looks_often_and_is_as_patient_as_ecs() {
        let mut course = Course::new(timing(), true);
        assert_eq!(course.pause(), EAGER);
        for tenth in 0..129 {
            assert_eq!(course.hear(false, Duration::from_millis(tenth * 100)), None);
        }
        assert_eq!(course.hear(false, seconds(13)), Some(false));
        assert_eq!(course.hear(true, seconds(14)), Some(true));
        assert_eq!(course.pause(), BRISK);
    }
}
