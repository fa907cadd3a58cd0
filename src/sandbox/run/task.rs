//! A task's life: pull, start, watch, stop. One of these runs for each task that the plane wants, hears what is
//! wished of it, and reports what happens; when it ends, everything that the task had is gone.

mod watch;
mod work;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use tokio::sync::watch as channel;

use super::network::Network;
use super::roots::Tree;
use super::spec::{self, Container};
use super::{Error, Report, Shared, leftovers};
use crate::sandbox::ecs::{TaskEvent, TaskWant};

/// In a task's directory: where its memory is counted.
pub const RECORD: &str = "memory-group";

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

pub struct Task {
    pub shared: Arc<Shared>,
    pub want: TaskWant,
    pub order: channel::Receiver<Order>,
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
        let done = match ready {
            Some(Ok(ready)) => self.work(ready).await,
            Some(Err(why)) => Err(why),
            None => Ok(()),
        };
        if let Err(why) = done {
            self.report(TaskEvent::FailedToStart(why.to_string()));
        }
        leftovers::end(&self.dir(), &self.shared.clock).await;
        leftovers::age(&self.shared.logs(self.id()), self.shared.clock.now());
        self.shared.prune().await;
    }

    /// Containers and their images' trees. Secrets come first, as they do in ECS.
    async fn prepare(&self) -> Result<Vec<(Container, Tree)>, Error> {
        let containers = || self.want.definition["containerDefinitions"].as_array().into_iter().flatten();
        let given = containers().map(|row| self.shared.secrets.of(row)).collect::<Result<Vec<_>, _>>()?;
        let mut ready = Vec::new();
        for (row, given) in containers().zip(given) {
            let image = self.shared.images.find(row["image"].as_str().unwrap_or_default()).await?;
            let tree = self.shared.roots.tree(&*self.shared.images, &image).await?;
            let container = spec::container(row, &self.want.overrides, &image.config, given);
            let name = || row["name"].as_str().unwrap_or_default().to_owned();
            ready.push((container.map_err(|why| Error::Start { container: name(), why })?, tree));
        }
        Ok(ready)
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
