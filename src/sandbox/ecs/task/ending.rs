//! How tasks end: never started, exited, or asked to stop; draining, stopping, gone. Each end leaves the stop
//! code, the reasons and the exit codes that a client reads the cause from.

use super::life::Step;
use super::{Status, Stop, Target, Task};
use crate::sandbox::ecs::fate::Fate;
use crate::sandbox::ecs::images::image_not_found;
use crate::sandbox::ecs::pace::Pace;
use crate::sandbox::ecs::time::Now;

pub(super) const OUT_OF_MEMORY: &str = "OutOfMemoryError: Container killed due to memory usage";

/// Killed at the end of its stop time-out: what becomes of a process that is PID 1 and handles no SIGTERM.
pub(super) const KILLED: i64 = 137;

/// What ECS shows for a container whose dependencies cannot come about (amazon-ecs-agent#3218).
pub(super) const NEVER_STARTED: i64 = 143;

const USUAL_INITIALIZATION: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource \
                                    retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s)";

impl Task {
    pub(super) fn fail_pull(&mut self, at: Now, pace: &Pace) {
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
        image_not_found(&self.containers[self.victim].image)
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

    pub(super) fn exit_by_fate(&mut self, at: Now, pace: &Pace) {
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
    pub(super) fn drain(&mut self, at: Now, pace: &Pace) {
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

    pub(super) fn halt(&mut self, at: Now, pace: &Pace) {
        self.status = Status::Stopping;
        self.target = Target::None;
        // Whoever really runs the task says when it is over; the time-out is ECS's usual 30 s and some more.
        let patience = if self.fate == Fate::External { pace.stopping.max(35.0) } else { pace.stopping };
        self.then(Step::Halted, at, patience);
    }

    pub(super) fn end_containers(&mut self, at: Now, pace: &Pace, code: i64) {
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

    pub(super) fn gone(&mut self, at: Now, pace: &Pace) {
        self.status = Status::Stopped;
        self.times.stopped = Some(at);
        self.then(Step::Forget, at, pace.remember);
    }
}
