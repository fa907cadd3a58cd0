//! The AppSpec, in JSON, which CodeDeploy takes as well as YAML. It says everything that the serving task set has: what
//! is left out is not kept but takes AWS's defaults (a platform version left out is LATEST: CodeDeploy user guide,
//! "AppSpec 'resources' section for Amazon ECS deployments").

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::options::Provider;
use super::serving;
use crate::deploy::edit::short;

/// What goes behind the load balancer.
pub struct Target {
    pub container: String,
    pub port: u64,
}

/// Without the task definition, which may not be registered yet.
pub fn appspec(service: &Value, target: &Target, provider: Option<&Provider>) -> Value {
    let mut properties = Map::new();
    properties.insert("TaskDefinition".into(), Value::Null);
    let balancer = json!({"ContainerName": target.container, "ContainerPort": target.port});
    properties.insert("LoadBalancerInfo".into(), balancer);
    let kept = [
        ("PlatformVersion", kept(service, "platformVersion").cloned()),
        ("NetworkConfiguration", network(service)),
        ("CapacityProviderStrategy", strategy(service, provider)),
    ];
    properties.extend(kept.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let service = json!({"Type": "AWS::ECS::Service", "Properties": properties});
    json!({"version": 0.0, "Resources": [{"TargetService": service}]})
}

/// An AppSpec for any revision.
#[derive(Debug, Clone)]
pub enum Spec {
    /// By ourselves, in JSON and without the task definition.
    Made(Value),
    /// As it was deployed before, in JSON or YAML.
    Kept(String),
}

impl Spec {
    /// The AppSpec with this revision in it. One that has it already stays as it is, to the byte.
    pub fn text(&self, revision: &str) -> String {
        match self {
            Spec::Made(spec) => of_revision(spec, revision).to_string(),
            Spec::Kept(text) => match definition_in(text) {
                Some(named) if short(&text[named.clone()]) != short(revision) => {
                    format!("{}{revision}{}", &text[..named.start], &text[named.end..])
                }
                _ => text.clone(),
            },
        }
    }

    /// The same for people: a document, unless it is YAML.
    pub fn shown(&self, revision: &str) -> Value {
        let text = self.text(revision);
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }
}

fn of_revision(spec: &Value, revision: &str) -> Value {
    let mut spec = spec.clone();
    spec["Resources"][0]["TargetService"]["Properties"]["TaskDefinition"] = revision.into();
    spec
}

/// Where an AppSpec names the task definition, quoted or not. CodeDeploy reads its keys in any case.
pub fn definition_in(text: &str) -> Option<Range<usize>> {
    const KEY: &str = "taskdefinition";
    let lower = text.to_ascii_lowercase();
    lower.match_indices(KEY).find_map(|(at, _)| {
        let rest = &text[at + KEY.len()..];
        let value = rest.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?;
        let value = value.trim_start().trim_start_matches(['"', '\'']);
        let start = text.len() - value.len();
        let length = value.find(|letter: char| letter.is_whitespace() || "\"',}#".contains(letter));
        let end = start + length.unwrap_or(value.len());
        (end > start).then_some(start..end)
    })
}

/// A member of the service, else of its serving task set; nothing if it is empty.
fn kept<'a>(service: &'a Value, member: &str) -> Option<&'a Value> {
    let said = |value: &'a Value| (!value.is_null() && value != &json!([]) && value != "").then_some(value);
    said(&service[member]).or_else(|| said(&serving(service)?[member]))
}

fn network(service: &Value) -> Option<Value> {
    let vpc = &kept(service, "networkConfiguration")?["awsvpcConfiguration"];
    let members = [("Subnets", "subnets"), ("SecurityGroups", "securityGroups"), ("AssignPublicIp", "assignPublicIp")];
    // Lists that are empty may be missing from AWS's answer, but CodeDeploy wants all three or none.
    let all: Map<String, Value> = members
        .iter()
        .map(|(theirs, ours)| {
            let usual = if *ours == "assignPublicIp" { json!("DISABLED") } else { json!([]) };
            ((*theirs).to_owned(), vpc.get(*ours).cloned().unwrap_or(usual))
        })
        .collect();
    vpc.is_object().then(|| json!({"AwsvpcConfiguration": all}))
}

fn strategy(service: &Value, provider: Option<&Provider>) -> Option<Value> {
    if let Some(Provider { name, base, weight }) = provider {
        return Some(json!([{"CapacityProvider": name, "Base": base, "Weight": weight}]));
    }
    let entry = |entry: &Value| {
        let number = |name: &str| entry[name].as_u64().unwrap_or_default();
        json!({"CapacityProvider": entry["capacityProvider"], "Base": number("base"), "Weight": number("weight")})
    };
    Some(kept(service, "capacityProviderStrategy")?.as_array()?.iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target { container: "we\"b".into(), port: 8080 }
    }

    fn properties(service: Value, provider: Option<&Provider>) -> Value {
        let spec = of_revision(&appspec(&service, &target(), provider), "arn:web:2");
        let text = spec.to_string();
        assert!(text.starts_with(r#"{"version":0.0,"#), "{text}");
        let spec: Value = serde_json::from_str(&text).unwrap();
        spec["Resources"][0]["TargetService"]["Properties"].clone()
    }

    #[test]
    fn appspec_keeps_what_the_service_has() {
        let vpc = json!({"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"});
        let service = json!({"platformVersion": "1.4.0", "networkConfiguration": {"awsvpcConfiguration": vpc}});
        let vpc = json!({"Subnets": ["subnet-1"], "SecurityGroups": [], "AssignPublicIp": "ENABLED"});
        assert_eq!(
            properties(service, None),
            json!({
                "TaskDefinition": "arn:web:2",
                "LoadBalancerInfo": {"ContainerName": "we\"b", "ContainerPort": 8080},
                "PlatformVersion": "1.4.0",
                "NetworkConfiguration": {"AwsvpcConfiguration": vpc},
            })
        );
    }

    #[test]
    fn appspec_takes_the_provider_that_is_given_else_that_of_the_task_set() {
        let strategy = json!([{"capacityProvider": "FARGATE", "weight": 1}]);
        let service = json!({"taskSets": [{"status": "PRIMARY", "capacityProviderStrategy": strategy}]});
        let own = json!([{"CapacityProvider": "FARGATE", "Base": 0, "Weight": 1}]);
        assert_eq!(properties(service.clone(), None)["CapacityProviderStrategy"], own);
        let given = Provider { name: "FARGATE_SPOT".into(), base: 1, weight: 2 };
        let other = json!([{"CapacityProvider": "FARGATE_SPOT", "Base": 1, "Weight": 2}]);
        assert_eq!(properties(service, Some(&given))["CapacityProviderStrategy"], other);
    }

    #[test]
    fn appspec_that_is_kept_changes_its_definition_alone() {
        let arn = "arn:aws:ecs:r:1:task-definition/web:1";
        let yaml =
            |name: &str| format!("version: 0.0\nHooks:\n  - x\n      TaskDefinition: {name}\n      LoadBalancer: y\n");
        for named in [arn.to_owned(), "web:1".into(), format!("\"{arn}\""), format!("'{arn}' # old")] {
            let kept = Spec::Kept(yaml(&named));
            assert_eq!(kept.text(arn), yaml(&named), "it is the one");
            let other = kept.text("arn:aws:ecs:r:1:task-definition/web:12");
            assert_eq!(
                other,
                yaml(&named.replace(arn, "web:1").replace("web:1", "arn:aws:ecs:r:1:task-definition/web:12"))
            );
        }
        let made = Spec::Made(appspec(&json!({}), &target(), None)).text(arn);
        assert_eq!(&made[definition_in(&made).unwrap()], arn);
        assert_eq!(Spec::Kept(made.clone()).text(arn), made);
        assert!(definition_in("TaskDefinition: ").is_none() && definition_in("{}").is_none());
    }

    #[test]
    fn appspec_of_a_service_on_instances_says_no_more_than_it_has() {
        let bare = properties(json!({"capacityProviderStrategy": [], "launchType": "EC2"}), None);
        assert_eq!(bare.as_object().unwrap().len(), 2);
    }
}
