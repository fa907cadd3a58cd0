//! A plan from its first call to its verdict. An interrupt finds it at one of four places, and is told what was done
//! by then: while a revision is registered, while the service is updated, while the deployment is watched, and while
//! it is taken back.

use std::future::Future;
use std::pin::pin;

use super::Error;
use super::apply::{Applied, register_revision, start_deployment};
use super::ecs::Ecs;
use super::edit::short;
use super::plan::{Deploy, Plan, Step};
use super::rollback::{Rescue, save};
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
    interrupted: impl Future<Output = ()>,
) -> Result<Report, Error> {
    let mut interrupted = pin!(interrupted);
    let registered = tokio::select! {
        biased;
        registered = register_revision(plan, ecs, clock, events) => registered?,
        () = &mut interrupted => return Ok(report(plan, &untouched(plan), Some(&cut_registering(plan)))),
    };
    let revision = registered.clone().unwrap_or_else(|| plan.base.clone());
    let mut applied = Applied { registered: registered.clone(), revision, started: None };
    let Some(deploy) = &plan.deploy else { return Ok(report(plan, &applied, None)) };
    let started = tokio::select! {
        biased;
        started = start_deployment(deploy, &registered, &applied.revision, ecs, clock, events) => Some(started?),
        () = &mut interrupted => None,
    };
    let ended = match started {
        Some(started) => {
            applied.started = started;
            watch(deploy, &applied, ecs, clock, events, &mut interrupted).await?
        }
        None => Some(cut_updating(deploy, &applied.revision)),
    };
    let ended = match ended {
        Some(ended) if rescue.is_for(ended.outcome) => {
            Some(save(deploy, &applied.revision, ended, ecs, clock, events, interrupted).await)
        }
        ended => ended,
    };
    // What runs now is what the next step of a pipeline wants to know.
    let well = ended.as_ref().is_some_and(|ended| ended.outcome == Outcome::Succeeded);
    if let (Step::Order(order), true) = (&deploy.step, well) {
        applied.revision = order.to.clone().unwrap_or(applied.revision);
    }
    Ok(report(plan, &applied, ended.as_ref()))
}

fn untouched(plan: &Plan) -> Applied {
    Applied { registered: None, revision: plan.base.clone(), started: None }
}

pub fn cut_registering(plan: &Plan) -> Ended {
    let text = match &plan.register {
        Some(_) => "interrupted while a revision was registered: it may be there, but nothing was deployed",
        None => "interrupted: nothing was deployed",
    };
    Ended::interrupted(text.into(), None)
}

/// The answer was not waited for, so nobody knows.
pub fn cut_updating(deploy: &Deploy, revision: &str) -> Ended {
    let name = short(revision);
    let did = match deploy.step {
        Step::Create(_) => "created",
        _ => "updated",
    };
    let text = format!(
        "interrupted while '{}' was being {did}: {name} is registered, and ECS may have begun to deploy it",
        deploy.service
    );
    let advice = format!("See what goes on with `{}`, or undo it with `{}`.", wait_on(deploy), undo(deploy, name));
    Ended::interrupted(text, Some(advice))
}
