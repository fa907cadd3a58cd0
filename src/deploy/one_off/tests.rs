use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::deploy::ecs::CallError;
use crate::deploy::fake::{Fake, arn, listener, refusal};
use crate::deploy::halt::{Halt, Halts};
use crate::report::{Event, Events, Outcome};

fn definition() -> Value {
    let options = json!({ "awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p" });
    json!({ "taskDefinitionArn": arn(7), "containerDefinitions": [{ "name": "web",
        "logConfiguration": { "logDriver": "awslogs", "options": options },
        "environment": [{ "name": "DB_PASSWORD", "value": "geheim" }] }] })
}

fn plan(change: impl FnOnce(&mut RunTask)) -> Plan {
    let mut request = RunTask { cluster: "main".into(), count: 1, wait: true, logs: true, ..RunTask::default() };
    change(&mut request);
    super::plan(&request, &Observed { borrowed: None, definition: definition() }).unwrap()
}

fn task(id: u32, status: &str, code: Option<i64>) -> Value {
    json!({ "taskArn": format!("arn:aws:ecs:x:1:task/main/{id}"), "lastStatus": status,
        "stopCode": code.map(|_| "EssentialContainerExited"), "stoppedReason": code.map(|_| "Essential container in task exited"),
        "containers": [{ "name": "web", "exitCode": code }] })
}

/// RUNNING for ten seconds, then over with this code.
fn usual(code: i64) -> impl Fn(&str, &Value, u64) -> Result<Value, CallError> {
    move |operation, body, seconds| {
        Ok(match operation {
            "RunTask" => {
                json!({ "tasks": (0..body["count"].as_u64().unwrap()).map(|id| task(id as u32, "PENDING", None)).collect::<Vec<_>>() })
            }
            "DescribeTasks" if seconds < 10 => json!({ "tasks": [task(0, "RUNNING", None), task(1, "RUNNING", None)] }),
            "DescribeTasks" => json!({ "tasks": [task(0, "STOPPED", Some(code)), task(1, "STOPPED", Some(0))] }),
            "DescribeTaskDefinition" => json!({ "taskDefinition": definition() }),
            _ => json!({}),
        })
    }
}

async fn run(plan: &Plan, fake: &Fake, events: &Events) -> (Started, Ended) {
    let never = Halts::never();
    let started = start(plan, fake, &fake.clock, events, &never).await.unwrap();
    let ended = follow(plan, &started, fake, &fake.clock, events, &never).await.unwrap();
    (started, ended)
}

#[tokio::test]
async fn tasks_of_a_count_are_all_watched_and_the_failed_one_is_told() {
    let (fake, plan) = (Fake::new(usual(3)), plan(|request| request.count = 2));
    let (started, ended) = run(&plan, &fake, &Events::none()).await;
    let report = report(&plan, &started, &ended);
    assert_eq!((ended.outcome, ended.text.as_str()), (Outcome::Failed, "1 of 2 tasks failed"));
    assert_eq!(report.lines, ["arn:aws:ecs:x:1:task/main/0", "arn:aws:ecs:x:1:task/main/1"]);
    assert_eq!(report.exports[0].value, report.lines.join(" "));
    assert_eq!(
        (report.document["exit_code"].clone(), report.document["tasks"][1]["state"].clone()),
        (json!(3), json!("succeeded"))
    );
    assert!(report.summary.contains("container web exited with 3"), "{}", report.summary);
    assert!(fake.body("RunTask")["clientToken"].as_str().unwrap().len() <= 64);
}

#[tokio::test]
async fn tasks_that_are_missing_at_first_or_throttled_are_waited_for() {
    let answers = usual(0);
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "DescribeTasks" if seconds < 3 => Ok(json!({ "tasks": [], "failures": [{ "reason": "MISSING" }] })),
        "DescribeTasks" if seconds < 8 => Err(refusal("ThrottlingException", "Rate exceeded")),
        _ => answers(operation, body, seconds),
    });
    assert_eq!(run(&plan(|_| ()), &fake, &Events::none()).await.1.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn task_that_ecs_forgot_has_failed() {
    let answers = usual(0);
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "DescribeTasks" if seconds > 5 => Ok(json!({ "tasks": [] })),
        _ => answers(operation, body, seconds),
    });
    let (_, ended) = run(&plan(|_| ()), &fake, &Events::none()).await;
    assert_eq!(ended.outcome, Outcome::Failed);
    assert!(ended.causes[0].text.contains("how it ended was not seen"), "{ended:?}");
}

#[tokio::test]
async fn watch_that_is_denied_names_the_task_that_goes_on() {
    let answers = usual(0);
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "DescribeTasks" => {
            Err(refusal("AccessDeniedException", "User: x is not authorized to perform: ecs:DescribeTasks"))
        }
        _ => answers(operation, body, seconds),
    });
    let never = Halts::never();
    let plan = plan(|_| ());
    let started = start(&plan, &fake, &fake.clock, &Events::none(), &never).await.unwrap();
    let why = follow(&plan, &started, &fake, &fake.clock, &Events::none(), &never).await.unwrap_err().to_string();
    assert!(why.starts_with("task 0 was started and goes on, but cannot be watched: "), "{why}");
}

#[tokio::test]
async fn time_that_is_up_leaves_the_task_alone_or_stops_it() {
    for stop in [false, true] {
        let fake = Fake::new(usual(0));
        let plan = plan(|request| request.cancel.on_timeout = stop);
        let late = Halts::after(2, Halt::TimeUp);
        let started = start(&plan, &fake, &fake.clock, &Events::none(), &late).await.unwrap();
        let ended = follow(&plan, &started, &fake, &fake.clock, &Events::none(), &late).await.unwrap();
        assert_eq!(ended.outcome, Outcome::TimedOut);
        let text = if stop { "time is up: task 0 told to stop" } else { "time is up, but task 0 goes on in ECS" };
        assert_eq!(ended.text, text);
        assert_eq!(fake.operations().contains(&"StopTask".to_owned()), stop);
        assert!(fake.seconds() <= 8, "{}", fake.seconds());
    }
}

#[tokio::test]
async fn interrupt_says_how_to_stop_what_goes_on_or_stops_it() {
    for stop in [false, true] {
        let fake = Fake::new(usual(0));
        let plan = plan(|request| request.cancel.on_interrupt = stop);
        let later = Halts::after(2, Halt::Interrupted);
        let started = start(&plan, &fake, &fake.clock, &Events::none(), &later).await.unwrap();
        let ended = follow(&plan, &started, &fake, &fake.clock, &Events::none(), &later).await.unwrap();
        assert_eq!(ended.outcome, Outcome::Interrupted, "{ended:?}");
        match stop {
            true => assert_eq!(fake.body("StopTask")["task"], "arn:aws:ecs:x:1:task/main/0"),
            false => assert_eq!(ended.advice.unwrap(), "Stop it with `aws ecs stop-task --cluster main --task 0`."),
        }
    }
}

#[tokio::test]
async fn interrupt_while_the_tasks_are_started_tells_that_nobody_knows() {
    let fake = Fake::new(|_, _, _| Err(refusal(crate::deploy::fake::HANGS, "")));
    let plan = plan(|_| ());
    let at_once = Halts::after(0, Halt::Interrupted);
    let started = start(&plan, &fake, &fake.clock, &Events::none(), &at_once).await.unwrap();
    let ended = follow(&plan, &started, &fake, &fake.clock, &Events::none(), &Halts::never()).await.unwrap();
    assert_eq!(ended.outcome, Outcome::Interrupted);
    assert!(ended.advice.unwrap().contains("aws ecs list-tasks --cluster main --family web"));
}

#[tokio::test]
async fn lines_are_read_to_the_end_of_the_stream_each_once_and_without_secrets() {
    let (answers, pages) = (usual(0), AtomicU32::new(0));
    let fake = Fake::new(move |operation, body, seconds| match (operation, body["nextToken"].as_str()) {
        ("GetLogEvents", _) if seconds < 2 => {
            Err(refusal("ResourceNotFoundException", "The specified log stream does not exist."))
        }
        // An empty page is no end.
        ("GetLogEvents", None) => Ok(json!({ "events": [{ "message": "one geheim" }], "nextForwardToken": "a" })),
        ("GetLogEvents", Some("a")) => Ok(json!({ "events": [], "nextForwardToken": "b" })),
        ("GetLogEvents", Some("b")) if pages.fetch_add(1, Ordering::SeqCst) > 2 => {
            Ok(json!({ "events": [{ "message": "::error::three" }], "nextForwardToken": "c" }))
        }
        ("GetLogEvents", Some(token)) => Ok(json!({ "events": [], "nextForwardToken": token })),
        _ => answers(operation, body, seconds),
    });
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = lines.clone();
    let events = Events::new(move |event| {
        if let Event::Log { source, text, .. } = event {
            kept.lock().unwrap().push(format!("{source}: {text}"));
        }
    });
    run(&plan(|_| ()), &fake, &events).await;
    assert_eq!(*lines.lock().unwrap(), ["web: one ***", "web: : :error::three"]);
    assert_eq!(fake.body("GetLogEvents")["logStreamName"], "p/web/0");
}

#[tokio::test]
async fn lines_that_may_not_be_read_are_no_reason_to_fail() {
    let answers = usual(0);
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "GetLogEvents" => {
            Err(refusal("AccessDeniedException", "User: x is not authorized to perform: logs:GetLogEvents"))
        }
        _ => answers(operation, body, seconds),
    });
    let (events, told) = listener();
    assert_eq!(run(&plan(|_| ()), &fake, &events).await.1.outcome, Outcome::Succeeded);
    let warned = told.lock().unwrap().iter().filter(|text| text.contains("lines are not shown")).count();
    assert_eq!(warned, 1, "{told:?}");
}

#[tokio::test]
async fn silence_is_broken_now_and_then() {
    let answers = usual(0);
    let fake = Fake::new(move |operation, body, seconds| answers(operation, body, seconds / 60));
    let (events, told) = listener();
    run(&plan(|_| ()), &fake, &events).await;
    let signs = told.lock().unwrap().iter().filter(|text| text.contains("1 task of web:7 going on for")).count();
    assert!((3..=5).contains(&signs), "{told:?}");
}

#[tokio::test]
async fn tasks_that_were_not_placed_fail_the_run_with_a_cure() {
    let fake = Fake::new(|_, _, _| Ok(json!({ "tasks": [], "failures": [{ "reason": "RESOURCE:MEMORY" }] })));
    for wait in [true, false] {
        let plan = plan(|request| request.wait = wait);
        let (started, ended) = run(&plan, &fake, &Events::none()).await;
        let summary = report(&plan, &started, &ended).summary;
        assert_eq!(ended.outcome, Outcome::Failed);
        for part in ["nothing was started", "RESOURCE:MEMORY", "add instances"] {
            assert!(summary.contains(part), "{summary}");
        }
    }
}

#[test]
fn overrides_secrets_are_masked_in_lines_too() {
    let overrides = json!({ "containerOverrides": [{ "name": "web", "environment": [{ "name": "TOKEN", "value": "verysecret" }] }] });
    let plan = plan(|request| request.overrides = overrides.as_object().unwrap().clone());
    assert!(format!("{:?}", super::lines::Lines::of(&plan, &["0"])).contains("verysecret"), "known, and so masked");
}
