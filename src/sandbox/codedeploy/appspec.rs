//! The AppSpec: which task definition goes behind which container and port, in JSON or YAML. Keys are read in any
//! case, as AWS's own command line writes them ("aws ecs deploy" lowers them all).

use serde_json::{Value, json};

/// What a deployment is to bring.
#[derive(Debug, Clone, PartialEq)]
pub struct AppSpec {
    pub definition: String,
    pub container: String,
    pub port: i64,
    /// In ECS's own form; what is not given is taken over from the task set that serves.
    pub platform: Option<Value>,
    pub network: Option<Value>,
    pub strategy: Option<Value>,
    /// Lifecycle event and Lambda function.
    pub hooks: Vec<(String, String)>,
}

impl AppSpec {
    /// Or what is wrong with it.
    pub fn read(content: &str) -> Result<Self, String> {
        let document = parse(content)?;
        let resources = get(&document, "Resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let [resource] = resources else { return Err("Exactly one target service must be specified.".into()) };
        let service = get(resource, "TargetService").ok_or("The resource has no TargetService.")?;
        if get(service, "Type").and_then(Value::as_str) != Some("AWS::ECS::Service") {
            return Err("The type of the TargetService must be AWS::ECS::Service.".into());
        }
        let properties = get(service, "Properties").ok_or("The TargetService has no Properties.")?;
        let balancer = get(properties, "LoadBalancerInfo").ok_or("A value for LoadBalancerInfo is expected.")?;
        let port = get(balancer, "ContainerPort").and_then(number).ok_or("A number for ContainerPort is expected.")?;
        Ok(AppSpec {
            definition: text(properties, "TaskDefinition")?,
            container: text(balancer, "ContainerName")?,
            port,
            platform: get(properties, "PlatformVersion").filter(|version| version.is_string()).cloned(),
            network: get(properties, "NetworkConfiguration").map(network),
            strategy: get(properties, "CapacityProviderStrategy").map(strategy),
            hooks: hooks(get(&document, "Hooks")),
        })
    }
}

fn parse(content: &str) -> Result<Value, String> {
    let json = serde_json::from_str(content).ok();
    let parsed = json.or_else(|| serde_saphyr::from_str(content).ok()).filter(Value::is_object);
    parsed.ok_or_else(|| "The input AppSpec file is a not well-formed yaml. The template cannot be parsed.".into())
}

fn get<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    members.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value).filter(|v| !v.is_null())
}

fn text(value: &Value, key: &str) -> Result<String, String> {
    let given = get(value, key).and_then(Value::as_str).filter(|text| !text.is_empty());
    given.map(str::to_owned).ok_or_else(|| format!("A non-empty field was expected for '{key}'."))
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn network(given: &Value) -> Value {
    let vpc = get(given, "AwsvpcConfiguration").unwrap_or(given);
    let members = [("Subnets", "subnets"), ("SecurityGroups", "securityGroups"), ("AssignPublicIp", "assignPublicIp")];
    let kept = members.iter().filter_map(|(theirs, ours)| Some(((*ours).to_owned(), get(vpc, theirs)?.clone())));
    json!({ "awsvpcConfiguration": kept.collect::<serde_json::Map<_, _>>() })
}

fn strategy(given: &Value) -> Value {
    let members = [("CapacityProvider", "capacityProvider"), ("Base", "base"), ("Weight", "weight")];
    let entry = |entry: &Value| {
        let read = |theirs: &str| get(entry, theirs).map(|value| number(value).map_or(value.clone(), Value::from));
        let kept = members.iter().filter_map(|(theirs, ours)| Some(((*ours).to_owned(), read(theirs)?)));
        Value::Object(kept.collect())
    };
    given.as_array().into_iter().flatten().map(entry).collect()
}

fn hooks(given: Option<&Value>) -> Vec<(String, String)> {
    let entries = given.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).flatten();
    entries.filter_map(|(event, function)| Some((event.clone(), function.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: \"arn:aws:ecs:eu-west-1:1:task-definition/web:2\"
        LoadBalancerInfo:
          ContainerName: web
          ContainerPort: 80
        PlatformVersion: LATEST
        NetworkConfiguration:
          AwsvpcConfiguration:
            Subnets: [subnet-1]
            AssignPublicIp: ENABLED
        CapacityProviderStrategy:
          - {Base: 1, CapacityProvider: FARGATE_SPOT, Weight: 2}
Hooks:
  - BeforeInstall: check
";

    #[test]
    fn appspec_is_read_from_yaml_and_json_alike() {
        let spec = AppSpec::read(YAML).unwrap();
        assert_eq!((spec.container.as_str(), spec.port, spec.platform.clone()), ("web", 80, Some(json!("LATEST"))));
        let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"], "assignPublicIp": "ENABLED" } });
        assert_eq!(spec.network, Some(network));
        let strategy = json!([{ "capacityProvider": "FARGATE_SPOT", "base": 1, "weight": 2 }]);
        assert_eq!(spec.strategy, Some(strategy));
        assert_eq!(spec.hooks, [("BeforeInstall".to_owned(), "check".to_owned())]);
        let parsed: Value = serde_saphyr::from_str(YAML).unwrap();
        assert_eq!(AppSpec::read(&parsed.to_string()), Ok(spec));
    }

    #[test]
    fn appspec_that_is_wrong_is_told_why() {
        for (text, part) in [
            ("{", "not well-formed yaml"),
            ("just text", "not well-formed yaml"),
            ("{}", "Exactly one target service"),
            (r#"{"resources":[{"targetService":{"type":"AWS::ECS::Service"}}]}"#, "no Properties"),
        ] {
            assert!(AppSpec::read(text).unwrap_err().contains(part), "{text}");
        }
        let nameless = YAML.replace("ContainerName: web", "ContainerName: \"\"");
        assert!(AppSpec::read(&nameless).unwrap_err().contains("ContainerName"));
    }
}
