//! One step: first its revisions are registered, one after the other, then all its deployments are started, and then
//! they are watched together, each to its own end. A revision that is refused keeps the whole step from starting.

use std::collections::HashMap;

use futures_util::future::{join, join_all};

use super::{End, Part};
use crate::clock::Clock;
use crate::deploy::Error;
use crate::deploy::apply::{Applied, register_revision, start_deployment};
use crate::deploy::carry::{cut_registering, cut_updating};
use crate::deploy::codedeploy::{self, CodeDeploy, Services};
use crate::deploy::ecs::Ecs;
use crate::deploy::edit::short;
use crate::deploy::halt::{Halt, Halts};
use crate::deploy::plan::Step;
use crate::deploy::rollback::WayBack;
use crate::deploy::rollout::{Charge, Ended, watch_all};
use crate::deploy::summary::report;
use crate::report::Events;

/// What the calls are made with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    pub ecs: &'a dyn Ecs,
    pub codedeploy: &'a dyn CodeDeploy,
    pub clock: &'a Clock,
    pub events: &'a Events,
}

/// A part on its way.
struct Turn<'p> {
    part: &'p Part,
    applied: Applied,
    ended: Option<Ended>,
    broke: Option<Error>,
}

/// The ends are in the order of the parts. `revisions` has the ARNs behind those that were foreseen.
pub async fn carry_out(
    parts: &mut [Part],
    revisions: &mut HashMap<String, String>,
    tools: Tools<'_>,
    halts: &Halts,
) -> Vec<End> {
    let mut registered = Vec::new();
    for index in 0..parts.len() {
        parts[index].settle(revisions);
        let register = register_revision(&parts[index].plan, tools.ecs, tools.clock, tools.events);
        let answer = tokio::select! {
            biased;
            answer = register => answer,
            halt = halts.first() => return cut(parts, index, halt),
        };
        match answer {
            Ok(arn) => registered.push(arn),
            Err(why) => return halted(parts, index, End::Broke(Box::new(why))),
        }
        if let (Some(foreseen), Some(Some(arn))) = (&parts[index].foreseen, registered.last()) {
            revisions.insert(foreseen.clone(), arn.clone());
        }
    }
    deploy_all(parts, registered, tools, halts).await
}

impl Part {
    /// Puts the revision in for what stood for it.
    fn settle(&mut self, revisions: &HashMap<String, String>) {
        let plan = &mut self.plan;
        if let Some(arn) = revisions.get(&plan.base) {
            let (stood, is) = (short(&plan.base).to_owned(), short(arn));
            plan.notes.iter_mut().chain(&mut plan.warnings).for_each(|text| *text = text.replace(&stood, is));
            plan.base = arn.clone();
        }
    }

    fn is_codedeploys(&self) -> bool {
        matches!(self.plan.deploy.as_ref().map(|deploy| &deploy.step), Some(Step::CodeDeploy(_)))
    }
}

/// What each part has come to before anything is deployed.
fn halted(parts: &[Part], index: usize, end: End) -> Vec<End> {
    let mut ends: Vec<End> = parts.iter().map(|_| End::NotStarted).collect();
    ends[index] = end;
    ends
}

fn cut(parts: &[Part], index: usize, halt: Halt) -> Vec<End> {
    let plan = &parts[index].plan;
    let applied = Applied { registered: None, revision: plan.base.clone(), started: None };
    let end = match cut_registering(plan, halt) {
        Ok(ended) => End::Told(Box::new(report(plan, &applied, Some(&ended)))),
        Err(why) => End::Broke(Box::new(why)),
    };
    halted(parts, index, end)
}

async fn deploy_all(parts: &[Part], registered: Vec<Option<String>>, tools: Tools<'_>, halts: &Halts) -> Vec<End> {
    let turns = parts.iter().zip(registered).map(|(part, registered)| {
        let revision = registered.clone().unwrap_or_else(|| part.plan.base.clone());
        let applied = Applied { registered, revision, started: None };
        Turn { part, applied, ended: None, broke: None }
    });
    let (theirs, mut ours): (Vec<Turn>, Vec<Turn>) = turns.partition(|turn| turn.part.is_codedeploys());
    let theirs = join_all(theirs.into_iter().map(|turn| hand_over(turn, tools, halts)));
    let (theirs, ()) = join(theirs, deploy_ours(&mut ours, tools, halts)).await;
    let (mut theirs, mut ours) = (theirs.into_iter(), ours.into_iter());
    let next = |part: &Part| match part.is_codedeploys() {
        true => theirs.next(),
        false => ours.next().map(Turn::end),
    };
    parts.iter().map(next).map(|end| end.expect("each part had its turn")).collect()
}

/// CodeDeploy's deployments are watched one by one.
async fn hand_over(turn: Turn<'_>, tools: Tools<'_>, halts: &Halts) -> End {
    let Tools { ecs, codedeploy, clock, events } = tools;
    let (part, applied) = (turn.part, turn.applied);
    let services = Services { ecs, codedeploy };
    match codedeploy::carry_on(&part.plan, applied, part.rescue, services, clock, events, halts).await {
        Ok(report) => End::Told(Box::new(report)),
        Err(why) => End::Broke(Box::new(why)),
    }
}

async fn deploy_ours(turns: &mut [Turn<'_>], tools: Tools<'_>, halts: &Halts) {
    join_all(turns.iter_mut().map(|turn| turn.start(tools, halts))).await;
    watch(turns, tools, halts).await;
    join_all(turns.iter_mut().map(|turn| turn.save(tools, halts))).await;
}

/// All that were started, with one look at all of them at a time.
async fn watch(turns: &mut [Turn<'_>], tools: Tools<'_>, halts: &Halts) {
    let ends = {
        let charges = turns.iter().filter_map(Turn::charge(tools.events));
        watch_all(charges, tools.ecs, tools.clock, halts.first()).await
    };
    let watched = turns.iter_mut().filter(|turn| Turn::charge(tools.events)(turn).is_some());
    for (turn, end) in watched.collect::<Vec<_>>().into_iter().zip(ends) {
        match end {
            Ok(ended) => turn.ended = Some(ended),
            Err(why) => turn.broke = Some(why),
        }
    }
}

impl<'p> Turn<'p> {
    async fn start(&mut self, tools: Tools<'_>, halts: &Halts) {
        let Some(deploy) = &self.part.plan.deploy else { return };
        let Applied { registered, revision, .. } = &self.applied;
        let start = start_deployment(deploy, registered, revision, tools.ecs, tools.clock, tools.events);
        let started = tokio::select! {
            biased;
            started = start => started,
            halt = halts.first() => return self.ended = Some(cut_updating(deploy, &self.applied.revision, halt)),
        };
        match started {
            Ok(started) => self.applied.started = started,
            Err(why) => self.broke = Some(why),
        }
    }

    fn charge<'a>(events: &'a Events) -> impl Fn(&'a Turn<'_>) -> Option<Charge<'a>> {
        |turn| Charge::of(turn.part.plan.deploy.as_ref()?, &turn.applied, events)
    }

    async fn save(&mut self, tools: Tools<'_>, halts: &Halts) {
        let (Some(deploy), Some(ended)) = (&self.part.plan.deploy, &self.ended) else { return };
        if self.part.rescue.is_for(ended.outcome) {
            let (revision, ended) = (&self.applied.revision, ended.clone());
            self.ended = Some(
                WayBack { deploy, revision, ecs: tools.ecs, clock: tools.clock, events: tools.events, halts }
                    .save(ended)
                    .await,
            );
        }
    }

    fn end(self) -> End {
        match self.broke {
            Some(why) => End::Broke(Box::new(why)),
            None => End::Told(Box::new(report(&self.part.plan, &self.applied, self.ended.as_ref()))),
        }
    }
}
