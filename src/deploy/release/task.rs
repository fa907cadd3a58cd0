//! A task as a step. It succeeds if its containers do; a revision that an earlier step registered is what it runs.

use std::collections::HashMap;

use super::End;
use super::step::Tools;
use crate::deploy::edit::short;
use crate::deploy::halt::Halts;
use crate::deploy::one_off::{self, Plan};

pub fn name(plan: &Plan) -> String {
    format!("task {}", plan.revision)
}

pub async fn run(plan: &Plan, tools: Tools<'_>, halts: &Halts) -> End {
    match start_and_follow(plan, tools, halts).await {
        Ok(end) => end,
        Err(why) => End::Broke(Box::new(why)),
    }
}

async fn start_and_follow(plan: &Plan, tools: Tools<'_>, halts: &Halts) -> Result<End, one_off::Error> {
    let Tools { ecs, clock, events, .. } = tools;
    let started = one_off::start(plan, ecs, clock, events, halts).await?;
    let ended = one_off::follow(plan, &started, ecs, clock, events, halts).await?;
    Ok(End::Told(Box::new(one_off::report(plan, &started, &ended))))
}

/// Puts the revision in for what stood for it.
pub fn settle(plan: &mut Plan, revisions: &HashMap<String, String>) {
    if let Some(arn) = revisions.get(&plan.arn) {
        plan.body.insert("taskDefinition".into(), arn.clone().into());
        plan.revision = short(arn).to_owned();
        plan.arn = arn.clone();
    }
}
