//! Watches deployments until there is a verdict on each: one loop that looks at all services of a cluster with one
//! call, tells what is new, and asks [`super::judge`]. A look that fails is made again; only missing rights and the
//! time limit end the wait.

mod conclude;
mod hopeless;
mod pauses;
mod picture;
mod record;
mod tasks;
mod unready;
mod voice;
mod watcher;

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::Error;
use super::apply::{Applied, Started};
use super::diagnose::{Cause, Evidence};
use super::ecs::{Answer, CallError, Ecs, Operation, may_pass};
use super::halt::Halt;
use super::plan::Deploy;
use super::wait::Wait;
use crate::clock::Clock;
use crate::report::{Event, Events, Outcome};
use watcher::{SILENT, Watcher};

pub use conclude::{answer, command, runs, undo, undo_command, unwatched, wait_on};
pub use hopeless::Hopes;
pub use tasks::Tasks;
pub use voice::Voice;
pub use watcher::within;

/// The first pause between two looks; each is half as long again as the one before, up to the longest.
pub const FIRST: Duration = Duration::from_secs(1);
pub const LONGEST: Duration = Duration::from_secs(10);

/// Services that DescribeServices takes.
const BATCH: usize = 10;

/// How a watch ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub outcome: Outcome,
    /// In a sentence's words, without its beginning: "web:8 was rolled back to web:7: …".
    pub text: String,
    /// What can be done about it, as a sentence with a command in it.
    pub advice: Option<String>,
    pub deployment: Option<String>,
    /// ARN of what the service runs now, where that is not what was deployed.
    pub runs: Option<String>,
    /// Why tasks stopped, if it did not go well.
    pub causes: Vec<Cause>,
    /// What else it left behind.
    pub evidence: Evidence,
    /// What the service's events said of trouble, oldest first.
    pub trouble: Vec<String>,
    pub took: Duration,
}

/// A deployment that was started and is to be waited for.
pub struct Charge<'a> {
    pub deploy: &'a Deploy,
    /// ARN of the revision that is deployed.
    pub revision: &'a str,
    pub started: &'a Started,
    pub wait: Wait,
    pub events: &'a Events,
}

impl<'a> Charge<'a> {
    /// Nothing if nothing was started or the plan does not wait.
    pub fn of(deploy: &'a Deploy, applied: &'a Applied, events: &'a Events) -> Option<Self> {
        let (started, wait) = (applied.started.as_ref()?, deploy.wait?);
        Some(Charge { deploy, revision: &applied.revision, started, wait, events })
    }
}

/// Watches the deployment that `apply` started, if it started one and the plan waits. `halted` ends the watch and
/// leaves the deployment alone.
pub async fn watch(
    deploy: &Deploy,
    applied: &Applied,
    ecs: &dyn Ecs,
    clock: &Clock,
    events: &Events,
    halted: impl Future<Output = Halt>,
) -> Result<Option<Ended>, Error> {
    let Some(charge) = Charge::of(deploy, applied, events) else { return Ok(None) };
    watch_all([charge], ecs, clock, halted).await.pop().transpose()
}

/// Watches several at once, each to its own end; the answers are in the order of the charges.
pub async fn watch_all<'a>(
    charges: impl IntoIterator<Item = Charge<'a>>,
    ecs: &'a dyn Ecs,
    clock: &'a Clock,
    halted: impl Future<Output = Halt>,
) -> Vec<Result<Ended, Error>> {
    let mut watchers: Vec<Watcher> = charges.into_iter().map(|charge| Watcher::new(charge, ecs, clock)).collect();
    let halt = tokio::select! {
        () = watch_to_the_end(&mut watchers, ecs, clock) => None,
        halt = halted => Some(halt),
    };
    join_all(watchers.into_iter().map(|watcher| watcher.end(halt))).await
}

async fn watch_to_the_end(watchers: &mut [Watcher<'_>], ecs: &dyn Ecs, clock: &Clock) {
    let mut pause = FIRST;
    loop {
        for mut batch in batches(watchers) {
            look(&mut batch, pause, ecs, clock).await;
        }
        let Some(left) = watchers.iter().filter_map(Watcher::left).min() else { return };
        clock.sleep(jittered(pause).min(left)).await;
        pause = (pause * 3 / 2).min(LONGEST);
    }
}

/// Those who still wait, of one cluster and no more than one call takes.
fn batches<'w, 'a>(watchers: &'w mut [Watcher<'a>]) -> Vec<Vec<&'w mut Watcher<'a>>> {
    let mut batches: Vec<Vec<&mut Watcher>> = Vec::new();
    for watcher in watchers.iter_mut().filter(|watcher| watcher.left().is_some()) {
        let fits = |batch: &&mut Vec<&mut Watcher>| batch.len() < BATCH && batch[0].cluster() == watcher.cluster();
        match batches.iter_mut().find(fits) {
            Some(batch) => batch.push(watcher),
            None => batches.push(vec![watcher]),
        }
    }
    batches
}

/// One look at each service of the batch.
async fn look(batch: &mut [&mut Watcher<'_>], pause: Duration, ecs: &dyn Ecs, clock: &Clock) {
    let services: Vec<&str> = batch.iter().map(|watcher| watcher.service()).collect();
    let body = json!({"cluster": batch[0].cluster(), "services": services});
    let mut answer = pin!(ecs.call(Operation::DescribeServices, body));
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut answer => break answer,
            () = clock.sleep(SILENT) => batch.iter().for_each(|watcher| watcher.miss_answers("")),
        }
    };
    match answer {
        Ok(Answer { body, .. }) => {
            join_all(batch.iter_mut().map(|watcher| watcher.see(&body))).await;
        }
        Err(why) if may_pass(&why) => batch.iter_mut().for_each(|watcher| watcher.miss(&why, pause)),
        Err(why) => batch.iter_mut().for_each(|watcher| watcher.give_up(why.clone())),
    }
}

/// Up to a quarter less, so that jobs which began together do not ask together for ever.
pub fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(()) % 256;
    pause - pause / 4 * random as u32 / 256
}

pub fn retry(service: &str, why: &CallError, wait: Duration) -> Event {
    Event::Retry { what: format!("looking at {service}"), why: why.to_string(), wait }
}
