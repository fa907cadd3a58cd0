//! The target of a deployment, which is its ECS service: lifecycle events, and the task sets with their counts and
//! their shares of the traffic.

use serde_json::{Value, json};

use super::{Deployment, Status, no_deployment};
use crate::sandbox::Refusal;
use crate::sandbox::codedeploy::CodeDeploy;
use crate::sandbox::codedeploy::course::Stage;
use crate::sandbox::codedeploy::request::{self, Answer, text, texts};
use crate::sandbox::ecs::{Now, Plane};

impl CodeDeploy {
    pub(in crate::sandbox::codedeploy) fn list_targets(&self, body: &Value) -> Answer {
        Ok(json!({ "targetIds": [self.started(body)?.target()] }))
    }

    pub(in crate::sandbox::codedeploy) fn get_target(&self, body: &Value, now: Now, ecs: &mut Plane) -> Answer {
        let deployment = self.started(body)?;
        let missing = || Refusal::new("DeploymentTargetIdRequiredException", "A deployment target ID is required.");
        check(deployment, text(body, "targetId").ok_or_else(missing)?)?;
        Ok(json!({ "deploymentTarget": deployment.show_target(now, ecs) }))
    }

    pub(in crate::sandbox::codedeploy) fn batch_get_targets(&self, body: &Value, now: Now, ecs: &mut Plane) -> Answer {
        let deployment = self.started(body)?;
        let ids = texts(body, "targetIds");
        match ids.as_slice() {
            [id] => check(deployment, id)?,
            [] => {
                return Err(Refusal::new("DeploymentTargetIdRequiredException", "A deployment target ID is required."));
            }
            _ => {
                let message = "The target list of an ECS deployment must have exactly one item.";
                return Err(Refusal::new("DeploymentTargetListSizeExceededException", message));
            }
        }
        Ok(json!({ "deploymentTargets": [deployment.show_target(now, ecs)] }))
    }

    fn started(&self, body: &Value) -> Result<&Deployment, Refusal> {
        let id = request::deployment(body)?;
        let found = self.deployments.get(id).ok_or_else(|| no_deployment(id))?;
        match found.started {
            Some(_) => Ok(found),
            None => Err(Refusal::new("DeploymentNotStartedException", "The specified deployment has not started.")),
        }
    }
}

fn check(deployment: &Deployment, id: &str) -> Result<(), Refusal> {
    match id == deployment.target() {
        true => Ok(()),
        false => {
            let message = format!("The deployment target {id} does not exist.");
            Err(Refusal::new("DeploymentTargetDoesNotExistException", message))
        }
    }
}

impl Deployment {
    /// "specified using the format clustername:servicename" (API reference, BatchGetDeploymentTargets).
    fn target(&self) -> String {
        format!("{}:{}", self.cluster, self.service)
    }

    fn show_target(&self, now: Now, ecs: &mut Plane) -> Value {
        let asked = json!({ "cluster": self.cluster, "services": [self.service] });
        let service = ecs.call("DescribeServices", asked, now).unwrap_or_default()["services"][0].clone();
        let events: Vec<Value> = self.stages.iter().filter_map(Stage::show).collect();
        let status = match self.status {
            Status::Created => "Pending",
            Status::Stopped => "Failed",
            other => other.word(),
        };
        let mut target = json!({
            "deploymentId": self.id,
            "targetId": self.target(),
            "lastUpdatedAt": self.updated.stamp(),
            "lifecycleEvents": events,
            "status": status,
            "taskSetsInfo": self.show_sets(&service),
        });
        if let Some(arn) = service["serviceArn"].as_str() {
            target["targetArn"] = json!(arn);
        }
        json!({ "deploymentTargetType": "ECSTarget", "ecsTarget": target })
    }

    fn show_sets(&self, service: &Value) -> Vec<Value> {
        let sets = service["taskSets"].as_array().into_iter().flatten();
        let ours = sets.filter_map(|set| {
            let (label, share) = match set["id"].as_str() {
                id if id == self.green.as_deref() => ("Green", self.share),
                id if id == self.blue.as_deref() => ("Blue", 100.0 - self.share),
                _ => return None,
            };
            let group = set["loadBalancers"][0]["targetGroupArn"].as_str().unwrap_or_default();
            Some(json!({
                "identifer": set["id"],
                "desiredCount": set["computedDesiredCount"],
                "pendingCount": set["pendingCount"],
                "runningCount": set["runningCount"],
                "status": set["status"],
                "trafficWeight": share,
                "targetGroup": { "name": group_name(group) },
                "taskSetLabel": label,
            }))
        });
        ours.collect()
    }
}

/// `blue` of `arn:aws:elasticloadbalancing:…:targetgroup/blue/0123456789abcdef`
fn group_name(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}
