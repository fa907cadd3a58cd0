//! How a rollout ends, and what is said of it.

use super::*;

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
        [
            "web:8 0 of 2 running, 2 pending; web:7 2 running",
            "web:8 1 of 2 running, 1 pending; web:7 2 running",
            "web:8 2 of 2 running; web:7 2 running"
        ]
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
    let soon = Halts::after(3, Halt::Interrupted).first();
    let deploy = plan.deploy.as_ref().unwrap();
    let ended = watch(deploy, &applied, &fake, &fake.clock, &Events::none(), soon).await.unwrap().unwrap();
    assert_eq!((ended.outcome, ended.deployment.as_deref()), (Outcome::Interrupted, Some("ecs-svc/8")));
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

/// The run's limit is told to the work, which says why and does what was promised.
#[tokio::test]
async fn time_of_the_run_that_is_up_is_a_verdict_with_its_cause_and_its_rollback() {
    let inner = rolling_back();
    let fake = Fake::new(move |operation, body, seconds| match operation {
        // It never gets further.
        "DescribeServices" => inner.answer(operation, body, seconds.min(20)),
        "UpdateService" => inner.answer("UpdateService", body, seconds),
        _ => inner.answer(operation, body, seconds),
    });
    let plan = plan_service(&v2(), &observe_service(&v2(), &fake).await.unwrap()).unwrap();
    let rescue = Rescue { on_failure: true, on_cancel: false };
    let late = Halts::after(8, Halt::TimeUp);
    let report = carry_out(&plan, rescue, &fake, &fake.clock, &Events::none(), &late).await.unwrap();
    assert_eq!(report.outcome, Outcome::TimedOut);
    let updates = fake.calls().into_iter().filter(|(operation, _)| operation == "UpdateService");
    let revisions: Vec<Value> = updates.map(|(_, body)| body["taskDefinition"].clone()).collect();
    assert_eq!(revisions, [arn(8), arn(7)], "it went back");
    for part in
        ["time is up, but the deployment of web:8 goes on", "its rollback was begun", "CannotPullContainerError"]
    {
        assert!(report.summary.contains(part), "{part}\n{}", report.summary);
    }
}
