use serde_json::json;

use super::*;

fn success(number: u32, definition: &str) -> Success {
    let text = format!("TaskDefinition: {definition}\nmore: {number}");
    Success { id: format!("d-{number}"), definition: definition.into(), text, finished_at: None }
}

/// The ids in the order in which they are tried.
fn tried(successes: &[Success], live: &str, well: bool) -> Vec<String> {
    in_order(successes, live, well).iter().map(|success| success.id.clone()).collect()
}

#[test]
fn successes_are_a_stack_of_which_a_rollback_takes_the_top() {
    let all = [success(3, "web:3"), success(2, "web:2"), success(1, "web:1")];
    assert_eq!(tried(&all, "web:3", true), ["d-2", "d-1"]);
    let back = [success(4, "web:2"), success(3, "web:3"), success(2, "web:2"), success(1, "web:1")];
    assert_eq!(tried(&back, "web:2", true), ["d-1"], "web:3 was undone before");
}

#[test]
fn failure_that_never_had_the_traffic_leaves_what_serves() {
    let all = [success(2, "web:2"), success(1, "web:1")];
    assert_eq!(tried(&all, "web:2", false), ["d-2", "d-1"]);
    assert_eq!(tried(&all, "web:3", false), ["d-2", "d-1"], "it had the traffic");
}

#[test]
fn images_are_the_same_by_digest_else_by_name() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let described = |image: &str, memory: u32| {
        let web = json!({"name": "web", "image": image, "memory": memory});
        json!({"taskDefinition": {"family": "web", "revision": memory, "containerDefinitions": [web]}})
    };
    let pinned = |tag: &str| described(&format!("host.example/web:{tag}@{digest}"), 1);
    assert!(is_same(&pinned("v1"), &pinned("v2")));
    assert!(is_same(&described("web:v1", 1), &described("web:v1", 1)));
    assert!(!is_same(&described("web:v1", 1), &described("web:v2", 1)));
    assert!(!is_same(&described("web:v1", 1), &described("web:v1", 2)));
}

fn found() -> Found {
    Found { application: "app".into(), group: "web".into(), info: json!({}) }
}

fn service() -> Value {
    json!({
        "serviceName": "shop",
        "clusterArn": "arn:aws:ecs:r:1:cluster/main",
        "loadBalancers": [{"containerName": "web", "containerPort": 80}],
        "taskSets": [{"id": "ts-2", "status": "PRIMARY", "taskDefinition": "arn:aws:ecs:r:1:task-definition/web:2", "externalId": "d-2"}],
    })
}

fn to(definition: &str, status: &str, text: Option<&str>) -> Way {
    let web = json!({"name": "web", "image": "web:v1", "portMappings": [{"containerPort": 80}]});
    let held =
        json!({"taskDefinitionArn": definition, "status": status, "family": "web", "containerDefinitions": [web]});
    let described = json!({"taskDefinition": held});
    let (text, why) = (text.map(str::to_owned), "it is good".to_owned());
    Way::To(found(), Box::new(Candidate { described, text, why, skipped: Vec::new() }))
}

fn plan(way: Way) -> Plan {
    let request = Rollback { cluster: "main".into(), service: "shop".into(), ..Rollback::default() };
    plan_rollback(&request, &Seen { service: service(), way }).unwrap()
}

#[test]
fn kept_appspec_is_handed_over_as_it_was() {
    let text = "Hooks: [check]\nTaskDefinition: web:1";
    let calls = plan(to("arn:aws:ecs:r:1:task-definition/web:1", "ACTIVE", Some(text))).calls();
    assert_eq!((calls.len(), calls[0].operation), (1, "CreateDeployment"));
    assert_eq!(calls[0].body["revision"]["appSpecContent"]["content"], text);
}

#[test]
fn revision_without_a_kept_appspec_gets_one_for_the_service() {
    let calls = plan(to("arn:aws:ecs:r:1:task-definition/web:1", "ACTIVE", None)).calls();
    let content = &calls[0].body["revision"]["appSpecContent"]["content"];
    let properties = &content["Resources"][0]["TargetService"]["Properties"];
    assert_eq!(properties["TaskDefinition"], "arn:aws:ecs:r:1:task-definition/web:1");
    assert_eq!(properties["LoadBalancerInfo"], json!({"ContainerName": "web", "ContainerPort": 80}));
}

#[test]
fn deregistered_revision_is_copied_and_the_one_that_serves_left_alone() {
    let gone = plan(to("arn:aws:ecs:r:1:task-definition/web:1", "INACTIVE", None));
    let operations: Vec<&str> = gone.calls().iter().map(|call| call.operation).collect();
    assert_eq!(operations, ["RegisterTaskDefinition", "CreateDeployment"]);
    let idle = plan(to("arn:aws:ecs:r:1:task-definition/web:2", "ACTIVE", None));
    assert!(idle.is_empty() && idle.notes[0].contains("nothing to undo"), "{:?}", idle.notes);
}

#[test]
fn deployment_that_goes_on_is_stopped_and_one_that_returns_is_followed() {
    let ongoing = |returns| {
        let info = super::super::snapshot::Info { id: "d-3".into(), ..Default::default() };
        let (revision, serves) =
            ("arn:aws:ecs:r:1:task-definition/web:3".to_owned(), "arn:aws:ecs:r:1:task-definition/web:2".to_owned());
        Way::Ongoing(found(), Box::new(Ongoing { info, revision, serves, returns }))
    };
    let stop = plan(ongoing(false));
    assert_eq!(stop.calls()[0].operation, "StopDeployment");
    assert_eq!(stop.calls()[0].body, json!({"deploymentId": "d-3", "autoRollbackEnabled": true}));
    let follow = plan(ongoing(true));
    assert!(follow.calls().is_empty());
    for plan in [stop, follow] {
        assert!(plan.deploy.unwrap().goes_back(), "a rollback is the end that is wished for");
    }
}
