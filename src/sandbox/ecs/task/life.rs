//! A task's steps through its life, one at a time, each naming the next. The fate says where the road ends:
//! at the pull, at an exit code, at a failed check, or in a long healthy run.

use serde::{Deserialize, Serialize};

use super::{Health, Status, Stop, Target, Task};
use crate::sandbox::ecs::fate::Fate;
use crate::sandbox::ecs::pace::Pace;
use crate::sandbox::ecs::time::Now;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    Pull,
    PullFails,
    Activate,
    Run,
    /// The containers' checks, the load balancer's check, or the wait of a task without any, come to an end.
    Check,
    TargetCheck,
    Unchecked,
    Exit,
    Drain,
    Halt,
    Halted,
    Gone,
    Forget,
}

const OUT_OF_MEMORY: &str = "OutOfMemoryError: Container killed due to memory usage";

/// Killed at the end of its stop time-out: what becomes of a process that is PID 1 and handles no SIGTERM.
const KILLED: i64 = 137;

impl Task {
    /// Takes the steps that are due. True if the task is to be forgotten.
    pub fn advance(&mut self, now: Now, pace: &Pace) -> bool {
        while let Some(place) = self.due.iter().position(|(at, _)| *at <= now) {
            let (at, step) = self.due.remove(place);
            if step == Step::Forget {
                return true;
            }
            self.version += 1;
            self.take(step, at.max(self.times.created), pace);
        }
        false
    }

    fn then(&mut self, step: Step, at: Now, seconds: f64) {
        self.due.push((at.after(seconds), step));
        self.due.sort_by_key(|(at, _)| *at);
    }

    fn take(&mut self, step: Step, at: Now, pace: &Pace) {
        match step {
            Step::Pull => self.pull(at, pace),
            Step::PullFails => self.fail_pull(at, pace),
            Step::Activate => self.activate(at, pace),
            Step::Run => self.run(at, pace),
            Step::Check => self.check(!matches!(self.fate, Fate::HealthCheckFails)),
            Step::TargetCheck => self.check_target(!matches!(self.fate, Fate::ElbHealthCheckFails { .. })),
            Step::Unchecked => self.ready = true,
            Step::Exit => self.exit_by_fate(at, pace),
            Step::Drain => self.drain(at, pace),
            Step::Halt => self.halt(at, pace),
            Step::Halted => self.end_containers(at, pace, KILLED),
            Step::Gone => self.gone(at, pace),
            Step::Forget => {}
        }
    }

    fn pull(&mut self, at: Now, pace: &Pace) {
        self.status = Status::Pending;
        self.times.connected = Some(at);
        match &self.fate {
            Fate::ResourceInitialization { .. } => self.fail_pull(at, pace),
            Fate::FailPull { .. } => {
                self.times.pull_started = Some(at);
                self.then(Step::PullFails, at, pace.pull);
            }
            Fate::NeverStarts | Fate::External => {}
            _ => {
                self.times.pull_started = Some(at);
                self.then(Step::Activate, at, pace.pull);
            }
        }
    }

    fn fail_pull(&mut self, at: Now, pace: &Pace) {
        let reason = match &self.fate {
            Fate::FailPull { reason: Some(reason) } | Fate::ResourceInitialization { reason: Some(reason) } => {
                reason.clone()
            }
            Fate::ResourceInitialization { reason: None } => USUAL_INITIALIZATION.to_owned(),
            _ => self.usual_pull_failure(),
        };
        self.fail_to_start(&reason, at, pace);
    }

    fn usual_pull_failure(&self) -> String {
        let image = &self.containers[self.victim].image;
        format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {image}: not found"
        )
    }

    /// The end of a task that never ran: a reason, but no exit code.
    pub fn fail_to_start(&mut self, reason: &str, at: Now, pace: &Pace) {
        if self.stop.is_none() {
            self.stop = Some(Stop { code: "TaskFailedToStart".into(), reason: reason.into() });
            self.times.stopping = Some(at);
        }
        self.containers[self.victim].reason = Some(reason.into());
        self.leave(at, pace);
    }

    fn activate(&mut self, at: Now, pace: &Pace) {
        self.status = Status::Activating;
        self.times.pull_stopped = Some(at);
        self.then(Step::Run, at, pace.activating);
    }

    fn run(&mut self, at: Now, pace: &Pace) {
        self.status = Status::Running;
        self.times.started = Some(at);
        self.containers.iter_mut().for_each(|container| container.status = Status::Running);
        self.expect_checks(at, pace);
        match self.fate {
            Fate::ExitCode { after, .. } | Fate::OutOfMemory { after } | Fate::SpotInterruption { after } => {
                self.then(Step::Exit, at, after);
            }
            _ => {}
        }
    }

    fn expect_checks(&mut self, at: Now, pace: &Pace) {
        let external = self.fate == Fate::External;
        let checked = self.containers.iter().any(|container| container.checked && container.essential);
        let late = pace.unhealthy.max(self.grace);
        if checked && !external {
            self.then(Step::Check, at, if self.fate == Fate::HealthCheckFails { late } else { pace.health_check });
        }
        if self.target == Target::Initial && !external {
            let fails = matches!(self.fate, Fate::ElbHealthCheckFails { .. });
            self.then(Step::TargetCheck, at, if fails { late } else { pace.target_health });
        }
        if !checked && self.target == Target::None {
            self.then(Step::Unchecked, at, pace.unchecked);
        }
    }

    /// The containers' own checks say so.
    pub fn check(&mut self, healthy: bool) {
        let health = if healthy { Health::Healthy } else { Health::Unhealthy };
        self.containers
            .iter_mut()
            .filter(|container| container.checked)
            .for_each(|container| container.health = health);
        self.see_whether_ready();
    }

    /// The load balancer's check says so.
    pub fn check_target(&mut self, healthy: bool) {
        if matches!(self.target, Target::Initial | Target::Healthy | Target::Unhealthy) {
            self.target = if healthy { Target::Healthy } else { Target::Unhealthy };
        }
        self.see_whether_ready();
    }

    fn see_whether_ready(&mut self) {
        let checked = self.containers.iter().any(|container| container.checked && container.essential);
        let by_itself = !checked || self.health() == Health::Healthy;
        self.ready = by_itself && matches!(self.target, Target::None | Target::Healthy);
    }

    fn exit_by_fate(&mut self, at: Now, pace: &Pace) {
        match self.fate {
            Fate::OutOfMemory { .. } => self.exit(self.victim, KILLED, Some(OUT_OF_MEMORY), at, pace),
            Fate::SpotInterruption { .. } => {
                self.ask_to_stop("SpotInterruption", "Your Spot Task was interrupted.", at)
            }
            Fate::ExitCode { code, .. } => self.exit(self.victim, code, None, at, pace),
            _ => {}
        }
    }

    /// A container is over; the task with it, if the container was essential or the last.
    pub fn exit(&mut self, place: usize, code: i64, reason: Option<&str>, at: Now, pace: &Pace) {
        let Some(container) = self.containers.get_mut(place) else { return };
        container.status = Status::Stopped;
        container.exit_code = Some(code);
        container.reason = reason.map(String::from);
        let last = self.containers.iter().all(|container| container.status == Status::Stopped);
        if !self.containers[place].essential && !last {
            return;
        }
        if self.stop.is_none() {
            let reason = "Essential container in task exited".into();
            self.stop = Some(Stop { code: "EssentialContainerExited".into(), reason });
            self.times.stopping = Some(at);
        }
        self.end_containers(at, pace, KILLED);
    }

    /// Asks the task to stop; a task that is stopping already keeps its first reason.
    pub fn ask_to_stop(&mut self, code: &str, reason: &str, now: Now) {
        if self.stop.is_some() || !self.is_live() {
            return;
        }
        self.stop = Some(Stop { code: code.into(), reason: reason.into() });
        self.times.stopping = Some(now);
        self.ready = false;
        self.due = vec![(now, Step::Drain)];
    }

    /// A registered target drains first; a task that never ran has nothing to drain.
    fn drain(&mut self, at: Now, pace: &Pace) {
        match self.status {
            Status::Running if self.target != Target::None => {
                self.status = Status::Deactivating;
                self.target = Target::Draining;
                self.then(Step::Halt, at, pace.draining);
            }
            Status::Running => self.halt(at, pace),
            _ => self.leave(at, pace),
        }
    }

    fn halt(&mut self, at: Now, pace: &Pace) {
        self.status = Status::Stopping;
        self.target = Target::None;
        // Whoever really runs the task says when it is over; the time-out is ECS's usual 30 s and some more.
        let patience = if self.fate == Fate::External { pace.stopping.max(35.0) } else { pace.stopping };
        self.then(Step::Halted, at, patience);
    }

    fn end_containers(&mut self, at: Now, pace: &Pace, code: i64) {
        for container in self.containers.iter_mut().filter(|container| container.status == Status::Running) {
            container.exit_code.get_or_insert(code);
        }
        self.times.execution_stopped = Some(at);
        self.leave(at, pace);
    }

    fn leave(&mut self, at: Now, pace: &Pace) {
        self.status = Status::Deprovisioning;
        self.ready = false;
        self.target = Target::None;
        self.containers.iter_mut().for_each(|container| container.status = Status::Stopped);
        self.due.clear();
        self.then(Step::Gone, at, pace.deprovisioning);
    }

    fn gone(&mut self, at: Now, pace: &Pace) {
        self.status = Status::Stopped;
        self.times.stopped = Some(at);
        self.then(Step::Forget, at, pace.remember);
    }
}

const USUAL_INITIALIZATION: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource \
                                    retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s)";
