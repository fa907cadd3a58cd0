//! A container that runs: started by a child of its own, signalled and awaited through it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::memory::Group;
use super::network::Network;
use super::peer::Peer;
use super::spec;
use super::tree::{self, How};
use super::wire::{Bind, CheckSpec, ContainerSpec, Process, Word};
use super::{Error, Ground};

pub struct Running {
    peer: Peer,
    pid: u32,
}

/// What a container is started with besides its own specification.
pub struct Setting<'a> {
    pub program: &'a Path,
    pub ground: &'a Ground,
    pub network: &'a Network,
    /// The task's directory, and the log's.
    pub dir: &'a Path,
    pub logs: &'a Path,
    pub hostname: &'a str,
    pub volumes: &'a [(String, PathBuf)],
    /// The task's own, if memory is counted here.
    pub memory: Option<&'a Group>,
}

/// How a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    pub code: i32,
    /// It was killed because it took more memory than it may.
    pub starved: bool,
}

impl Exit {
    pub const KILLED: Exit = Exit { code: 137, starved: false };
}

impl Running {
    pub async fn start(container: &spec::Container, lower: &Path, setting: &Setting<'_>) -> Result<Self, Error> {
        let place = setting.dir.join(&container.name);
        fs::create_dir_all(&place).map_err(Error::file(&place))?;
        let log = log(container, setting)?;
        if !(setting.ground.mount && setting.ground.overlay) {
            copy(lower.to_owned(), place.join("root")).await?;
        }
        let spec = ContainerSpec {
            ground: setting.ground.clone(),
            lower: lower.to_owned(),
            place,
            network: setting.network.keeper(),
            log,
            hostname: setting.hostname.to_owned(),
            address: setting.network.address(),
            binds: container.mounts.iter().filter_map(|mount| bind(mount, setting.volumes)).collect(),
            readonly: container.readonly,
            memory: memory(container, setting)?,
            process: process(container, setting.hostname),
        };
        let refuse = |why: String| Error::Start { container: container.name.clone(), why };
        let peer = Peer::start(setting.program, "container", &spec).await;
        let mut peer = peer.map_err(|why| refuse(why.to_string()))?;
        match peer.hear().await {
            Ok(Word::Running(pid)) => Ok(Running { peer, pid }),
            Ok(Word::Failed(why)) | Err(why) => Err(refuse(why)),
            Ok(_) => Err(refuse("its keeper said something else".into())),
        }
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended. May be given up and asked again.
    pub async fn ended(&mut self) -> Exit {
        match self.peer.hear().await {
            Ok(Word::Exited(code)) => Exit { code, starved: false },
            Ok(Word::Starved(code)) => Exit { code, starved: true },
            _ => Exit::KILLED,
        }
    }

    pub async fn signal(&mut self, number: u8) {
        // Gone already, then.
        let _ = self.peer.send(number).await;
    }

    pub async fn close(self) {
        self.peer.end().await;
    }
}

/// Runs a command beside a container's process. True if it says that all is well in time.
pub async fn check(program: &Path, ground: &Ground, pid: u32, process: &Process, timeout: Duration) -> bool {
    let timeout_ms = timeout.as_millis() as u64;
    let spec = CheckSpec { ground: ground.clone(), pid, process: process.clone(), timeout_ms };
    let Ok(mut peer) = Peer::start(program, "check", &spec).await else { return false };
    let healthy = matches!(peer.hear().await, Ok(Word::Exited(0)));
    peer.end().await;
    healthy
}

fn process(container: &spec::Container, hostname: &str) -> Process {
    let mut process = container.process.clone();
    process.env.push(("HOSTNAME".into(), hostname.into()));
    process
}

fn memory(container: &spec::Container, setting: &Setting<'_>) -> Result<Option<Group>, Error> {
    let Some(task) = setting.memory else { return Ok(None) };
    let made = task.child(&container.name, container.memory);
    made.map(Some).map_err(Error::file(&task.dir))
}

/// The log, begun with what was asked for and cannot be done.
fn log(container: &spec::Container, setting: &Setting<'_>) -> Result<PathBuf, Error> {
    fs::create_dir_all(setting.logs).map_err(Error::file(setting.logs))?;
    let path = setting.logs.join(format!("{}.log", container.name));
    let file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    let mut file = file.map_err(Error::file(&path))?;
    let user = &container.process.user;
    let alone = setting.ground.user && !user.is_empty();
    let alone = alone.then(|| format!("it runs as root instead of {user}, the only user there is without real root"));
    let notes = alone.map(|note| format!("sandbox: {note}\n")).unwrap_or_default();
    file.write_all(notes.as_bytes()).map_err(Error::file(&path))?;
    Ok(path)
}

async fn copy(from: PathBuf, to: PathBuf) -> Result<(), Error> {
    let path = to.clone();
    let copied = tokio::task::spawn_blocking(move || tree::clone(&from, &to, How::Copy)).await;
    copied.unwrap_or_else(|_| Err(std::io::Error::other("interrupted"))).map_err(Error::file(&path))
}

fn bind(mount: &spec::Mount, volumes: &[(String, PathBuf)]) -> Option<Bind> {
    let (_, source) = volumes.iter().find(|(name, _)| *name == mount.volume)?;
    Some(Bind { source: source.clone(), target: mount.path.clone(), readonly: mount.readonly })
}
