//! How a rollout is waited for, and the run of a plan from its first call to the verdict; all commands that deploy,
//! verify, wait, continue or roll back share it.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Job;
use super::error::Error;
use super::exit::{Done, Failure};
use super::job::Minding;
use super::values::period;
use crate::deploy::{self, OnPause, Rescue, Until, Wait};
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
    /// How long to wait, e.g. 10m; a pause counts as well [default: attempts times interval]
    #[arg(long, value_name = "TIME", value_parser = period)]
    pub verification_timeout: Option<Duration>,
    /// End with exit code 6 when time runs out, else with 0 [default: true]
    #[arg(long)]
    pub fail_on_verification_timeout: Option<bool>,
    /// How far a blue/green, linear or canary deployment has to come [default: completion]
    ///
    /// A rolling deployment shifts no traffic: it is there once it bakes or is complete, whichever comes first.
    #[arg(long, value_name = "STAGE", ignore_case = true)]
    pub wait_for: Option<Stage>,
    /// What to do at a PAUSE hook: wait for `dockless continue`, or leave with 0 [default: wait]
    #[arg(long, value_name = "WAY", ignore_case = true)]
    pub on_pause: Option<Way>,
    /// End at a cause that no attempt can mend: image missing, secret denied, wrong architecture [default: true]
    ///
    /// Two tasks must have met it and none may run. Where ECS rolls back by itself, that is waited for, for 5 minutes
    /// at most.
    #[arg(long)]
    pub fail_fast: Option<bool>,
}

/// What is done about a deployment that does not go well; none of it where ECS goes back by itself.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Waiting for it")]
pub struct RescueArgs {
    /// Roll back a deployment that failed or took too long, unless ECS does it [default: false]
    ///
    /// The rollback has as much time as the deployment had. Where --timeout ends the run it is begun all the same, and
    /// watched for 20 seconds.
    #[arg(long)]
    pub rollback_on_failure: Option<bool>,
    /// Roll back when the job is cancelled (Ctrl-C, SIGTERM); a second signal leaves at once [default: false]
    #[arg(long)]
    pub rollback_on_cancel: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// it is over
    Completion,
    /// the new tasks have all of the production traffic
    ProductionTraffic,
    /// the bake has begun
    Bake,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    Wait,
    Leave,
}

/// How to wait for a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    pub wait: Wait,
    /// Whether running out of time is a failure.
    pub strict: bool,
}

impl PatienceArgs {
    /// A limit for the whole run is one for the wait too: the work is told when it is reached.
    pub fn into_watch(self, timeout: Option<Duration>) -> Watch {
        let interval = self.poll_interval.unwrap_or(Duration::from_secs(20));
        let attempts = self.max_poll_attempts.unwrap_or(50);
        let usual = interval.saturating_mul(attempts);
        let limit = self.verification_timeout.or(timeout).unwrap_or(usual);
        let until = match self.wait_for {
            None | Some(Stage::Completion) => Until::Completion,
            Some(Stage::ProductionTraffic) => Until::ProductionTraffic,
            Some(Stage::Bake) => Until::Bake,
        };
        let on_pause = if self.on_pause == Some(Way::Leave) { OnPause::Leave } else { OnPause::Wait };
        let wait = Wait { limit, until, fail_fast: self.fail_fast.unwrap_or(true), on_pause };
        Watch { wait, strict: self.fail_on_verification_timeout.unwrap_or(true) }
    }
}

impl RescueArgs {
    /// Who does not wait does not see it fail.
    pub fn into_rescue(self, waits: bool) -> Result<Rescue, Error> {
        let on_failure = self.rollback_on_failure.unwrap_or_default();
        if on_failure && !waits {
            return Err(Error::Conflict("--rollback-on-failure needs the wait that was turned off".into()));
        }
        Ok(Rescue { on_failure, on_cancel: self.rollback_on_cancel.unwrap_or_default() })
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

/// Makes the calls of a plan and watches what they start, if the plan waits. The first interrupt and the limit
/// of the run are answered with what goes on and how to undo it; the second interrupt leaves at once.
pub async fn carry_out(plan: &deploy::Plan, rescue: Rescue, ecs: &dyn deploy::Ecs, job: &Job) -> Result<Done, Failure> {
    let minding = Minding::begin();
    Ok(deploy::carry_out(plan, rescue, ecs, &job.clock, &job.events, &minding.halts()).await?.into())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Tool {
        #[command(flatten)]
        patience: PatienceArgs,
    }

    fn watch(timeout: Option<u64>, words: &[&str]) -> Watch {
        let tool = Tool::try_parse_from([&["tool"], words].concat()).unwrap();
        tool.patience.into_watch(timeout.map(Duration::from_secs))
    }

    #[test]
    fn patience_is_for_the_end_unless_told_otherwise() {
        assert_eq!(watch(None, &[]).wait, Wait::within(Duration::from_secs(1000)));
        let words = ["--wait-for=production-traffic", "--on-pause=leave", "--fail-fast=false"];
        let wait = watch(None, &words).wait;
        assert_eq!((wait.until, wait.on_pause, wait.fail_fast), (Until::ProductionTraffic, OnPause::Leave, false));
        assert_eq!(watch(None, &["--wait-for=BAKE"]).wait.until, Until::Bake);
    }

    #[test]
    fn patience_is_as_long_as_the_run_unless_told_otherwise() {
        let limit = |timeout, words: &[&str]| watch(timeout, words).wait.limit.as_secs();
        assert_eq!(limit(Some(600), &[]), 600);
        assert_eq!(limit(Some(600), &["--verification-timeout=60"]), 60);
    }
}
