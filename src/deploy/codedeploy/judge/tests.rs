use serde_json::{Value, json};

use super::*;
use crate::deploy::codedeploy::snapshot::Target;

const START: SystemTime = SystemTime::UNIX_EPOCH;

fn at(seconds: u64) -> SystemTime {
    START + Duration::from_secs(seconds)
}

fn watched() -> Watched {
    let wait = Wait::within(Duration::from_secs(600));
    Watched { revision: "web:8".into(), before: "web:7".into(), deadline: at(600), wait, answered: false, back: false }
}

fn info(more: Value) -> Info {
    let mut info = json!({ "deploymentId": "d-1", "status": "InProgress" });
    info.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Info::read(&json!({ "deploymentInfo": info }))
}

fn look(more: Value) -> Look {
    Look { info: info(more), ..Look::default() }
}

fn failed(more: Value) -> Look {
    let mut all = json!({ "status": "Failed", "errorInformation": { "code": "TIMEOUT", "message": "too late" } });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    look(all)
}

fn going_back() -> Value {
    json!({ "autoRollbackConfiguration": { "enabled": true, "events": ["DEPLOYMENT_FAILURE"] } })
}

fn verdict(look: &Look, seconds: u64) -> Verdict {
    let memory = Memory { ended: look.info.is_over().then_some(START), ..Memory::default() };
    judge(look, &memory, &watched(), at(seconds))
}

#[test]
fn only_succeeded_is_success() {
    assert_eq!(verdict(&look(json!({ "status": "Succeeded" })), 1), Verdict::Done);
    for status in ["Created", "Queued", "InProgress", "Baking", "Ready", "SomethingNew"] {
        assert!(matches!(verdict(&look(json!({ "status": status })), 1), Verdict::Going(_)), "{status}");
        assert!(matches!(verdict(&look(json!({ "status": status })), 600), Verdict::TimedOut(_)), "{status}");
    }
}

#[test]
fn failure_is_told_with_its_code() {
    assert_eq!(verdict(&failed(json!({})), 1), Verdict::Failed { why: "too late (TIMEOUT)".into() });
    let mute = look(json!({ "status": "Stopped" }));
    assert_eq!(verdict(&mute, 1), Verdict::Failed { why: "the deployment was stopped".into() });
}

#[test]
fn rollback_is_followed_to_its_end() {
    assert!(matches!(verdict(&failed(going_back()), 1), Verdict::Going(_)), "it is about to begin");
    assert!(matches!(verdict(&failed(going_back()), 61), Verdict::Failed { .. }), "it never began");
    let mut back = failed(json!({ "rollbackInfo": { "rollbackDeploymentId": "d-2" } }));
    assert!(matches!(verdict(&back, 100), Verdict::Going(_)));
    for (status, seconds, wanted) in
        [("InProgress", 100, None), ("InProgress", 600, Some(false)), ("Succeeded", 100, Some(true))]
    {
        back.rollback = Some(info(json!({ "deploymentId": "d-2", "status": status })));
        let complete = match verdict(&back, seconds) {
            Verdict::RolledBack { to, why, complete } => {
                assert_eq!((to.as_str(), why.as_str()), ("web:7", "too late (TIMEOUT)"));
                Some(complete)
            }
            Verdict::Going(_) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(complete, wanted, "{status} {seconds}");
    }
    back.rollback = Some(info(json!({ "deploymentId": "d-2", "status": "Failed" })));
    assert!(matches!(verdict(&back, 1), Verdict::Failed { why } if why.contains("the rollback d-2 failed as well")));
}

#[test]
fn stopped_for_a_newer_deployment_is_replaced() {
    let mut stopped = look(json!({ "status": "Stopped" }));
    stopped.newer = Some("d-9".into());
    assert_eq!(verdict(&stopped, 1), Verdict::Replaced { by: "d-9".into() });
    let mut failed = failed(json!({}));
    failed.newer = Some("d-9".into());
    assert!(matches!(verdict(&failed, 1), Verdict::Failed { .. }), "it failed before");
}

#[test]
fn wait_ends_where_it_was_to_end() {
    let mut watched = watched();
    let ready = look(json!({ "status": "Ready" }));
    watched.wait.on_pause = OnPause::Leave;
    assert_eq!(judge(&ready, &Memory::default(), &watched, at(1)), Verdict::Paused("Ready".into()));
    let shifted = look(json!({ "instanceTerminationWaitTimeStarted": true }));
    assert!(matches!(judge(&shifted, &Memory::default(), &watched, at(1)), Verdict::Going(_)));
    watched.wait.until = Until::ProductionTraffic;
    assert_eq!(judge(&shifted, &Memory::default(), &watched, at(1)), Verdict::Reached(Until::ProductionTraffic));
}

/// GetDeployment may be behind with what was said to a deployment.
#[test]
fn word_that_does_not_show_yet_is_waited_for() {
    let wait = Wait { on_pause: OnPause::Leave, until: Until::ProductionTraffic, ..watched().wait };
    let ready = look(json!({ "status": "Ready" }));
    let answered = Watched { answered: true, wait, ..watched() };
    assert!(matches!(judge(&ready, &Memory::default(), &answered, at(1)), Verdict::Going(_)));
    let back = Watched { back: true, wait, ..watched() };
    let memory = Memory { hopeless: Some("CannotPull".into()), ended: None };
    for look in [ready, look(json!({ "instanceTerminationWaitTimeStarted": true }))] {
        assert!(matches!(judge(&look, &memory, &back, at(1)), Verdict::Going(_)), "{look:?}");
    }
    let stopped = look(json!({ "status": "Stopped" }));
    let memory = Memory { ended: Some(START), ..Memory::default() };
    assert!(matches!(judge(&stopped, &memory, &back, at(59)), Verdict::Going(_)), "the rollback is about to begin");
    assert!(matches!(judge(&stopped, &memory, &back, at(61)), Verdict::Failed { .. }), "it never began");
}

#[test]
fn hopeless_ends_the_wait_but_not_a_rollback() {
    let memory = Memory { hopeless: Some("CannotPull".into()), ended: None };
    let verdict = judge(&look(json!({})), &memory, &watched(), at(1));
    assert!(matches!(verdict, Verdict::Failed { why } if why.contains("CannotPull")));
    let back = failed(json!({ "rollbackInfo": { "rollbackDeploymentId": "d-2" } }));
    assert!(matches!(judge(&back, &memory, &watched(), at(1)), Verdict::Going(_)));
}

#[test]
fn progress_names_stage_sets_and_traffic() {
    let set = |label: &str, traffic: f64| {
        json!({ "identifer": label, "taskSetLabel": label, "desiredCount": 2, "runningCount": 1, "pendingCount": 1,
            "trafficWeight": traffic })
    };
    let events = json!([{ "lifecycleEventName": "AllowTraffic", "status": "InProgress" }]);
    let target = json!({ "lifecycleEvents": events, "taskSetsInfo": [set("Blue", 90.0), set("Green", 10.0)] });
    let mut seen = look(json!({}));
    seen.target = Some(Target::read(&json!({ "deploymentTarget": { "ecsTarget": target } })));
    let text = seen.progress("arn:aws:ecs:r:1:task-definition/web:8", "web:7");
    let wanted = "AllowTraffic: web:8 1 of 2 running, 1 pending, 10 % of the traffic; web:7 1 of 2 running, 1 pending, 90 % of \
                  the traffic";
    assert_eq!((text.as_str(), seen.target.unwrap().green().map(|set| set.running)), (wanted, Some(1)));
}
