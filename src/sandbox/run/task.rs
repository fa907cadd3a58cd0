//! A task's life: pull, start, watch, stop. One of these runs for each task that the plane wants, hears what is
//! wished of it, and reports what happens; when it ends, everything that the task had is gone.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::container::{Running, Setting};
use super::crew::{Crew, Member};
use super::health::{Course, Timing};
use super::network::Network;
use super::spec::{self, Container};
use super::{Error, Report, Shared, container, tree};
use crate::sandbox::ecs::{TaskEvent, TaskWant};

/// What is wished of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    Run,
    Stop,
    /// At once, and nobody wants to hear of it.
    Kill,
}

/// Where a task is reached, once it is up.
#[derive(Default)]
pub struct Place {
    pub network: OnceLock<Arc<Network>>,
    pub busy: Arc<AtomicUsize>,
}

/// Requests that a task is still at may take so long once it is to stop. A deregistration delay is simulated and
/// may be over in no time; the requests are real.
const LINGER: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(10);

const SIGKILL: u8 = 9;

pub struct Task {
    pub shared: Arc<Shared>,
    pub want: TaskWant,
    pub order: watch::Receiver<Order>,
    pub place: Arc<Place>,
}

impl Task {
    pub async fn live(mut self) {
        let mut order = self.order.clone();
        let ready = tokio::select! {
            ready = self.prepare() => Some(ready),
            _ = order.wait_for(|order| *order != Order::Run) => None,
        };
        // What has been started is always waited for, so this is not given up half-way.
        let started = match ready {
            Some(Ok(ready)) => Some(self.start(ready).await),
            Some(Err(why)) => Some(Err(why)),
            None => None,
        };
        match started {
            None => {}
            Some(Err(why)) => self.report(TaskEvent::FailedToStart(why.to_string())),
            Some(Ok(crew)) => self.work(crew).await,
        }
        let dir = self.dir();
        let _ = tokio::task::spawn_blocking(move || tree::remove(&dir)).await;
    }

    /// Containers and their images' trees.
    async fn prepare(&self) -> Result<Vec<(Container, PathBuf)>, Error> {
        let mut ready = Vec::new();
        for row in self.want.definition["containerDefinitions"].as_array().into_iter().flatten() {
            let image = self.shared.images.find(row["image"].as_str().unwrap_or_default()).await?;
            let tree = self.shared.roots.tree(&*self.shared.images, &image).await?;
            let container = spec::container(row, &self.want.overrides, &image.config);
            let name = || row["name"].as_str().unwrap_or_default().to_owned();
            ready.push((container.map_err(|why| Error::Start { container: name(), why })?, tree));
        }
        Ok(ready)
    }

    async fn start(&self, ready: Vec<(Container, PathBuf)>) -> Result<Crew, Error> {
        let address = self.want.address.as_deref().and_then(|address| address.parse::<Ipv4Addr>().ok());
        let volumes = self.volumes()?;
        let network = Arc::new(Network::open(&self.shared.program, &self.shared.ground, address).await?);
        let (dir, logs, hostname) = (self.dir(), self.shared.logs(self.id()), self.hostname());
        let setting = Setting {
            program: &self.shared.program,
            ground: &self.shared.ground,
            network: &network,
            dir: &dir,
            logs: &logs,
            hostname: &hostname,
            volumes: &volumes,
        };
        let (told, exits) = mpsc::unbounded_channel();
        let mut crew = Crew { members: Vec::new(), exits, network: network.clone() };
        for (container, tree) in ready {
            match Running::start(&container, tree, &setting).await {
                Ok(running) => crew.join(container, running, told.clone()),
                Err(why) => {
                    crew.signal(|_| SIGKILL);
                    crew.ended().await;
                    network.close().await;
                    return Err(why);
                }
            }
        }
        Ok(crew)
    }

    async fn work(&mut self, mut crew: Crew) {
        let _ = self.place.network.set(crew.network.clone());
        self.report(TaskEvent::Started);
        let mut order = self.order.clone();
        let (verdicts, mut heard) = mpsc::unbounded_channel();
        let checks = self.checks(&crew, &verdicts);
        let mut known: Vec<Option<bool>> = vec![None; checks.len()];
        loop {
            tokio::select! {
                Some((place, code)) = crew.exits.recv() => {
                    crew.members[place].code = Some(code);
                    if crew.members[place].container.essential || crew.is_over() {
                        break;
                    }
                    self.report_exit(&crew.members[place]);
                }
                Some((check, healthy)) = heard.recv() => {
                    known[check] = Some(healthy);
                    self.report_health(&known);
                }
                _ = order.wait_for(|order| *order != Order::Run) => break,
            }
        }
        drop(checks);
        self.finish(crew).await;
    }

    /// Ends what still runs, reports, and lets go.
    async fn finish(&mut self, mut crew: Crew) {
        if crew.members.iter().all(|member| member.code.is_none()) {
            self.linger().await;
        }
        let already: Vec<bool> = crew.members.iter().map(|member| member.code.is_some()).collect();
        let patience = crew.members.iter().map(|member| member.container.stop_timeout).max().unwrap_or_default();
        crew.signal(|container| container.stop_signal);
        tokio::select! {
            _ = timeout(patience, crew.ended()) => {}
            _ = self.order.wait_for(|order| *order == Order::Kill) => {}
        }
        crew.signal(|_| SIGKILL);
        crew.ended().await;
        crew.network.close().await;
        // The plane ends the task at its first essential container, so what else is to be told comes first.
        let told = |member: &Member, at: usize| already[at] && !member.container.essential;
        let mut left: Vec<&Member> = crew
            .members
            .iter()
            .enumerate()
            .filter(|(at, member)| !told(member, *at))
            .map(|(_, member)| member)
            .collect();
        left.sort_by_key(|member| member.container.essential);
        left.into_iter().for_each(|member| self.report_exit(member));
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

    /// Looks at containers and targets, each on its own. They end when the set is dropped.
    fn checks(&self, crew: &Crew, verdicts: &mpsc::UnboundedSender<(usize, bool)>) -> JoinSet<()> {
        let mut checks = JoinSet::new();
        for member in &crew.members {
            let Some((args, timing)) = member.container.health.clone() else { continue };
            let (shared, pid, limit) = (self.shared.clone(), member.pid, timing.timeout);
            let mut process = member.container.process.clone();
            process.args = args;
            let process = Arc::new(process);
            let look = move || {
                let (shared, process) = (shared.clone(), process.clone());
                async move { container::check(&shared.program, &shared.ground, pid, &process, limit).await }
            };
            let place = checks.len();
            checks.spawn(watch_over(self.shared.clone(), timing, place, verdicts.clone(), look));
        }
        for port in ports(&self.want.load_balancers) {
            let (shared, network, timing) = (self.shared.clone(), crew.network.clone(), Timing::of_target());
            let limit = timing.timeout;
            let look = move || {
                let (shared, network) = (shared.clone(), network.clone());
                async move { shared.target_check.passes(&network, port, limit).await }
            };
            let place = checks.len();
            checks.spawn(watch_over(self.shared.clone(), timing, place, verdicts.clone(), look));
        }
        checks
    }

    fn report_health(&self, known: &[Option<bool>]) {
        if known.contains(&Some(false)) {
            self.report(TaskEvent::Unhealthy);
        } else if !known.contains(&None) {
            self.report(TaskEvent::Healthy);
        }
    }

    fn report_exit(&self, member: &Member) {
        let (container, code) = (Some(member.container.name.clone()), i64::from(member.code.unwrap_or(137)));
        self.report(TaskEvent::Exited { container, code });
    }

    fn report(&self, event: TaskEvent) {
        if *self.order.borrow() != Order::Kill {
            // Nobody listens any more: the sandbox stops.
            let _ = self.shared.reports.send(Report { task_arn: self.want.task_arn.clone(), event });
        }
    }

    fn id(&self) -> &str {
        self.want.task_arn.rsplit('/').next().unwrap_or_default()
    }

    fn dir(&self) -> PathBuf {
        self.shared.dir.join("tasks").join(self.id())
    }

    /// As the machine of a task is called in ECS.
    fn hostname(&self) -> String {
        match &self.want.address {
            Some(address) => format!("ip-{}", address.replace('.', "-")),
            None => self.id().chars().take(12).collect(),
        }
    }

    /// Directories that containers of the task share, and those of the host that the definition names.
    fn volumes(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let mut volumes = Vec::new();
        for row in self.want.definition["volumes"].as_array().into_iter().flatten() {
            let name = row["name"].as_str().unwrap_or_default().to_owned();
            let path = match row["host"]["sourcePath"].as_str() {
                Some(path) => PathBuf::from(path),
                None => self.dir().join(format!("volume-{name}")),
            };
            fs::create_dir_all(&path).map_err(Error::file(&path))?;
            if row["host"]["sourcePath"].is_null() {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).map_err(Error::file(&path))?;
            }
            volumes.push((name, path));
        }
        Ok(volumes)
    }
}

async fn watch_over<F: Future<Output = bool>>(
    shared: Arc<Shared>,
    timing: Timing,
    place: usize,
    verdicts: mpsc::UnboundedSender<(usize, bool)>,
    look: impl Fn() -> F,
) {
    let begun = shared.clock.now();
    let mut course = Course::new(timing, shared.hurry);
    loop {
        shared.clock.sleep(course.pause()).await;
        let healthy = look().await;
        let age = shared.clock.now().duration_since(begun).unwrap_or_default();
        if let Some(verdict) = course.hear(healthy, age) {
            let _ = verdicts.send((place, verdict));
        }
    }
}

/// The ports that load balancers speak to.
fn ports(load_balancers: &Value) -> Vec<u16> {
    let rows = load_balancers.as_array().into_iter().flatten();
    rows.filter_map(|row| u16::try_from(row["containerPort"].as_u64()?).ok()).collect()
}
