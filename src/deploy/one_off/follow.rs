//! From the started tasks to what became of them: watched to their end, until time is up, or until an interrupt, which
//! leaves them alone unless they are to be stopped then.

use std::time::Duration;

use super::start::{id, stop, tasks};
use super::watch::{Seen, Watch};
use super::{Error, Plan, Started, State};
use crate::clock::Clock;
use crate::deploy::diagnose::{Cause, Evidence, Stopped, causes, read_log};
use crate::deploy::ecs::Ecs;
use crate::deploy::halt::{Halt, Halts};
use crate::deploy::rollout::within;
use crate::report::{Events, Outcome};

/// How it ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub outcome: Outcome,
    /// In a sentence's words, without its beginning: "1 of 2 tasks failed".
    pub text: String,
    pub advice: Option<String>,
    pub tasks: Vec<Seen>,
    pub causes: Vec<Cause>,
    pub evidence: Evidence,
    /// The lines of the log were passed on while they came.
    pub streamed: bool,
    pub took: Duration,
}

impl Ended {
    fn new(outcome: Outcome, text: impl Into<String>) -> Self {
        let (tasks, causes) = (Vec::new(), Vec::new());
        let (evidence, took) = (Evidence::default(), Duration::ZERO);
        Ended { outcome, text: text.into(), advice: None, tasks, causes, evidence, streamed: false, took }
    }

    /// The exit code to blame, of the first task that failed with one.
    pub fn exit_code(&self) -> Option<i64> {
        let code = |task: &Seen| if let State::Failed(code) = task.state { code } else { None };
        self.tasks.iter().find_map(|task| code(task).filter(|code| *code != 0))
    }
}

pub async fn follow(
    plan: &Plan,
    started: &Started,
    ecs: &dyn Ecs,
    clock: &Clock,
    events: &Events,
    halts: &Halts,
) -> Result<Ended, Error> {
    let unplaced = |ended: Ended| Ended { causes: [started.unplaced.clone(), ended.causes].concat(), ..ended };
    if started.answer.is_null() {
        return Ok(unknown(plan, started.cut.unwrap_or(Halt::Interrupted)));
    }
    if started.tasks.is_empty() {
        return Ok(unplaced(Ended::new(Outcome::Failed, "nothing was started")));
    }
    let mut watch = Watch::of(plan, &started.tasks, ecs, clock, events);
    if !plan.wait && started.cut.is_none() {
        let lacking = !started.unplaced.is_empty();
        let outcome = if lacking { Outcome::Failed } else { Outcome::Succeeded };
        let text = format!("{} started, not waited for", count(started.tasks.len(), plan.count));
        return Ok(unplaced(Ended { tasks: watch.tasks, ..Ended::new(outcome, text) }));
    }
    let end = match started.cut {
        Some(halt) => Err(halt),
        None => tokio::select! {
            biased;
            end = watch.run() => Ok(end),
            halt = halts.first() => Err(halt),
        },
    };
    let took = watch.took();
    let ended = match end {
        Err(halt) => left(plan, &watch.tasks, halt, ecs, clock).await,
        Ok(Ok(())) => conclude(plan, &watch.tasks, ecs, clock).await,
        Ok(Err(source)) => {
            let open: Vec<String> = open(&watch.tasks);
            return Err(Error::Unwatched { tasks: tasks(&open), source: Box::new(source) });
        }
    };
    let streamed = watch.has_streamed();
    Ok(unplaced(Ended { tasks: watch.tasks, took, streamed, ..ended }))
}

fn open(tasks: &[Seen]) -> Vec<String> {
    tasks.iter().filter(|task| task.is_open()).map(|task| task.arn.clone()).collect()
}

/// `1 task`, `2 of 3 tasks`
fn count(some: usize, all: usize) -> String {
    match (some, all) {
        (1, 1) => "1 task".to_owned(),
        (some, all) if some == all => format!("{all} tasks"),
        (some, all) => format!("{some} of {all} tasks"),
    }
}

/// The answer was not waited for, so nobody knows.
fn unknown(plan: &Plan, halt: Halt) -> Ended {
    let family = plan.revision.split(':').next().unwrap_or_default();
    let advice = format!("See what runs with `aws ecs list-tasks --cluster {} --family {family}`.", plan.cluster);
    let text = format!("{} while tasks were being started: ECS may have started them", halt.word());
    Ended { advice: Some(advice), ..Ended::new(halt.outcome(), text) }
}

/// Said at once: a CI system that cancels a job kills it some ten seconds later.
async fn left(plan: &Plan, seen: &[Seen], halt: Halt, ecs: &dyn Ecs, clock: &Clock) -> Ended {
    let open = open(seen);
    let (event, outcome) = (halt.word(), halt.outcome());
    let wanted = match halt {
        Halt::TimeUp => plan.cancel.on_timeout,
        Halt::Interrupted => plan.cancel.on_interrupt,
    };
    if !wanted {
        let each = if open.len() == 1 { "Stop it" } else { "Stop each" };
        let commands =
            open.iter().map(|arn| format!("`aws ecs stop-task --cluster {} --task {}`", plan.cluster, id(arn)));
        let advice = format!("{each} with {}.", commands.collect::<Vec<_>>().join(" and "));
        let verb = if open.len() == 1 { "goes" } else { "go" };
        let text = format!("{event}, but {} {verb} on in ECS", tasks(&open));
        return Ended { advice: Some(advice), ..Ended::new(outcome, text) };
    }
    let reason = format!("dockless run-task: {event}");
    let failed = within(clock, stop(&plan.cluster, &open, &reason, ecs)).await;
    let text = match failed.as_deref() {
        Some([]) => format!("{event}: {} told to stop", tasks(&open)),
        Some(failed) => format!("{event}, and not every task could be told to stop: {}", failed.join("; ")),
        None => format!("{event}: {} told to stop, but ECS has not answered yet", tasks(&open)),
    };
    Ended::new(outcome, text)
}

async fn conclude(plan: &Plan, seen: &[Seen], ecs: &dyn Ecs, clock: &Clock) -> Ended {
    let failed: Vec<Stopped> = seen.iter().filter(|task| task.state != State::Succeeded).map(Seen::stopped).collect();
    let lacking = plan.count - seen.len();
    if failed.is_empty() && lacking == 0 {
        return Ended::new(Outcome::Succeeded, format!("{} succeeded", count(seen.len(), seen.len())));
    }
    let text = match (failed.len(), lacking) {
        (0, lacking) => format!("{} could not be started", count(lacking, plan.count)),
        (failed, 0) => format!("{} failed", count(failed, plan.count)),
        (failed, lacking) => {
            format!("{} failed, and {lacking} could not be started", count(failed, plan.count))
        }
    };
    let advice = failed.iter().find_map(|task| plan.counting.advice(task));
    let evidence = within(clock, evidence(&failed, ecs)).await.unwrap_or_default();
    Ended { advice, causes: causes(&failed), evidence, ..Ended::new(Outcome::Failed, text) }
}

/// The last lines of the first that ran.
async fn evidence(failed: &[Stopped], ecs: &dyn Ecs) -> Evidence {
    match failed.iter().find(|task| task.culprit().is_some()) {
        Some(task) => {
            let (log, note) = read_log(task, ecs).await;
            Evidence { log, notes: note.into_iter().collect(), ..Evidence::default() }
        }
        None => Evidence::default(),
    }
}
