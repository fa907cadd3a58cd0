//! How long a rollout is watched, and the watch itself; `deploy-service-update` and `verify-revision-is-deployed` share it.

use std::time::Duration;

use clap::Args;

use super::Job;
use super::exit::{Done, Failure};
use super::job::interrupt;
use super::values::period;
use crate::deploy::{self, Applied};
use crate::report::Outcome;

#[derive(Debug, Args)]
#[command(next_help_heading = "Waiting for it")]
pub struct PatienceArgs {
    /// How often to look [default: 50]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_poll_attempts: Option<u32>,
    /// Time between two looks, e.g. 20 or 20s [default: 20]
    #[arg(long, value_name = "TIME", value_parser = period)]
    pub poll_interval: Option<Duration>,
    /// How long to wait, e.g. 10m [default: attempts times interval]
    #[arg(long, value_name = "TIME", value_parser = period)]
    pub verification_timeout: Option<Duration>,
    /// End with exit code 6 when time runs out, else with 0 [default: true]
    #[arg(long)]
    pub fail_on_verification_timeout: Option<bool>,
}

/// How to wait for a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// In all.
    pub limit: Duration,
    /// Whether running out of time is a failure.
    pub strict: bool,
}

impl PatienceArgs {
    /// A limit for the whole run is one for the wait too; a little is kept back to say how it stood in the end.
    pub fn into_watch(self, timeout: Option<Duration>) -> Watch {
        let interval = self.poll_interval.unwrap_or(Duration::from_secs(20));
        let attempts = self.max_poll_attempts.unwrap_or(50);
        let limit = self.verification_timeout.unwrap_or_else(|| interval.saturating_mul(attempts));
        let limit = timeout.map_or(limit, |timeout| timeout.saturating_sub(timeout / 10));
        Watch { limit, strict: self.fail_on_verification_timeout.unwrap_or(true) }
    }
}

impl Watch {
    /// The outcome stays what it is; only the exit code is the user's choice.
    pub fn forgive(self, mut done: Done) -> Done {
        if done.report.outcome == Outcome::TimedOut && !self.strict {
            done.code = 0;
        }
        done
    }
}

/// Watches what a plan started, where it started anything.
pub async fn end(
    plan: &deploy::Plan,
    applied: &Applied,
    ecs: &dyn deploy::Ecs,
    job: &Job,
) -> Result<Option<deploy::Ended>, Failure> {
    match &plan.deploy {
        Some(deploy) => Ok(deploy::watch(deploy, applied, ecs, &job.clock, &job.events, interrupt()).await?),
        None => Ok(None),
    }
}
