//! What a sandbox is started with.

use std::path::PathBuf;

use super::Faults;
use super::run::Secrets;

/// The account whose resources the sandbox holds; the number that AWS's own examples use.
pub const ACCOUNT: &str = "123456789012";
pub const REGION: &str = "us-east-1";
/// Where it listens unless told otherwise.
pub const PORT: u16 = 4711;

/// How fast rollouts go: `Fast` keeps order and proportions and takes seconds, `Real` takes ECS's own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    #[default]
    Fast,
    Real,
}

/// How tasks run.
#[derive(Debug, Clone)]
pub struct RunTasks {
    /// This program, which is run once more for each container.
    pub program: PathBuf,
    /// They share this machine's network.
    pub host_network: bool,
    /// What they get from elsewhere in AWS.
    pub secrets: Secrets,
}

#[derive(Debug, Clone)]
pub struct Options {
    /// The directory that holds everything.
    pub dir: PathBuf,
    /// On 127.0.0.1, which is the only address it ever binds; 0 takes a free one.
    pub port: u16,
    pub account: String,
    pub region: String,
    pub pace: Pace,
    /// The registry leaves the OCI specification wherever ECR does.
    pub ecr_strict: bool,
    pub faults: Faults,
    /// Tasks really run; otherwise they are simulated.
    pub run_tasks: Option<RunTasks>,
    /// Every AWS call and its answer is appended to this file, one JSON object a line.
    pub record: Option<PathBuf>,
}

impl Options {
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Options {
            dir: dir.into(),
            port: PORT,
            account: ACCOUNT.into(),
            region: REGION.into(),
            pace: Pace::default(),
            ecr_strict: false,
            faults: Faults::default(),
            run_tasks: None,
            record: None,
        }
    }
}
