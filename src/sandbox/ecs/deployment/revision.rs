//! Service revisions: what exactly a deployment brings, as DescribeServiceRevisions records it, with the digest
//! that each image stood for and the target group that is live.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::ecs::time::Now;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Revision {
    pub arn: String,
    pub definition: String,
    /// The revision's part of the service's settings.
    pub settings: Value,
    pub images: Vec<Image>,
    /// The load balancers with the target group that this revision's tasks are in.
    pub balancers: Vec<Balancer>,
    pub created: Now,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Image {
    pub container: String,
    pub image: String,
    /// None while nothing was found under its tag.
    pub digest: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Balancer {
    pub group: String,
    pub rule: Option<String>,
    pub port: i64,
}

impl Revision {
    /// Blue/green alternates between two target groups; `live` is the revision that serves now.
    pub fn balancers(settings: &Value, alternating: bool, live: Option<&Revision>) -> Vec<Balancer> {
        let all = settings["loadBalancers"].as_array().into_iter().flatten();
        let chosen = all.enumerate().map(|(place, given)| {
            let (first, other) = (&given["targetGroupArn"], &given["advancedConfiguration"]["alternateTargetGroupArn"]);
            let taken = live.and_then(|live| live.balancers.get(place)).is_some_and(|old| *first == old.group);
            let group = if alternating && taken && other.is_string() { other } else { first };
            Balancer {
                group: group.as_str().or(given["loadBalancerName"].as_str()).unwrap_or_default().to_owned(),
                rule: given["advancedConfiguration"]["productionListenerRule"].as_str().map(String::from),
                port: given["containerPort"].as_i64().unwrap_or_default(),
            }
        });
        chosen.collect()
    }

    pub fn show(&self, service: &str, cluster: &str) -> Value {
        let images: Vec<Value> = self.images.iter().map(Image::show).collect();
        let mut shown = json!({
            "serviceRevisionArn": self.arn,
            "serviceArn": service,
            "clusterArn": cluster,
            "taskDefinition": self.definition,
            "containerImages": images,
            "guardDutyEnabled": false,
            "createdAt": self.created.stamp(),
        });
        for (member, value) in self.settings.as_object().into_iter().flatten() {
            if value.as_array().is_none_or(|items| !items.is_empty()) {
                shown[member.as_str()] = resolved(member, value);
            }
        }
        if !self.balancers.is_empty() {
            shown["resolvedConfiguration"] =
                json!({ "loadBalancers": self.balancers.iter().map(live).collect::<Vec<_>>() });
        }
        shown
    }
}

impl Image {
    fn show(&self) -> Value {
        let mut shown = json!({ "containerName": self.container, "image": self.image });
        if let Some(digest) = &self.digest {
            shown["imageDigest"] = json!(digest);
        }
        shown
    }
}

/// A service says LATEST, its deployments and revisions say which version that was.
pub fn resolved(member: &str, value: &Value) -> Value {
    match member {
        "platformVersion" if *value == "LATEST" => json!("1.4.0"),
        _ => value.clone(),
    }
}

fn live(balancer: &Balancer) -> Value {
    let mut shown = json!({ "targetGroupArn": balancer.group });
    if let Some(rule) = &balancer.rule {
        shown["productionListenerRule"] = json!(rule);
    }
    shown
}
