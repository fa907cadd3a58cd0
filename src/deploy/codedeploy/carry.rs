//! A handover from its first call to its verdict, and the way back where that was asked for.

use super::CodeDeploy;
use super::conclude::ended;
use super::plan::Handover;
use super::watch::{Services, WAY_BACK, watch};
use super::word::{Word, is_not_waiting, is_too_late};
use crate::clock::Clock;
use crate::deploy::apply::{register_revision, undeployed};
use crate::deploy::carry::cut_registering;
use crate::deploy::ecs::{CallError, Ecs, Operation};
use crate::deploy::edit::short;
use crate::deploy::halt::{Halt, Halts, LAST_LOOKS};
use crate::deploy::plan::{Deploy, Plan, Step};
use crate::deploy::rollback::Rescue;
use crate::deploy::rollout::{Charge, Ended, undo, wait_on};
use crate::deploy::summary::report;
use crate::deploy::{Applied, Error, Started, Wait};
use crate::report::{Events, Outcome, Report};

pub async fn carry_out(
    plan: &Plan,
    rescue: Rescue,
    ecs: &dyn Ecs,
    codedeploy: &dyn CodeDeploy,
    clock: &Clock,
    events: &Events,
    halts: &Halts,
) -> Result<Report, Error> {
    let mut applied = Applied { registered: None, revision: plan.base.clone(), started: None };
    let registering = tokio::select! {
        biased;
        registered = register_revision(plan, ecs, clock, events) => registered?,
        halt = halts.first() => return Ok(report(plan, &applied, Some(&cut_registering(plan, halt)?))),
    };
    applied.registered = registering;
    applied.revision = applied.registered.clone().unwrap_or(applied.revision);
    carry_on(plan, applied, rescue, Services { ecs, codedeploy }, clock, events, halts).await
}

/// The same from where the revision is registered.
pub async fn carry_on(
    plan: &Plan,
    mut applied: Applied,
    rescue: Rescue,
    services: Services<'_>,
    clock: &Clock,
    events: &Events,
    halts: &Halts,
) -> Result<Report, Error> {
    let Some(deploy @ Deploy { step: Step::CodeDeploy(handover), wait, .. }) = &plan.deploy else {
        return Ok(report(plan, &applied, None));
    };
    let started = tokio::select! {
        biased;
        started = start(handover, &applied.revision, services, events) => Ok(started),
        halt = halts.first() => Err(halt),
    };
    let started = match started {
        Ok(started) => started,
        Err(halt) => {
            return Ok(report(plan, &applied, Some(&cut_speaking(deploy, handover, &applied.revision, halt))));
        }
    };
    let id = started.map_err(|why| match handover.word {
        Some(_) if is_not_waiting(&why) => not_paused(deploy, &why),
        _ => undeployed(&applied.registered, why),
    })?;
    let started = Started { deployment: Some(id.clone()), fresh: true, ..Started::default() };
    applied.started = Some(started.clone());
    let Some(wait) = *wait else { return Ok(report(plan, &applied, None)) };
    let charge = |wait: Wait| Charge { deploy, revision: &applied.revision, started: &started, wait, events };
    let ended = watch(charge(wait), handover, &id, services, clock, halts.first()).await?;
    let ended = match ended.outcome {
        Outcome::Interrupted if rescue.on_cancel => after_cancel(ended, &id, services, events).await,
        Outcome::Failed | Outcome::TimedOut if rescue.on_failure => {
            let back = charge(Wait {
                fail_fast: false,
                ..Wait::within(if halts.is_time_up() { LAST_LOOKS } else { WAY_BACK })
            });
            after_failure(ended, back, handover, &id, services, clock, halts).await
        }
        _ => ended,
    };
    // What runs now is what the next step of a pipeline wants to know.
    if handover.back && ended.outcome == Outcome::Succeeded {
        applied.revision = handover.serves.clone();
    }
    Ok(report(plan, &applied, Some(&ended)))
}

/// The id of the deployment.
async fn start(
    handover: &Handover,
    revision: &str,
    services: Services<'_>,
    events: &Events,
) -> Result<String, CallError> {
    if let Some(id) = &handover.join {
        return speak(handover.word, id, services, events).await.map(|()| id.clone());
    }
    if let Some(scale) = &handover.scale {
        services.ecs.call(Operation::UpdateService, scale.clone()).await?;
    }
    let answer = services.codedeploy.call("CreateDeployment", handover.body(revision)).await?;
    let id = answer.body["deploymentId"].as_str().unwrap_or_default().to_owned();
    events.step(format!("handed {} over to CodeDeploy: {id} in group {}", short(revision), handover.group));
    Ok(id)
}

/// Where the deployment came to its end first, the verdict tells how.
async fn speak(word: Option<Word>, id: &str, services: Services<'_>, events: &Events) -> Result<(), CallError> {
    let Some(word) = word else { return Ok(()) };
    match word.say(id, services.codedeploy).await {
        Err(why) if is_too_late(&why) => Ok(()),
        said => said.map(|()| events.step(format!("deployment {id} was {}", word.spelled()))),
    }
}

fn not_paused(deploy: &Deploy, why: &CallError) -> Error {
    let state = why.refusal().map_or_else(|| why.to_string(), |refusal| refusal.message.clone());
    Error::NotPaused { service: deploy.service.clone(), state: state.trim_end_matches('.').to_owned() }
}

/// Stops what goes on still and follows the way back. A deployment that is over cannot be stopped: then it ended as it
/// ended.
async fn after_failure(
    bad: Ended,
    back: Charge<'_>,
    handover: &Handover,
    id: &str,
    services: Services<'_>,
    clock: &Clock,
    halts: &Halts,
) -> Ended {
    back.events.step(format!("stopping {id} and rolling back, since {}", bad.text));
    match Word::Back.say(id, services.codedeploy).await {
        Err(why) if is_too_late(&why) => return bad,
        Err(why) => return Ended { text: format!("{}; it could not be stopped: {why}", bad.text), ..bad },
        Ok(_) => {}
    }
    let handover = &Handover { back: true, ..handover.clone() };
    let late = halts.is_time_up();
    let halted = async { if late { halts.interrupt().await } else { halts.first().await } };
    match watch(back, handover, id, services, clock, halted).await {
        Ok(end) if end.outcome == Outcome::RolledBack => {
            let text = format!("{}; it was stopped and rolled back to {}", bad.text, short(&handover.serves));
            let runs = Some(handover.serves.clone());
            Ended { outcome: Outcome::RolledBack, text, advice: None, runs, took: bad.took + end.took, ..bad }
        }
        Ok(end) if end.outcome == Outcome::TimedOut => {
            Ended { text: format!("{}; the way back was begun: {}", bad.text, end.text), advice: end.advice, ..bad }
        }
        Ok(end) => Ended { text: format!("{}; the way back did not end well: {}", bad.text, end.text), ..bad },
        Err(why) => Ended { text: format!("{}; the way back cannot be watched: {why}", bad.text), ..bad },
    }
}

/// A job that is cancelled has a few seconds left: it asks and does not wait.
async fn after_cancel(cut: Ended, id: &str, services: Services<'_>, events: &Events) -> Ended {
    events.warn("interrupted: rolling back", Some("Interrupt once more to leave at once.".into()));
    match Word::Back.say(id, services.codedeploy).await {
        Ok(_) => {
            let text =
                format!("interrupted: deployment {id} is being stopped and rolled back, which is not waited for");
            Ended { text, advice: None, ..cut }
        }
        Err(why) => Ended { text: format!("{}; it could not be stopped: {why}", cut.text), ..cut },
    }
}

/// The answer was not waited for, so nobody knows.
fn cut_speaking(deploy: &Deploy, handover: &Handover, revision: &str, halt: Halt) -> Ended {
    let word = halt.word();
    let (name, group) = (short(revision), &handover.group);
    let text = match (&handover.join, handover.word) {
        (Some(id), Some(said)) => format!("{word} while deployment {id} of {name} was being {}", said.spelled()),
        _ => {
            format!("{word} while {name} was handed over: CodeDeploy may have begun to deploy it in group {group}")
        }
    };
    let see = wait_on(deploy);
    let advice = match handover.back {
        true => format!("See what goes on with `{see}`."),
        false => format!("See what goes on with `{see}`, or undo it with `{}`.", undo(deploy, name)),
    };
    Ended { advice: Some(advice), ..ended(halt.outcome(), text) }
}
