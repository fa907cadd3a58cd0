//! Service deployments: the record of one change of a service from PENDING to its end, rollback included. The
//! clients' surest source of what became of a deploy, and where the stages of blue/green, linear and canary
//! are told.

mod control;
mod list;
mod show;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::time::Now;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Pending,
    InProgress,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
    Successful,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    Rolling,
    BlueGreen,
    Linear,
    Canary,
}

/// The stages of a shift of traffic, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    ReconcileService,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestTrafficShift,
    PostTestTrafficShift,
    PreProductionTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    BakeTime,
    CleanUp,
}

/// Within a stage: its hooks first, then what the stage itself does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Entered,
    Hooks,
    Work,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HookStatus {
    AwaitingAction,
    InProgress,
    Succeeded,
    Failed,
    TimedOut,
}

/// A hook that was run in this deployment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hook {
    pub id: String,
    pub stage: Stage,
    /// The Lambda function; none is a PAUSE.
    pub target: Option<String>,
    pub status: HookStatus,
    pub expires: Now,
    /// CONTINUE or ROLLBACK.
    pub on_timeout: String,
    /// A Lambda that said IN_PROGRESS is asked again then.
    pub again: Now,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rollback {
    pub reason: String,
    pub at: Now,
    pub revision: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Alarms {
    pub names: Vec<String>,
    pub enabled: bool,
    pub rollback: bool,
    /// Were in ALARM when the deployment began, and are ignored in it.
    pub ignored: Vec<String>,
    pub triggered: Vec<String>,
}

/// Percent of the traffic that goes to the target revision.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Traffic {
    pub test: f64,
    pub production: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Release {
    pub arn: String,
    pub target: String,
    pub sources: Vec<String>,
    pub status: Status,
    pub reason: Option<String>,
    pub strategy: Strategy,
    pub configuration: Value,
    pub created: Now,
    pub started: Option<Now>,
    pub finished: Option<Now>,
    pub stopped: Option<Now>,
    pub updated: Now,
    pub stage: Option<Stage>,
    pub phase: Phase,
    /// When the stage was entered, and until when its work waits.
    pub entered: Now,
    pub until: Option<Now>,
    pub hooks: Vec<Hook>,
    pub traffic: Traffic,
    pub rollback: Option<Rollback>,
    /// What the circuit breaker has counted, and whether it has tripped.
    pub failures: u32,
    pub tripped: bool,
    pub alarms: Alarms,
}

impl Release {
    /// `firing` are the alarms that are in ALARM already.
    pub fn new(
        arn: String,
        target: &str,
        sources: Vec<String>,
        settings: &Value,
        firing: Vec<String>,
        now: Now,
    ) -> Self {
        let configuration = settings["deploymentConfiguration"].clone();
        Release {
            arn,
            target: target.to_owned(),
            sources,
            status: Status::Pending,
            reason: None,
            strategy: strategy(&configuration),
            alarms: alarms(&configuration, &firing),
            configuration,
            created: now,
            started: None,
            finished: None,
            stopped: None,
            updated: now,
            stage: None,
            phase: Phase::Entered,
            entered: now,
            until: None,
            hooks: Vec::new(),
            traffic: Traffic::default(),
            rollback: None,
            failures: 0,
            tripped: false,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(
            self.status,
            Status::Successful | Status::Stopped | Status::RollbackSuccessful | Status::RollbackFailed
        )
    }

    /// Still on its way forward: it can fail, be stopped or be rolled back.
    pub fn is_forward(&self) -> bool {
        matches!(self.status, Status::Pending | Status::InProgress)
    }

    pub fn is_rolling_back(&self) -> bool {
        matches!(self.status, Status::RollbackRequested | Status::RollbackInProgress)
    }

    pub fn is_staged(&self) -> bool {
        self.strategy != Strategy::Rolling
    }

    pub fn become_now(&mut self, status: Status, now: Now) {
        self.status = status;
        self.updated = now;
        if self.is_over() {
            self.finished = Some(now);
        }
        if status == Status::Stopped {
            self.stopped = Some(now);
        }
    }

    /// Stopped from outside, or given up without a rollback: STOP_REQUESTED now, STOPPED soon.
    pub fn supersede(&mut self, why: &str, now: Now) {
        if !self.is_over() && self.status != Status::StopRequested {
            self.reason = Some(why.to_owned());
            self.become_now(Status::StopRequested, now);
        }
    }

    /// Minutes of a member of the deployment configuration.
    pub fn minutes(&self, pointer: &str) -> f64 {
        self.configuration.pointer(pointer).and_then(Value::as_f64).unwrap_or(0.0)
    }
}

fn strategy(configuration: &Value) -> Strategy {
    match configuration["strategy"].as_str() {
        Some("BLUE_GREEN") => Strategy::BlueGreen,
        Some("LINEAR") => Strategy::Linear,
        Some("CANARY") => Strategy::Canary,
        _ => Strategy::Rolling,
    }
}

fn alarms(configuration: &Value, firing: &[String]) -> Alarms {
    let alarms = &configuration["alarms"];
    let names = alarms["alarmNames"].as_array().into_iter().flatten();
    let names: Vec<String> = names.filter_map(|name| name.as_str().map(String::from)).collect();
    Alarms {
        enabled: alarms["enable"] == true,
        rollback: alarms["rollback"] == true,
        ignored: names.iter().filter(|name| firing.contains(name)).cloned().collect(),
        triggered: Vec::new(),
        names,
    }
}
