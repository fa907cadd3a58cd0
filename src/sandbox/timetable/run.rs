//! A target's `EcsParameters` as the input of RunTask. Both services spell them alike, and not as ECS does. The
//! target's `Input` are the overrides; `InputPath` and `InputTransformer` need an event, which time alone has not.

use serde_json::{Map, Value, json};

/// EventBridge's name and ECS's.
const PLAIN: [(&str, &str); 12] = [
    ("TaskDefinitionArn", "taskDefinition"),
    ("TaskCount", "count"),
    ("LaunchType", "launchType"),
    ("PlatformVersion", "platformVersion"),
    ("Group", "group"),
    ("CapacityProviderStrategy", "capacityProviderStrategy"),
    ("EnableECSManagedTags", "enableECSManagedTags"),
    ("EnableExecuteCommand", "enableExecuteCommand"),
    ("PlacementConstraints", "placementConstraints"),
    ("PlacementStrategy", "placementStrategy"),
    ("PropagateTags", "propagateTags"),
    ("ReferenceId", "referenceId"),
];
const NETWORK: [(&str, &str); 3] =
    [("Subnets", "subnets"), ("SecurityGroups", "securityGroups"), ("AssignPublicIp", "assignPublicIp")];
const TAG: [(&str, &str); 2] = [("Key", "key"), ("Value", "value")];

pub fn run_task(target: &Value, by: &str) -> Value {
    let ecs = &target["EcsParameters"];
    let mut body = renamed(ecs, &PLAIN);
    body.insert("cluster".into(), target["Arn"].clone());
    body.insert("startedBy".into(), by.into());
    if let Some(network) = ecs["NetworkConfiguration"].get("awsvpcConfiguration") {
        body.insert("networkConfiguration".into(), json!({ "awsvpcConfiguration": renamed(network, &NETWORK) }));
    }
    if let Some(tags) = ecs["Tags"].as_array() {
        body.insert("tags".into(), tags.iter().map(|tag| Value::Object(renamed(tag, &TAG))).collect());
    }
    let overrides = target["Input"].as_str().and_then(|input| serde_json::from_str(input).ok());
    if let Some(overrides) = overrides.filter(Value::is_object) {
        body.insert("overrides".into(), overrides);
    }
    body.into()
}

fn renamed(from: &Value, names: &[(&str, &str)]) -> Map<String, Value> {
    let member = |(theirs, ours): &(&str, &str)| Some(((*ours).to_owned(), from.get(theirs)?.clone()));
    names.iter().filter_map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_becomes_what_run_task_takes() {
        let target = json!({
            "Id": "1", "Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/main",
            "Input": "{\"containerOverrides\": [{\"name\": \"web\"}]}",
            "EcsParameters": {
                "TaskDefinitionArn": "arn:d", "TaskCount": 2, "LaunchType": "FARGATE", "PropagateTags": "TASK_DEFINITION",
                "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["s"], "AssignPublicIp": "ENABLED"}},
                "Tags": [{"Key": "a", "Value": "b"}],
            },
        });
        let wanted = json!({
            "taskDefinition": "arn:d", "count": 2, "launchType": "FARGATE", "propagateTags": "TASK_DEFINITION",
            "cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/main", "startedBy": "events-rule/r",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"], "assignPublicIp": "ENABLED"}},
            "tags": [{"key": "a", "value": "b"}],
            "overrides": {"containerOverrides": [{"name": "web"}]},
        });
        assert_eq!(run_task(&target, "events-rule/r"), wanted);
    }
}
