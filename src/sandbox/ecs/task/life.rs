//! A task's steps through its life, one at a time, each naming the next. The fate says where the road ends:
//! at the pull, at an exit code, at a failed check, or in a long healthy run.

use serde::{Deserialize, Serialize};

use super::ending::KILLED;
use super::{Health, Status, Target, Task};
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

    pub(super) fn then(&mut self, step: Step, at: Now, seconds: f64) {
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
            Step::TargetCheck => self.check_target(!self.fails_at_target()),
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

    fn activate(&mut self, at: Now, pace: &Pace) {
        self.status = Status::Activating;
        self.times.pull_stopped = Some(at);
        self.then(Step::Run, at, pace.activating);
    }

    fn run(&mut self, at: Now, pace: &Pace) {
        self.status = Status::Running;
        self.times.started = Some(at);
        // One that others waited for may be over already.
        let starting = self.containers.iter_mut().filter(|container| container.status != Status::Stopped);
        starting.for_each(|container| container.status = Status::Running);
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
        let checked = self.is_checked();
        let late = pace.unhealthy.max(self.grace);
        if checked && !external {
            self.then(Step::Check, at, if self.fate == Fate::HealthCheckFails { late } else { pace.health_check });
        }
        if self.target == Target::Initial && !external {
            self.then(Step::TargetCheck, at, if self.fails_at_target() { late } else { pace.target_health });
        }
        if !checked && self.target == Target::None {
            self.then(Step::Unchecked, at, pace.unchecked);
        }
    }

    /// A container that fails its health check and has none fails the load balancer's, which asks the same program.
    pub fn fails_at_target(&self) -> bool {
        match self.fate {
            Fate::ElbHealthCheckFails { .. } => true,
            Fate::HealthCheckFails => !self.is_checked(),
            _ => false,
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
        let by_itself = !self.is_checked() || self.health() == Health::Healthy;
        self.ready = by_itself && matches!(self.target, Target::None | Target::Healthy);
    }
}
