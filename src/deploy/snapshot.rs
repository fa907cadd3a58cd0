//! What was seen of a service at one moment, read out of raw answers: only what a verdict needs, and tolerant
//! of anything missing, since states and fields differ between strategies, controllers and emulators.

use serde_json::Value;

use super::diagnose::{Trigger, triggers};

/// A service as DescribeServices shows it, and ECS's record of our deployment where that can be had.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub service: Service,
    pub record: Option<Record>,
    /// There is no record in this look, but a later one may have it.
    pub record_expected: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Service {
    /// ACTIVE, DRAINING, INACTIVE, or MISSING if ECS knows no such service.
    pub status: String,
    pub task_definition: String,
    pub desired: i64,
    pub running: i64,
    pub deployments: Vec<Deployment>,
    /// ARNs of its target groups.
    pub groups: Vec<String>,
    /// Newest first.
    pub events: Vec<ServiceEvent>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deployment {
    pub id: String,
    /// PRIMARY, ACTIVE or INACTIVE.
    pub status: String,
    pub task_definition: String,
    pub desired: i64,
    pub running: i64,
    pub pending: i64,
    pub failed: i64,
    /// IN_PROGRESS, COMPLETED or FAILED; only rolling updates without a Classic Load Balancer have it.
    pub rollout: Option<String>,
    pub reason: String,
    /// Seconds since 1970.
    pub created_at: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ServiceEvent {
    pub id: String,
    pub message: String,
}

/// A "service deployment": what ECS itself keeps of a deployment's course, for all strategies.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    pub arn: String,
    pub status: String,
    pub reason: String,
    pub stage: Option<String>,
    /// Percent of the production traffic that is the new revision's; only where traffic is shifted.
    pub traffic: Option<f64>,
    pub rollback_reason: Option<String>,
    pub breaker: Option<String>,
    /// PAUSE hooks that wait for an answer.
    pub pauses: Vec<Pause>,
    /// Alarms and hooks that made ECS give up.
    pub triggers: Vec<Trigger>,
}

/// A PAUSE hook: the deployment stands still until ContinueServiceDeployment answers, or its time is up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pause {
    pub hook: String,
    /// Seconds since 1970.
    pub expires_at: Option<f64>,
    /// CONTINUE or ROLLBACK: what ECS does if nobody answers.
    pub otherwise: String,
}

pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

pub fn maybe(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

pub fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_default()
}

fn items<T>(value: &Value, name: &str, read: impl Fn(&Value) -> T) -> Vec<T> {
    value[name].as_array().into_iter().flatten().map(read).collect()
}

/// Both groups of a service that shifts traffic between two.
fn groups(service: &Value) -> Vec<String> {
    let balancers = service["loadBalancers"].as_array().into_iter().flatten();
    let both = balancers.flat_map(|balancer| {
        [&balancer["targetGroupArn"], &balancer["advancedConfiguration"]["alternateTargetGroupArn"]]
    });
    both.filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Service {
    pub fn read(service: &Value) -> Service {
        Service {
            status: text(service, "status"),
            task_definition: text(service, "taskDefinition"),
            desired: number(service, "desiredCount"),
            running: number(service, "runningCount"),
            deployments: items(service, "deployments", Deployment::read),
            groups: groups(service),
            events: items(service, "events", |event| ServiceEvent {
                id: text(event, "id"),
                message: text(event, "message"),
            }),
        }
    }

    /// What an answer of DescribeServices without the service says.
    pub fn missing() -> Service {
        Service { status: "MISSING".into(), ..Service::default() }
    }

    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.status == "PRIMARY")
    }

    pub fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.id == id)
    }
}

impl Deployment {
    fn read(deployment: &Value) -> Deployment {
        Deployment {
            id: text(deployment, "id"),
            status: text(deployment, "status"),
            task_definition: text(deployment, "taskDefinition"),
            desired: number(deployment, "desiredCount"),
            running: number(deployment, "runningCount"),
            pending: number(deployment, "pendingCount"),
            failed: number(deployment, "failedTasks"),
            rollout: maybe(deployment, "rolloutState"),
            reason: text(deployment, "rolloutStateReason"),
            created_at: deployment["createdAt"].as_f64(),
        }
    }

    /// Where ECS tells no state it cannot be known.
    pub fn may_be_good(&self) -> bool {
        self.rollout.as_deref().is_none_or(|rollout| rollout == "COMPLETED")
    }

    pub fn is(&self, rollout: &str) -> bool {
        self.rollout.as_deref() == Some(rollout)
    }
}

impl Record {
    pub fn read(record: &Value) -> Record {
        Record {
            arn: text(record, "serviceDeploymentArn"),
            status: text(record, "status"),
            reason: text(record, "statusReason"),
            stage: maybe(record, "lifecycleStage"),
            traffic: record["targetServiceRevision"]["requestedProductionTrafficWeight"].as_f64(),
            rollback_reason: maybe(&record["rollback"], "reason"),
            breaker: maybe(&record["deploymentCircuitBreaker"], "status"),
            pauses: record["lifecycleHookDetails"].as_array().into_iter().flatten().filter_map(Pause::read).collect(),
            triggers: triggers(record),
        }
    }

    /// Still on its way forward.
    pub fn is_going(&self) -> bool {
        ["PENDING", "IN_PROGRESS"].contains(&self.status.as_str())
    }

    /// The best explanation that the record has.
    pub fn why(&self) -> Option<String> {
        let reason = Some(&self.reason).filter(|reason| !reason.is_empty());
        reason.or(self.rollback_reason.as_ref()).cloned()
    }
}

impl Pause {
    fn read(hook: &Value) -> Option<Pause> {
        (hook["status"] == "AWAITING_ACTION").then(|| Pause {
            hook: text(hook, "hookId"),
            expires_at: hook["expiresAt"].as_f64(),
            otherwise: text(hook, "timeoutAction"),
        })
    }
}
