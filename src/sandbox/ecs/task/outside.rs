//! Tasks that somebody really runs. The plane says what it wants (`wants`), the runner says what happened
//! (`task_event`); in between the plane waits, as ECS waits for its agent.

use serde_json::Value;

use super::ending::{KILLED, NEVER_STARTED, OUT_OF_MEMORY};
use super::{Status, Step, Stop, Task};
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::fate::Fate;
use crate::sandbox::ecs::pace::Pace;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::time::Now;

/// Not ECS's words: its machines end in other ways.
const LOST: &str = "The sandbox that ran this task has ended.";

/// What the runner of a task reports.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEvent {
    /// The image is here, the containers are running.
    Started,
    /// It could not be started; the reason in ECS's form, `CannotPullContainerError: …`.
    FailedToStart(String),
    /// A container is over; without a name, the first essential one.
    Exited {
        container: Option<String>,
        code: i64,
    },
    /// What the container waited for can never come about; the reason in ECS's form.
    NeverStarted {
        container: String,
        reason: String,
    },
    OutOfMemory {
        container: Option<String>,
    },
    /// What the health checks, the containers' and the load balancer's, have to say.
    Healthy,
    Unhealthy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Start it, or leave it running.
    Run,
    /// SIGTERM, then SIGKILL; report `Exited`.
    Stop,
}

/// A task that should be running, or should be stopping, right now.
#[derive(Debug, Clone)]
pub struct TaskWant {
    pub task_arn: String,
    pub cluster: String,
    pub service: Option<String>,
    pub wish: Wish,
    /// The task definition as DescribeTaskDefinition shows it, but that images of the sandbox's own registry are named by
    /// the address where they are now.
    pub definition: Value,
    pub overrides: Value,
    /// The service's load balancers; empty for a one-off task.
    pub load_balancers: Value,
    /// Its address as DescribeTasks shows it.
    pub address: Option<String>,
    /// It drains: no new connections, the old ones go on.
    pub draining: bool,
}

impl Plane {
    /// Tasks whose fate is `External`, from the moment they should be pulled to the report of their end. What
    /// runs and is listed no more, because it was stopped before it was up or its time was over, is to be killed.
    pub fn wants(&self) -> Vec<TaskWant> {
        let known = self.tasks.values().filter(|task| task.fate == Fate::External);
        known
            .filter(|task| task.status > Status::Provisioning && task.status < Status::Deprovisioning)
            .map(|task| self.want(task))
            .collect()
    }

    fn want(&self, task: &Task) -> TaskWant {
        let service = task.service.as_ref().and_then(|key| self.services.get(key));
        TaskWant {
            task_arn: task.arn.clone(),
            cluster: task.cluster.clone(),
            service: task.service.as_ref().map(|key| key.name.clone()),
            wish: if task.status == Status::Stopping { Wish::Stop } else { Wish::Run },
            definition: self.located(&task.definition),
            overrides: task.members["overrides"].clone(),
            load_balancers: service.map(Service::balancers).unwrap_or_default(),
            address: task.interface.as_ref().map(|interface| interface.address.clone()),
            draining: task.status == Status::Deactivating,
        }
    }

    fn located(&self, definition: &str) -> Value {
        let mut document = self.definition(definition).map(|found| found.document.clone()).unwrap_or_default();
        for container in document["containerDefinitions"].as_array_mut().into_iter().flatten() {
            if let Some(image) = container["image"].as_str() {
                container["image"] = self.world.locate(image).into();
            }
        }
        document
    }

    /// Whoever ran the tasks is gone, and they with it: STOPPED at once, for their services to replace. `all` means those
    /// as well that nobody ran.
    pub fn lose_tasks(&mut self, all: bool, now: Now) {
        let now = self.at(now);
        self.wind_up();
        let lost = self.tasks.values().filter(|task| task.is_live() && (all || task.fate == Fate::External));
        for id in lost.map(|task| task.id.clone()).collect::<Vec<_>>() {
            self.with_task(&id, now, |task, pace| task.lose(now, pace));
        }
        self.tick(now);
    }

    /// A report about a task; one about a task that is over or unknown changes nothing.
    pub fn task_event(&mut self, task_arn: &str, event: TaskEvent, now: Now) {
        let now = self.at(now);
        let id = task_arn.rsplit('/').next().unwrap_or(task_arn).to_owned();
        self.with_task(&id, now, |task, pace| task.hear(event, now, pace));
        self.tick(now);
    }
}

impl Task {
    /// As when the machine beneath is terminated; the circuit breaker does not count that.
    fn lose(&mut self, now: Now, pace: &Pace) {
        self.stop.get_or_insert_with(|| Stop { code: "TerminationNotice".into(), reason: LOST.into() });
        self.times.stopping.get_or_insert(now);
        self.end_containers(now, pace, KILLED);
        self.due.clear();
        self.gone(now, pace);
    }

    fn hear(&mut self, event: TaskEvent, now: Now, pace: &Pace) {
        if self.status >= Status::Deprovisioning {
            return self.amend(event);
        }
        match event {
            TaskEvent::Started if self.is_pending() && self.is_wanted() => {
                self.times.pull_started.get_or_insert(now);
                self.times.pull_stopped = Some(now);
                self.due = vec![(now, Step::Run)];
            }
            TaskEvent::FailedToStart(reason) if !self.ever_ran() => self.fail_to_start(&reason, now, pace),
            TaskEvent::Exited { container, code } => self.exit(self.place(container), code, None, now, pace),
            TaskEvent::OutOfMemory { container } => {
                self.exit(self.place(container), KILLED, Some(OUT_OF_MEMORY), now, pace);
            }
            TaskEvent::NeverStarted { container, reason } => {
                self.exit(self.place(Some(container)), NEVER_STARTED, Some(&reason), now, pace);
            }
            TaskEvent::Healthy => self.judge(true),
            TaskEvent::Unhealthy => self.judge(false),
            TaskEvent::Started | TaskEvent::FailedToStart(_) => {}
        }
    }

    /// How the other containers came to their end is heard after the first that mattered.
    fn amend(&mut self, event: TaskEvent) {
        let (container, code, reason) = match event {
            TaskEvent::Exited { container, code } => (container, code, None),
            TaskEvent::OutOfMemory { container } => (container, KILLED, Some(OUT_OF_MEMORY.to_owned())),
            _ => return,
        };
        let place = self.place(container);
        if self.status == Status::Deprovisioning
            && let Some(container) = self.containers.get_mut(place)
        {
            container.exit_code = Some(code);
            container.reason = reason;
        }
    }

    fn judge(&mut self, healthy: bool) {
        if self.status == Status::Running {
            self.check(healthy);
            self.check_target(healthy);
        }
    }

    fn place(&self, name: Option<String>) -> usize {
        let named = name.and_then(|name| self.containers.iter().position(|container| container.name == name));
        named.unwrap_or(self.victim)
    }
}
