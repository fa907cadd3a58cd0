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
        (json!([{"name": "web", "exitCode": 1}, {"name": "side", "exitCode": 137}]), "container web exited with 1"),
        (json!([{"name": "web", "exitCode": 0}, {"name": "side", "exitCode": 143}]), "container side exited with 143"),
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
        (
            "(service web) was unable to place a task because no container instance met … insufficient memory available",
            "memory",
        ),
    ] {
        assert!(cure(text).unwrap_or_default().contains(word), "{text}: {:?}", cure(text));
    }
    assert_eq!(cure("(service web) has reached a steady state."), None);
}
