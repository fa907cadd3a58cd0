//! A deployment as GetDeployment shows it. What has not happened yet is absent.

use serde_json::{Value, json};

use super::{Deployment, Status};
use crate::sandbox::codedeploy::course::Step;

/// Members of the group that a deployment repeats.
const REPEATED: &[&str] =
    &["autoRollbackConfiguration", "deploymentStyle", "blueGreenDeploymentConfiguration", "loadBalancerInfo"];

impl Deployment {
    pub fn show(&self) -> Value {
        let mut shown = json!({
            "applicationName": self.application,
            "deploymentGroupName": self.group,
            "deploymentConfigName": self.config,
            "deploymentId": self.id,
            "status": self.status.word(),
            "createTime": self.created.stamp(),
            "deploymentOverview": self.overview(),
            "creator": if self.is_rollback() { "codeDeployRollback" } else { "user" },
            "ignoreApplicationStopFailures": false,
            "updateOutdatedInstancesOnly": false,
            "instanceTerminationWaitTimeStarted": self.has_begun(Step::TerminationWait),
            "fileExistsBehavior": "DISALLOW",
            "deploymentStatusMessages": [],
            "computePlatform": "ECS",
        });
        let held = self.revision.as_ref().map(|revision| revision.show(false));
        let told = [
            ("revision", held),
            ("previousRevision", self.previous.as_ref().map(|revision| revision.show(false))),
            ("startTime", self.started.map(|at| at.stamp())),
            ("completeTime", self.completed.map(|at| at.stamp())),
            ("description", self.description.clone().map(Value::from)),
            ("errorInformation", self.error.as_ref().map(|(code, text)| json!({ "code": code, "message": text }))),
            ("rollbackInfo", self.show_rollback()),
        ];
        let repeated = REPEATED.iter().map(|member| (*member, self.settings.get(*member).cloned()));
        for (member, value) in told.into_iter().chain(repeated).filter_map(|(member, value)| Some((member, value?))) {
            shown[member] = value;
        }
        shown
    }

    fn show_rollback(&self) -> Option<Value> {
        let rollback = self.rollback.as_ref()?;
        let mut shown = json!({ "rollbackMessage": rollback.message });
        let ids = [("rollbackDeploymentId", &rollback.by), ("rollbackTriggeringDeploymentId", &rollback.of)];
        for (member, id) in ids.into_iter().filter_map(|(member, id)| Some((member, id.as_ref()?))) {
            shown[member] = json!(id);
        }
        Some(shown)
    }

    /// The one target in its state.
    fn overview(&self) -> Value {
        let count = |states: &[Status]| u32::from(states.contains(&self.status));
        json!({
            "Pending": count(&[Status::Created]),
            "InProgress": count(&[Status::InProgress]),
            "Succeeded": count(&[Status::Succeeded]),
            "Failed": count(&[Status::Failed, Status::Stopped]),
            "Skipped": 0,
            "Ready": count(&[Status::Ready]),
        })
    }

    /// As its deployment group shows it.
    pub fn show_last(&self) -> Value {
        let mut shown =
            json!({ "deploymentId": self.id, "status": self.status.word(), "createTime": self.created.stamp() });
        if let Some(at) = self.completed {
            shown["endTime"] = at.stamp();
        }
        shown
    }

    fn has_begun(&self, step: Step) -> bool {
        self.stages.iter().any(|stage| stage.step == step && stage.started.is_some())
    }
}
