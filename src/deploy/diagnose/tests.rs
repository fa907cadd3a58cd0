use serde_json::json;

use super::*;

fn task(id: &str, code: &str, reason: &str, containers: serde_json::Value) -> Stopped {
    Stopped::read(&json!({
        "taskArn": format!("arn:aws:ecs:eu-central-1:123456789012:task/main/{id}"),
        "startedBy": "ecs-svc/8", "stopCode": code, "stoppedReason": reason, "containers": containers,
    }))
}

#[test]
fn reasons_that_differ_in_ids_only_are_one() {
    let pull = |id: &str, request: &str| {
        let reason = format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
             host.example/web:v9: host.example/web:v9: not found, request id: {request}"
        );
        task(id, "TaskFailedToStart", &reason, json!([{"name": "web"}]))
    };
    let tasks = [
        pull("a1", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        pull("a2", "7c9e6679-7425-40de-944b-e07fc1f90ae7"),
        task(
            "a3",
            "EssentialContainerExited",
            "Essential container in task exited",
            json!([{"name": "web", "exitCode": 3}]),
        ),
        task("a4", "ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/9)", json!([])),
    ];
    let causes = causes(&tasks);
    assert_eq!(causes.iter().map(|cause| cause.count).collect::<Vec<_>>(), [2, 1], "{causes:?}");
    assert_eq!(causes[0].tasks, ["a1", "a2"]);
    assert!(causes[0].hint.unwrap().contains("no such tag"));
    assert_eq!(causes[1].text, "container web exited with 3");
}

#[test]
fn why_names_the_container_at_fault_not_the_one_taken_along() {
    let exited = "Essential container in task exited";
    for (containers, expected) in [
        (
            json!([{"name": "web", "exitCode": 1}, {"name": "side", "exitCode": 137}]),
            "container web exited with 1 (an error of its own)",
        ),
        (
            json!([{"name": "web", "exitCode": 0}, {"name": "side", "exitCode": 143}]),
            "container side exited with 143 (SIGTERM: asked to stop)",
        ),
        (
            json!([{"name": "web", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}]),
            "container web exited with 137: OutOfMemoryError: Container killed due to memory usage",
        ),
        (
            json!([{"name": "web", "exitCode": 0}]),
            "container web exited with 0, but a service's container must keep running",
        ),
    ] {
        assert_eq!(task("t", "EssentialContainerExited", exited, containers).why(), expected);
    }
}

#[test]
fn why_of_a_container_that_never_started() {
    let reason = "CannotStartContainerError: exec: \"serve\": executable file not found";
    let never = task("t", "TaskFailedToStart", "Task failed to start", json!([{"name": "web", "reason": reason}]));
    assert_eq!(never.why(), format!("Task failed to start; {reason}"));
    assert!(never.containers[0].exit.is_none());
    let repeated = task("t", "TaskFailedToStart", reason, json!([{"name": "web", "reason": reason}]));
    assert_eq!(repeated.why(), reason);
}

#[test]
fn cures_for_what_goes_wrong_most() {
    for (text, word) in [
        ("CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/amd64'", "CPU"),
        ("CannotPullContainerError: … 403 Forbidden", "execution role"),
        ("CannotPullContainerError: … dial tcp 1.2.3.4:443: i/o timeout", "NAT"),
        ("ResourceInitializationError: unable to pull secrets or registry auth: … AccessDeniedException", "Grant"),
        ("Task failed ELB health checks in (target-group arn:x)", "target group"),
        ("Task failed container health checks", "healthCheck"),
        ("container web exited with 137: OutOfMemoryError: Container killed", "memory"),
        ("container web exited with 127", "not found"),
        ("container web exited with 2", "log"),
        ("container web exited with 139 (SIGSEGV: it crashed)", "libc"),
        ("container web exited with 143 (SIGTERM: asked to stop)", "health check"),
        ("container web exited with 255: exec /app: exec format error", "another CPU"),
        (
            "ResourceInitializationError: retrieved secret from Secrets Manager did not contain json key user",
            "valueFrom",
        ),
        (
            "ResourceInitializationError: failed to validate logger args: The specified log group does not exist.",
            "log group",
        ),
        ("(service web) was unable to place a task. Reason: RESOURCE:MEMORY.", "memory"),
        ("(service web) was unable to place a task because Capacity is unavailable at this time.", "capacity"),
        (
            "(service web) was unable to place a task because no container instance met … insufficient memory available",
            "memory",
        ),
    ] {
        assert!(cure(text).unwrap_or_default().contains(word), "{text}: {:?}", cure(text));
    }
    assert_eq!(cure("(service web) has reached a steady state."), None);
}

#[test]
fn cures_are_found_in_what_a_container_wrote() {
    let cure = |lines: &[&str]| cures::cure_in_log(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
    assert!(cure(&["exec /app: exec format error"]).unwrap().contains("another CPU"));
    assert!(cure(&["dial tcp 10.0.0.9:5432: connect: connection refused", "bye"]).unwrap().contains("security groups"));
    assert_eq!(cure(&["listening on 80"]), None);
}

#[test]
fn culprit_is_the_container_whose_log_may_tell() {
    let culprit = |reason: &str, containers: serde_json::Value| {
        let task = task("t", "x", reason, containers);
        task.culprit().map(|container| container.name.clone())
    };
    let both = json!([{"name": "side", "exitCode": 137}, {"name": "web", "exitCode": 1}]);
    assert_eq!(culprit("Essential container in task exited", both).as_deref(), Some("web"));
    let stopped = json!([{"name": "web", "exitCode": 143}]);
    assert_eq!(culprit("Task failed ELB health checks in (target-group x)", stopped).as_deref(), Some("web"));
    assert_eq!(culprit("CannotPullContainerError: x", json!([{"name": "web", "reason": "CannotPull"}])), None);
}

/// Everything that can be said, at once.
fn everything() -> (Vec<Cause>, Evidence, Vec<String>) {
    let tasks: Vec<Stopped> = (0..6)
        .map(|code| {
            task(
                &format!("t{code}"),
                "EssentialContainerExited",
                "Essential",
                json!([{"name": "web", "exitCode": code + 1}]),
            )
        })
        .collect();
    let record = json!({
        "alarms": {"triggeredAlarmNames": ["a", "b", "c"]},
        "lifecycleHookDetails": [{"targetArn": "arn:aws:lambda:x:1:function:f", "status": "FAILED"}],
    });
    let event =
        |group: &str| format!("(port 80) is unhealthy in (target-group {group}) due to (reason Request timed out).");
    let targets = ["a", "b", "c"].iter().filter_map(|group| target_health::read_event(&event(group))).collect();
    let log = logs::Log {
        container: "web".into(),
        lines: (0..10).map(|line| format!("line {line}")).collect(),
        hint: Some("Mend it."),
        ..logs::Log::default()
    };
    let notes = vec!["one".into(), "two".into()];
    let evidence = Evidence { triggers: triggers(&record), log: Some(log), targets, notes };
    (causes(&tasks), evidence, (0..9).map(|at| format!("event {at} failed")).collect())
}

#[test]
fn screen_holds_what_matters_most_whatever_there_is() {
    let (causes, evidence, trouble) = everything();
    let shown = |text: &str| text.lines().filter(|line| *line != "```").count();
    for used in [1, 3, 8] {
        let text = screen(&causes, &evidence, &trouble, used);
        assert!(used + shown(&text) <= 24, "{used} and {}:\n{text}", shown(&text));
        for part in ["alarm a fired", "exited with", "| line 9\n", "target group a", "- two\n"] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }
}

#[test]
fn screen_of_one_cause_has_room_for_the_log_and_the_events() {
    let (causes, evidence, trouble) = everything();
    let evidence = Evidence { log: evidence.log, ..Evidence::default() };
    let text = screen(&causes[..1], &evidence, &trouble, 1);
    assert!(text.contains("| line 0\n") && text.contains("| line 9\n```\n  Mend it.\n"), "{text}");
    assert!(text.contains("event 8 failed"), "{text}");
    assert!(!text.contains("The reason is in the container's log"), "it is right below: {text}");
}

#[test]
fn screen_says_once_what_the_service_said_of_every_task() {
    let unhealthy = |task: u32| format!("(service web) (task {task}) (port 80) is unhealthy in (target-group tg)");
    let trouble: Vec<String> = (1..=5).map(unhealthy).collect();
    let text = screen(&[], &Evidence::default(), &trouble, 1);
    assert_eq!(text.matches("is unhealthy").count(), 1, "{text}");
    assert!(text.contains("(task 5) (port 80) is unhealthy in (target-group tg) (the last of 5)"), "{text}");
}
