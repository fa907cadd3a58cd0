//! What ECS fills in for a service, and which members of a request are a service's, a revision's, or only the
//! request's.

use serde_json::{Value, json};

use crate::sandbox::ecs::input::Object;

/// Of the request alone; the service keeps these elsewhere or not at all.
const REQUEST_ONLY: &[&str] = &[
    "cluster",
    "service",
    "serviceName",
    "taskDefinition",
    "desiredCount",
    "clientToken",
    "role",
    "tags",
    "forceNewDeployment",
];

/// Kept with the settings, but shown only with the deployment or the service revision.
pub const REVISION_ONLY: &[&str] = &[
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
];

/// What a revision takes from the settings; changing one of these starts a deployment.
pub const OF_REVISION: &[&str] = &[
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
];

/// The members of a request that are settings.
pub fn settings_in(body: &Value) -> Object {
    let members = body.as_object().into_iter().flatten();
    let kept = members.filter(|(member, _)| !REQUEST_ONLY.contains(&member.as_str()));
    kept.map(|(member, value)| (member.clone(), value.clone())).collect()
}

pub fn fill(settings: &mut Object, cluster_strategy: Option<&Value>) {
    place(settings, cluster_strategy);
    let usual = json!({
        "loadBalancers": [],
        "serviceRegistries": [],
        "placementConstraints": [],
        "placementStrategy": [],
        "schedulingStrategy": "REPLICA",
        "deploymentController": { "type": "ECS" },
        "enableECSManagedTags": false,
        "propagateTags": "NONE",
        "enableExecuteCommand": false,
        "availabilityZoneRebalancing": "DISABLED",
    });
    for (member, value) in usual.as_object().into_iter().flatten() {
        settings.entry(member.clone()).or_insert_with(|| value.clone());
    }
    let daemon = settings["schedulingStrategy"] == "DAEMON";
    let configuration = settings.entry("deploymentConfiguration").or_insert_with(|| json!({}));
    fill_configuration(configuration, daemon);
    if settings["loadBalancers"].as_array().is_some_and(|all| !all.is_empty()) {
        settings.entry("healthCheckGracePeriodSeconds").or_insert_with(|| json!(0));
    }
}

/// Without a launch type: the given strategy, else the cluster's, else EC2.
fn place(settings: &mut Object, cluster_strategy: Option<&Value>) {
    let given = settings.get("capacityProviderStrategy").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    if settings.contains_key("launchType") || given {
        return fill_platform(settings);
    }
    match cluster_strategy.filter(|strategy| strategy.as_array().is_some_and(|all| !all.is_empty())) {
        Some(strategy) => settings.insert("capacityProviderStrategy".into(), strategy.clone()),
        None => settings.insert("launchType".into(), json!("EC2")),
    };
    fill_platform(settings);
}

fn fill_platform(settings: &mut Object) {
    let provider = settings.get("capacityProviderStrategy").and_then(|all| all[0]["capacityProvider"].as_str());
    let fargate = provider.is_some_and(|provider| provider.starts_with("FARGATE"))
        || settings.get("launchType").is_some_and(|launch| launch == "FARGATE");
    if fargate {
        settings.entry("platformVersion").or_insert_with(|| json!("LATEST"));
        settings.entry("platformFamily").or_insert_with(|| json!("Linux"));
    }
}

fn fill_configuration(configuration: &mut Value, daemon: bool) {
    let Some(members) = configuration.as_object_mut() else { return };
    members.entry("deploymentCircuitBreaker").or_insert_with(|| json!({ "enable": false, "rollback": false }));
    members.entry("maximumPercent").or_insert_with(|| json!(if daemon { 100 } else { 200 }));
    members.entry("minimumHealthyPercent").or_insert_with(|| json!(if daemon { 0 } else { 100 }));
    let strategy = members.entry("strategy").or_insert_with(|| json!("ROLLING")).clone();
    members.entry("bakeTimeInMinutes").or_insert_with(|| json!(0));
    match strategy.as_str() {
        Some("LINEAR") => {
            fill_steps(members, "linearConfiguration", &[("stepPercent", 10.0), ("stepBakeTimeInMinutes", 6.0)])
        }
        Some("CANARY") => {
            fill_steps(members, "canaryConfiguration", &[("canaryPercent", 5.0), ("canaryBakeTimeInMinutes", 10.0)])
        }
        _ => {}
    }
}

fn fill_steps(members: &mut Object, name: &str, usual: &[(&str, f64)]) {
    let steps = members.entry(name).or_insert_with(|| json!({}));
    let Some(steps) = steps.as_object_mut() else { return };
    for (member, value) in usual {
        let whole = member.ends_with("Minutes");
        steps.entry(*member).or_insert_with(|| if whole { json!(*value as u64) } else { json!(value) });
    }
}

/// A partial `deploymentConfiguration` is laid over the one that is there. Whether ECS merges or replaces is
/// documented nowhere; merging is what keeps a circuit breaker that the request did not speak of.
pub fn merge_configuration(old: &mut Value, new: &Value) {
    let (Some(members), Some(new)) = (old.as_object_mut(), new.as_object()) else { return };
    members.extend(new.iter().map(|(member, value)| (member.clone(), value.clone())));
    fill_configuration(old, false);
}
