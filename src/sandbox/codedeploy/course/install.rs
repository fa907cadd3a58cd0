//! Install: the second task set is made, and has an hour to become healthy. What the AppSpec leaves out it takes over
//! from the set that serves.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::advance::Work;
use crate::sandbox::codedeploy::appspec::AppSpec;
use crate::sandbox::codedeploy::deployment::Deployment;
use crate::sandbox::ecs::{Now, Plane};

/// CodeDeploy's code is not documented for it; the message is what people report.
const LATE: &str = "The deployment timed out while waiting for the replacement task set to become healthy. This time out \
                    period is 60 minutes.";

impl Deployment {
    pub(super) fn install(&mut self, now: Now, ecs: &mut Plane) -> Work {
        let Some(blue) = self.serving(now, ecs) else {
            return updating("Service not found.", "ServiceNotFoundException");
        };
        self.clear(now, ecs);
        let content = self.revision.as_ref().map_or("", |revision| revision.content.as_str());
        let spec = match AppSpec::read(content) {
            Ok(spec) => spec,
            Err(why) => {
                let message = format!(
                    "The deployment failed because the AppSpec file that specifies the deployment configuration is missing or has an \
                     invalid configuration. {why}"
                );
                return Work::Fails { code: "INVALID_REVISION", message };
            }
        };
        match ecs.call("CreateTaskSet", self.set(&spec, &blue), now) {
            Ok(made) => {
                self.green = made["taskSet"]["id"].as_str().map(str::to_owned);
                self.tell_traffic(now, ecs);
                Work::Waits(Some(now.after(ecs.pace().replacement)))
            }
            Err(why) => updating(&why.message, why.code),
        }
    }

    /// The task set that serves.
    pub(super) fn serving(&self, now: Now, ecs: &mut Plane) -> Option<Value> {
        self.sets(now, ecs).into_iter().find(|set| set["status"] == "PRIMARY")
    }

    fn sets(&self, now: Now, ecs: &mut Plane) -> Vec<Value> {
        let body = json!({ "cluster": self.cluster, "service": self.service });
        let described = ecs.call("DescribeTaskSets", body, now).unwrap_or_default();
        described["taskSets"].as_array().cloned().unwrap_or_default()
    }

    /// Removes what an earlier deployment has left.
    fn clear(&self, now: Now, ecs: &mut Plane) {
        for set in self.sets(now, ecs).iter().filter(|set| set["status"] == "ACTIVE") {
            let _ = ecs.call("DeleteTaskSet", self.about("taskSet", &set["id"], true), now);
        }
    }

    /// The body of CreateTaskSet.
    fn set(&self, spec: &AppSpec, blue: &Value) -> Value {
        let group = self.other_group(blue["loadBalancers"][0]["targetGroupArn"].as_str().unwrap_or_default());
        let balancer = json!({ "targetGroupArn": group, "containerName": spec.container, "containerPort": spec.port });
        let mut body = json!({
            "cluster": self.cluster,
            "service": self.service,
            "externalId": self.id,
            "taskDefinition": spec.definition,
            "loadBalancers": [balancer],
            "scale": { "value": 100.0, "unit": "PERCENT" },
        });
        let mut add = |member: &str, value: Option<&Value>| {
            if let Some(value) = value.filter(|value| !value.is_null()) {
                body[member] = value.clone();
            }
        };
        add("networkConfiguration", spec.network.as_ref().or(blue.get("networkConfiguration")));
        add("platformVersion", spec.platform.as_ref().or(blue.get("platformVersion")));
        add("serviceRegistries", blue.get("serviceRegistries"));
        match spec.strategy.as_ref().or(blue.get("capacityProviderStrategy")) {
            Some(strategy) => add("capacityProviderStrategy", Some(strategy)),
            None => add("launchType", blue.get("launchType")),
        }
        body
    }

    /// The target group of the pair that blue is not in. The sandbox has no load balancers, so the ARN is made up:
    /// always the same for the same name, and blue's own in all but that.
    fn other_group(&self, blue: &str) -> String {
        let pair = &self.settings["loadBalancerInfo"]["targetGroupPairInfoList"][0]["targetGroups"];
        let names = pair.as_array().into_iter().flatten().filter_map(|group| group["name"].as_str());
        let (place, own) = blue.split_once(":targetgroup/").unwrap_or((blue, ""));
        let own = own.split('/').next().unwrap_or_default();
        let other = names.into_iter().find(|name| *name != own).unwrap_or(own);
        let digest = hex::encode(Sha256::digest(other.as_bytes()));
        format!("{place}:targetgroup/{other}/{}", &digest[..16])
    }

    pub(super) fn wait_for_green(&mut self, since: Now, now: Now, ecs: &mut Plane) -> Work {
        let body = json!({ "cluster": self.cluster, "service": self.service, "taskSets": [self.green] });
        let set = match ecs.call("DescribeTaskSets", body, now) {
            Ok(answer) => answer["taskSets"][0].clone(),
            Err(why) => return updating(&why.message, why.code),
        };
        let limit = since.after(ecs.pace().replacement);
        match set["stabilityStatus"].as_str() {
            Some("STEADY_STATE") => Work::Done,
            Some(_) if limit > now => Work::Waits(Some(limit)),
            Some(_) => Work::Fails { code: "TIMEOUT", message: LATE.to_owned() },
            None => updating("The specified task set wasn't found.", "TaskSetNotFoundException"),
        }
    }

    /// A request about one of the service's sets.
    pub(super) fn about(&self, member: &str, id: &Value, force: bool) -> Value {
        let mut body = json!({ "cluster": self.cluster, "service": self.service, member: id });
        if force {
            body["force"] = json!(true);
        }
        body
    }
}

/// CodeDeploy's words for a call of ECS that was refused.
pub fn updating(message: &str, code: &str) -> Work {
    let message = format!(
        "The ECS service cannot be updated due to an unexpected error: {message} (Service: AmazonECS; Status Code: 400; Error \
         Code: {code}). Check your ECS service status."
    );
    Work::Fails { code: "ECS_UPDATE_ERROR", message }
}
