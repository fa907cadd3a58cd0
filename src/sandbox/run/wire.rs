//! What the runner says to its children and they to it: one JSON line each, over the socket that is a child's
//! standard input. Secrets pass here and never as arguments, and a socket that closes means that the runner is
//! gone, however it went.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ground::Ground;
use super::memory::Group;

/// First argument of a child: `dockless sandbox-child network`.
pub const WORD: &str = "sandbox-child";

/// A network namespace to make and keep.
#[derive(Debug, Serialize, Deserialize)]
pub struct NetworkSpec {
    pub ground: Ground,
    /// Reachable within the namespace alone.
    pub address: Option<Ipv4Addr>,
}

/// A container to start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContainerSpec {
    pub ground: Ground,
    /// The image's tree, shared and never written to.
    pub lower: PathBuf,
    /// This container's own directory: `upper` and `work` of an overlay, and `root`.
    pub place: PathBuf,
    /// The process that keeps the network namespace to join.
    pub network: Option<u32>,
    pub log: PathBuf,
    pub hostname: String,
    pub address: Ipv4Addr,
    pub binds: Vec<Bind>,
    pub readonly: bool,
    pub memory: Option<Group>,
    pub process: Process,
}

/// A directory of the host that the container sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bind {
    pub source: PathBuf,
    pub target: String,
    pub readonly: bool,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub cwd: String,
    /// As an image says it: `user`, `uid`, `user:group`; empty for root.
    pub user: String,
}

/// Values may be secrets.
impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        write!(f, "{:?} as {:?} in {:?} with {names:?}", self.args, self.user, self.cwd)
    }
}

/// A command to run beside a container's process.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckSpec {
    pub ground: Ground,
    /// The container's first process.
    pub pid: u32,
    pub process: Process,
    pub timeout_ms: u64,
}

/// A directory in which to find out what the machine permits.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProbeSpec {
    pub dir: PathBuf,
}

/// What a child has to say.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    Ready,
    /// The container's first process, as the host counts.
    Running(u32),
    Exited(i32),
    /// With this code, because it took more memory than it may.
    Starved(i32),
    Failed(String),
    Ground(Ground),
}
