//! A service as DescribeServices shows it: its settings, its counts, its deployments, its events.

use serde_json::{Value, json};

use super::defaults::REVISION_ONLY;
use super::{Controller, Service, State};
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::deployment::Deployment;
use crate::sandbox::ecs::time::Now;

/// Tasks of a deployment, as the API counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub pending: u32,
    pub running: u32,
}

impl Plane {
    pub(in crate::sandbox::ecs) fn show_service(&self, service: &Service, tags: bool, now: Now) -> Value {
        let ecs = service.controller() == Controller::Ecs;
        let counts = service.deployments.iter().map(|deployment| self.counts(deployment));
        let total = counts.fold(Counts::default(), |sum, counts| Counts {
            pending: sum.pending + counts.pending,
            running: sum.running + counts.running,
        });
        let mut shown = json!({
            "serviceArn": service.arn,
            "serviceName": service.key.name,
            "clusterArn": self.world.owner.cluster(&service.key.cluster),
            "status": match service.state { State::Active => "ACTIVE", State::Draining => "DRAINING", State::Inactive => "INACTIVE" },
            "desiredCount": service.desired,
            "runningCount": total.running,
            "pendingCount": total.pending,
            "deployments": [],
            "events": service.events.show(),
            "createdAt": service.created.stamp(),
            "createdBy": service.created_by,
            "resourceManagementType": "CUSTOMER",
        });
        let deployments: Vec<Value> =
            service.deployments.iter().map(|one| self.show_deployment(service, one, ecs)).collect();
        shown[if ecs { "deployments" } else { "taskSets" }] = deployments.into();
        if let Some(definition) = &service.definition {
            shown["taskDefinition"] = json!(definition);
        }
        if tags {
            shown["tags"] = service.tags.clone().into();
        }
        self.show_settings(service, &mut shown);
        self.show_current(service, &mut shown, now);
        shown
    }

    fn show_settings(&self, service: &Service, shown: &mut Value) {
        let strategy = service.settings["capacityProviderStrategy"].as_array().is_some_and(|all| !all.is_empty());
        for (member, value) in service.settings.as_object().into_iter().flatten() {
            let hidden = REVISION_ONLY.contains(&member.as_str())
                || (member == "launchType" && strategy)
                || (member == "capacityProviderStrategy" && !strategy);
            if !hidden {
                shown[member.as_str()] = value.clone();
            }
        }
        if service.settings["loadBalancers"].as_array().is_some_and(|all| !all.is_empty()) {
            let role = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
            let caller = &service.created_by;
            shown["roleArn"] = json!(caller.replacen(":root", &format!(":{role}"), 1));
        }
    }

    /// `currentServiceDeployment` may still name the one before; see `Lag`.
    fn show_current(&self, service: &Service, shown: &mut Value, now: Now) {
        let stale = self.world.lag.current_deployment;
        let current = service.releases.iter().find(|release| release.created.after(stale) <= now);
        if let Some(release) = current {
            shown["currentServiceDeployment"] = json!(release.arn);
        }
        let revisions: Vec<Value> = service
            .deployments
            .iter()
            .filter(|deployment| !deployment.revision.is_empty())
            .map(|deployment| {
                let counts = self.counts(deployment);
                json!({
                    "arn": deployment.revision,
                    "requestedTaskCount": deployment.wanted,
                    "runningTaskCount": counts.running,
                    "pendingTaskCount": counts.pending,
                })
            })
            .collect();
        if service.controller() == Controller::Ecs {
            shown["currentServiceRevisions"] = revisions.into();
        }
    }

    pub(in crate::sandbox::ecs) fn counts(&self, deployment: &Deployment) -> Counts {
        let tasks = deployment.tasks.iter().filter_map(|id| self.tasks.get(id));
        tasks.fold(Counts::default(), |sum, task| Counts {
            pending: sum.pending + u32::from(task.is_pending()),
            running: sum.running + u32::from(task.is_running()),
        })
    }
}
