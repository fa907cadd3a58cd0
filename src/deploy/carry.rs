//! A plan from its first call to its verdict. An interrupt or the run's limit finds it at one of four places, and is
//! answered with what was done by then: while a revision is registered, while the service is updated, while the
//! deployment is watched, and while it is taken back.

use super::Error;
use super::apply::{Applied, register_revision, start_deployment};
use super::ecs::Ecs;
use super::edit::short;
use super::halt::{Halt, Halts};
use super::plan::{Deploy, Plan, Step};
use super::rollback::{Rescue, WayBack, lacks_candidate};
use super::rollout::{Ended, undo, wait_on, watch};
use super::summary::report;
use crate::clock::Clock;
use crate::report::{Events, Outcome, Report};

pub async fn carry_out(
    plan: &Plan,
    rescue: Rescue,
    ecs: &dyn Ecs,
    clock: &Clock,
    events: &Events,
    halts: &Halts,
) -> Result<Report, Error> {
    let registered = tokio::select! {
        biased;
        registered = register_revision(plan, ecs, clock, events) => registered?,
        halt = halts.first() => return Ok(report(plan, &untouched(plan), Some(&cut_registering(plan, halt)?))),
    };
    let revision = registered.clone().unwrap_or_else(|| plan.base.clone());
    let mut applied = Applied { registered: registered.clone(), revision, started: None };
    let Some(deploy) = &plan.deploy else { return Ok(report(plan, &applied, None)) };
    let started = tokio::select! {
        biased;
        started = start_deployment(deploy, &registered, &applied.revision, ecs, clock, events) => Ok(started?),
        halt = halts.first() => Err(halt),
    };
    let ended = match started {
        Ok(started) => {
            applied.started = started;
            watch(deploy, &applied, ecs, clock, events, halts.first()).await?
        }
        Err(halt) => Some(cut_updating(deploy, &applied.revision, halt)),
    };
    let back = WayBack { deploy, revision: &applied.revision, ecs, clock, events, halts };
    let ended = match ended {
        Some(ended) if lacks_candidate(deploy, &ended) => Some(back.insist(ended).await),
        Some(ended) if rescue.is_for(ended.outcome) => Some(back.save(ended).await),
        ended => ended,
    };
    // What runs now is what the next step of a pipeline wants to know.
    let well = ended.as_ref().is_some_and(|ended| ended.outcome == Outcome::Succeeded);
    if let (true, true, Some(ended)) = (deploy.goes_back(), well, &ended) {
        let meant = if let Step::Order(order) = &deploy.step { order.to.clone() } else { None };
        applied.revision = ended.runs.clone().or(meant).unwrap_or(applied.revision);
    }
    Ok(report(plan, &applied, ended.as_ref()))
}

fn untouched(plan: &Plan) -> Applied {
    Applied { registered: None, revision: plan.base.clone(), started: None }
}

/// Where the time was up before anything was deployed there is no deployment to have an end.
pub fn cut_registering(plan: &Plan, halt: Halt) -> Result<Ended, Error> {
    let text = match &plan.register {
        Some(_) => " while a revision was registered: it may be there, but nothing was deployed",
        None => ": nothing was deployed",
    };
    let text = halt.word().to_owned() + text;
    match halt {
        Halt::Interrupted => Ok(Ended::halted(halt, text, None)),
        Halt::TimeUp => Err(Error::OutOfTime { text }),
    }
}

/// The answer was not waited for, so nobody knows.
pub fn cut_updating(deploy: &Deploy, revision: &str, halt: Halt) -> Ended {
    let name = short(revision);
    let did = match deploy.step {
        Step::Create(_) => "created",
        _ => "updated",
    };
    let text = format!(
        "{} while '{}' was being {did}: {name} is registered, and ECS may have begun to deploy it",
        halt.word(),
        deploy.service
    );
    let advice = format!("See what goes on with `{}`, or undo it with `{}`.", wait_on(deploy), undo(deploy, name));
    Ended::halted(halt, text, Some(advice))
}
