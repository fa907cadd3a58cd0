//! Services in all the states that one meets at night.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::show::page;
use super::*;
use crate::deploy::fake::{Fake, arn, deployment, refusal, service};

const DIGESTS: [&str; 2] = [
    "sha256:1111111111111111111111111111111111111111111111111111111111111111",
    "sha256:2222222222222222222222222222222222222222222222222222222222222222",
];

fn task(by: &str, revision: u32, digest: usize) -> Value {
    let web = json!({"name": "web", "image": "host/web:v1", "imageDigest": DIGESTS[digest], "lastStatus": "RUNNING"});
    json!({"startedBy": by, "taskDefinitionArn": arn(revision), "startedAt": 1_700_000_060.0, "containers": [web]})
}

fn definition(revision: u32) -> (String, Known<Value>) {
    let by = "arn:aws:sts::123456789012:assumed-role/ci/build-41";
    let web = json!({"name": "web", "image": "host/web:v1"});
    let shown = json!({"registeredAt": 1_700_000_000.0, "registeredBy": by, "containerDefinitions": [web]});
    (arn(revision), Ok(shown))
}

fn named(mut raw: Value) -> Value {
    raw["serviceName"] = "web".into();
    raw["clusterArn"] = "arn:aws:ecs:eu-central-1:123456789012:cluster/main".into();
    raw["pendingCount"] = 0.into();
    raw
}

fn revision(number: u32, digest: usize) -> Revision {
    let digests = vec![("web".to_owned(), DIGESTS[digest].to_owned())];
    Revision { arn: format!("revision/{number}"), definition: arn(number), digests }
}

fn record(status: &str) -> Value {
    json!({"serviceDeploymentArn": "deployment/1", "status": status, "createdAt": 1_700_000_100.0,
        "targetServiceRevision": {"arn": "revision/8", "requestedProductionTrafficWeight": 10.0},
        "sourceServiceRevisions": [{"arn": "revision/7", "requestedProductionTrafficWeight": 90.0}],
        "deploymentCircuitBreaker": {"status": "MONITORING", "failureCount": 1, "threshold": 3}})
}

/// At rest on revision 7, two tasks.
fn at_rest() -> Seen {
    let rest = deployment("ecs-svc/7", "PRIMARY", 7, 2, "COMPLETED", "ECS deployment ecs-svc/7 completed.");
    let mut raw = named(service(7, &[rest]));
    raw["currentServiceRevisions"] = json!([{"arn": "revision/7"}]);
    Seen {
        raw,
        tasks: Ok(Tasks { found: vec![task("ecs-svc/7", 7, 0), task("ecs-svc/7", 7, 0)], more: false }),
        stopped: None,
        newest: Ok(None),
        revisions: Ok(vec![revision(7, 0), revision(8, 1)]),
        definitions: vec![definition(7)],
    }
}

/// Revision 8 takes the place of 7.
fn under_way() -> Seen {
    let new = deployment("ecs-svc/8", "PRIMARY", 8, 1, "IN_PROGRESS", "");
    let old = deployment("ecs-svc/7", "ACTIVE", 7, 2, "COMPLETED", "");
    let mut record = record("IN_PROGRESS");
    record["lifecycleStage"] = "SCALE_UP".into();
    let found = vec![task("ecs-svc/8", 8, 1), task("ecs-svc/7", 7, 0), task("ecs-svc/7", 7, 0)];
    Seen {
        raw: named(service(8, &[old, new])),
        stopped: None,
        newest: Ok(Some(record)),
        tasks: Ok(Tasks { found, more: false }),
        definitions: vec![definition(7), definition(8)],
        ..at_rest()
    }
}

fn kinds(seen: Seen) -> Vec<&'static str> {
    read_status(&[seen])[0].remarks.iter().map(|remark| remark.kind).collect()
}

fn shown(seen: Seen, full: bool) -> String {
    page(&read_status(&[seen]), full, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_003_700))
}

#[test]
fn status_at_rest_needs_no_second_look() {
    assert_eq!(kinds(at_rest()), [""; 0]);
    let table = "SERVICE  REVISION  RUNNING  ROLLOUT    AGE     IMAGE\n\
                 web      web:7     2 of 2   completed  61 min  web web:v1 sha256:111111111111\n";
    assert_eq!(shown(at_rest(), false), table);
    let full = shown(at_rest(), true);
    for part in [
        "\nweb in main: active, rolling, circuit breaker with rollback\n",
        "web:7 primary since 2023-11-14T22:13:20Z (61 min ago), registered 2023-11-14T22:13:20Z by assumed-role/ci/build-41",
        &format!("web host/web:v1\n      runs {} in 2 tasks\n", DIGESTS[0]),
        "(service web) has reached a steady state.",
    ] {
        assert!(full.contains(part), "{part}\n{full}");
    }
}

#[test]
fn status_under_way_shows_both_revisions_stage_and_traffic() {
    assert_eq!(kinds(under_way()), ["mixed-revisions", "mixed-digests"], "both are of host/web:v1");
    let full = shown(under_way(), true);
    let rows: Vec<&str> = full.lines().skip(1).take(2).collect();
    assert!(rows[0].starts_with("web      web:8     1 of 2, 1 pending  in progress"), "{full}");
    assert!(rows[1].starts_with("         web:7     2 of 2             completed"), "{full}");
    let course = "deployment of web:8: in progress for 60 min at SCALE_UP, traffic web:8 10 %, web:7 90 %, \
                  circuit breaker at 1 of 3 failures";
    let remark = "! revisions run side by side: web:8 (1), web:7 (2), while the deployment goes on";
    assert!(full.contains(course) && full.contains(remark), "{full}");
}

#[test]
fn status_after_a_rollback_says_so() {
    let mut newest = record("ROLLBACK_SUCCESSFUL");
    newest["finishedAt"] = 1_700_000_200.0.into();
    newest["rollback"] = json!({"reason": "circuit breaker"});
    let seen = Seen { newest: Ok(Some(newest)), ..at_rest() };
    let full = shown(seen, true);
    assert!(
        full.contains("last deployment of web:8: rollback successful, 2023-11-14T22:16:40Z (58 min ago)"),
        "{full}"
    );
    assert!(full.contains("! the last deployment (of web:8) was rolled back: circuit breaker"), "{full}");
}

#[test]
fn status_of_one_tag_that_is_two_images_names_both() {
    let found = vec![task("ecs-svc/7", 7, 0), task("ecs-svc/7", 7, 1)];
    let seen = Seen { tasks: Ok(Tasks { found, more: false }), ..at_rest() };
    let brief = shown(seen, false);
    assert!(brief.contains("(!)"), "{brief}");
    let [one, other] = DIGESTS;
    let remark = format!("! web is not the same image everywhere (host/web:v1): {one} in 1 task, {other} in 1 task");
    assert!(brief.contains(&remark), "{brief}");
}

/// A container that is still being pulled, or is gone, does not run.
#[test]
fn status_counts_containers_that_run() {
    let mut pulled = task("ecs-svc/7", 7, 1);
    pulled["containers"][0]["lastStatus"] = "PENDING".into();
    let seen = Seen { tasks: Ok(Tasks { found: vec![task("ecs-svc/7", 7, 0), pulled], more: true }), ..at_rest() };
    let state = read_status(&[seen]).remove(0);
    let running = &state.deployments[0].images[0].running;
    assert_eq!((running.len(), running[0].tasks, running[0].digest.as_str()), (1, 1, DIGESTS[0]));
    assert_eq!(state.unknown[0].why, "2 were looked at");
}

#[test]
fn status_at_rest_with_few_tasks_or_none_wanted() {
    let counts = |desired: i64, running: i64| {
        let mut seen = at_rest();
        (seen.raw["desiredCount"], seen.raw["runningCount"]) = (desired.into(), running.into());
        kinds(seen)
    };
    assert_eq!(counts(2, 1), ["too-few-tasks"]);
    assert_eq!(counts(0, 0), ["scaled-to-zero"]);
    let none = Seen { tasks: Ok(Tasks::default()), ..at_rest() };
    assert!(shown(none, true).contains(&format!("would run {}", DIGESTS[0])), "the digest is of the revision");
}

#[test]
fn status_of_a_paused_deployment_names_the_answer() {
    let mut seen = under_way();
    let record = seen.newest.as_mut().unwrap().as_mut().unwrap();
    record["lifecycleHookDetails"] = json!([{"hookId": "h", "status": "AWAITING_ACTION"}]);
    let full = shown(seen, true);
    assert!(full.contains("at SCALE_UP: `dockless continue --cluster main --service-name web`"), "{full}");
}

#[test]
fn status_of_task_sets_is_read_from_their_own_members() {
    let mut raw = named(service(7, &[]));
    raw["deploymentController"] = json!({"type": "CODE_DEPLOY"});
    let set = |id: &str, status: &str| {
        json!({"id": id, "status": status, "taskDefinition": arn(7), "computedDesiredCount": 2,
            "runningCount": 2, "pendingCount": 0, "stabilityStatus": "STEADY_STATE"})
    };
    raw["taskSets"] = json!([set("ecs-svc/1", "ACTIVE"), set("ecs-svc/2", "PRIMARY")]);
    let states = read_status(&[Seen { raw, ..at_rest() }]);
    let first = &states[0].deployments[0];
    assert_eq!((first.id.as_str(), first.desired, first.rollout.as_deref()), ("ecs-svc/2", 2, Some("STEADY_STATE")));
    assert_eq!((states[0].controller.as_str(), &states[0].strategy), ("CODE_DEPLOY", &None));
}

/// What is denied is unknown, with its cure; the rest is told.
#[test]
fn status_without_rights_tells_what_it_can() {
    let denied = || Err("grant ecs:ListTasks".to_owned());
    let seen = Seen {
        tasks: denied(),
        stopped: None,
        newest: Err("grant ecs:ListServiceDeployments".into()),
        definitions: vec![(arn(7), Err("grant ecs:DescribeTaskDefinition".into()))],
        ..at_rest()
    };
    let brief = shown(seen, false);
    for part in [
        "web      web:7     2 of 2",
        "? what its tasks run: unknown (grant ecs:ListTasks)",
        "? its last deployment: unknown (grant ecs:ListServiceDeployments)",
        "? who registered it: unknown (grant ecs:DescribeTaskDefinition)",
    ] {
        assert!(brief.contains(part), "{part}\n{brief}");
    }
}

/// A cluster of 23 services, all at rest: the calls of each kind.
#[tokio::test]
async fn status_asks_in_batches() {
    let name = |number: usize| format!("arn:aws:ecs:eu-central-1:123456789012:service/main/web-{number:02}");
    let fake = Fake::new(move |operation, body, _| {
        Ok(match operation {
            "ListServices" if body["nextToken"].is_null() => {
                json!({"serviceArns": (0..20).map(name).collect::<Vec<_>>(), "nextToken": "more"})
            }
            "ListServices" => json!({"serviceArns": (20..23).map(name).collect::<Vec<_>>()}),
            "DescribeServices" => {
                let asked = body["services"].as_array().unwrap();
                assert!(asked.len() <= 10);
                let shown = asked.iter().map(|arn| {
                    let mut raw = at_rest().raw;
                    raw["serviceName"] = arn.as_str().unwrap().rsplit('/').next().into();
                    raw
                });
                json!({"services": shown.collect::<Vec<_>>(), "failures": []})
            }
            "ListTasks" => json!({"taskArns": ["task/1"]}),
            "DescribeTasks" => json!({"tasks": [task("ecs-svc/7", 7, 0)]}),
            "ListServiceDeployments" => {
                let arn = format!("deployment/{}", body["service"].as_str().unwrap());
                json!({"serviceDeployments": [{"serviceDeploymentArn": arn, "createdAt": 1.0}]})
            }
            "DescribeServiceDeployments" => {
                let asked = body["serviceDeploymentArns"].as_array().unwrap();
                let shown = asked.iter().map(|arn| {
                    let mut record = record("SUCCESSFUL");
                    record["serviceDeploymentArn"] = arn.clone();
                    record
                });
                json!({"serviceDeployments": shown.collect::<Vec<_>>()})
            }
            "DescribeServiceRevisions" => json!({"serviceRevisions": []}),
            "DescribeTaskDefinition" => json!({"taskDefinition": definition(7).1.unwrap()}),
            other => panic!("{other} is no read that is needed"),
        })
    });
    let seen = observe_status(&Status { cluster: "main".into(), services: vec![] }, &fake).await.unwrap();
    let states = read_status(&seen);
    assert_eq!(states.len(), 23);
    assert!(states.iter().all(|state| state.last_deployment.as_ref().unwrap().arn.ends_with(&state.service)));
    let count = |name: &str| fake.operations().iter().filter(|called| *called == name).count();
    assert_eq!((count("ListServices"), count("DescribeServices")), (2, 3));
    assert_eq!((count("DescribeServiceDeployments"), count("DescribeTaskDefinition")), (2, 1));
    assert_eq!((count("ListTasks"), count("DescribeServiceRevisions")), (23, 1));
}

#[tokio::test]
async fn status_without_any_other_right_needs_one_call() {
    let fake = Fake::new(|operation, _, _| match operation {
        "DescribeServices" => Ok(json!({"services": [at_rest().raw], "failures": []})),
        other => {
            let why = format!("User: arn:aws:iam::1:user/x is not authorized to perform: ecs:{other} on resource: *");
            Err(refusal("AccessDeniedException", &why))
        }
    });
    let seen = observe_status(&Status { cluster: "main".into(), services: vec!["web".into()] }, &fake).await.unwrap();
    let gaps: Vec<String> = read_status(&seen)[0].unknown.iter().map(|gap| gap.why.clone()).collect();
    let wanted = ["ListTasks", "ListServiceDeployments", "DescribeServiceRevisions", "DescribeTaskDefinition"];
    assert_eq!(gaps, wanted.map(|action| format!("grant ecs:{action}")));
}

#[tokio::test]
async fn status_of_a_missing_service_names_the_nearest() {
    let fake = Fake::new(|operation, _, _| {
        let arn = |name: &str| format!("arn:aws:ecs:eu-central-1:123456789012:service/main/{name}");
        Ok(match operation {
            "DescribeServices" => json!({"services": [], "failures": [{"arn": arn("shpo"), "reason": "MISSING"}]}),
            "ListServices" => json!({"serviceArns": [arn("worker"), arn("shop")]}),
            other => panic!("{other}"),
        })
    });
    let error = observe_status(&Status { cluster: "main".into(), services: vec!["shpo".into()] }, &fake).await;
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), "service-name: there is no service 'shpo' in cluster 'main'");
    assert!(crate::report::Explain::hint(&error).unwrap().starts_with("Did you mean 'shop'? "));
}

#[test]
fn status_of_a_crash_loop_tells_how_the_last_task_failed() {
    let mut raw = at_rest().raw;
    raw["deployments"][0]["failedTasks"] = 134.into();
    let task = json!({"taskArn": "t/main/a1", "taskDefinitionArn": arn(7), "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited", "containers": [{"name": "web", "exitCode": 3}]});
    let stopped = Some(crate::deploy::diagnose::Stopped::read(&task));
    let states = read_status(&[Seen { raw, stopped, ..at_rest() }]);
    let wanted = "134 tasks of web:7 failed, the last of them: container web exited with 3";
    assert!(states[0].remarks.iter().any(|remark| remark.kind == "failing-tasks" && remark.text == wanted));
}
