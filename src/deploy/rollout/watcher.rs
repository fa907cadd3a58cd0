//! One deployment under watch: what is known of it by now, what was told of it, and how it ended.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;

use super::conclude::{conclude, interrupted, unwatched};
use super::hopeless::Hopes;
use super::pauses::Pauses;
use super::picture::{versions, with_traffic};
use super::record::Records;
use super::tasks::Tasks;
use super::{Charge, Ended, Voice, retry};
use crate::clock::Clock;
use crate::deploy::Error;
use crate::deploy::diagnose::{Traces, causes, is_trouble};
use crate::deploy::ecs::{CallError, Ecs};
use crate::deploy::halt::Halt;
use crate::deploy::judge::{Memory, Verdict, Watched, judge, progress, tells_of_rollback};
use crate::deploy::request::name_in_arn;
use crate::deploy::snapshot::{Service, Snapshot};
use crate::report::Outcome;

/// How long a look may be held up by what it can do without; calls are tried again for much longer below.
const OPTIONAL: Duration = Duration::from_secs(5);

/// Without an answer for so long, people are told: a call is tried again for much longer below.
pub const SILENT: Duration = Duration::from_secs(10);

pub struct Watcher<'a> {
    charge: Charge<'a>,
    voice: Voice<'a>,
    ecs: &'a dyn Ecs,
    clock: &'a Clock,
    watched: Watched,
    memory: Memory,
    records: Records,
    tasks: Tasks<'a>,
    traces: Traces,
    hopes: Hopes,
    pauses: Pauses,
    newest_event: Option<String>,
    trouble: Vec<String>,
    /// What the last look showed.
    last: Option<Snapshot>,
    /// How far it was then, in words.
    shown: String,
    /// When ECS answered last, since the beginning.
    answered: Duration,
    took: Option<Duration>,
    end: Option<Result<Verdict, CallError>>,
}

impl<'a> Watcher<'a> {
    pub fn new(charge: Charge<'a>, ecs: &'a dyn Ecs, clock: &'a Clock) -> Self {
        let (began, before) = (clock.now(), &charge.deploy.before);
        let voice = Voice::new(&charge, clock);
        let watched = Watched {
            task_definition: charge.revision.to_owned(),
            fresh: charge.started.fresh,
            count: charge.deploy.count(),
            before: before.clone(),
            deadline: began + charge.wait.limit,
            until: charge.wait.until,
            on_pause: charge.wait.on_pause,
        };
        Watcher {
            watched,
            memory: Memory { id: charge.started.deployment.clone(), ..Memory::default() },
            records: Records::new(charge.started, charge.deploy),
            tasks: Tasks::of(charge.revision, voice),
            voice,
            traces: Traces::default(),
            hopes: Hopes::default(),
            pauses: Pauses::default(),
            newest_event: before.newest_event.clone(),
            trouble: Vec::new(),
            last: None,
            shown: String::new(),
            answered: Duration::ZERO,
            took: None,
            end: None,
            charge,
            ecs,
            clock,
        }
    }

    pub fn cluster(&self) -> &'a str {
        &self.charge.deploy.cluster
    }

    pub fn service(&self) -> &'a str {
        &self.charge.deploy.service
    }

    /// The time that is left, or nothing if there is a verdict.
    pub fn left(&self) -> Option<Duration> {
        let left = self.watched.deadline.duration_since(self.clock.now()).unwrap_or_default();
        self.end.is_none().then_some(left)
    }

    /// A look that showed nothing.
    pub fn miss(&mut self, why: &CallError, pause: Duration) {
        if self.clock.now() >= self.watched.deadline {
            return self.close(Verdict::TimedOut(why.to_string()));
        }
        self.charge.events.emit(retry(self.service(), why, pause));
        if self.voice.elapsed() >= self.answered + SILENT {
            self.miss_answers(&format!(" ({why})"));
        }
    }

    /// What was seen last is no news: it is told with its time.
    pub fn miss_answers(&self, why: &str) {
        self.voice.rollout(None, Vec::new(), self.unanswered(why));
    }

    fn unanswered(&self, why: &str) -> String {
        let since = clock(self.answered);
        let seen = if self.shown.is_empty() { String::new() } else { format!("; as of then {}", self.shown) };
        format!("no answer from ECS since {since}{why}{seen}")
    }

    /// No look will show anything.
    pub fn give_up(&mut self, why: CallError) {
        self.end = Some(Err(why));
    }

    /// An answer of DescribeServices, with other services perhaps.
    pub async fn see(&mut self, answer: &Value) {
        self.answered = self.voice.elapsed();
        let service = self.pick(answer);
        self.tell_events(&service);
        let records = self.records.look(&self.charge, self.ecs);
        let record = match within(self.clock, records).await {
            Some(record) => record,
            None => self.records.gave_no_answer(),
        };
        if let Some(record) = &record {
            self.pauses.tell(record, &self.charge);
        }
        let snapshot = Snapshot { service, record_expected: record.is_none() && self.records.may_come(), record };
        self.memory.note(&snapshot, &self.watched, self.clock.now());
        self.see_tasks().await;
        match judge(&snapshot, &self.memory, &self.watched, self.clock.now()) {
            Verdict::Going(how) => self.say(&snapshot, how),
            verdict => {
                // The picture that the verdict is of is the last that there is to see.
                self.say(&snapshot, progress(&snapshot.service, None));
                self.close(verdict);
            }
        }
        self.traces.note(&snapshot);
        self.last = Some(snapshot);
        if self.end.is_none() {
            within(self.clock, self.traces.look(&self.trouble, self.memory.failed, self.ecs)).await;
        }
    }

    async fn see_tasks(&mut self) {
        let now = self.clock.now();
        within(self.clock, self.tasks.look(&self.charge, &self.memory, now, self.ecs)).await;
        if self.charge.wait.fail_fast && self.memory.hopeless.is_none() {
            let hopeless = self.hopes.give_up(self.tasks.all(), &self.charge);
            self.memory.hopeless = hopeless.map(|why| (now, why));
        }
    }

    /// By the name or ARN that was asked for; alone it needs neither.
    fn pick(&self, answer: &Value) -> Service {
        let services = answer["services"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ours = |service: &&Value| {
            let wanted = self.service();
            service["serviceArn"] == wanted || service["serviceName"] == name_in_arn(wanted)
        };
        match services {
            [one] if one["serviceName"].is_null() => Service::read(one),
            all => all.iter().find(ours).map_or_else(Service::missing, Service::read),
        }
    }

    fn say(&mut self, snapshot: &Snapshot, how: String) {
        if how.is_empty() {
            return;
        }
        let record = snapshot.record.as_ref();
        let stage = record.filter(|_| !self.watched.before.rolling).and_then(|record| record.stage.clone());
        let versions = versions(snapshot, &self.memory, self.charge.revision);
        let text = with_traffic(how, self.charge.revision, record);
        self.shown.clone_from(&text);
        self.voice.rollout(stage, versions, text);
    }

    fn close(&mut self, verdict: Verdict) {
        self.took = Some(self.voice.elapsed());
        self.voice.verdict(&conclude(&self.charge, verdict.clone()));
        self.end = Some(Ok(verdict));
    }

    fn tell_events(&mut self, service: &Service) {
        let new = service.events.iter().take_while(|event| Some(&event.id) != self.newest_event.as_ref());
        for event in new.collect::<Vec<_>>().into_iter().rev() {
            let trouble = is_trouble(&event.message);
            self.voice.event(&event.message, trouble);
            self.memory.rolling_back |= tells_of_rollback(&event.message);
            if trouble {
                self.trouble.push(event.message.clone());
            }
        }
        if let Some(event) = service.events.first() {
            self.newest_event = Some(event.id.clone());
        }
    }

    /// What can be said where the run's limit ends the watch: the last look, as if it were the last that there was
    /// time for.
    fn hurry(&mut self) {
        self.watched.deadline = self.clock.now();
        let seen = self.last.take();
        let silent = self.voice.elapsed() >= self.answered + SILENT;
        self.close(match &seen {
            Some(_) if silent => Verdict::TimedOut(self.unanswered("")),
            Some(seen) => judge(seen, &self.memory, &self.watched, self.watched.deadline),
            None => Verdict::TimedOut("nothing was seen of it yet".into()),
        });
    }

    /// Without a verdict it was halted.
    pub async fn end(mut self, halt: Option<Halt>) -> Result<Ended, Error> {
        if self.end.is_none() && halt == Some(Halt::TimeUp) {
            self.hurry();
        }
        let (end, id) = (self.end.take(), self.memory.id.clone());
        let verdict = match end {
            None => return Ok(Ended { took: self.took(), deployment: id, ..interrupted(&self.charge, &self.memory) }),
            Some(Err(source)) => return Err(unwatched(&self.charge, source)),
            Some(Ok(verdict)) => verdict,
        };
        let ended = conclude(&self.charge, verdict);
        if ended.outcome == Outcome::Succeeded {
            return Ok(Ended { took: self.took(), deployment: id, ..ended });
        }
        within(self.clock, self.tasks.collect(&self.charge, &self.memory, self.ecs)).await;
        let unready = match ended.outcome {
            Outcome::TimedOut => within(self.clock, self.tasks.unready(&self.charge, &self.memory, self.ecs)).await,
            _ => None,
        };
        self.traces.add(unready.unwrap_or_default());
        let last = within(self.clock, self.traces.conclude(self.tasks.all(), &self.trouble, self.ecs)).await;
        self.traces.close(last.is_some());
        let (took, causes) = (self.took(), causes(self.tasks.all()));
        let evidence = self.traces.into_evidence();
        Ok(Ended { took, deployment: id, causes, evidence, trouble: self.trouble, ..ended })
    }

    /// To its own verdict, whatever else was watched beside it.
    fn took(&self) -> Duration {
        self.took.unwrap_or_else(|| self.voice.elapsed())
    }
}

/// `1:05`, as the lines of a watch begin.
fn clock(elapsed: Duration) -> String {
    format!("{}:{:02}", elapsed.as_secs() / 60, elapsed.as_secs() % 60)
}

/// The result, if it comes soon enough for something that can be done without.
pub async fn within<T>(clock: &Clock, optional: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        result = optional => Some(result),
        () = clock.sleep(OPTIONAL) => None,
    }
}
