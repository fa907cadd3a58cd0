//! A service's settings, for a task that is to run as the service's tasks do. Services that CodeDeploy or another
//! controller deploys have them in their task sets (API reference, TaskSet), not in themselves.

use serde_json::{Value, json};

use super::request::{Launch, Network};

/// What a service lends.
#[derive(Debug, Clone, Default)]
pub struct Borrowed {
    pub definition: Option<String>,
    pub network: Value,
    pub launch: Option<Launch>,
    pub platform_version: Option<String>,
}

impl Borrowed {
    pub fn of(service: &Value) -> Borrowed {
        let sets = service["taskSets"].as_array().map(Vec::as_slice).unwrap_or_default();
        let serving = sets.iter().find(|set| set["status"] == "PRIMARY").unwrap_or(&Value::Null);
        let own = |member: &str| if is_blank(&service[member]) { &serving[member] } else { &service[member] };
        let text = |member: &str| own(member).as_str().map(str::to_owned);
        let providers = own("capacityProviderStrategy");
        let launch = match is_blank(providers) {
            true => text("launchType").map(Launch::Type),
            false => Some(Launch::Providers(providers.clone())),
        };
        let network = own("networkConfiguration").clone();
        Borrowed { definition: text("taskDefinition"), network, launch, platform_version: text("platformVersion") }
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The network configuration with what was given in the place of what was lent; null if there is neither.
pub fn network(given: &Network, lent: &Value) -> Value {
    if !given.is_given() {
        return lent.clone();
    }
    let mut network = if lent.is_object() { lent.clone() } else { json!({ "awsvpcConfiguration": {} }) };
    let vpc = &mut network["awsvpcConfiguration"];
    if !given.subnets.is_empty() {
        vpc["subnets"] = given.subnets.clone().into();
    }
    if !given.security_groups.is_empty() {
        vpc["securityGroups"] = given.security_groups.clone().into();
    }
    if let Some(public_ip) = &given.public_ip {
        vpc["assignPublicIp"] = public_ip.clone().into();
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_from_the_service_or_from_its_serving_task_set() {
        let vpc = |subnet: &str| json!({ "awsvpcConfiguration": { "subnets": [subnet], "futureMember": 1 } });
        let plain = json!({ "taskDefinition": "shop:1", "launchType": "FARGATE", "platformVersion": "LATEST",
            "networkConfiguration": vpc("a"), "capacityProviderStrategy": [] });
        let borrowed = Borrowed::of(&plain);
        assert_eq!(borrowed.launch, Some(Launch::Type("FARGATE".into())));
        assert_eq!(borrowed.network, vpc("a"));
        let strategy = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
        let set = |status: &str, subnet: &str| {
            json!({ "status": status, "taskDefinition": format!("shop:{subnet}"),
            "networkConfiguration": vpc(subnet), "capacityProviderStrategy": strategy })
        };
        let borrowed = Borrowed::of(&json!({ "taskSets": [set("ACTIVE", "1"), set("PRIMARY", "2")] }));
        assert_eq!((borrowed.definition.as_deref(), &borrowed.network), (Some("shop:2"), &vpc("2")));
        assert_eq!(borrowed.launch, Some(Launch::Providers(strategy)));
    }

    #[test]
    fn network_that_is_given_takes_the_place_of_what_was_lent_member_by_member() {
        let lent = json!({ "awsvpcConfiguration": { "subnets": ["a"], "securityGroups": ["s"], "future": 1 } });
        let given = Network { security_groups: vec!["t".into()], ..Network::default() };
        let wanted = json!({ "awsvpcConfiguration": { "subnets": ["a"], "securityGroups": ["t"], "future": 1 } });
        assert_eq!(network(&given, &lent), wanted);
        let wanted = json!({ "awsvpcConfiguration": { "securityGroups": ["t"] } });
        assert_eq!(network(&given, &Value::Null), wanted);
        assert_eq!(network(&Network::default(), &lent), lent);
    }
}
