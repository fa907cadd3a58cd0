//! A release from its first call to its last verdict: step after step, and no further one after a failure, nor
//! once the time of the run is up.

use std::collections::HashMap;

use super::report::{Row, report};
use super::step::{Tools, carry_out as carry_out_step};
use super::{End, Release, Step, task};
use crate::clock::Clock;
use crate::deploy::codedeploy::CodeDeploy;
use crate::deploy::ecs::Ecs;
use crate::deploy::halt::Halts;
use crate::report::{Events, Outcome, Report};

/// The report, and whether the worst in it is a time limit that was not to count as a failure.
pub async fn carry_out(
    release: Release,
    ecs: &dyn Ecs,
    codedeploy: &dyn CodeDeploy,
    clock: &Clock,
    events: &Events,
    halts: &Halts,
) -> (Report, bool) {
    let tools = Tools { ecs, codedeploy, clock, events };
    let (mut revisions, mut rows) = (HashMap::new(), Vec::new());
    let count = release.steps.len();
    for (index, mut step) in release.steps.into_iter().enumerate() {
        if rows.iter().any(Row::stops) || halts.is_time_up() {
            let ends = step.names().iter().map(|_| End::NotStarted).collect();
            rows.extend(Row::of(index + 1, step, ends));
            continue;
        }
        if let Step::Task(plan) = &mut step {
            task::settle(plan, &revisions);
        }
        if count > 1 {
            events.step(format!("step {} of {count}: {}", index + 1, step.names().join(", ")));
        }
        let ends = match &mut step {
            Step::Deploy(parts) => carry_out_step(parts, &mut revisions, tools, halts).await,
            Step::Task(plan) => vec![task::run(plan, tools, halts).await],
        };
        rows.extend(Row::of(index + 1, step, ends));
    }
    let report = report(&rows);
    let forgiven = report.outcome == Outcome::TimedOut && !rows.iter().any(Row::stops);
    (report, forgiven)
}
