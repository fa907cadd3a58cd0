//! The whole room at once against a scripted ECS: what is called, what is told, how it ends. Minutes of
//! waiting pass on the fake clock.

use std::future::pending;
use std::time::Duration;

use serde_json::{Value, json};

use super::ecs::CallError;
use super::fake::{Fake, HANGS, IMAGE, arn, at_rest, deployment, described, listener, refusal, service};
use super::updates::Texts;
use super::*;
use crate::report::{Events, Explain, Kind, Outcome, Report};

const BREAKER: &str = "ECS deployment circuit breaker: tasks failed to start.";

fn request(images: &str) -> DeployServiceUpdate {
    let texts = Texts { images, ..Texts::default() };
    DeployServiceUpdate {
        family: Family { name: "web".into(), revision: None },
        cluster: "main".into(),
        service: String::new(),
        updates: Updates::parse(texts, &|text| Ok(text.to_owned())).unwrap(),
        tags: Vec::new(),
        desired_count: None,
        force_new_deployment: false,
        skip_registration: false,
        enable_circuit_breaker: false,
        create: None,
        wait: Some(Wait::within(Duration::from_secs(3600))),
    }
}

fn v2() -> DeployServiceUpdate {
    request("container=web,image-and-tag=host.example/web:v2")
}

/// Observe, plan, apply, watch, report.
async fn deploy(request: &DeployServiceUpdate, fake: &Fake, events: &Events) -> Result<(Report, Plan), Error> {
    let observed = observe_service(request, fake).await?;
    let plan = plan_service(request, &observed)?;
    let applied = apply(&plan, fake, &fake.clock, events).await?;
    let ended = watch(plan.deploy.as_ref().unwrap(), &applied, fake, &fake.clock, events, pending()).await?;
    Ok((report(&plan, &applied, ended.as_ref()), plan))
}

fn ours(running: i64, rollout: &str, reason: &str) -> Value {
    deployment("ecs-svc/8", "PRIMARY", 8, running, rollout, reason)
}

fn old() -> Value {
    deployment("ecs-svc/7", "ACTIVE", 7, 2, "COMPLETED", "")
}

/// An ECS whose service shows `script` by the second once revision 8 was deployed, and which keeps no records.
fn scripted(script: impl Fn(u64) -> Result<Value, CallError> + Send + Sync + 'static) -> Fake {
    let updated = std::sync::atomic::AtomicBool::new(false);
    Fake::new(move |operation, _, seconds| {
        use std::sync::atomic::Ordering::SeqCst;
        match operation {
            "DescribeTaskDefinition" => Ok(described()),
            "RegisterTaskDefinition" => Ok(json!({"taskDefinition": {"taskDefinitionArn": arn(8)}})),
            "UpdateService" => {
                updated.store(true, SeqCst);
                Ok(json!({"service": service(8, &[ours(0, "IN_PROGRESS", ""), old()])}))
            }
            "DescribeServices" if updated.load(SeqCst) => Ok(json!({"services": [script(seconds)?]})),
            "DescribeServices" => Ok(json!({"services": [at_rest()]})),
            "ListServiceDeployments" => Ok(json!({"serviceDeployments": []})),
            "ListTasks" => Ok(json!({"taskArns": []})),
            other => Err(refusal("UnknownOperationException", other)),
        }
    })
}

#[tokio::test]
async fn rollout_of_twenty_minutes_succeeds() {
    let fake = scripted(|seconds| {
        Ok(match seconds {
            0..60 => service(8, &[ours(0, "IN_PROGRESS", ""), old()]),
            60..1200 => service(8, &[ours(1, "IN_PROGRESS", ""), old()]),
            _ => service(8, &[ours(2, "COMPLETED", ""), old()]),
        })
    });
    let (events, told) = listener();
    let (report, _) = deploy(&v2(), &fake, &events).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert!((1200..1211).contains(&fake.seconds()), "{}", fake.seconds());
    let operations = fake.operations();
    assert_eq!(operations[..2], ["DescribeServices", "DescribeTaskDefinition"]);
    assert_eq!(operations[2..4], ["RegisterTaskDefinition", "UpdateService"]);
    assert!(operations.len() < 250, "polls politely: {}", operations.len());
    let rollout: Vec<_> = told.lock().unwrap().iter().filter(|text| text.contains(" of ")).cloned().collect();
    assert_eq!(
        rollout,
        ["web:8 0 of 2 running, 2 pending; web:7 2 running", "web:8 1 of 2 running, 1 pending; web:7 2 running"]
    );
    assert_eq!(report.lines, [arn(8)]);
    assert!(report.summary.contains("web:8 is deployed (20 min"), "{}", report.summary);
    let exports: Vec<_> = report.exports.iter().map(|export| (export.variables[0], export.value.as_str())).collect();
    assert_eq!(
        exports,
        [
            ("CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN", arn(8).as_str()),
            ("CCI_ORB_AWS_ECS_DEPLOYED_REVISION", arn(8).as_str()),
            ("CCI_ORB_AWS_ECS_DEPLOYMENT_ID", "ecs-svc/8"),
        ]
    );
}

#[tokio::test]
async fn calls_carry_what_they_must() {
    let fake = scripted(|_| Ok(service(8, &[ours(2, "COMPLETED", "")])));
    deploy(&v2(), &fake, &Events::none()).await.unwrap();
    assert_eq!(fake.body("DescribeTaskDefinition"), json!({"taskDefinition": "web", "include": ["TAGS"]}));
    assert_eq!(fake.body("UpdateService"), json!({"cluster": "main", "service": "web", "taskDefinition": arn(8)}));
    let body = fake.body("RegisterTaskDefinition");
    assert_eq!(body["containerDefinitions"][0]["image"], "host.example/web:v2");
    assert_eq!((&body["futureMember"], body.get("tags"), body.get("revision")), (&json!({"kept": true}), None, None));
}

/// Fails from second 30 on and is back on revision 7 from second 90 on; two tasks stopped.
fn rolling_back() -> Fake {
    let inner = scripted(|seconds| {
        let mut failing = ours(0, "IN_PROGRESS", "");
        failing["failedTasks"] = 2.into();
        let mut service = match seconds {
            0..30 => service(8, &[failing, old()]),
            30..90 => {
                let back = deployment("ecs-svc/9", "PRIMARY", 7, 2, "IN_PROGRESS", "");
                let mut gone = ours(0, "FAILED", BREAKER);
                gone["status"] = "ACTIVE".into();
                service(7, &[back, gone])
            }
            _ => service(7, &[deployment("ecs-svc/9", "PRIMARY", 7, 2, "COMPLETED", "")]),
        };
        if seconds >= 30 {
            let message = "(service web) (deployment ecs-svc/8) deployment failed: tasks failed to start.";
            service["events"].as_array_mut().unwrap().insert(0, json!({"id": "e1", "message": message}));
        }
        Ok(service)
    });
    Fake::new(move |operation, body, seconds| {
        let task = |id: &str, started_by: &str| {
            json!({
                "taskArn": id, "startedBy": started_by, "lastStatus": "STOPPED", "stopCode": "TaskFailedToStart",
                "stoppedReason": "CannotPullContainerError: host.example/web:v2: not found",
                "containers": [{"name": "web"}],
            })
        };
        match operation {
            "ListTasks" => Ok(json!({"taskArns": ["t/1", "t/2", "t/3"]})),
            "DescribeTasks" => {
                assert_eq!(body["tasks"], json!(["t/1", "t/2", "t/3"]), "described once only");
                Ok(json!({"tasks": [task("t/1", "ecs-svc/8"), task("t/2", "ecs-svc/8"), task("t/3", "ecs-svc/7")]}))
            }
            _ => inner.answer(operation, body, seconds),
        }
    })
}

#[tokio::test]
async fn rollback_is_explained_on_one_screen() {
    let fake = rolling_back();
    let (events, told) = listener();
    let (report, _) = deploy(&v2(), &fake, &events).await.unwrap();
    assert_eq!(report.outcome, Outcome::RolledBack);
    for part in [
        "web:8 failed and was rolled back to web:7: ECS deployment circuit breaker: tasks failed to start.",
        "- 2 tasks: CannotPullContainerError: host.example/web:v2: not found",
        "There is no such tag or digest",
        "deployment failed: tasks failed to start.",
    ] {
        assert!(report.summary.contains(part), "{part}\n{}", report.summary);
    }
    assert_eq!(report.document["causes"][0]["count"], 2);
    let told = told.lock().unwrap();
    assert_eq!(told.iter().filter(|text| text.contains("CannotPull")).count(), 1, "a reason is told once: {told:?}");
    assert_eq!(told.iter().filter(|text| text.contains("deployment failed")).count(), 1, "{told:?}");
    assert!(!told.iter().any(|text| text.contains("steady state")), "events from before are not told: {told:?}");
}

#[tokio::test]
async fn rollback_that_only_an_event_tells_of_is_seen() {
    let fake = scripted(|seconds| {
        let going = service(8, &[ours(1, "IN_PROGRESS", ""), old()]);
        // Neither a failed task nor a reason: of the deployments alone this would be a replacement.
        let mut back = service(7, &[deployment("ecs-svc/9", "PRIMARY", 6, 2, "COMPLETED", "")]);
        let message = "(service web) rolling back to deployment ecs-svc/9.";
        back["events"].as_array_mut().unwrap().insert(0, json!({"id": "e1", "message": message}));
        Ok(if seconds < 30 { going } else { back })
    });
    let (report, _) = deploy(&v2(), &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::RolledBack);
    assert!(report.summary.contains("rolled back to web:6"), "{}", report.summary);
}

#[tokio::test]
async fn time_limit_ends_the_watch_not_the_deployment() {
    let fake = scripted(|_| Ok(service(8, &[ours(1, "IN_PROGRESS", ""), old()])));
    let mut request = v2();
    request.wait = Some(Wait::within(Duration::from_secs(600)));
    let (report, _) = deploy(&request, &fake, &Events::none()).await.unwrap();
    assert_eq!((report.outcome, fake.seconds()), (Outcome::TimedOut, 600));
    assert!(report.summary.contains("goes on: web:8 1 of 2 running"), "{}", report.summary);
}

#[tokio::test]
async fn polling_outlives_throttling_and_broken_connections() {
    let fake = scripted(|seconds| match seconds {
        0..20 => Err(refusal("ThrottlingException", "Rate exceeded")),
        20..90 => Err(refusal("Connection", "reset by peer")),
        _ => Ok(service(8, &[ours(2, "COMPLETED", "")])),
    });
    let (events, told) = listener();
    let (report, _) = deploy(&v2(), &fake, &events).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert!(told.lock().unwrap().iter().any(|text| text == "retry: looking at web"));
}

#[tokio::test]
async fn polling_ends_where_rights_are_missing() {
    let fake = scripted(|_| Err(refusal("AccessDeniedException", "not authorized")));
    let error = deploy(&v2(), &fake, &Events::none()).await.expect_err("denied");
    assert!(error.to_string().contains("has begun, but it cannot be watched"), "{error}");
    assert!(error.hint().unwrap().contains("ecs:DescribeServices"));
    assert_eq!(error.kind(), Kind::Failed);
}

#[tokio::test]
async fn records_are_done_without_where_they_are_denied_or_unknown() {
    for (code, warnings) in [("AccessDeniedException", 1), ("InternalFailure", 0)] {
        let inner = scripted(|seconds| {
            let state = if seconds < 100 { "IN_PROGRESS" } else { "COMPLETED" };
            Ok(service(8, &[ours(2, state, "")]))
        });
        let fake = Fake::new(move |operation, body, seconds| match operation {
            "ListServiceDeployments" | "ListTasks" => Err(refusal(code, "no")),
            _ => inner.answer(operation, body, seconds),
        });
        let (events, told) = listener();
        let (report, _) = deploy(&v2(), &fake, &events).await.unwrap();
        assert_eq!(report.outcome, Outcome::Succeeded);
        assert!(fake.operations().iter().filter(|called| *called == "ListServiceDeployments").count() <= 2);
        let grants = "Grant ecs:ListServiceDeployments";
        assert_eq!(told.lock().unwrap().iter().filter(|text| text.contains(grants)).count(), warnings, "{code}");
    }
}

#[tokio::test]
async fn optional_calls_that_hang_do_not_hold_up_the_watch() {
    let inner = scripted(|seconds| {
        let mut failing = ours(2, if seconds < 60 { "IN_PROGRESS" } else { "COMPLETED" }, "");
        failing["failedTasks"] = 1.into();
        Ok(service(8, &[failing]))
    });
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "ListServiceDeployments" | "ListTasks" => Err(refusal(HANGS, "")),
        _ => inner.answer(operation, body, seconds),
    });
    let (report, _) = deploy(&v2(), &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert!((60..90).contains(&fake.seconds()), "{}", fake.seconds());
}

#[tokio::test]
async fn dry_run_shows_the_calls_and_makes_none() {
    let fake = scripted(|_| unreachable!());
    let observed = observe_service(&v2(), &fake).await.unwrap();
    let shown = planned(&plan_service(&v2(), &observed).unwrap());
    assert_eq!(shown.outcome, Outcome::Planned);
    for part in ["~ web image: ", "-> host.example/web:v2", "RegisterTaskDefinition {", "UpdateService {"] {
        assert!(shown.summary.contains(part), "{part}\n{}", shown.summary);
    }
    assert_eq!(fake.operations(), ["DescribeServices", "DescribeTaskDefinition"]);
}

#[tokio::test]
async fn record_of_a_shifting_deployment_decides() {
    let inner = scripted(|_| {
        let mut service = service(8, &[ours(2, "COMPLETED", ""), old()]);
        service["deploymentConfiguration"]["strategy"] = "BLUE_GREEN".into();
        Ok(service)
    });
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "DescribeServices" => {
            let mut answer = inner.answer(operation, body, seconds)?;
            answer["services"][0]["deploymentConfiguration"]["strategy"] = "BLUE_GREEN".into();
            Ok(answer)
        }
        // Ours appears late, after others of the same service.
        "ListServiceDeployments" => {
            assert_eq!(body["createdAt"]["after"], 1_699_999_997_i64);
            let record = |name: &str, created: f64| json!({"serviceDeploymentArn": name, "createdAt": created, "targetServiceRevisionArn": name});
            let late = if seconds < 3 { vec![] } else { vec![record("ours", 1_700_000_001.0)] };
            let mut over = record("over", 1_699_999_998.0);
            over["finishedAt"] = 1_700_000_000.0.into();
            let early = vec![record("other", 1_700_000_000.5), over, record("before", 1_600_000_000.0)];
            Ok(json!({"serviceDeployments": ([late, early].concat())}))
        }
        "DescribeServiceRevisions" => Ok(json!({"serviceRevisions": [
            {"serviceRevisionArn": "ours", "taskDefinition": arn(8)},
            {"serviceRevisionArn": "before", "taskDefinition": arn(8)},
            {"serviceRevisionArn": "over", "taskDefinition": arn(8)},
            {"serviceRevisionArn": "other", "taskDefinition": arn(7)}]})),
        "DescribeServiceDeployments" => {
            assert_eq!(body["serviceDeploymentArns"], json!(["ours"]));
            let status = if seconds < 300 { "IN_PROGRESS" } else { "SUCCESSFUL" };
            Ok(
                json!({"serviceDeployments": [{"serviceDeploymentArn": "ours", "status": status, "lifecycleStage": "BAKE_TIME"}]}),
            )
        }
        _ => inner.answer(operation, body, seconds),
    });
    let (events, told) = listener();
    let (report, _) = deploy(&v2(), &fake, &events).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert!(fake.seconds() >= 300, "waited through the bake time: {}", fake.seconds());
    assert!(told.lock().unwrap().iter().any(|text| text.contains("BAKE_TIME")));
}

/// A machine whose clock is an hour ahead of ECS's, or behind: its record is found all the same.
#[tokio::test]
async fn clock_of_the_machine_does_not_matter() {
    for skew in [-3600.0, 3600.0] {
        let at = move |value: &mut Value| {
            value["createdAt"] = (1_700_000_000.5 + skew).into();
        };
        let inner = scripted(move |seconds| {
            let state = if seconds < 30 { "IN_PROGRESS" } else { "COMPLETED" };
            let mut shown = service(8, &[ours(2, state, ""), old()]);
            at(&mut shown["deployments"][0]);
            Ok(shown)
        });
        let fake = Fake::new(move |operation, body, seconds| match operation {
            "UpdateService" => {
                let mut answer = inner.answer(operation, body, seconds)?;
                at(&mut answer["service"]["deployments"][0]);
                Ok(answer)
            }
            "ListServiceDeployments" => {
                assert_eq!(body["createdAt"]["after"], (1_699_999_997.0 + skew) as i64);
                let mut record = json!({"serviceDeploymentArn": "ours", "targetServiceRevisionArn": "r"});
                at(&mut record);
                Ok(json!({"serviceDeployments": [record]}))
            }
            "DescribeServiceRevisions" => {
                Ok(json!({"serviceRevisions": [{"serviceRevisionArn": "r", "taskDefinition": arn(8)}]}))
            }
            "DescribeServiceDeployments" => Ok(json!({"serviceDeployments": [{"status": "IN_PROGRESS"}]})),
            _ => inner.answer(operation, body, seconds),
        });
        let (report, _) = deploy(&v2(), &fake, &Events::none()).await.unwrap();
        assert_eq!(report.outcome, Outcome::Succeeded, "{skew}");
        assert!(fake.operations().contains(&"DescribeServiceDeployments".to_owned()), "{skew}: the record was found");
    }
}

/// Two deployments of one revision within a second: the first one's record is nearer to the answer's second.
#[tokio::test]
async fn record_of_the_deployment_before_is_not_ours() {
    let inner = scripted(|_| {
        let mut service = service(8, &[ours(2, "IN_PROGRESS", "")]);
        service["deploymentConfiguration"]["strategy"] = "BLUE_GREEN".into();
        Ok(service)
    });
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "DescribeServices" => {
            let mut answer = inner.answer(operation, body, seconds)?;
            answer["services"][0]["currentServiceDeployment"] = "theirs".into();
            Ok(answer)
        }
        "ListServiceDeployments" => {
            let record = |name: &str, created: f64| json!({"serviceDeploymentArn": name, "createdAt": created, "targetServiceRevisionArn": "r"});
            Ok(json!({"serviceDeployments": [record("ours", 1_700_000_000.9), record("theirs", 1_700_000_000.5)]}))
        }
        "DescribeServiceRevisions" => {
            Ok(json!({"serviceRevisions": [{"serviceRevisionArn": "r", "taskDefinition": arn(8)}]}))
        }
        "DescribeServiceDeployments" => {
            assert_eq!(body["serviceDeploymentArns"], json!(["ours"]));
            Ok(json!({"serviceDeployments": [{"status": "SUCCESSFUL"}]}))
        }
        _ => inner.answer(operation, body, seconds),
    });
    let (report, _) = deploy(&v2(), &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
}

/// Twelve services of one cluster and one of another: three calls for each round of looks, and a verdict for each.
#[tokio::test]
async fn services_are_watched_together() {
    let fake = Fake::new(|operation, body, seconds| match operation {
        "DescribeServices" => {
            let names = body["services"].as_array().unwrap();
            assert!(names.len() <= 10, "no more than the call takes");
            let show = |name: &Value| {
                let number: u64 = name.as_str().unwrap().trim_start_matches("web-").parse().unwrap();
                let state = if seconds < number * 10 { "IN_PROGRESS" } else { "COMPLETED" };
                let mut shown = service(8, &[ours(2, state, "")]);
                shown["serviceName"] = name.clone();
                shown
            };
            // Nobody promises the order of the request.
            Ok(json!({"services": names.iter().rev().map(show).collect::<Vec<_>>()}))
        }
        "ListTasks" => Ok(json!({"taskArns": []})),
        other => Err(refusal("UnknownOperationException", other)),
    });
    let plans: Vec<Plan> = (1..=13)
        .map(|number| {
            let cluster = if number == 13 { "other" } else { "main" };
            let step = plan::Step::Join { deployment: Some("ecs-svc/8".into()), since: None, record: None };
            let before = plan::Before { rolling: true, ..plan::Before::default() };
            let wait = Some(Wait::within(Duration::from_secs(100)));
            verify::joining((cluster, &format!("web-{number}")), &arn(8), step, before, wait)
        })
        .collect();
    let events = Events::none();
    let started = Started { deployment: Some("ecs-svc/8".into()), fresh: true, ..Started::default() };
    let charge = |plan: &'_ Plan| plan.deploy.as_ref().map(|deploy| deploy.wait).unwrap();
    let revision = arn(8);
    let charges = plans.iter().map(|plan| Charge {
        deploy: plan.deploy.as_ref().unwrap(),
        revision: &revision,
        started: &started,
        wait: charge(plan).unwrap(),
        events: &events,
    });
    let ended = watch_all(charges, &fake, &fake.clock, pending()).await;
    let outcomes: Vec<Outcome> = ended.iter().map(|ended| ended.as_ref().unwrap().outcome).collect();
    assert_eq!(outcomes[..9], [Outcome::Succeeded; 9]);
    assert_eq!(outcomes[10..], [Outcome::TimedOut; 3]);
    let looks = fake.operations().iter().filter(|called| *called == "DescribeServices").count();
    assert!((20..60).contains(&looks), "a call for each service were some 150: {looks}");
}

#[tokio::test]
async fn hopeless_deployment_is_explained_and_left_within_two_looks() {
    let inner = scripted(|seconds| {
        let mut failing = ours(0, "IN_PROGRESS", "");
        failing["failedTasks"] = (if seconds < 40 { 0 } else { 2 }).into();
        let mut service = service(8, &[failing, old()]);
        service["deploymentConfiguration"]["deploymentCircuitBreaker"] = json!({"enable": false, "rollback": false});
        Ok(service)
    });
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "DescribeServices" => {
            let mut answer = inner.answer(operation, body, seconds)?;
            let off = json!({"enable": false, "rollback": false});
            answer["services"][0]["deploymentConfiguration"]["deploymentCircuitBreaker"] = off;
            Ok(answer)
        }
        "ListTasks" if seconds >= 40 => Ok(json!({"taskArns": ["t/1", "t/2"]})),
        "DescribeTasks" => {
            let reason = "ResourceInitializationError: unable to pull secrets: AccessDeniedException: not authorized";
            let task = |id: &str| json!({"taskArn": id, "startedBy": "ecs-svc/8", "lastStatus": "STOPPED", "stoppedReason": reason});
            Ok(json!({"tasks": [task("t/1"), task("t/2")]}))
        }
        _ => inner.answer(operation, body, seconds),
    });
    let (report, _) = deploy(&v2(), &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Failed);
    assert!((40..61).contains(&fake.seconds()), "{}", fake.seconds());
    assert!(report.summary.contains("- 2 tasks: ResourceInitializationError"), "{}", report.summary);
    assert!(report.summary.contains("`dockless rollback --cluster main --service-name web --from web:8`"));
}

#[tokio::test]
async fn interrupt_leaves_the_deployment_alone() {
    let fake = scripted(|_| Ok(service(8, &[ours(1, "IN_PROGRESS", "")])));
    let observed = observe_service(&v2(), &fake).await.unwrap();
    let plan = plan_service(&v2(), &observed).unwrap();
    let applied = apply(&plan, &fake, &fake.clock, &Events::none()).await.unwrap();
    let soon = async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    };
    let deploy = plan.deploy.as_ref().unwrap();
    let ended = watch(deploy, &applied, &fake, &fake.clock, &Events::none(), soon).await.unwrap().unwrap();
    assert_eq!((ended.outcome, ended.deployment.as_deref()), (Outcome::Interrupted, Some("ecs-svc/8")));
}

#[tokio::test]
async fn nothing_to_do_calls_nothing_and_says_so() {
    let fake = scripted(|_| unreachable!("nothing is updated"));
    let (report, _) =
        deploy(&request(&format!("container=web,image-and-tag={IMAGE}")), &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::NothingToDo);
    assert_eq!(report.lines, [arn(7)]);
    assert_eq!(fake.operations(), ["DescribeServices", "DescribeTaskDefinition"]);
}

#[tokio::test]
async fn parallel_registrations_wait_for_each_other() {
    let inner = scripted(|_| Ok(service(8, &[ours(2, "COMPLETED", "")])));
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "RegisterTaskDefinition" if seconds < 5 => {
            let message = "Too many concurrent attempts to create a new revision of the specified family.";
            Err(refusal("ClientException", message))
        }
        _ => inner.answer(operation, body, seconds),
    });
    let (report, _) = deploy(&v2(), &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn refused_update_names_the_revision_that_is_left() {
    let inner = scripted(|_| unreachable!());
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "UpdateService" => Err(refusal("InvalidParameterException", "no")),
        _ => inner.answer(operation, body, seconds),
    });
    let error = deploy(&v2(), &fake, &Events::none()).await.expect_err("refused");
    assert!(error.to_string().starts_with("web:8 was registered, but not deployed"), "{error}");
}

#[tokio::test]
async fn refused_input_registers_nothing() {
    type Change = fn(&mut DeployServiceUpdate);
    let changes: [(&str, Change); 7] = [
        ("cluster", |request| request.cluster = " ".into()),
        ("names cluster 'other'", |request| {
            request.service = "arn:aws:ecs:eu-central-1:123456789012:service/other/web".into()
        }),
        ("nothing is to be registered", |request| request.skip_registration = true),
        ("no container 'wep'", |request| request.updates = self::request("container=wep,tag=v2").updates),
        ("has a digest only", |request| request.updates = self::request("container=pinned,image=a/b").updates),
        ("subnets", |request| {
            request.create = Some(Create { public_ip: true, ..Create::default() });
        }),
        ("target-group", |request| {
            request.create = Some(Create { target_group: Some("arn".into()), ..Create::default() });
        }),
    ];
    for (word, change) in changes {
        let inner = scripted(|_| unreachable!());
        let fake = Fake::new(move |operation, body, seconds| {
            let mut answer = inner.answer(operation, body, seconds)?;
            if operation == "DescribeTaskDefinition" {
                let image = IMAGE.replace(":v1", "");
                let pinned = json!({"name": "pinned", "image": image});
                answer["taskDefinition"]["containerDefinitions"].as_array_mut().unwrap().push(pinned);
            }
            Ok(answer)
        });
        let mut request = v2();
        change(&mut request);
        let error = deploy(&request, &fake, &Events::none()).await.expect_err(word);
        assert!(error.to_string().contains(word), "{word}: {error}");
        assert_eq!(error.kind(), Kind::Input, "{word}");
        assert!(
            fake.operations().iter().all(|called| called.starts_with("Describe")),
            "{word}: {:?}",
            fake.operations()
        );
    }
}

#[tokio::test]
async fn refused_by_what_is_there_registers_nothing() {
    type Answer = fn() -> Result<Value, CallError>;
    let cases: [(&str, &str, Answer); 6] = [
        ("there is no service 'web'", "DescribeServices", || {
            Ok(json!({"services": [], "failures": [{"arn": "web", "reason": "MISSING"}]}))
        }),
        ("there is no cluster 'main'", "DescribeServices", || {
            Err(refusal("ClusterNotFoundException", "Cluster not found."))
        }),
        ("is INACTIVE", "DescribeServices", || {
            let mut service = at_rest();
            service["status"] = "INACTIVE".into();
            Ok(json!({"services": [service]}))
        }),
        ("CODE_DEPLOY", "DescribeServices", || {
            let mut service = at_rest();
            service["deploymentController"] = json!({"type": "CODE_DEPLOY"});
            Ok(json!({"services": [service]}))
        }),
        ("there is no task definition 'web'", "DescribeTaskDefinition", || {
            Err(refusal("ClientException", "Unable to describe task definition."))
        }),
        ("no taskDefinition in it", "DescribeTaskDefinition", || Ok(json!({}))),
    ];
    for (word, replaced, answer) in cases {
        let inner = scripted(|_| unreachable!());
        let fake = Fake::new(
            move |operation, body, seconds| {
                if operation == replaced { answer() } else { inner.answer(operation, body, seconds) }
            },
        );
        let error = deploy(&v2(), &fake, &Events::none()).await.expect_err(word);
        assert!(error.to_string().contains(word), "{word}: {error}");
        assert!(
            fake.operations().iter().all(|called| called.starts_with("Describe")),
            "{word}: {:?}",
            fake.operations()
        );
    }
}

#[tokio::test]
async fn missing_service_is_created_and_watched() {
    let inner = scripted(|_| unreachable!());
    let fake = Fake::new(move |operation, body, seconds| match (operation, seconds) {
        ("DescribeServices", 0..2) => Ok(json!({"services": [], "failures": [{"reason": "MISSING"}]})),
        ("DescribeServices", _) => Ok(json!({"services": [service(8, &[ours(2, "COMPLETED", "")])]})),
        ("CreateService", _) => Ok(json!({"service": service(8, &[ours(0, "IN_PROGRESS", "")])})),
        _ => inner.answer(operation, body, seconds),
    });
    let mut request = v2();
    request.create = Some(Create::default());
    let (report, _) = deploy(&request, &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert_eq!(fake.body("CreateService")["taskDefinition"], arn(8));
}

#[tokio::test]
async fn verification_follows_the_deployment_of_a_revision() {
    let run = |script: fn(u64) -> Value, definition: &str| {
        let fake = Fake::new(move |operation, _, seconds| match operation {
            "DescribeServices" => Ok(json!({"services": [script(seconds)]})),
            "ListTasks" => Ok(json!({"taskArns": []})),
            other => Err(refusal("UnknownOperationException", other)),
        });
        let wait = Wait::within(Duration::from_secs(600));
        let (cluster, service) = ("main".to_owned(), "web".to_owned());
        let request = VerifyRevision { cluster, service, task_definition: definition.to_owned(), wait };
        async move {
            let plan = observe_verification(&request, &fake, &fake.clock).await?;
            let applied = apply(&plan, &fake, &fake.clock, &Events::none()).await?;
            let deploy = plan.deploy.as_ref().unwrap();
            let ended = watch(deploy, &applied, &fake, &fake.clock, &Events::none(), pending()).await?;
            Ok::<_, Error>(report(&plan, &applied, ended.as_ref()).outcome)
        }
    };
    let good = |seconds| match seconds {
        0..3 => at_rest(),
        3..99 => service(8, &[ours(0, "IN_PROGRESS", ""), old()]),
        _ => service(8, &[ours(2, "COMPLETED", "")]),
    };
    assert_eq!(run(good, &arn(8)).await.unwrap(), Outcome::Succeeded, "even if it begins a moment later");
    assert_eq!(run(|_| service(8, &[ours(2, "COMPLETED", "")]), "web:8").await.unwrap(), Outcome::Succeeded);
    let back = |_| {
        let back = deployment("ecs-svc/9", "PRIMARY", 7, 2, "COMPLETED", "");
        let mut gone = ours(0, "FAILED", BREAKER);
        gone["status"] = "ACTIVE".into();
        let mut first = old();
        first["createdAt"] = 1_600_000_000.into();
        service(7, &[back, gone, first])
    };
    assert_eq!(run(back, "web:8").await.unwrap(), Outcome::RolledBack);
    let error = run(|_| at_rest(), "web:8").await.unwrap_err();
    assert_eq!(error.to_string(), "nobody deploys web:8 to service 'web': it runs web:7");
    assert_eq!(run(|_| at_rest(), " ").await.unwrap_err().kind(), Kind::Input);
}
