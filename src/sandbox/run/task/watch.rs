//! Looks at a task's containers and at it as a target, each look on its own, and keeps what came of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::container;
use super::super::health::{Course, Timing};
use super::super::network::Network;
use super::super::spec::Container;
use super::Shared;
use crate::sandbox::ecs::TaskEvent;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// By its place in the task.
    Container(usize),
    Port(u16),
}

/// The looks end when this is dropped.
pub struct Watch {
    shared: Arc<Shared>,
    looks: JoinSet<()>,
    /// What the task's health hangs on: its essential containers, and the ports that load balancers speak to.
    known: BTreeMap<Subject, Option<bool>>,
    verdicts: mpsc::UnboundedSender<(Subject, bool)>,
    heard: mpsc::UnboundedReceiver<(Subject, bool)>,
}

impl Watch {
    pub fn new<'a>(
        shared: Arc<Shared>,
        containers: impl Iterator<Item = &'a Container>,
        load_balancers: &Value,
    ) -> Self {
        let checked = containers.enumerate().filter(|(_, container)| container.essential && container.health.is_some());
        let containers = checked.map(|(at, _)| Subject::Container(at));
        let known = containers.chain(ports(load_balancers).into_iter().map(Subject::Port));
        let known = known.map(|subject| (subject, None)).collect();
        let (verdicts, heard) = mpsc::unbounded_channel();
        Watch { shared, looks: JoinSet::new(), known, verdicts, heard }
    }

    /// From the container's start on.
    pub fn container(&mut self, at: usize, container: &Container, pid: u32) {
        let Some((args, timing)) = container.health.clone() else { return };
        let (shared, limit) = (self.shared.clone(), timing.timeout);
        let mut process = container.process.clone();
        process.args = args;
        let process = Arc::new(process);
        let look = move || {
            let (shared, process) = (shared.clone(), process.clone());
            async move { container::check(&shared.program, &shared.ground, pid, &process, limit).await }
        };
        self.begin(Subject::Container(at), timing, look);
    }

    /// From the moment when the task is up.
    pub fn ports(&mut self, network: &Arc<Network>) {
        let ports: Vec<Subject> = self.known.keys().copied().collect();
        for port in
            ports.into_iter().filter_map(|subject| if let Subject::Port(port) = subject { Some(port) } else { None })
        {
            let (shared, network, timing) = (self.shared.clone(), network.clone(), Timing::of_target());
            let limit = timing.timeout;
            let look = move || {
                let (shared, network) = (shared.clone(), network.clone());
                async move { shared.target_check.passes(&network, port, limit).await }
            };
            self.begin(Subject::Port(port), timing, look);
        }
    }

    fn begin<F: Future<Output = bool> + Send + 'static>(
        &mut self,
        subject: Subject,
        timing: Timing,
        look: impl Fn() -> F + Send + Sync + 'static,
    ) {
        let (clock, verdicts) = (self.shared.clock.clone(), self.verdicts.clone());
        let mut course = Course::new(timing, self.shared.hurry);
        self.looks.spawn(async move {
            let begun = clock.now();
            loop {
                clock.sleep(course.pause()).await;
                let healthy = look().await;
                let age = clock.now().duration_since(begun).unwrap_or_default();
                if let Some(verdict) = course.hear(healthy, age) {
                    let _ = verdicts.send((subject, verdict));
                }
            }
        });
    }

    /// The next verdict that has changed.
    pub async fn verdict(&mut self) -> (Subject, bool) {
        match self.heard.recv().await {
            Some((subject, healthy)) => {
                self.known.entry(subject).and_modify(|known| *known = Some(healthy));
                (subject, healthy)
            }
            None => std::future::pending().await,
        }
    }

    /// What there is to tell of the task as a whole.
    pub fn event(&self) -> Option<TaskEvent> {
        let all: Vec<Option<bool>> = self.known.values().copied().collect();
        match all.contains(&Some(false)) {
            true => Some(TaskEvent::Unhealthy),
            false => (!all.is_empty() && !all.contains(&None)).then_some(TaskEvent::Healthy),
        }
    }
}

/// The ports that load balancers speak to.
fn ports(load_balancers: &Value) -> Vec<u16> {
    let rows = load_balancers.as_array().into_iter().flatten();
    rows.filter_map(|row| u16::try_from(row["containerPort"].as_u64()?).ok()).collect()
}
