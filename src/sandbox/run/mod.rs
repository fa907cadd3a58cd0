//! Tasks that really run. The plane says which tasks it wants; here they are pulled from the registry, given a root
//! directory, namespaces and a network of their own, started, watched and stopped; a balancer on loopback stands in
//! front of each service. What happens is reported back in the plane's terms, so a rollout of a real program goes
//! by the same rules as a simulated one.
//!
//! Whoever serves the plane calls [`Runner::follow`] whenever the plane may have changed, hands each [`Report`] to
//! it, and [`Runner::close`]s at the end. Nothing is mounted where the host could see it, nothing listens beyond
//! loopback, and all processes end with this one, however it ends.

mod child;
mod container;
mod crew;
mod depend;
mod error;
mod front;
mod ground;
mod health;
mod images;
mod leftovers;
mod memory;
mod network;
mod peer;
mod roots;
mod route;
mod secrets;
mod spec;
mod target;
mod task;
mod tree;
mod unpack;
mod wire;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use child::child;
pub use error::Error;
pub use front::Front;
pub use ground::Ground;
pub use images::{Blob, Image, Images};
pub use leftovers::sweep;
pub use secrets::Secrets;
pub use target::TargetCheck;

use front::Fronts;
use roots::Roots;
use task::{Order, Place, Task};

use crate::clock::Clock;
use crate::sandbox::ecs::{TargetHealth, TaskEvent, TaskWant, Wish};

#[derive(Debug, Clone)]
pub struct Options {
    /// A directory for the runner alone: images, logs, and tasks while they run.
    pub dir: PathBuf,
    /// This program, to be run once more as a child: see [`child`].
    pub program: PathBuf,
    /// Tasks share the host's network, and what they bind is as reachable as they make it.
    pub host_network: bool,
    /// Health is looked at more often than the settings say, as it suits a plane whose clock runs fast.
    pub hurry: bool,
    pub target_check: TargetCheck,
    pub secrets: Secrets,
}

/// What happened to a task, for `Plane::task_event`.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub task_arn: String,
    pub event: TaskEvent,
}

pub type Reports = mpsc::UnboundedReceiver<Report>;

/// Runs what the plane wants.
pub struct Runner {
    shared: Arc<Shared>,
    tasks: Mutex<HashMap<String, Held>>,
    fronts: Mutex<Fronts>,
}

/// What all tasks use.
struct Shared {
    dir: PathBuf,
    program: PathBuf,
    ground: Ground,
    hurry: bool,
    target_check: TargetCheck,
    secrets: Secrets,
    images: Arc<dyn Images>,
    roots: Roots,
    reports: mpsc::UnboundedSender<Report>,
    clock: Clock,
}

impl Shared {
    fn logs(&self, task: &str) -> PathBuf {
        self.dir.join("logs").join(task)
    }

    /// Takes away what nobody has used for long.
    async fn prune(&self) {
        let before = self.clock.now() - leftovers::KEPT;
        leftovers::prune_logs(&self.dir, before);
        self.roots.prune(before).await;
    }
}

struct Held {
    order: watch::Sender<Order>,
    place: Arc<Place>,
    life: JoinHandle<()>,
}

impl Runner {
    /// Finds out what the machine permits, and refuses if that is not enough.
    pub async fn open(options: Options, images: Arc<dyn Images>, clock: Clock) -> Result<(Self, Reports), Error> {
        fs::create_dir_all(&options.dir).map_err(Error::file(&options.dir))?;
        let dir = options.dir.canonicalize().map_err(Error::file(&options.dir))?;
        sweep(&dir, &clock).await;
        let ground = ground(&options, &dir.join("probe")).await?;
        let (reports, heard) = mpsc::unbounded_channel();
        let shared = Shared {
            roots: Roots::open(dir.join("images"))?,
            program: options.program,
            hurry: options.hurry,
            target_check: options.target_check,
            secrets: options.secrets,
            ground,
            images,
            reports,
            clock: clock.clone(),
            dir: dir.clone(),
        };
        shared.prune().await;
        let fronts = Mutex::new(Fronts::new(dir.join("fronts.json"), clock));
        Ok((Runner { shared: Arc::new(shared), tasks: Mutex::default(), fronts }, heard))
    }

    /// What containers get on this machine.
    pub fn ground(&self) -> &Ground {
        &self.shared.ground
    }

    /// Where services are reached.
    pub fn fronts(&self) -> Vec<Front> {
        self.fronts.lock().expect("fronts lock").list()
    }

    /// A container's log: what it wrote to its standard output and error.
    pub fn log(&self, task_arn: &str, container: &str) -> PathBuf {
        let task = task_arn.rsplit('/').next().unwrap_or_default();
        self.shared.logs(task).join(format!("{container}.log"))
    }

    /// Brings about what the plane wants now: `Plane::wants`, and `Plane::targets` of a group. Returns at once; to be
    /// called within the runtime, after every call, tick and report.
    pub fn follow(&self, wants: &[TaskWant], targets: impl Fn(&str) -> Vec<TargetHealth>) -> Result<(), Error> {
        let mut tasks = self.tasks.lock().expect("tasks lock");
        for want in wants.iter().filter(|want| want.wish == Wish::Run) {
            tasks.entry(want.task_arn.clone()).or_insert_with(|| self.begin(want));
        }
        // First the routes, then the orders: no request is on its way to a task that is told to stop.
        self.route(wants, &tasks, targets)?;
        let listed: HashSet<&str> = wants.iter().map(|want| want.task_arn.as_str()).collect();
        for want in wants.iter().filter(|want| want.wish == Wish::Stop) {
            tasks.get(&want.task_arn).into_iter().for_each(|held| held.raise(Order::Stop));
        }
        let unlisted = tasks.iter().filter(|(arn, _)| !listed.contains(arn.as_str()));
        unlisted.for_each(|(_, held)| held.raise(Order::Kill));
        tasks.retain(|arn, held| listed.contains(arn.as_str()) || !held.life.is_finished());
        Ok(())
    }

    /// Ends all tasks, and waits until nothing of them is left. Their logs and the unpacked images stay.
    pub async fn close(self) {
        let tasks = self.tasks.into_inner().expect("tasks lock");
        tasks.values().for_each(|held| held.raise(Order::Kill));
        for held in tasks.into_values() {
            let _ = held.life.await;
        }
        let _ = fs::remove_dir(self.shared.dir.join("tasks"));
    }

    fn begin(&self, want: &TaskWant) -> Held {
        let (order, heard) = watch::channel(Order::Run);
        let place = Arc::new(Place::default());
        let task = Task { shared: self.shared.clone(), want: want.clone(), order: heard, place: place.clone() };
        Held { order, place, life: tokio::spawn(task.live()) }
    }
}

impl Held {
    /// Orders only get more severe.
    fn raise(&self, order: Order) {
        self.order.send_if_modified(|now| {
            let more = order > *now;
            *now = order.max(*now);
            more
        });
    }
}

async fn ground(options: &Options, probe: &std::path::Path) -> Result<Ground, Error> {
    fs::create_dir_all(probe).map_err(Error::file(probe))?;
    let found = peer::probe(&options.program, probe).await;
    let _ = tree::remove(probe);
    let ground = found?;
    if !ground.can_run() {
        return Err(Error::NoRoot { why: ground.reasons() });
    }
    match (ground.network, options.host_network) {
        (_, true) => Ok(ground.with_host_network()),
        (true, false) => Ok(ground),
        (false, false) => Err(Error::NoNetwork { why: ground.reasons() }),
    }
}
