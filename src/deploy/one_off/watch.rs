//! Tasks under watch: one DescribeTasks for all that still run, their lines, and a word now and then when nothing
//! happens, as CI systems take a silent job for a dead one. A look that fails is made again.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::lines::Lines;
use super::start::id;
use super::{Plan, State, judge};
use crate::clock::Clock;
use crate::deploy::diagnose::Stopped;
use crate::deploy::ecs::{CallError, Ecs, Operation, may_pass};
use crate::deploy::rollout::{FIRST, jittered, retry, within};
use crate::deploy::summary::spelled;
use crate::report::{Event, Events};

/// The longest pause between two looks: lines should not come late.
const LONGEST: Duration = Duration::from_secs(5);

/// RunTask's tasks may be MISSING for DescribeTasks for a while (API reference, RunTask: wait up to five minutes).
const UNSEEN: Duration = Duration::from_secs(300);

/// Without any answer for so long, nobody is watching.
const BLIND: Duration = Duration::from_secs(600);

/// Silence between two signs of life.
const SILENCE: Duration = Duration::from_secs(120);

/// CloudWatch shows the last lines a little after the task's end: so many looks without a new one are enough.
const QUIET: u32 = 2;
const LAST_LOOKS: u32 = 6;

/// One task, as far as it is known.
#[derive(Debug, Clone)]
pub struct Seen {
    pub arn: String,
    pub state: State,
    /// As DescribeTasks showed it last.
    pub document: Option<Value>,
}

impl Seen {
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Going(_))
    }

    /// What is known of its end; a task that ECS forgot has none.
    pub fn stopped(&self) -> Stopped {
        let forgotten = || Stopped {
            id: id(&self.arn).to_owned(),
            reason: "ECS knows nothing of it any more, so how it ended was not seen".into(),
            ..Stopped::default()
        };
        self.document.as_ref().map_or_else(forgotten, Stopped::read)
    }
}

pub struct Watch<'a> {
    plan: &'a Plan,
    ecs: &'a dyn Ecs,
    clock: &'a Clock,
    events: &'a Events,
    pub tasks: Vec<Seen>,
    lines: Lines,
    began: SystemTime,
    answered: SystemTime,
    spoke: SystemTime,
}

impl<'a> Watch<'a> {
    pub fn of(plan: &'a Plan, arns: &[String], ecs: &'a dyn Ecs, clock: &'a Clock, events: &'a Events) -> Self {
        let seen = |arn: &String| Seen { arn: arn.clone(), state: State::Going(String::new()), document: None };
        let mut lines = Lines::of(plan, &arns.iter().map(|arn| id(arn)).collect::<Vec<_>>());
        let (now, remarks) = (clock.now(), lines.remarks());
        let tasks = arns.iter().map(seen).collect();
        let watch = Watch { plan, ecs, clock, events, tasks, lines, began: now, answered: now, spoke: now };
        remarks.into_iter().for_each(|why| watch.tell(&watch.tasks, why));
        watch
    }

    /// Until all tasks have ended.
    pub async fn run(&mut self) -> Result<(), CallError> {
        let mut pause = FIRST;
        loop {
            self.look().await?;
            let heard = self.listen().await;
            if !self.tasks.iter().any(Seen::is_open) {
                self.hear_the_last().await;
                return Ok(());
            }
            self.keep_alive(heard);
            self.clock.sleep(jittered(pause)).await;
            pause = (pause * 3 / 2).min(LONGEST);
        }
    }

    async fn look(&mut self) -> Result<(), CallError> {
        let open: Vec<&String> = self.tasks.iter().filter(|task| task.is_open()).map(|task| &task.arn).collect();
        let body = json!({ "cluster": self.plan.cluster, "tasks": open });
        match self.ecs.call(Operation::DescribeTasks, body).await {
            Ok(answer) => {
                self.answered = self.clock.now();
                self.see(&answer.body);
                Ok(())
            }
            Err(why) if may_pass(&why) && self.since(self.answered) < BLIND => {
                self.events.emit(retry(&self.plan.revision, &why, FIRST));
                Ok(())
            }
            Err(why) => Err(why),
        }
    }

    fn see(&mut self, answer: &Value) {
        let unseen = self.since(self.began) < UNSEEN;
        for at in (0..self.tasks.len()).filter(|at| self.tasks[*at].is_open()).collect::<Vec<_>>() {
            let task = &self.tasks[at];
            let mut all = answer["tasks"].as_array().into_iter().flatten();
            let (state, document) = match all.find(|found| found["taskArn"] == *task.arn) {
                Some(found) => (judge(found, &self.plan.counting), Some(found.clone())),
                None if task.document.is_none() && unseen => continue,
                None => (State::Failed(None), None),
            };
            let moved = state != task.state;
            let task = Seen { arn: task.arn.clone(), state, document };
            if moved {
                self.tell([&task], told(&task));
                self.spoke = self.clock.now();
            }
            self.tasks[at] = task;
        }
    }

    async fn listen(&mut self) -> bool {
        let (ecs, events) = (self.ecs, self.events);
        within(self.clock, self.lines.look(ecs, events)).await.unwrap_or_default()
    }

    async fn hear_the_last(&mut self) {
        let mut quiet = 0;
        for _ in 0..LAST_LOOKS {
            if self.lines.are_none() || quiet == QUIET {
                return;
            }
            self.clock.sleep(FIRST).await;
            quiet = if self.listen().await { 0 } else { quiet + 1 };
        }
    }

    fn tell<'t>(&self, about: impl IntoIterator<Item = &'t Seen>, text: String) {
        let tasks = about.into_iter().map(|task| id(&task.arn).to_owned()).collect();
        self.events.emit(Event::Task { tasks, elapsed: self.took(), text });
    }

    fn keep_alive(&mut self, heard: bool) {
        if heard {
            self.spoke = self.clock.now();
        } else if self.since(self.spoke) >= SILENCE {
            let open: Vec<&Seen> = self.tasks.iter().filter(|task| task.is_open()).collect();
            let tasks = if open.len() == 1 { "1 task".to_owned() } else { format!("{} tasks", open.len()) };
            let text = format!("{tasks} of {} going on for {}", self.plan.revision, spelled(self.took()));
            self.tell(open, text);
            self.spoke = self.clock.now();
        }
    }

    fn since(&self, then: SystemTime) -> Duration {
        self.clock.now().duration_since(then).unwrap_or_default()
    }

    /// Whether lines of containers were passed on.
    pub fn has_streamed(&self) -> bool {
        self.lines.any()
    }

    pub fn took(&self) -> Duration {
        self.since(self.began)
    }
}

fn told(task: &Seen) -> String {
    let name = id(&task.arn);
    match &task.state {
        State::Going(status) => format!("task {name}: {status}"),
        State::Succeeded => format!("task {name}: done"),
        State::Failed(_) => format!("task {name}: failed: {}", task.stopped().why()),
    }
}
