//! A task at work: its containers start as they may, are watched, and are stopped in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use super::super::Error;
use super::super::container::{Running, Setting};
use super::super::crew::{Crew, Member, State};
use super::super::depend::Verdict;
use super::super::network::Network;
use super::super::roots::Tree;
use super::super::spec::Container;
use super::watch::{Subject, Watch};
use super::{Order, Task};
use crate::sandbox::ecs::TaskEvent;

/// Requests that a task is still at may take so long once it is to stop. A deregistration delay is simulated and
/// may be over in no time; the requests are real.
const LINGER: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(10);

/// What comes next of a task at work.
enum News {
    Exit(usize),
    Verdict(Subject, bool),
    /// A container's time to fulfil what others wait for may be over.
    Late,
    Ordered,
}

impl Task {
    pub(super) async fn work(&mut self, ready: Vec<(Container, Tree)>) -> Result<(), Error> {
        let volumes = self.volumes()?;
        let memory = self.memory()?;
        let address = self.want.address.as_deref().and_then(|address| address.parse().ok());
        let network = Arc::new(Network::open(&self.shared.program, &self.shared.ground, address).await?);
        let (dir, logs, hostname) = (self.dir(), self.shared.logs(self.id()), self.hostname());
        let shared = self.shared.clone();
        let setting = Setting {
            program: &shared.program,
            ground: &shared.ground,
            network: &network,
            dir: &dir,
            logs: &logs,
            hostname: &hostname,
            volumes: &volumes,
            memory: memory.as_ref(),
        };
        let mut crew = Crew::new(ready);
        let done = self.attend(&mut crew, &setting, &network).await;
        if done.is_err() {
            crew.kill().await;
        } else {
            self.finish(&mut crew).await;
        }
        network.close().await;
        if done.is_ok() {
            self.report_ends(&crew);
        }
        done
    }

    /// Until the task is to end: by an order, or because a container is over that it cannot do without.
    async fn attend(&mut self, crew: &mut Crew, setting: &Setting<'_>, network: &Arc<Network>) -> Result<(), Error> {
        let containers = crew.members.iter().map(|member| &member.container);
        let mut watch = Watch::new(self.shared.clone(), containers, &self.want.load_balancers);
        let mut up = false;
        loop {
            if self.start(crew, &mut watch, setting).await? || crew.is_over() {
                return Ok(());
            }
            if !up && crew.is_complete() {
                up = true;
                let _ = self.place.network.set(network.clone());
                self.report(TaskEvent::Started);
                watch.event().into_iter().for_each(|event| self.report(event));
                watch.ports(network);
            }
            match self.news(crew, &mut watch).await {
                News::Ordered => return Ok(()),
                News::Exit(at) if crew.members[at].container.essential || crew.is_over() => return Ok(()),
                News::Exit(at) => self.report_end(&crew.members[at]),
                News::Verdict(subject, healthy) => {
                    if let Subject::Container(at) = subject {
                        crew.note_health(at, healthy);
                    }
                    watch.event().filter(|_| up).into_iter().for_each(|event| self.report(event));
                }
                News::Late => {}
            }
        }
    }

    /// Starts whoever may. True if an essential container never will.
    async fn start(&mut self, crew: &mut Crew, watch: &mut Watch, setting: &Setting<'_>) -> Result<bool, Error> {
        while let Some((at, verdict)) = crew.next(self.shared.clock.now()) {
            match verdict {
                Verdict::Never(why) => {
                    crew.members[at].state = State::Never(why);
                    if crew.members[at].container.essential {
                        return Ok(true);
                    }
                    self.report_end(&crew.members[at]);
                }
                Verdict::Start | Verdict::Wait => {
                    let member = &crew.members[at];
                    let running = Running::start(&member.container, member.tree.path(), setting).await?;
                    watch.container(at, &member.container, running.pid());
                    crew.join(at, running, self.shared.clock.now());
                }
            }
        }
        Ok(false)
    }

    async fn news(&mut self, crew: &mut Crew, watch: &mut Watch) -> News {
        let clock = self.shared.clock.clone();
        let late = if crew.is_complete() { None } else { crew.deadline(clock.now()) };
        let mut order = self.order.clone();
        tokio::select! {
            at = crew.exit() => News::Exit(at),
            (subject, healthy) = watch.verdict() => News::Verdict(subject, healthy),
            () = until(&clock, late) => News::Late,
            _ = order.wait_for(|order| *order != Order::Run) => News::Ordered,
        }
    }

    /// Ends what still runs: those first that nobody needs, as ECS does it.
    async fn finish(&mut self, crew: &mut Crew) {
        if crew.members.iter().all(|member| member.post().is_some()) {
            self.linger().await;
        }
        let (clock, mut order) = (self.shared.clock.clone(), self.order.clone());
        while crew.members.iter().any(|member| member.post().is_some()) {
            let end = crew.wind_down(clock.now());
            let killed = tokio::select! {
                _ = crew.exit() => false,
                () = until(&clock, end) => false,
                _ = order.wait_for(|order| *order == Order::Kill) => true,
            };
            if killed {
                return crew.kill().await;
            }
        }
    }

    /// Lets requests that are under way come to their end. New ones go elsewhere by now.
    async fn linger(&self) {
        let mut waited = Duration::ZERO;
        let killed = || *self.order.borrow() == Order::Kill;
        while self.place.busy.load(Ordering::SeqCst) > 0 && waited < LINGER && !killed() {
            self.shared.clock.sleep(LOOK).await;
            waited += LOOK;
        }
    }

    /// The plane ends the task at its first essential container, so what else is to be told comes first.
    fn report_ends(&self, crew: &Crew) {
        let (essential, others): (Vec<&Member>, Vec<&Member>) =
            crew.members.iter().partition(|member| member.container.essential);
        others.into_iter().chain(essential).for_each(|member| self.report_end(member));
    }

    fn report_end(&self, member: &Member) {
        let container = member.container.name.clone();
        match &member.state {
            State::Over(exit) if exit.starved => {
                self.report(TaskEvent::OutOfMemory { container: Some(container) });
            }
            State::Over(exit) => {
                self.report(TaskEvent::Exited { container: Some(container), code: i64::from(exit.code) });
            }
            State::Never(reason) => self.report(TaskEvent::NeverStarted { container, reason: reason.clone() }),
            State::Waiting | State::Running(_) => {}
        }
    }

    /// Where the task's memory is counted, if the machine lets it.
    fn memory(&self) -> Result<Option<super::super::memory::Group>, Error> {
        let Some(hierarchy) = &self.shared.ground.memory else { return Ok(None) };
        let size = self.want.overrides["memory"].as_str().or(self.want.definition["memory"].as_str());
        let limit = size.and_then(|size| size.parse::<u64>().ok()).map(|mebibytes| mebibytes << 20);
        let record: PathBuf = self.dir().join(super::RECORD);
        let made = hierarchy.task(self.id(), limit, &record);
        made.map(Some).map_err(Error::file(&hierarchy.dir))
    }
}

async fn until(clock: &crate::clock::Clock, moment: Option<SystemTime>) {
    match moment {
        Some(moment) => clock.sleep(moment.duration_since(clock.now()).unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}
