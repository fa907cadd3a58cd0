use serde_json::json;

use super::*;
use crate::deploy::fake::{IMAGE, arn, at_rest, deployment, described, service};
use crate::deploy::request::{Create, Family};
use crate::deploy::updates::Texts;

fn updates(texts: Texts<'_>) -> Updates {
    Updates::parse(texts, &|text| Ok(text.to_owned())).unwrap()
}

fn request(texts: Texts<'_>) -> DeployServiceUpdate {
    DeployServiceUpdate {
        family: Family { name: "web".into(), revision: None },
        cluster: "main".into(),
        service: String::new(),
        updates: updates(texts),
        tags: Vec::new(),
        desired_count: None,
        force_new_deployment: false,
        skip_registration: false,
        enable_circuit_breaker: false,
        create: None,
        wait: None,
    }
}

fn image(image: &str) -> DeployServiceUpdate {
    let images = format!("container=web,image-and-tag={image}");
    request(Texts { images: &images, ..Texts::default() })
}

fn plan(request: &DeployServiceUpdate, service: Value) -> Result<Plan, Error> {
    plan_service(request, &Observed { described: described(), service: Ok(service), live: None })
}

fn operations(plan: &Plan) -> Vec<&'static str> {
    plan.calls().iter().map(|call| call.operation).collect()
}

fn update(plan: &Plan) -> Value {
    match &plan.deploy.as_ref().unwrap().step {
        Step::Update(body) => Value::Object(body.clone()),
        _ => panic!("no update: {plan}"),
    }
}

#[test]
fn plan_of_a_change_registers_and_updates_with_two_calls() {
    let plan = plan(&image("host.example/web:v2"), at_rest()).unwrap();
    assert_eq!(operations(&plan), ["RegisterTaskDefinition", "UpdateService"]);
    assert_eq!(plan.register.as_ref().unwrap()["futureMember"], json!({"kept": true}));
    assert_eq!(update(&plan), json!({"cluster": "main", "service": "web", "taskDefinition": arn(7)}));
    assert_eq!(plan.calls()[1].body["taskDefinition"], "(the revision registered above)");
}

#[test]
fn plan_of_no_change_pinned_by_digest_has_nothing_to_do() {
    for request in [image(IMAGE), request(Texts::default())] {
        let plan = plan(&request, at_rest()).unwrap();
        assert!(plan.is_empty() && plan.calls().is_empty(), "{plan}");
    }
}

#[test]
fn plan_of_no_change_deploys_the_newest_revision_without_a_duplicate() {
    let old = service(6, &[deployment("ecs-svc/6", "PRIMARY", 6, 2, "COMPLETED", "")]);
    let plan = plan(&image(IMAGE), old).unwrap();
    assert_eq!(operations(&plan), ["UpdateService"]);
    assert_eq!(update(&plan)["taskDefinition"], arn(7));
    assert_eq!(update(&plan).get("forceNewDeployment"), None);
}

#[test]
fn plan_of_no_change_by_tag_forces_as_the_tag_may_have_moved() {
    let mut described = described();
    described["taskDefinition"]["containerDefinitions"][0]["image"] = "host.example/web:latest".into();
    let observed = Observed { described, service: Ok(at_rest()), live: None };
    let plan = plan_service(&image("host.example/web:latest"), &observed).unwrap();
    assert_eq!(operations(&plan), ["UpdateService"]);
    assert_eq!(update(&plan)["forceNewDeployment"], true);
    assert!(plan.notes.iter().any(|note| note.contains("may have moved")), "{plan}");
}

#[test]
fn plan_tries_a_failed_deployment_again() {
    let failed = service(7, &[deployment("ecs-svc/7", "PRIMARY", 7, 0, "FAILED", "tasks failed to start.")]);
    assert_eq!(update(&plan(&image(IMAGE), failed).unwrap())["forceNewDeployment"], true);
}

#[test]
fn plan_joins_a_deployment_of_the_same_revision() {
    let going = service(7, &[deployment("ecs-svc/9", "PRIMARY", 7, 1, "IN_PROGRESS", "")]);
    let plan = plan(&image(IMAGE), going).unwrap();
    assert!(
        matches!(&plan.deploy.as_ref().unwrap().step, Step::Join { deployment, .. } if deployment.as_deref() == Some("ecs-svc/9"))
    );
    assert!(plan.is_empty());
}

#[test]
fn plan_remarks_a_running_deployment_and_another_base() {
    let going = service(6, &[deployment("ecs-svc/9", "PRIMARY", 6, 1, "IN_PROGRESS", "")]);
    let plan = plan(&image("a/b:1"), going).unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("web:6 (ecs-svc/9) is still going on")), "{plan}");
    assert!(plan.notes.iter().any(|note| note.contains("the service runs web:6; web:7")), "{plan}");
}

#[test]
fn plan_warns_of_another_family() {
    let mut other = at_rest();
    other["taskDefinition"] = "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop:3".into();
    assert!(plan(&image(IMAGE), other).unwrap().warnings[0].contains("'shop'"));
}

#[test]
fn plan_counts_and_forces_only_when_asked() {
    let mut request = image(IMAGE);
    request.desired_count = Some(2);
    assert!(plan(&request, at_rest()).unwrap().is_empty(), "two tasks are wanted already");
    request.desired_count = Some(0);
    let body = json!({"cluster": "main", "service": "web", "desiredCount": 0});
    assert_eq!(update(&plan(&request, at_rest()).unwrap()), body);
    request.desired_count = None;
    request.force_new_deployment = true;
    let body = json!({"cluster": "main", "service": "web", "taskDefinition": arn(7), "forceNewDeployment": true});
    assert_eq!(update(&plan(&request, at_rest()).unwrap()), body);
}

#[test]
fn plan_sends_the_whole_configuration_with_the_breaker() {
    let mut request = image("a/b:1");
    request.enable_circuit_breaker = true;
    assert_eq!(update(&plan(&request, at_rest()).unwrap()).get("deploymentConfiguration"), None, "it is on already");
    let mut off = at_rest();
    off["deploymentConfiguration"]["deploymentCircuitBreaker"] = json!({"enable": true, "rollback": false, "x": 1});
    let mut expected = off["deploymentConfiguration"].clone();
    expected["deploymentCircuitBreaker"]["rollback"] = true.into();
    assert_eq!(update(&plan(&request, off).unwrap())["deploymentConfiguration"], expected);
}

#[test]
fn plan_skips_registration_when_told() {
    let mut request = request(Texts::default());
    request.skip_registration = true;
    request.family.revision = Some(7);
    let old = service(6, &[deployment("ecs-svc/6", "PRIMARY", 6, 2, "COMPLETED", "")]);
    assert_eq!(operations(&plan(&request, old).unwrap()), ["UpdateService"]);
}

#[test]
fn plan_copies_a_revision_that_was_deregistered() {
    let mut described = described();
    described["taskDefinition"]["status"] = "INACTIVE".into();
    let observed = Observed { described, service: Ok(at_rest()), live: None };
    assert_eq!(operations(&plan_service(&image(IMAGE), &observed).unwrap())[0], "RegisterTaskDefinition");
}

#[test]
fn plan_refuses_services_it_cannot_deploy_to() {
    let with = |path: &str, value: Value| {
        let mut service = at_rest();
        service[path] = value;
        plan(&image("a/b:1"), service).map(|_| ()).expect_err("should be refused").to_string()
    };
    assert!(with("status", "DRAINING".into()).contains("is DRAINING"));
    assert!(with("status", "INACTIVE".into()).contains("is INACTIVE"));
    assert!(with("deploymentController", json!({"type": "CODE_DEPLOY"})).contains("CODE_DEPLOY"));
    assert!(with("deploymentController", json!({"type": "EXTERNAL"})).contains("EXTERNAL"));
    let mut request = image("a/b:1");
    request.desired_count = Some(1);
    let mut daemon = at_rest();
    daemon["schedulingStrategy"] = "DAEMON".into();
    assert!(plan(&request, daemon).is_err());
}

#[test]
fn plan_hides_secret_values_wherever_it_is_shown() {
    let texts = Texts { env: "container=web,name=DB_PASSWORD,value=hunter2,name=V,value=1", ..Texts::default() };
    let plan = plan(&request(texts), at_rest()).unwrap();
    assert!(plan.register.as_ref().unwrap().to_string().contains("hunter2"));
    for shown in [plan.to_string(), format!("{plan:?}"), plan.document().to_string()] {
        assert!(!shown.contains("hunter2") && shown.contains("DB_PASSWORD") && shown.contains("***"), "{shown}");
    }
}

#[test]
fn plan_creates_a_missing_service() {
    let mut request = image("a/b:1");
    request.create = Some(Create {
        subnets: vec!["subnet-1".into(), "subnet-2".into()],
        security_groups: vec!["sg-1".into()],
        public_ip: true,
        ..Create::default()
    });
    let observed = || Observed { described: described(), service: Err("MISSING".into()), live: None };
    let plan = plan_service(&request, &observed()).unwrap();
    assert_eq!(operations(&plan), ["RegisterTaskDefinition", "CreateService"]);
    assert_eq!(
        plan.calls()[1].body,
        json!({
            "cluster": "main", "serviceName": "web", "taskDefinition": "(the revision registered above)",
            "desiredCount": 1, "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {
                "subnets": ["subnet-1", "subnet-2"], "assignPublicIp": "ENABLED", "securityGroups": ["sg-1"]}},
        })
    );
    let create = request.create.as_mut().unwrap();
    create.target_group = Some("arn:tg".into());
    create.container_name = Some("wbe".into());
    create.container_port = Some(80);
    assert!(plan_service(&request, &observed()).is_err(), "there is no such container");
    request.create.as_mut().unwrap().container_name = Some("web".into());
    let balancers = json!([{"targetGroupArn": "arn:tg", "containerName": "web", "containerPort": 80}]);
    assert_eq!(plan_service(&request, &observed()).unwrap().calls()[1].body["loadBalancers"], balancers);
}

#[test]
fn plan_of_a_missing_service_needs_subnets_where_tasks_have_an_interface_of_their_own() {
    let refused = |mode: &str, subnets: &[&str]| {
        let create = Create { subnets: subnets.iter().map(|subnet| (*subnet).into()).collect(), ..Create::default() };
        let request = DeployServiceUpdate { create: Some(create), ..request(Texts::default()) };
        let mut described = described();
        described["taskDefinition"]["networkMode"] = mode.into();
        let observed = Observed { described, service: Err("MISSING".into()), live: None };
        plan_service(&request, &observed).err().map(|why| why.to_string())
    };
    assert!(refused("awsvpc", &[]).unwrap().contains("nothing says which subnets"));
    assert!(refused("bridge", &["subnet-1"]).unwrap().contains("belong to no subnet"));
    assert_eq!((refused("awsvpc", &["subnet-1"]), refused("bridge", &[])), (None, None));
}

/// Revision 7 is the latest and never ran: what it changed is told before it is deployed with the rest.
#[test]
fn plan_of_a_count_alone_replaces_no_task() {
    let scaled = |texts| DeployServiceUpdate { desired_count: Some(5), ..request(texts) };
    let calls = plan(&scaled(Texts::default()), at_rest()).unwrap().calls();
    assert_eq!(calls[0].body, json!({"cluster": "main", "service": "web", "desiredCount": 5}));
    let again = format!("container=web,image-and-tag={IMAGE}");
    let tagged = again.replace(&again[again.find('@').unwrap_or(again.len())..], "");
    let mut revision = described();
    revision["taskDefinition"]["containerDefinitions"][0]["image"] = tagged.rsplit('=').next().into();
    let observed = Observed { described: revision, service: Ok(at_rest()), live: None };
    let with_image = plan_service(&scaled(Texts { images: &tagged, ..Texts::default() }), &observed).unwrap();
    assert_eq!(
        with_image.calls()[0].body["forceNewDeployment"],
        true,
        "an image was asked for, and its tag may have moved"
    );
    let alone = plan_service(&scaled(Texts::default()), &observed).unwrap();
    assert_eq!(alone.calls()[0].body.get("forceNewDeployment"), None);
}

#[test]
fn plan_warns_of_what_a_revision_that_does_not_run_brings_along() {
    let mut live = described();
    live["taskDefinition"]["taskDefinitionArn"] = arn(6).into();
    let mut base = described();
    base["taskDefinition"]["containerDefinitions"][0]["environment"] = json!([{"name": "BROKEN", "value": "1"}]);
    base["taskDefinition"]["containerDefinitions"][0]["image"] = "host.example/web:broken".into();
    let plan = |revision: Option<u64>, live: Option<&Value>| {
        let mut request = image("host.example/web:v2");
        request.family.revision = revision;
        let service = Ok(service(6, &[]));
        plan_service(&request, &Observed { described: base.clone(), service, live: live.cloned() }).unwrap()
    };
    let warned = plan(None, Some(&live)).warnings;
    assert_eq!(warned.len(), 1);
    assert!(
        warned[0].contains("starts from web:7, the family's latest, which brings along: + web variable BROKEN: 1. ")
    );
    assert!(warned[0].ends_with("--previous-revision-number 6 starts from what runs"), "{warned:?}");
    assert!(!warned[0].contains("image"), "the image is what was asked for");
    for quiet in [plan(Some(7), Some(&live)), plan(None, None)] {
        assert_eq!(quiet.warnings, Vec::<String>::new());
        assert!(quiet.notes[0].contains("web:7 is what this starts from"), "{:?}", quiet.notes);
    }
}

#[test]
fn plan_of_a_definition_registers_only_a_change() {
    let request = |texts| UpdateTaskDefinition {
        family: Family { name: "web".into(), revision: None },
        updates: updates(texts),
        tags: Vec::new(),
    };
    let none = plan_definition(&request(Texts::default()), &described()).unwrap();
    assert!(none.is_empty() && none.deploy.is_none());
    let texts = Texts { labels: "container=web,a=b", ..Texts::default() };
    assert_eq!(operations(&plan_definition(&request(texts), &described()).unwrap()), ["RegisterTaskDefinition"]);
}
