use serde_json::{Value, json};

use super::*;
use crate::deploy::fake::{arn, deployment, service};

const BREAKER: &str = "ECS deployment circuit breaker: tasks failed to start.";
const BACK: &str = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/7.";

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// We deployed revision 8 as ecs-svc/8 over revision 7; rollback is on; there are 1000 seconds.
fn watched() -> Watched {
    let before = Before {
        ids: vec!["ecs-svc/7".into()],
        definitions: vec![arn(7)],
        newest_event: None,
        rollback: true,
        rolling: true,
        record: None,
        unproven: false,
    };
    let (until, on_pause) = (Until::default(), OnPause::default());
    Watched { task_definition: arn(8), fresh: true, count: None, before, deadline: at(1000), until, on_pause }
}

fn snapshot(deployments: &[Value]) -> Snapshot {
    Snapshot { service: Service::read(&service(8, deployments)), ..Snapshot::default() }
}

fn recorded(status: &str, deployments: &[Value]) -> Snapshot {
    let record = json!({"serviceDeploymentArn": "arn", "status": status, "statusReason": "because"});
    Snapshot { record: Some(Record::read(&record)), ..snapshot(deployments) }
}

/// The verdicts on looks at the given seconds, one after the other.
fn verdicts(watched: &Watched, looks: &[(u64, Snapshot)]) -> Vec<Verdict> {
    let mut memory = Memory { id: Some("ecs-svc/8".into()), ..Memory::default() };
    let mut verdicts = Vec::new();
    for (seconds, snapshot) in looks {
        memory.note(snapshot, watched, at(*seconds));
        verdicts.push(judge(snapshot, &memory, watched, at(*seconds)));
    }
    verdicts
}

fn last(watched: &Watched, looks: &[(u64, Snapshot)]) -> Verdict {
    let mut verdicts = verdicts(watched, looks);
    let last = verdicts.pop().unwrap();
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Going(_))), "{verdicts:?}");
    last
}

fn ours(status: &str, running: i64, rollout: &str, reason: &str) -> Value {
    deployment("ecs-svc/8", status, 8, running, rollout, reason)
}

fn old(status: &str) -> Value {
    deployment("ecs-svc/7", status, 7, 2, "COMPLETED", "ECS deployment ecs-svc/7 completed.")
}

fn failing() -> Value {
    let mut ours = ours("PRIMARY", 0, "IN_PROGRESS", "");
    ours["failedTasks"] = 3.into();
    ours
}

#[test]
fn success_does_not_wait_for_old_tasks() {
    let going = snapshot(&[ours("PRIMARY", 1, "IN_PROGRESS", ""), old("ACTIVE")]);
    assert_eq!(
        verdicts(&watched(), &[(1, going.clone())]),
        [Verdict::Going("web:8 1 of 2 running, 1 pending; web:7 2 running".into())]
    );
    let done = snapshot(&[ours("PRIMARY", 2, "COMPLETED", ""), old("ACTIVE")]);
    assert_eq!(last(&watched(), &[(1, going), (9, done)]), Verdict::Done);
}

#[test]
fn success_needs_more_than_running_tasks() {
    let all_up = snapshot(&[ours("PRIMARY", 2, "IN_PROGRESS", "")]);
    assert!(matches!(last(&watched(), &[(1, all_up)]), Verdict::Going(_)));
}

#[test]
fn success_of_zero_tasks() {
    let mut none = ours("PRIMARY", 0, "COMPLETED", "");
    none["desiredCount"] = 0.into();
    none["pendingCount"] = 0.into();
    assert_eq!(last(&watched(), &[(1, snapshot(&[none]))]), Verdict::Done);
}

#[test]
fn success_without_rollout_state_needs_old_tasks_gone() {
    let both = snapshot(&[ours("PRIMARY", 2, "", ""), old("ACTIVE")]);
    let one = snapshot(&[ours("PRIMARY", 2, "", "")]);
    assert_eq!(last(&watched(), &[(1, both), (2, one)]), Verdict::Done);
}

#[test]
fn success_of_a_new_count_needs_its_tasks() {
    let scaling = Watched { fresh: false, ..watched() };
    let tasks = |running| snapshot(&[ours("PRIMARY", running, "COMPLETED", "")]);
    assert_eq!(last(&scaling, &[(1, tasks(1)), (2, tasks(2))]), Verdict::Done);
    assert_eq!(last(&scaling, &[(1, tasks(3)), (2, tasks(2))]), Verdict::Done, "too many are as wrong");
}

#[test]
fn rollback_is_followed_to_its_end() {
    let back = |rollout| deployment("ecs-svc/9", "PRIMARY", 7, 2, rollout, BACK);
    let looks = [
        (1, snapshot(&[failing(), old("ACTIVE")])),
        (2, snapshot(&[back("IN_PROGRESS"), ours("ACTIVE", 0, "FAILED", BREAKER), old("ACTIVE")])),
        (3, snapshot(&[back("COMPLETED")])),
    ];
    let expected = Verdict::RolledBack { to: "web:7".into(), why: BREAKER.into(), complete: true };
    assert_eq!(last(&watched(), &looks), expected);
}

#[test]
fn rollback_to_the_id_from_before_is_seen() {
    let looks = [
        (1, snapshot(&[failing(), old("ACTIVE")])),
        (2, snapshot(&[old("PRIMARY"), ours("ACTIVE", 0, "FAILED", BREAKER)])),
    ];
    assert!(matches!(last(&watched(), &looks), Verdict::RolledBack { complete: true, .. }));
}

#[test]
fn rollback_of_a_forced_deployment_is_seen_by_id() {
    let mut forced = watched();
    forced.task_definition = arn(7);
    let ours = |status: &str, rollout: &str| {
        let mut ours = deployment("ecs-svc/8", status, 7, 0, rollout, BREAKER);
        ours["failedTasks"] = 3.into();
        ours
    };
    let back = deployment("ecs-svc/9", "PRIMARY", 7, 2, "COMPLETED", "ECS deployment ecs-svc/9 completed.");
    let looks = [(1, snapshot(&[ours("PRIMARY", "IN_PROGRESS"), old("ACTIVE")])), (2, snapshot(&[back]))];
    assert!(matches!(last(&forced, &looks), Verdict::RolledBack { .. }));
}

#[test]
fn rollback_is_what_brings_an_older_deployment_back() {
    let mut bare = watched();
    bare.before.rollback = false;
    let back = || snapshot(&[old("PRIMARY")]);
    let looks = [(1, snapshot(&[ours("PRIMARY", 0, "IN_PROGRESS", "")])), (2, back()), (3, back()), (4, back())];
    assert!(matches!(last(&bare, &looks), Verdict::RolledBack { .. }));
}

#[test]
fn rollback_that_fails_is_a_failure() {
    let back = deployment("ecs-svc/9", "PRIMARY", 7, 0, "FAILED", "no capacity");
    let looks = [(1, snapshot(&[back, ours("ACTIVE", 0, "FAILED", BREAKER)]))];
    assert!(matches!(last(&watched(), &looks), Verdict::Failed { why } if why.contains("no capacity")));
}

#[test]
fn rollback_still_going_on_at_the_deadline_is_one() {
    let back = deployment("ecs-svc/9", "PRIMARY", 7, 1, "IN_PROGRESS", BACK);
    let looks = [(1000, snapshot(&[back, ours("ACTIVE", 0, "FAILED", BREAKER)]))];
    assert!(matches!(last(&watched(), &looks), Verdict::RolledBack { complete: false, .. }));
}

#[test]
fn failure_without_rollback_is_final_at_once() {
    let mut bare = watched();
    bare.before.rollback = false;
    let failed = snapshot(&[ours("PRIMARY", 0, "FAILED", BREAKER), old("ACTIVE")]);
    assert_eq!(last(&bare, &[(1, failed)]), Verdict::Failed { why: BREAKER.into() });
}

#[test]
fn failure_with_nothing_to_roll_back_to_is_final_after_a_while() {
    let failed = || snapshot(&[ours("PRIMARY", 0, "FAILED", BREAKER)]);
    let looks = [(1, failed()), (30, failed()), (61, failed())];
    assert_eq!(last(&watched(), &looks), Verdict::Failed { why: BREAKER.into() });
}

#[test]
fn failure_followed_by_a_newer_deployment_stays_a_failure() {
    let mut bare = watched();
    bare.before.rollback = false;
    let newer = deployment("ecs-svc/9", "PRIMARY", 9, 0, "IN_PROGRESS", "");
    let looks = [(1, snapshot(&[newer, ours("ACTIVE", 0, "FAILED", BREAKER)]))];
    assert_eq!(last(&bare, &looks), Verdict::Failed { why: BREAKER.into() });
}

#[test]
fn replacement_by_a_newer_deployment() {
    let newer = deployment("ecs-svc/9", "PRIMARY", 9, 0, "IN_PROGRESS", "ECS deployment ecs-svc/9 in progress.");
    for listed in [vec![newer.clone(), ours("ACTIVE", 1, "IN_PROGRESS", "")], vec![newer]] {
        let looks = [(1, snapshot(&[ours("PRIMARY", 1, "IN_PROGRESS", "")])), (2, snapshot(&listed))];
        assert_eq!(last(&watched(), &looks), Verdict::Replaced { by: "web:9 (ecs-svc/9)".into() });
    }
}

#[test]
fn replacement_by_the_old_revision_without_automatic_rollback() {
    let mut bare = watched();
    bare.before.rollback = false;
    let by_hand = deployment("ecs-svc/9", "PRIMARY", 7, 0, "IN_PROGRESS", "ECS deployment ecs-svc/9 in progress.");
    assert!(matches!(last(&bare, &[(1, snapshot(&[by_hand]))]), Verdict::Replaced { .. }));
}

#[test]
fn replacement_of_a_healthy_forced_deployment_is_no_rollback() {
    let mut forced = watched();
    forced.task_definition = arn(7);
    let ours = deployment("ecs-svc/8", "ACTIVE", 7, 2, "IN_PROGRESS", "");
    let newer = deployment("ecs-svc/9", "PRIMARY", 7, 0, "IN_PROGRESS", "ECS deployment ecs-svc/9 in progress.");
    assert!(matches!(last(&forced, &[(1, snapshot(&[newer, ours]))]), Verdict::Replaced { .. }));
}

#[test]
fn stale_list_is_not_believed() {
    let stale = || snapshot(&[old("PRIMARY")]);
    let looks = [(1, stale()), (2, stale()), (3, stale()), (4, stale()), (5, stale())];
    assert!(matches!(last(&watched(), &looks), Verdict::Going(_)));
    let looks = [(1, snapshot(&[ours("PRIMARY", 0, "IN_PROGRESS", ""), old("ACTIVE")])), (2, stale()), (3, stale())];
    assert!(matches!(last(&watched(), &looks), Verdict::Going(_)));
}

#[test]
fn stale_list_is_believed_in_the_end() {
    let stale = || snapshot(&[old("PRIMARY")]);
    let looks = [(1, snapshot(&[failing(), old("ACTIVE")])), (2, stale()), (3, stale()), (4, stale())];
    assert!(matches!(last(&watched(), &looks), Verdict::RolledBack { .. }));
}

#[test]
fn earlier_rollback_in_a_stale_list_is_not_ours() {
    let earlier = deployment("ecs-svc/7", "PRIMARY", 7, 1, "IN_PROGRESS", BACK);
    assert!(matches!(last(&watched(), &[(1, snapshot(&[earlier]))]), Verdict::Going(_)));
}

#[test]
fn stall_times_out_with_what_was_seen_last() {
    let stalled = || snapshot(&[ours("PRIMARY", 0, "IN_PROGRESS", ""), old("ACTIVE")]);
    let expected = Verdict::TimedOut("web:8 0 of 2 running, 2 pending; web:7 2 running".into());
    assert_eq!(last(&watched(), &[(1, stalled()), (999, stalled()), (1000, stalled())]), expected);
}

#[test]
fn deployment_that_the_answer_did_not_name_is_adopted() {
    let mut memory = Memory::default();
    let done = snapshot(&[ours("PRIMARY", 2, "COMPLETED", "")]);
    memory.note(&done, &watched(), at(1));
    assert_eq!(judge(&done, &memory, &watched(), at(1)), Verdict::Done);
    // An emulator that changes the service but not its deployment: never a success.
    let mut memory = Memory::default();
    let unmoved = snapshot(&[old("PRIMARY")]);
    memory.note(&unmoved, &watched(), at(1));
    assert!(matches!(judge(&unmoved, &memory, &watched(), at(1)), Verdict::Going(_)));
}

#[test]
fn deleted_service_is_a_failure() {
    let mut gone = snapshot(&[ours("PRIMARY", 0, "IN_PROGRESS", "")]);
    gone.service.status = "DRAINING".into();
    assert_eq!(last(&watched(), &[(1, gone)]), Verdict::Gone("DRAINING".into()));
    let missing = || Snapshot { service: Service::missing(), ..Snapshot::default() };
    assert!(matches!(last(&watched(), &[(1, missing()), (2, missing())]), Verdict::Going(_)), "just created");
}

#[test]
fn record_decides_where_it_has_ended() {
    let mut shifting = watched();
    shifting.before.rolling = false;
    let up = || [ours("PRIMARY", 2, "COMPLETED", "")];
    assert_eq!(
        last(&shifting, &[(1, recorded("IN_PROGRESS", &up())), (2, recorded("SUCCESSFUL", &up()))]),
        Verdict::Done
    );
    assert_eq!(last(&watched(), &[(1, recorded("IN_PROGRESS", &up()))]), Verdict::Done, "rolling: the state is enough");
    let back = [deployment("ecs-svc/9", "PRIMARY", 7, 2, "COMPLETED", "")];
    let looks = [(1, recorded("ROLLBACK_IN_PROGRESS", &back)), (2, recorded("ROLLBACK_SUCCESSFUL", &back))];
    let expected = Verdict::RolledBack { to: "web:7".into(), why: "because".into(), complete: true };
    assert_eq!(last(&watched(), &looks), expected);
    assert!(matches!(last(&watched(), &[(1, recorded("ROLLBACK_FAILED", &back))]), Verdict::Failed { .. }));
}

#[test]
fn record_that_was_stopped_is_replaced_or_failed() {
    let newer = || [deployment("ecs-svc/9", "PRIMARY", 9, 0, "IN_PROGRESS", "")];
    assert!(matches!(last(&watched(), &[(1, recorded("STOPPED", &newer()))]), Verdict::Replaced { .. }));
    let mut triggered = recorded("STOPPED", &newer());
    triggered.record.as_mut().unwrap().breaker = Some("TRIGGERED".into());
    assert_eq!(last(&watched(), &[(1, triggered)]), Verdict::Failed { why: "because".into() });
}

#[test]
fn shifting_deployment_waits_for_its_record() {
    let mut shifting = watched();
    shifting.before.rolling = false;
    let up = || snapshot(&[ours("PRIMARY", 2, "COMPLETED", "")]);
    let expected = Snapshot { record_expected: true, ..up() };
    assert!(matches!(last(&shifting, &[(1, expected)]), Verdict::Going(_)));
    assert_eq!(last(&shifting, &[(1, up())]), Verdict::Done, "there is no better witness");
}

#[test]
fn rollback_is_known_by_an_earlier_revision_behind_a_failed_one() {
    let mut late = watched();
    (late.before.ids, late.before.definitions) = (Vec::new(), Vec::new());
    let back = |revision| deployment("ecs-svc/9", "PRIMARY", revision, 2, "COMPLETED", "");
    let look = |revision| [(1, snapshot(&[back(revision), ours("ACTIVE", 0, "FAILED", BREAKER)]))];
    assert!(matches!(last(&late, &look(7)), Verdict::RolledBack { complete: true, .. }));
    assert_eq!(last(&late, &look(9)), Verdict::Failed { why: BREAKER.into() }, "somebody mended it");
}

#[test]
fn success_of_a_new_count_is_not_read_from_an_old_answer() {
    let scaling = Watched { fresh: false, count: Some(5), ..watched() };
    let counted = |desired: i64| {
        let mut service = service(7, &[ours("PRIMARY", desired, "COMPLETED", "")]);
        service["desiredCount"] = desired.into();
        service["deployments"][0]["desiredCount"] = desired.into();
        Snapshot { service: Service::read(&service), ..Snapshot::default() }
    };
    assert_eq!(last(&scaling, &[(1, counted(2)), (2, counted(2)), (3, counted(5))]), Verdict::Done);
    let scaled = [(1, counted(2)), (2, counted(3)), (3, counted(3))];
    assert_eq!(last(&scaling, &scaled), Verdict::Done, "somebody else may scale it meanwhile");
}

/// A look at a record at this stage, our tasks all up.
fn staged(stage: &str, pause: bool) -> Snapshot {
    let hooks = json!([{"hookId": "h", "status": if pause { "AWAITING_ACTION" } else { "SUCCEEDED" }}]);
    let record = json!({"status": "IN_PROGRESS", "lifecycleStage": stage, "lifecycleHookDetails": hooks});
    Snapshot { record: Some(Record::read(&record)), ..snapshot(&[ours("PRIMARY", 2, "IN_PROGRESS", "")]) }
}

#[test]
fn stage_that_was_waited_for_ends_the_wait() {
    let stages = ["SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"];
    let reached_at = |until: Until, rolling: bool| {
        let mut watched = Watched { until, ..watched() };
        watched.before.rolling = rolling;
        let reached = |stage: &&&str| verdicts(&watched, &[(1, staged(stage, false))]) == [Verdict::Reached(until)];
        stages.iter().find(reached).copied()
    };
    assert_eq!(reached_at(Until::ProductionTraffic, false), Some("POST_PRODUCTION_TRAFFIC_SHIFT"));
    assert_eq!(reached_at(Until::Bake, false), Some("BAKE_TIME"));
    assert_eq!(reached_at(Until::Bake, true), Some("BAKE_TIME"), "alarms make a rolling deployment bake");
    assert_eq!(reached_at(Until::Completion, false), None);
}

#[test]
fn pause_is_waited_through_or_left() {
    let mut waiting = watched();
    waiting.before.rolling = false;
    let leaving = Watched { on_pause: OnPause::Leave, ..waiting.clone() };
    let paused = || [(1, staged("POST_SCALE_UP", true))];
    let expected = Verdict::Going("web:8 2 of 2 running; paused at POST_SCALE_UP".into());
    assert_eq!(verdicts(&waiting, &paused()), [expected]);
    assert_eq!(last(&leaving, &paused()), Verdict::Paused("POST_SCALE_UP".into()));
    assert!(matches!(last(&leaving, &[(1, staged("POST_SCALE_UP", false))]), Verdict::Going(_)));
}

/// Looks at a deployment whose tasks can never run, first known at second 10.
fn hopeless(watched: &Watched, seconds: u64, look: Snapshot) -> Verdict {
    let hopeless = Some((at(10), "no such image".into()));
    let memory = Memory { id: Some("ecs-svc/8".into()), hopeless, ..Memory::default() };
    judge(&look, &memory, watched, at(seconds))
}

#[test]
fn hopeless_deployment_fails_at_once_unless_ecs_goes_back() {
    let mut bare = watched();
    bare.before.rollback = false;
    let look = || snapshot(&[failing(), old("ACTIVE")]);
    assert!(matches!(hopeless(&bare, 11, look()), Verdict::Failed { why } if why.starts_with("no such image; ")));
    assert!(matches!(hopeless(&watched(), 11, look()), Verdict::Going(_)));
    assert!(matches!(hopeless(&watched(), 310, look()), Verdict::Failed { .. }), "not for ever");
    assert!(matches!(hopeless(&bare, 11, snapshot(&[ours("PRIMARY", 1, "IN_PROGRESS", "")])), Verdict::Going(_)));
    let rolling_back = recorded("ROLLBACK_IN_PROGRESS", &[failing()]);
    assert!(matches!(hopeless(&bare, 11, rolling_back), Verdict::Going(_)));
}

#[test]
fn replacement_waits_for_what_the_record_says() {
    let mut bare = watched();
    bare.before.rollback = false;
    let newer = || [deployment("ecs-svc/9", "PRIMARY", 7, 0, "IN_PROGRESS", "")];
    let looks = [(1, recorded("IN_PROGRESS", &newer())), (2, recorded("ROLLBACK_SUCCESSFUL", &newer()))];
    assert!(matches!(last(&bare, &looks), Verdict::RolledBack { .. }), "by hand, perhaps");
    assert!(matches!(last(&bare, &[(1, recorded("STOP_REQUESTED", &newer()))]), Verdict::Replaced { .. }));
}

#[test]
fn rollback_is_to_what_was_before_while_the_list_is_old() {
    let old_list = recorded("ROLLBACK_SUCCESSFUL", &[ours("PRIMARY", 0, "IN_PROGRESS", "")]);
    assert!(matches!(last(&watched(), &[(1, old_list)]), Verdict::RolledBack { to, .. } if to == "web:7"));
}
