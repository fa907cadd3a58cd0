//! A deployment within DescribeServices; under CODE_DEPLOY and EXTERNAL the same thing is called a task set.

use serde_json::{Value, json};

use super::Deployment;
use super::revision::resolved;
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::service::Service;

/// What a deployment repeats of its revision.
const REPEATED: &[&str] = &[
    "capacityProviderStrategy",
    "launchType",
    "platformVersion",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

impl Plane {
    pub(in crate::sandbox::ecs) fn show_deployment(&self, service: &Service, one: &Deployment, ecs: bool) -> Value {
        let counts = self.counts(one);
        let mut shown = json!({
            "id": one.id,
            "status": match one.primary {
                true => "PRIMARY",
                false if one.set.draining => "DRAINING",
                false => "ACTIVE",
            },
            "taskDefinition": one.definition,
            "pendingCount": counts.pending,
            "runningCount": counts.running,
            "createdAt": one.created.stamp(),
            "updatedAt": one.updated.stamp(),
        });
        match ecs {
            true => self.add_rollout(one, &mut shown),
            false => self.add_task_set(service, one, &mut shown),
        }
        let settings = service.revision(&one.revision).map(|revision| &revision.settings);
        let keeps = if ecs { REPEATED } else { &REPEATED[..4] };
        for (member, value) in settings.and_then(Value::as_object).into_iter().flatten() {
            let shows = keeps.contains(&member.as_str()) && value.as_array().is_none_or(|items| !items.is_empty());
            if shows {
                shown[member.as_str()] = resolved(member, value);
            }
        }
        if service.settings.get("platformFamily").is_some() {
            shown["platformFamily"] = json!("Linux");
        }
        shown
    }

    fn add_rollout(&self, one: &Deployment, shown: &mut Value) {
        shown["desiredCount"] = json!(one.wanted);
        shown["failedTasks"] = json!(one.failed_tasks);
        shown["rolloutState"] = json!(one.rollout.word());
        shown["rolloutStateReason"] = json!(one.reason);
    }

    fn add_task_set(&self, service: &Service, one: &Deployment, shown: &mut Value) {
        let place = format!("task-set/{}/{}/{}", service.key.cluster, service.key.name, one.id);
        shown["taskSetArn"] = json!(self.world.owner.of("ecs", &place));
        shown["serviceArn"] = json!(service.arn);
        shown["clusterArn"] = json!(self.world.owner.cluster(&service.key.cluster));
        shown["computedDesiredCount"] = json!(one.wanted);
        shown["stabilityStatus"] = json!(if one.is_going_on() { "STABILIZING" } else { "STEADY_STATE" });
        shown["stabilityStatusAt"] = one.updated.stamp();
        one.set.show(shown);
        let balancers = service.revision(&one.revision).map(|revision| &revision.settings["loadBalancers"]);
        shown["loadBalancers"] = balancers.filter(|all| all.is_array()).cloned().unwrap_or_else(|| json!([]));
    }
}
