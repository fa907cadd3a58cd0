//! Going back because a deployment failed or its job was cancelled. Never beside ECS: where ECS goes back by itself,
//! that is what is followed.

use super::{Rollback, observe_rollback, plan_rollback};
use crate::clock::Clock;
use crate::deploy::Error;
use crate::deploy::apply::apply;
use crate::deploy::ecs::Ecs;
use crate::deploy::edit::short;
use crate::deploy::halt::{Halts, LAST_CALLS, LAST_LOOKS};
use crate::deploy::plan::{Deploy, Plan, Step};
use crate::deploy::rollout::{Ended, wait_on, watch};
use crate::deploy::wait::Wait;
use crate::report::{Events, Outcome};

/// When to go back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rescue {
    /// If the deployment failed or its time ran out.
    pub on_failure: bool,
    /// If the job is cancelled.
    pub on_cancel: bool,
}

impl Rescue {
    pub fn is_for(self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Interrupted => self.on_cancel,
            Outcome::Failed | Outcome::TimedOut => self.on_failure,
            _ => false,
        }
    }
}

/// The way back from the deployment of a revision.
#[derive(Clone, Copy)]
pub struct WayBack<'a> {
    pub deploy: &'a Deploy,
    pub revision: &'a str,
    pub ecs: &'a dyn Ecs,
    pub clock: &'a Clock,
    pub events: &'a Events,
    pub halts: &'a Halts,
}

impl WayBack<'_> {
    /// Goes back from what ended badly.
    pub async fn save(self, ended: Ended) -> Ended {
        match ended.outcome {
            Outcome::Interrupted => self.after_cancel(ended).await,
            _ => self.after_failure(ended).await,
        }
    }

    /// Rolls back what failed and follows it to its end, with as much time as the deployment itself had. Where the whole
    /// run's time is up it is asked for all the same, and watched for a moment.
    async fn after_failure(self, ended: Ended) -> Ended {
        let WayBack { deploy, ecs, clock, events, halts, .. } = self;
        events.step(format!("rolling back, since {}", ended.text));
        let ask = async {
            let plan = self.plan().await?;
            let back = plan.deploy.as_ref().is_some_and(|deploy| !matches!(deploy.step, Step::Nothing));
            let applied = if back { Some(apply(&plan, ecs, clock, events).await?) } else { None };
            Ok((plan, applied))
        };
        let late = halts.is_time_up();
        let asked = tokio::select! {
            biased;
            asked = ask => asked,
            () = clock.sleep(LAST_CALLS), if late => return unanswered(ended, deploy),
        };
        match asked {
            Ok((mut plan, Some(applied))) => {
                let back = plan.deploy.as_mut().expect("it was applied");
                if late {
                    back.wait = Some(Wait::within(LAST_LOOKS));
                }
                // An interrupt ends the watch either way; the limit does where it is still to come.
                let halted = async { if late { halts.interrupt().await } else { halts.first().await } };
                match watch(back, &applied, ecs, clock, events, halted).await {
                    Ok(Some(end)) => {
                        let end = match lacks_candidate(back, &end) && !late {
                            true => Box::pin(WayBack { deploy: back, ..self }.insist(end)).await,
                            false => end,
                        };
                        let runs = end.runs.clone().unwrap_or(applied.revision);
                        joined(Ended { runs: Some(runs), ..ended }, end, back)
                    }
                    Ok(None) => ended,
                    Err(why) => unsaved(ended, &why),
                }
            }
            Ok((_, None)) => ended,
            Err(why) => unsaved(ended, &why),
        }
    }

    /// Asks for the rollback and does not wait: a job that is cancelled has a few seconds left.
    async fn after_cancel(self, ended: Ended) -> Ended {
        let WayBack { revision, ecs, clock, events, .. } = self;
        events.warn("interrupted: rolling back", Some("Interrupt once more to leave at once.".into()));
        let back = async {
            let plan = self.plan().await?;
            apply(&plan, ecs, clock, events).await.map(|_| plan)
        };
        let name = short(revision);
        match back.await {
            Ok(Plan { deploy: Some(Deploy { step: Step::Nothing, .. }), .. }) => {
                Ended { text: format!("interrupted: {name} does not lead, so there is nothing to roll back"), ..ended }
            }
            Ok(plan) => Ended {
                text: format!("interrupted: {name} is being rolled back, which is not waited for"),
                advice: plan.deploy.as_ref().map(|deploy| format!("Wait for it with `{}`.", wait_on(deploy))),
                ..ended
            },
            Err(why) => unsaved(ended, &why),
        }
    }

    async fn plan(self) -> Result<Plan, Error> {
        let WayBack { deploy, revision, ecs, .. } = self;
        let alone = deploy.before.definitions.as_slice();
        let request = Rollback {
            cluster: deploy.cluster.clone(),
            service: deploy.service.clone(),
            to: None,
            from: Some(revision.to_owned()),
            known_good: (alone.len() == 1).then(|| alone[0].clone()),
            wait: deploy.wait,
        };
        plan_rollback(&request, &observe_rollback(&request, ecs).await?)
    }

    /// Deploys what reached success last, where ECS does not go back by itself.
    pub async fn insist(self, ended: Ended) -> Ended {
        let WayBack { ecs, clock, events, halts, .. } = self;
        events.step("ECS has no candidate to go back to: what reached success last is deployed");
        let back = async {
            let plan = self.plan().await?;
            let applied = apply(&plan, ecs, clock, events).await?;
            let deploy = plan.deploy.as_ref().expect("a rollback is a deployment");
            let end = watch(deploy, &applied, ecs, clock, events, halts.first()).await?;
            Ok(end.map(|end| Ended { runs: Some(applied.revision), took: ended.took + end.took, ..end }))
        };
        match back.await {
            Ok(Some(end)) => end,
            Ok(None) => ended,
            Err(why) => unsaved(ended, &why),
        }
    }
}

/// ECS goes back to a deployment that is COMPLETED; while others came and went before their time there is none, though
/// a revision reached success ("No rollback candidate was found to run the rollback.").
pub fn lacks_candidate(deploy: &Deploy, ended: &Ended) -> bool {
    deploy.goes_back() && ended.outcome == Outcome::Failed && ended.text.contains("No rollback candidate")
}

fn unanswered(ended: Ended, deploy: &Deploy) -> Ended {
    let text = format!("{}; the rollback was asked for, but ECS has not answered", ended.text);
    Ended { text, advice: Some(format!("See what goes on with `{}`.", wait_on(deploy))), ..ended }
}

/// What failed, and that it is mended.
fn joined(ended: Ended, back: Ended, deploy: &Deploy) -> Ended {
    let took = ended.took + back.took;
    match back.outcome {
        Outcome::Succeeded => Ended {
            outcome: Outcome::RolledBack,
            text: format!("{}; rolled back: {}", ended.text, back.text),
            advice: None,
            took,
            ..ended
        },
        Outcome::Interrupted => Ended { took, ..back },
        Outcome::TimedOut => Ended {
            text: format!("{}; its rollback was begun: {}", ended.text, back.text),
            advice: Some(format!("Wait for it with `{}`.", wait_on(deploy))),
            took,
            ..ended
        },
        _ => Ended { text: format!("{}; the rollback did not end well: {}", ended.text, back.text), took, ..ended },
    }
}

fn unsaved(ended: Ended, why: &Error) -> Ended {
    Ended { text: format!("{}; it could not be rolled back: {why}", ended.text), ..ended }
}
