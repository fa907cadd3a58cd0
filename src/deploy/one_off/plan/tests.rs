use super::*;
use crate::deploy::one_off::Network;
use crate::deploy::updates::{Flags, Texts, Updates};

const ARN: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:41";

fn definition(mode: &str) -> Value {
    json!({ "taskDefinitionArn": ARN, "status": "ACTIVE", "networkMode": mode, "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{ "name": "web", "secrets": [{ "name": "TOKEN", "valueFrom": "arn" }] }] })
}

fn service() -> Value {
    let network = json!({ "awsvpcConfiguration": { "subnets": ["a"], "securityGroups": ["s"] } });
    json!({ "launchType": "FARGATE", "platformVersion": "1.4.0", "taskDefinition": ARN, "networkConfiguration": network })
}

fn request() -> RunTask {
    RunTask { cluster: "main".into(), count: 1, ..RunTask::default() }
}

fn like() -> RunTask {
    RunTask { like: Some("web".into()), ..request() }
}

fn body(request: RunTask, definition: Value) -> Result<Value, String> {
    let borrowed = request.like.as_ref().map(|_| Borrowed::of(&service()));
    let plan = plan(&request, &Observed { borrowed, definition });
    plan.map(|plan| Value::Object(plan.body)).map_err(|why| why.to_string())
}

#[test]
fn plan_takes_a_services_settings() {
    let wanted = json!({ "cluster": "main", "taskDefinition": ARN, "count": 1, "launchType": "FARGATE",
        "platformVersion": "1.4.0", "networkConfiguration": service()["networkConfiguration"] });
    assert_eq!(body(like(), definition("awsvpc")).unwrap(), wanted);
}

#[test]
fn plan_prefers_what_is_given() {
    let providers = json!([{ "capacityProvider": "FARGATE_SPOT" }]);
    let given = RunTask {
        launch: Some(Launch::Providers(providers.clone())),
        network: Network { subnets: vec!["b".into()], ..Network::default() },
        members: json!({ "group": "batch" }).as_object().unwrap().clone(),
        ..like()
    };
    let network = json!({ "awsvpcConfiguration": { "subnets": ["b"], "securityGroups": ["s"] } });
    let wanted = json!({ "cluster": "main", "taskDefinition": ARN, "count": 1, "capacityProviderStrategy": providers,
        "networkConfiguration": network, "group": "batch" });
    assert_eq!(body(given, definition("awsvpc")).unwrap(), wanted, "the platform version is of another launch type");
}

#[test]
fn plan_of_a_definition_for_fargate_starts_it_there_unless_told_otherwise() {
    let network = Network { subnets: vec!["b".into()], ..Network::default() };
    let plain = || RunTask { network: network.clone(), ..request() };
    assert_eq!(body(plain(), definition("awsvpc")).unwrap()["launchType"], "FARGATE");
    let cluster = RunTask { launch: Some(Launch::Cluster), ..plain() };
    assert_eq!(body(cluster, definition("awsvpc")).unwrap().get("launchType"), None);
}

#[test]
fn plan_sends_a_network_where_the_definition_has_one_alone() {
    assert_eq!(body(like(), definition("bridge")).unwrap().get("networkConfiguration"), None);
    let why = body(request(), definition("awsvpc")).unwrap_err();
    assert_eq!(why, "subnet-ids: the task definition has the network mode awsvpc, and no subnets are given");
    let network = Network { subnets: vec!["b".into()], ..Network::default() };
    let why = body(RunTask { network, ..request() }, definition("bridge")).unwrap_err();
    assert!(why.contains("network mode bridge"), "{why}");
    let off = Network { awsvpc: Some(false), subnets: vec!["b".into()], ..Network::default() };
    assert!(body(RunTask { network: off, ..request() }, definition("bridge")).is_ok());
}

#[test]
fn plan_refuses_a_revision_that_is_gone_and_a_container_that_is_not_there() {
    let mut gone = definition("bridge");
    gone["status"] = json!("INACTIVE");
    assert_eq!(body(request(), gone).unwrap_err(), "shop:41 was deregistered: nothing can be started from it");
    let why = body(RunTask { exit_code_from: Some("wbe".into()), ..request() }, definition("bridge")).unwrap_err();
    assert_eq!(why, "exit-code-from: there is no container 'wbe' in the task definition");
}

#[test]
fn plan_warns_of_a_variable_that_is_a_secret_and_shows_no_secret() {
    let flags = Flags { env: vec!["TOKEN=geheim".into(), "MODE=fast".into()], ..Flags::default() };
    let subst: crate::deploy::updates::Subst<'_> = &|text| Ok(text.to_owned());
    let updates = Updates::parse(Texts::default(), subst).unwrap().with(&flags, subst).unwrap();
    let request = RunTask { updates, ..request() };
    let plan = plan(&request, &Observed { borrowed: None, definition: definition("bridge") }).unwrap();
    assert_eq!(plan.warnings, ["web: TOKEN is a secret of the definition, and ECS may refuse a variable"]);
    let shown = plan.to_string();
    assert!(shown.contains("fast") && shown.contains("***") && !shown.contains("geheim"), "{shown}");
}
