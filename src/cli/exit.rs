//! How a run ends: what came of it, or what went wrong, becomes a documented exit code. Pipelines hold these
//! numbers, so they do not change: 0 done or nothing to do, 1 failed, 2 usage or bad input and nothing was done,
//! 3 the deployment failed, 4 it failed and was rolled back, 5 a newer one replaced it, 6 timed out while it was
//! going on, 130 interrupted.

use super::error::Error;
use crate::deploy;
use crate::output;
use crate::report::{Explain, Kind, Outcome, Report};

/// A run that came to its end, well or not.
#[derive(Debug)]
pub struct Done {
    pub report: Report,
    /// What `outcome` says, unless the user chose otherwise (`--fail-on-verification-timeout=false`).
    pub code: u8,
}

impl From<Report> for Done {
    fn from(report: Report) -> Self {
        Done { code: outcome_code(report.outcome), report }
    }
}

/// A run that could not go on. Every room's error becomes one by `?`.
#[derive(Debug)]
pub struct Failure {
    pub shown: output::Failure,
    pub code: u8,
}

impl<E: Explain + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let shown = output::Failure::new(&error);
        let any = &error as &dyn std::any::Any;
        let timed_out = matches!(any.downcast_ref(), Some(Error::TimedOut { .. }))
            || matches!(any.downcast_ref(), Some(deploy::Error::OutOfTime { .. }));
        let code = if timed_out { outcome_code(Outcome::TimedOut) } else { kind_code(shown.kind) };
        Failure { shown, code }
    }
}

pub fn outcome_code(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Succeeded | Outcome::NothingToDo | Outcome::Planned => 0,
        Outcome::Failed => 3,
        Outcome::RolledBack => 4,
        Outcome::Replaced => 5,
        Outcome::TimedOut => 6,
        Outcome::Interrupted => 130,
    }
}

pub fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::Failed => 1,
        Kind::Input => 2,
        Kind::Interrupted => 130,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let outcomes = [
            (Outcome::Succeeded, 0),
            (Outcome::NothingToDo, 0),
            (Outcome::Planned, 0),
            (Outcome::Failed, 3),
            (Outcome::RolledBack, 4),
            (Outcome::Replaced, 5),
            (Outcome::TimedOut, 6),
            (Outcome::Interrupted, 130),
        ];
        outcomes.iter().for_each(|(outcome, code)| assert_eq!(outcome_code(*outcome), *code, "{outcome:?}"));
        [(Kind::Failed, 1), (Kind::Input, 2), (Kind::Interrupted, 130)]
            .iter()
            .for_each(|(kind, code)| assert_eq!(kind_code(*kind), *code, "{kind:?}"));
    }

    #[test]
    fn failure_takes_its_code_from_the_error() {
        let code = |error: Error| Failure::from(error).code;
        assert_eq!(code(Error::Conflict("x".into())), 2);
        assert_eq!(code(Error::Interrupted { untouched: None }), 130);
        assert_eq!(code(Error::TimedOut { limit: Duration::from_secs(1), untouched: None }), 6);
        assert_eq!(Failure::from(crate::image::Error::Tag(".".into())).code, 2);
    }
}
