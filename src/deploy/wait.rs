//! What is waited for, and for how long: the part of a request that is about patience. Names of stages are those
//! of ECS's own `lifecycleStage`.

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    pub limit: Duration,
    pub until: Until,
    /// Ends the wait at a cause that no further attempt can mend.
    pub fail_fast: bool,
    pub on_pause: OnPause,
}

/// How far a deployment that shifts traffic has to come. A rolling one has no such stages but an optional bake,
/// and is there with its bake or its end, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Until {
    #[default]
    Completion,
    ProductionTraffic,
    Bake,
}

/// What to do where a PAUSE hook holds the deployment until somebody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnPause {
    #[default]
    Wait,
    /// Ends well, for a later job to answer.
    Leave,
}

impl Wait {
    /// Until it is over, and no longer than this.
    pub fn within(limit: Duration) -> Self {
        Wait { limit, until: Until::default(), fail_fast: true, on_pause: OnPause::default() }
    }
}

impl Until {
    /// Whether a deployment at this stage has come so far. `PRODUCTION_TRAFFIC_SHIFT` itself is all the steps of a
    /// linear or canary shift.
    pub fn is_reached(self, stage: &str) -> bool {
        match self {
            Until::Completion => false,
            Until::ProductionTraffic => ["POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"].contains(&stage),
            Until::Bake => ["BAKE_TIME", "CLEAN_UP"].contains(&stage),
        }
    }
}
