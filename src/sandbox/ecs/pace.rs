//! How long each phase of a task and of a rollout takes, in simulated seconds. `real` follows what ECS on
//! Fargate does with default settings; `fast` keeps the order and the proportions, and lets a healthy rolling
//! update of two tasks finish within a few seconds.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Pace {
    /// From a change of a service to the scheduler's first step.
    pub schedule: f64,
    /// A service deployment stays PENDING this long.
    pub pending: f64,
    /// Network interface and machine: PROVISIONING.
    pub provisioning: f64,
    /// Image pull: PENDING.
    pub pull: f64,
    /// ACTIVATING, before RUNNING.
    pub activating: f64,
    /// A container's `healthCheck` from RUNNING to HEALTHY.
    pub health_check: f64,
    /// A container's or target's check from RUNNING to the verdict "unhealthy".
    pub unhealthy: f64,
    /// A load balancer's target from `initial` to `healthy`.
    pub target_health: f64,
    /// A task without any check counts as healthy this long after RUNNING (ECS waits 40 s).
    pub unchecked: f64,
    /// Deregistration delay of a load balancer's target: DEACTIVATING.
    pub draining: f64,
    /// SIGTERM to exit: STOPPING.
    pub stopping: f64,
    /// The network interface goes: DEPROVISIONING.
    pub deprovisioning: f64,
    /// From the last old task's end to "has reached a steady state".
    pub settle: f64,
    /// A one-off task with no fate of its own exits with 0 after this.
    pub job: f64,
    /// Bake time of a rolling update with alarms and no `bakeTimeInMinutes`.
    pub alarm_bake: f64,
    /// One minute of a bake time, a grace period or a hook's time limit.
    pub minute: f64,
    /// A Lambda hook that says IN_PROGRESS is asked again after this.
    pub hook_retry: f64,
    /// First pause of the service throttle; it doubles up to `throttle_limit`.
    pub throttle: f64,
    pub throttle_limit: f64,
    /// CodeDeploy gives a new task set so long to become healthy.
    pub replacement: f64,
    /// Stopped tasks stay visible this long.
    pub remember: f64,
}

impl Pace {
    pub fn fast() -> Self {
        Pace {
            schedule: 0.1,
            pending: 0.05,
            provisioning: 0.3,
            pull: 0.5,
            activating: 0.1,
            health_check: 0.5,
            unhealthy: 1.0,
            target_health: 0.5,
            unchecked: 0.5,
            draining: 0.5,
            stopping: 0.3,
            deprovisioning: 0.2,
            settle: 0.3,
            job: 1.0,
            alarm_bake: 1.0,
            minute: 1.0,
            hook_retry: 0.5,
            throttle: 0.5,
            throttle_limit: 27.0,
            replacement: 8.0,
            remember: 3600.0,
        }
    }

    pub fn real() -> Self {
        Pace {
            schedule: 3.0,
            pending: 1.0,
            provisioning: 12.0,
            pull: 15.0,
            activating: 2.0,
            health_check: 30.0,
            unhealthy: 90.0,
            target_health: 30.0,
            unchecked: 40.0,
            draining: 300.0,
            stopping: 30.0,
            deprovisioning: 15.0,
            settle: 10.0,
            job: 20.0,
            alarm_bake: 300.0,
            minute: 60.0,
            hook_retry: 30.0,
            throttle: 60.0,
            throttle_limit: 27.0 * 60.0,
            replacement: 3600.0,
            remember: 3600.0,
        }
    }

    /// The same pace with no step that takes no time at all: a task that fails and is replaced within the same
    /// moment would never let that moment end.
    pub fn moving(mut self) -> Self {
        for span in [&mut self.schedule, &mut self.pending, &mut self.provisioning, &mut self.deprovisioning] {
            *span = span.max(0.001);
        }
        for span in [&mut self.hook_retry, &mut self.throttle, &mut self.throttle_limit, &mut self.minute] {
            *span = span.max(0.001);
        }
        self
    }

    /// Seconds that a span configured in seconds takes at this pace.
    pub fn scaled(&self, seconds: f64) -> f64 {
        seconds * self.minute / 60.0
    }
}

impl Default for Pace {
    fn default() -> Self {
        Pace::fast()
    }
}

/// Where ECS answers from an older picture of the world, and by how many seconds. All zero by default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Lag {
    /// ListServiceDeployments and DescribeServiceDeployments do not know a new deployment yet.
    pub service_deployments: f64,
    /// `currentServiceDeployment` still names the one before.
    pub current_deployment: f64,
    /// DescribeServices says MISSING of a service just created.
    pub new_service: f64,
    /// DescribeTasks says MISSING, and ListTasks nothing, of a task just started.
    pub new_task: f64,
}
