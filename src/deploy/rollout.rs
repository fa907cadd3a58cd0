//! Watches a deployment until there is a verdict: one loop that looks, tells what is new, and asks
//! [`super::judge`]. A look that fails is made again; only missing rights and the time limit end the wait.

mod record;
mod tasks;

use std::future::Future;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::Error;
use super::apply::{Applied, Started};
use super::diagnose::{Cause, causes, is_trouble};
use super::ecs::{CallError, Ecs, Operation, may_pass};
use super::judge::{Memory, Verdict, Watched, judge, tells_of_rollback};
use super::plan::Deploy;
use super::request::Wait;
use super::snapshot::{Service, Snapshot};
use crate::clock::Clock;
use crate::report::{Event, Events, Outcome};
use record::Records;
use tasks::Tasks;

/// The first pause between two looks; each is half as long again as the one before, up to the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10);

/// How long a look may be held up by what it can do without; calls are tried again for much longer below.
const OPTIONAL: Duration = Duration::from_secs(5);

/// How a watch ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub outcome: Outcome,
    /// In a sentence's words, without its beginning: "web:8 was rolled back to web:7: …".
    pub text: String,
    pub deployment: Option<String>,
    /// Why tasks stopped, if it did not go well.
    pub causes: Vec<Cause>,
    /// What the service's events said of trouble, oldest first.
    pub trouble: Vec<String>,
    pub took: Duration,
}

/// Watches the deployment that `apply` started, if it started one and the plan waits. `interrupted` ends the
/// watch and leaves the deployment alone.
pub async fn watch(
    deploy: &Deploy,
    applied: &Applied,
    ecs: &dyn Ecs,
    clock: &Clock,
    events: &Events,
    interrupted: impl Future<Output = ()>,
) -> Result<Option<Ended>, Error> {
    let (Some(started), Some(wait)) = (&applied.started, deploy.wait) else { return Ok(None) };
    let mut watcher = Watcher::new(deploy, applied, started, wait, ecs, clock, events);
    let verdict = tokio::select! {
        verdict = watcher.run() => Some(verdict),
        () = interrupted => None,
    };
    match verdict {
        Some(Ok(verdict)) => Ok(Some(watcher.end(verdict).await)),
        Some(Err(source)) => Err(Error::Unwatched { service: deploy.service.clone(), source }),
        None => Ok(Some(watcher.interrupted())),
    }
}

struct Watcher<'a> {
    deploy: &'a Deploy,
    ecs: &'a dyn Ecs,
    clock: &'a Clock,
    events: &'a Events,
    watched: Watched,
    memory: Memory,
    records: Records,
    tasks: Tasks,
    began: SystemTime,
    newest_event: Option<String>,
    trouble: Vec<String>,
    said: String,
}

impl<'a> Watcher<'a> {
    fn new(
        deploy: &'a Deploy,
        applied: &Applied,
        started: &Started,
        wait: Wait,
        ecs: &'a dyn Ecs,
        clock: &'a Clock,
        events: &'a Events,
    ) -> Self {
        let began = clock.now();
        let watched = Watched {
            task_definition: applied.revision.clone(),
            fresh: started.fresh,
            before: deploy.before.clone(),
            deadline: began + wait.limit,
        };
        let memory = Memory { id: started.deployment.clone(), ..Memory::default() };
        Watcher {
            deploy,
            ecs,
            clock,
            events,
            watched,
            memory,
            records: Records::new(started),
            tasks: Tasks::of(&applied.revision),
            began,
            newest_event: deploy.before.newest_event.clone(),
            trouble: Vec::new(),
            said: String::new(),
        }
    }

    async fn run(&mut self) -> Result<Verdict, CallError> {
        let mut pause = FIRST;
        loop {
            match self.look().await {
                Ok(snapshot) => match judge(&snapshot, &self.memory, &self.watched, self.clock.now()) {
                    Verdict::Going(how) => self.say(how),
                    verdict => return Ok(verdict),
                },
                Err(why) if !may_pass(&why) => return Err(why),
                Err(why) if self.clock.now() >= self.watched.deadline => return Ok(Verdict::TimedOut(why.to_string())),
                Err(why) => self.events.emit(Event::Retry {
                    what: format!("looking at {}", self.deploy.service),
                    why: why.to_string(),
                    wait: pause,
                }),
            }
            let left = self.watched.deadline.duration_since(self.clock.now()).unwrap_or_default();
            self.clock.sleep(pause.min(left)).await;
            pause = (pause * 3 / 2).min(LONGEST);
        }
    }

    async fn look(&mut self) -> Result<Snapshot, CallError> {
        let body = json!({"cluster": self.deploy.cluster, "services": [self.deploy.service]});
        let answer = self.ecs.call(Operation::DescribeServices, body).await?;
        let service = Service::from_answer(&answer.body);
        self.tell_events(&service);
        let records = self.records.look(self.deploy, &self.watched.task_definition, self.ecs, self.events);
        let record = match within(self.clock, records).await {
            Some(record) => record,
            None => self.records.gave_no_answer(),
        };
        let snapshot = Snapshot { service, record_expected: record.is_none() && self.records.may_come(), record };
        self.memory.note(&snapshot, &self.watched, self.clock.now());
        let tasks = self.tasks.look(self.deploy, &self.memory, self.clock.now(), self.ecs, self.events);
        within(self.clock, tasks).await;
        Ok(snapshot)
    }

    /// Says how far it is, but nothing twice in a row.
    fn say(&mut self, how: String) {
        if !how.is_empty() && how != self.said {
            self.events.emit(Event::Rollout { text: how.clone() });
            self.said = how;
        }
    }

    fn tell_events(&mut self, service: &Service) {
        let new = service.events.iter().take_while(|event| Some(&event.id) != self.newest_event.as_ref());
        for event in new.collect::<Vec<_>>().into_iter().rev() {
            self.events.emit(Event::Rollout { text: event.message.clone() });
            self.memory.rolling_back |= tells_of_rollback(&event.message);
            if is_trouble(&event.message) {
                self.trouble.push(event.message.clone());
            }
        }
        if let Some(event) = service.events.first() {
            self.newest_event = Some(event.id.clone());
        }
    }

    async fn end(mut self, verdict: Verdict) -> Ended {
        let name = super::edit::short(&self.watched.task_definition).to_owned();
        if verdict != Verdict::Done {
            within(self.clock, self.tasks.collect(self.deploy, &self.memory, self.ecs, self.events)).await;
        }
        let (outcome, text) = conclude(&name, verdict);
        let well = outcome == Outcome::Succeeded;
        let causes = if well { Vec::new() } else { causes(self.tasks.all()) };
        self.ended(outcome, text, causes)
    }

    fn interrupted(self) -> Ended {
        let name = super::edit::short(&self.watched.task_definition);
        let text = format!("interrupted: the deployment of {name} goes on without being watched");
        self.ended(Outcome::Interrupted, text, Vec::new())
    }

    fn ended(self, outcome: Outcome, text: String, causes: Vec<Cause>) -> Ended {
        let took = self.clock.now().duration_since(self.began).unwrap_or_default();
        let trouble = if outcome == Outcome::Succeeded { Vec::new() } else { self.trouble };
        Ended { outcome, text, deployment: self.memory.id, causes, trouble, took }
    }
}

async fn within<T>(clock: &Clock, optional: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        result = optional => Some(result),
        () = clock.sleep(OPTIONAL) => None,
    }
}

fn conclude(name: &str, verdict: Verdict) -> (Outcome, String) {
    match verdict {
        Verdict::Done => (Outcome::Succeeded, format!("{name} is deployed")),
        Verdict::RolledBack { to, why, complete } => {
            let state = if complete { "was rolled back" } else { "is being rolled back" };
            (Outcome::RolledBack, format!("{name} failed and {state} to {to}: {why}"))
        }
        Verdict::Failed { why } => (Outcome::Failed, format!("{name} failed: {why}")),
        Verdict::Replaced { by } => (Outcome::Replaced, format!("{name} was replaced by a newer deployment, {by}")),
        Verdict::TimedOut(how) | Verdict::Going(how) => {
            (Outcome::TimedOut, format!("time is up, but the deployment of {name} goes on: {how}"))
        }
    }
}
