//! A service deployment as DescribeServiceDeployments shows it, and the brief form of the listing.

use serde_json::{Value, json};

use super::{Hook, HookStatus, Release, Stage, Status};
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::rollout::threshold;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::time::Now;

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::Pending => "PENDING",
            Status::InProgress => "IN_PROGRESS",
            Status::StopRequested => "STOP_REQUESTED",
            Status::Stopped => "STOPPED",
            Status::RollbackRequested => "ROLLBACK_REQUESTED",
            Status::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Status::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Status::RollbackFailed => "ROLLBACK_FAILED",
            Status::Successful => "SUCCESSFUL",
        }
    }
}

impl Stage {
    /// The word of a hook's `lifecycleStages`.
    pub fn hook_word(self) -> &'static str {
        match self {
            Stage::ReconcileService => "RECONCILE_SERVICE",
            Stage::PreScaleUp => "PRE_SCALE_UP",
            Stage::ScaleUp => "SCALE_UP",
            Stage::PostScaleUp => "POST_SCALE_UP",
            Stage::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            Stage::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            Stage::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            Stage::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Stage::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Stage::BakeTime => "BAKE_TIME",
            Stage::CleanUp => "CLEAN_UP",
        }
    }

    /// The word of `lifecycleStage`: the service model's list of those has no PRE_PRODUCTION_TRAFFIC_SHIFT,
    /// though hooks can be set there; what it says meanwhile is documented nowhere.
    fn word(self) -> &'static str {
        match self {
            Stage::PreProductionTrafficShift => Stage::ProductionTrafficShift.hook_word(),
            other => other.hook_word(),
        }
    }
}

impl HookStatus {
    fn word(self) -> &'static str {
        match self {
            HookStatus::AwaitingAction => "AWAITING_ACTION",
            HookStatus::InProgress => "IN_PROGRESS",
            HookStatus::Succeeded => "SUCCEEDED",
            HookStatus::Failed => "FAILED",
            HookStatus::TimedOut => "TIMED_OUT",
        }
    }
}

impl Release {
    pub fn brief(&self, service: &str, cluster: &str) -> Value {
        let mut shown = json!({
            "serviceDeploymentArn": self.arn,
            "serviceArn": service,
            "clusterArn": cluster,
            "createdAt": self.created.stamp(),
            "targetServiceRevisionArn": self.target,
            "status": self.status.word(),
        });
        self.add_course(&mut shown);
        shown
    }

    fn add_course(&self, shown: &mut Value) {
        let moments: [(&str, Option<Now>); 2] = [("startedAt", self.started), ("finishedAt", self.finished)];
        for (member, at) in moments.into_iter().filter_map(|(member, at)| Some((member, at?))) {
            shown[member] = at.stamp();
        }
        if let Some(reason) = &self.reason {
            shown["statusReason"] = json!(reason);
        }
    }

    fn show_alarms(&self) -> Value {
        let status = match () {
            () if !self.alarms.enabled || self.alarms.names.is_empty() => "DISABLED",
            () if !self.alarms.triggered.is_empty() => "TRIGGERED",
            () if self.is_over() => "MONITORING_COMPLETE",
            () => "MONITORING",
        };
        json!({ "status": status, "alarmNames": self.alarms.names, "triggeredAlarmNames": self.alarms.triggered })
    }

    fn show_breaker(&self, desired: u32) -> Value {
        let breaker = &self.configuration["deploymentCircuitBreaker"];
        let status = match () {
            () if breaker["enable"] != true => "DISABLED",
            () if self.tripped => "TRIGGERED",
            () if self.is_over() => "MONITORING_COMPLETE",
            () => "MONITORING",
        };
        json!({ "status": status, "failureCount": self.failures, "threshold": threshold(breaker, desired) })
    }
}

impl Plane {
    pub(super) fn show_release(&self, service: &Service, release: &Release) -> Value {
        let cluster = self.world.owner.cluster(&service.key.cluster);
        let to_sources = |share: f64| 100.0 - share;
        let (test, production) = (release.traffic.test, release.traffic.production);
        let sources = release
            .sources
            .iter()
            .map(|arn| self.summary(service, release, arn, to_sources(test), to_sources(production)));
        let mut shown = json!({
            "serviceDeploymentArn": release.arn,
            "serviceArn": service.arn,
            "clusterArn": cluster,
            "createdAt": release.created.stamp(),
            "updatedAt": release.updated.stamp(),
            "sourceServiceRevisions": sources.collect::<Vec<_>>(),
            "targetServiceRevision": self.summary(service, release, &release.target, test, production),
            "status": release.status.word(),
            "deploymentConfiguration": release.configuration,
            "deploymentCircuitBreaker": release.show_breaker(service.desired),
            "alarms": release.show_alarms(),
        });
        release.add_course(&mut shown);
        if let Some(at) = release.stopped {
            shown["stoppedAt"] = at.stamp();
        }
        if let Some(stage) = release.stage.filter(|_| !release.is_over()) {
            shown["lifecycleStage"] = json!(stage.word());
        }
        if !release.hooks.is_empty() {
            shown["lifecycleHookDetails"] = release.hooks.iter().map(show_hook).collect();
        }
        if let Some(rollback) = &release.rollback {
            shown["rollback"] = json!({ "reason": rollback.reason, "startedAt": rollback.at.stamp(), "serviceRevisionArn": rollback.revision });
        }
        shown
    }

    fn summary(&self, service: &Service, release: &Release, arn: &str, test: f64, production: f64) -> Value {
        let of = service.deployments.iter().filter(|deployment| deployment.revision == arn);
        let (mut requested, mut running, mut pending) = (0, 0, 0);
        for deployment in of {
            let counts = self.counts(deployment);
            requested += deployment.wanted;
            running += counts.running;
            pending += counts.pending;
        }
        let mut shown = json!({ "arn": arn, "requestedTaskCount": requested, "runningTaskCount": running, "pendingTaskCount": pending });
        if release.is_staged() {
            shown["requestedTestTrafficWeight"] = json!(test);
            shown["requestedProductionTrafficWeight"] = json!(production);
        }
        shown
    }
}

fn show_hook(hook: &Hook) -> Value {
    let mut shown = json!({
        "hookId": hook.id,
        "targetType": if hook.target.is_some() { "AWS_LAMBDA" } else { "PAUSE" },
        "status": hook.status.word(),
        "expiresAt": hook.expires.stamp(),
        "timeoutAction": hook.on_timeout,
    });
    if let Some(target) = &hook.target {
        shown["targetArn"] = json!(target);
    }
    shown
}
