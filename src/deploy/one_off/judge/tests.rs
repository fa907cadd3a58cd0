use serde_json::json;

use super::*;

/// Two essential containers, `app` and `proxy`, and `log`, which is not.
fn definition() -> Value {
    json!({ "containerDefinitions": [{ "name": "app" }, { "name": "proxy", "essential": true },
        { "name": "log", "essential": false }] })
}

fn task(stop: Option<&str>, codes: &[(&str, Option<i64>)]) -> Value {
    let containers: Vec<Value> = codes.iter().map(|(name, code)| json!({ "name": name, "exitCode": code })).collect();
    json!({ "lastStatus": "STOPPED", "stopCode": stop, "containers": containers })
}

const EXITED: Option<&str> = Some("EssentialContainerExited");

fn all() -> Counting {
    Counting::of(&definition(), &Map::new(), None)
}

fn main() -> Counting {
    let overrides = json!({ "containerOverrides": [{ "name": "app", "command": ["migrate"] }] });
    Counting::of(&definition(), overrides.as_object().unwrap(), None)
}

#[test]
fn counting_is_of_the_named_one_of_the_one_with_a_command_or_of_all_essential() {
    assert_eq!(all(), Counting::All(vec!["app".into(), "proxy".into()]));
    assert_eq!(main(), Counting::Main { main: "app".into(), others: vec!["proxy".into()] });
    assert_eq!(Counting::of(&definition(), &Map::new(), Some("log")), Counting::Only("log".into()));
}

#[test]
fn task_is_well_if_every_essential_container_is() {
    let ended = |app, proxy, log| judge(&task(EXITED, &[("app", app), ("proxy", proxy), ("log", log)]), &all());
    assert_eq!(ended(Some(0), Some(0), Some(1)), State::Succeeded, "what is not essential does not count");
    assert_eq!(ended(Some(0), Some(0), None), State::Succeeded);
    assert_eq!(ended(Some(3), Some(0), Some(0)), State::Failed(Some(3)));
    assert_eq!(ended(Some(137), Some(2), Some(0)), State::Failed(Some(2)), "the one that failed by itself is to blame");
    assert_eq!(ended(Some(0), Some(143), Some(0)), State::Failed(Some(143)), "it cannot be told which came first");
    assert_eq!(ended(None, Some(0), Some(0)), State::Failed(None));
}

#[test]
fn task_with_a_command_of_its_own_may_take_its_sidecars_along() {
    let ended = |app, proxy| judge(&task(EXITED, &[("app", app), ("proxy", proxy)]), &main());
    assert_eq!(ended(Some(0), Some(137)), State::Succeeded);
    assert_eq!(ended(Some(0), Some(1)), State::Failed(Some(1)));
    assert_eq!(ended(Some(137), Some(0)), State::Failed(Some(137)));
}

#[test]
fn task_by_one_container_alone() {
    let only = Counting::Only("log".into());
    let ended = |log| judge(&task(EXITED, &[("app", Some(1)), ("log", log)]), &only);
    assert_eq!((ended(Some(0)), ended(Some(7))), (State::Succeeded, State::Failed(Some(7))));
    assert_eq!(judge(&task(EXITED, &[("app", Some(0))]), &only), State::Failed(None));
}

#[test]
fn task_that_was_stopped_is_not_well_whatever_it_exited_with() {
    let zero = [("app", Some(0)), ("proxy", Some(0))];
    for code in ["UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"] {
        assert_eq!(judge(&task(Some(code), &zero), &all()), State::Failed(Some(0)), "{code}");
    }
    assert_eq!(judge(&task(None, &zero), &all()), State::Succeeded, "emulators give no stop code");
    let never = task(Some("TaskFailedToStart"), &[("app", None), ("proxy", None)]);
    assert_eq!(judge(&never, &all()), State::Failed(None));
}

#[test]
fn task_out_of_memory_is_not_well_though_its_signal_is_that_of_a_stop() {
    let mut ended = task(EXITED, &[("app", Some(0)), ("proxy", Some(137))]);
    ended["containers"][1]["reason"] = json!("OutOfMemoryError: Container killed due to memory usage");
    assert_eq!(judge(&ended, &main()), State::Failed(Some(137)));
}

#[test]
fn task_has_ended_once_its_codes_are_there() {
    let at = |status: &str, code: Option<i64>| {
        let mut task = task(EXITED, &[("app", code), ("proxy", Some(0))]);
        task["lastStatus"] = json!(status);
        judge(&task, &all())
    };
    for status in ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING"] {
        assert_eq!(at(status, Some(0)), State::Going(status.into()));
    }
    assert_eq!(at("DEPROVISIONING", None), State::Going("DEPROVISIONING".into()));
    assert_eq!(at("DEPROVISIONING", Some(0)), State::Succeeded);
}

#[test]
fn advice_is_given_where_one_was_taken_along_and_nobody_knows_which() {
    let advice = |app, proxy| all().advice(&Stopped::read(&task(EXITED, &[("app", app), ("proxy", proxy)])));
    assert!(advice(Some(0), Some(143)).unwrap().contains("`--exit-code-from app`"));
    assert_eq!((advice(Some(0), Some(1)), advice(Some(0), None)), (None, None));
}
