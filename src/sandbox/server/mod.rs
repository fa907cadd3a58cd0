//! The listener and what stands behind it: one address on loopback, a connection a task, a timer for the ECS plane
//! that sleeps until something is due. Nothing runs while nobody asks.

mod admin;
mod api;
mod handle;
mod intake;
mod logs;
mod reply;
mod schedule;
mod site;
mod tasks;

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub use intake::{Intake, Trouble};
pub use reply::{Reply, bytes, empty, file, json, text};
pub use site::{Kept, Site, Upload, disk};

use self::tasks::Tasks;
use super::home::Occupied;
use super::run::Report;
use super::{Control, Error, Home, Options, Running};
use crate::clock::Clock;

/// How long requests may take to end once the server is to stop.
const FAREWELL: Duration = Duration::from_secs(1);
/// The plane is woken no more often than this.
const LEAST: Duration = Duration::from_millis(1);

/// A sandbox that is ready to answer.
pub struct Server {
    listener: TcpListener,
    site: Arc<Site>,
    tasks: Option<Tasks>,
    running: Running,
    _occupied: Occupied,
}

impl Server {
    /// Takes the directory and the port. From here on clients may connect; they are answered once it [`Server::run`]s.
    pub async fn open(options: Options, plane: Box<dyn Control>, clock: Clock) -> Result<Self, Error> {
        let before = Home::new(&options.dir).before();
        let opened = Self::enter(options, plane, clock).await;
        if opened.as_ref().is_err_and(|why| !matches!(why, Error::Running { .. })) {
            before.restore();
        }
        opened
    }

    async fn enter(options: Options, plane: Box<dyn Control>, clock: Clock) -> Result<Self, Error> {
        if options.account.len() != 12 || !options.account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::Account(options.account));
        }
        let home = Home::new(&options.dir);
        if home.is_occupied()? {
            return Err(Error::Running { dir: options.dir, pid: home.running()?.map(|running| running.pid) });
        }
        let past = home.ports();
        let last = past.last().copied().filter(|_| options.port == 0);
        let (listener, port) = match last {
            Some(last) => match listen(last).await {
                Ok(listening) => listening,
                Err(_) => listen(0).await?,
            },
            None => listen(options.port).await?,
        };
        let occupied = home.occupy()?;
        occupied.remember(port)?;
        let mut running = Running {
            dir: std::path::absolute(&options.dir).map_err(Error::file(&options.dir))?,
            pid: std::process::id(),
            port,
            account: options.account.clone(),
            region: options.region.clone(),
            moved_from: last.filter(|last| *last != port),
            tasks: None,
        };
        let (run_tasks, pace) = (options.run_tasks.clone(), options.pace);
        let site = Arc::new(Site::open(options, &home, port, plane, clock.clone())?);
        site.sweep();
        site.plane().set_former_registries(&past);
        site.plane().set_run_tasks(run_tasks.is_some());
        site.lose_tasks(run_tasks.is_some());
        let tasks = match run_tasks {
            Some(wanted) => Some(Tasks::open(wanted, &home, pace, &site, clock).await?),
            None => None,
        };
        running.tasks = tasks.as_ref().map(Tasks::ground);
        occupied.describe(&running)?;
        Ok(Server { listener, site, tasks, running, _occupied: occupied })
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Ends it from elsewhere, as a request to stop does.
    pub fn stopper(&self) -> impl Fn() + Send + use<> {
        let site = self.site.clone();
        move || site.stop()
    }

    /// Answers until it is asked to stop (`POST /_sandbox/stop`). Letting go of the future stops it as well; what was
    /// answered is on disk either way.
    pub async fn run(mut self) {
        let mut connections = JoinSet::new();
        let mut tasks = self.tasks.take();
        tokio::select! {
            () = self.accept(&mut connections) => {}
            never = wake(&self.site, tasks.as_mut()) => match never {},
            () = self.site.stopped() => {}
        }
        if let Some(tasks) = tasks {
            tasks.close().await;
        }
        drop(self.listener);
        tokio::select! {
            () = async { while connections.join_next().await.is_some() {} } => {}
            () = self.site.clock.sleep(FAREWELL) => {}
        }
    }

    async fn accept(&self, connections: &mut JoinSet<()>) {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(serve(stream, self.site.clone()))),
                    // Out of file descriptors, most likely: others have to be closed first.
                    Err(_) => self.site.clock.sleep(Duration::from_millis(50)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

async fn listen(port: u16) -> Result<(TcpListener, u16), Error> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let refused = |why| Error::Bind { address, why };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let port = listener.local_addr().map_err(refused)?.port();
    Ok((listener, port))
}

/// Answers what a connection asks; once the server stops, what it is asking still.
async fn serve(stream: TcpStream, site: Arc<Site>) {
    let _ = stream.set_nodelay(true);
    let stop = site.clone();
    let service = service_fn(move |request| {
        let site = site.clone();
        async move { handle::handle(site, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(512 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // An error is a connection that the client, or a rule, has cut.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.stopped() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Lets the plane do what is due, when it is due, and the tasks follow.
async fn wake(site: &Site, mut tasks: Option<&mut Tasks>) -> Infallible {
    loop {
        site.tell_warnings();
        if let Some(tasks) = &tasks {
            tasks.follow(site);
        }
        // A disk that is full will show itself to whoever asks for the lines.
        let _ = site.gather_logs();
        let changed = site.plane_changed();
        let due = site.next_wake();
        let sleep = async {
            match due.map(|due| due.duration_since(site.clock.now()).unwrap_or_default()) {
                Some(wait) => site.clock.sleep(wait.max(LEAST)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = changed => {}
            () = sleep => {
                drop(site.plane().tick(site.clock.now()));
                site.start_what_is_due();
            }
            told = reported(&mut tasks) => drop(site.plane().task_event(&told.task_arn, told.event, site.clock.now())),
        }
    }
}

async fn reported(tasks: &mut Option<&mut Tasks>) -> Report {
    match tasks {
        Some(tasks) => tasks.report().await,
        None => std::future::pending().await,
    }
}

impl Site {
    /// Removes content that no repository knows, left by a process that was killed.
    fn sweep(&self) {
        let store = self.store();
        let repositories = || store.catalog().repositories.values();
        let blobs = repositories().flat_map(|repository| repository.blobs.keys());
        let manifests = repositories().flat_map(|repository| repository.images.keys());
        let known: HashSet<&str> = blobs.chain(manifests).map(|digest| digest.hex()).collect();
        self.blobs.sweep(&known);
    }
}
