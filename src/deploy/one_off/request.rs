//! What is meant: which task, with whose settings, changed how, and what is waited for.

use serde_json::{Map, Value};

use crate::deploy::updates::Updates;

#[derive(Debug, Default)]
pub struct RunTask {
    /// Name or ARN.
    pub cluster: String,
    /// `FAMILY`, `FAMILY:REVISION` or an ARN; none means the service's.
    pub task_definition: Option<String>,
    /// Service whose settings are taken where none are given, by name or ARN.
    pub like: Option<String>,
    /// 1 to 10.
    pub count: u32,
    pub launch: Option<Launch>,
    pub platform_version: Option<String>,
    pub network: Network,
    /// RunTask's `overrides`, as they were given.
    pub overrides: Map<String, Value>,
    /// Variables, commands, sizes and roles that go over them.
    pub updates: Updates,
    /// What the container runs; empty means not given. It is for `exit_code_from`, or for the only container.
    pub words: Vec<String>,
    /// Further members of RunTask, sent as they are: group, startedBy, tags, …
    pub members: Map<String, Value>,
    /// Container whose exit code alone counts.
    pub exit_code_from: Option<String>,
    /// Waits until the tasks have stopped.
    pub wait: bool,
    /// Passes on what the containers write.
    pub logs: bool,
    pub cancel: Cancel,
}

/// When tasks that are still running are stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cancel {
    pub on_interrupt: bool,
    pub on_timeout: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Launch {
    /// `FARGATE`, `EC2`, …
    Type(String),
    /// A capacity provider strategy.
    Providers(Value),
    /// Whatever the cluster does by default.
    Cluster,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Network {
    /// Whether an awsvpc configuration is sent; none means if the definition asks for it.
    pub awsvpc: Option<bool>,
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
    /// `ENABLED` or `DISABLED`.
    pub public_ip: Option<String>,
}

impl Network {
    pub fn is_given(&self) -> bool {
        !self.subnets.is_empty() || !self.security_groups.is_empty() || self.public_ip.is_some()
    }
}
