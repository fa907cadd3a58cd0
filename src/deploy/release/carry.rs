//! A release from its first call to its last verdict: step after step, and no further one after a failure.

use std::collections::HashMap;
use std::future::Future;

use futures_util::FutureExt;

use super::report::report;
use super::step::{Tools, carry_out as carry_out_step};
use super::{End, Part, Release};
use crate::clock::Clock;
use crate::deploy::codedeploy::CodeDeploy;
use crate::deploy::ecs::Ecs;
use crate::report::{Events, Outcome, Report};

/// The report, and whether the worst in it is a time limit that was not to count as a failure.
pub async fn carry_out(
    release: Release,
    ecs: &dyn Ecs,
    codedeploy: &dyn CodeDeploy,
    clock: &Clock,
    events: &Events,
    interrupted: impl Future<Output = ()>,
) -> (Report, bool) {
    let interrupted = interrupted.shared();
    let tools = Tools { ecs, codedeploy, clock, events };
    let mut revisions = HashMap::new();
    let (count, mut done) = (release.steps.len(), Vec::new());
    let mut steps = release.steps.into_iter().enumerate();
    for (index, mut step) in steps.by_ref() {
        if count > 1 {
            let names: Vec<&str> = step.iter().map(|part| part.name.as_str()).collect();
            events.step(format!("step {} of {count}: {}", index + 1, names.join(", ")));
        }
        let ends = carry_out_step(&mut step, &mut revisions, tools, interrupted.clone()).await;
        let bad = step.iter().zip(&ends).any(|(part, end)| !part.is_well(end));
        done.push(step.into_iter().zip(ends).collect());
        if bad {
            break;
        }
    }
    let rest = steps.map(|(_, step)| step.into_iter().map(|part| (part, End::NotStarted)).collect());
    done.extend(rest);
    let report = report(&done);
    let strict = |(part, end): &(Part, End)| part.strict && end.outcome() == Some(Outcome::TimedOut);
    let forgiven = report.outcome == Outcome::TimedOut && !done.iter().flatten().any(strict);
    (report, forgiven)
}

impl Part {
    /// Whether the steps behind it may begin.
    pub fn is_well(&self, end: &End) -> bool {
        match end.outcome() {
            Some(Outcome::Succeeded | Outcome::NothingToDo) => true,
            Some(Outcome::TimedOut) => !self.strict,
            _ => false,
        }
    }
}

impl End {
    /// Nothing if it had no turn.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            End::Told(report) => Some(report.outcome),
            End::Broke(_) => Some(Outcome::Failed),
            End::NotStarted => None,
        }
    }
}
