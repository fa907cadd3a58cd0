//! Each way in which a deployment ends: exit code, the word in JSON, and one screen that says what happened.

use serde_json::{Value, json};

use super::stage::{NEW_IMAGE, Stage, arn, at_rest, completed, deployment, going, service, without_rollback};
use crate::support::aws::{FakeAws, Reply};
use crate::support::process::{Ended, Job};

const BREAKER: &str = "ECS deployment circuit breaker: tasks failed to start.";
const FORCED: [&str; 2] = ["--skip-task-definition-registration", "--force-new-deployment"];

/// The service as it is found, the looks after the update, and what else the ECS does.
struct Script {
    resting: Value,
    looks: Vec<Value>,
    more: fn(&FakeAws),
}

fn script(looks: &[Value]) -> Script {
    Script { resting: at_rest(), looks: looks.to_vec(), more: |_| {} }
}

/// What was told to people, what to programs, and what was asked of ECS.
struct Told {
    plain: Ended,
    document: Value,
    stage: Stage,
}

/// Plays the script twice, once for people and once for programs.
async fn ends(script: Script, words: &[&str], code: i32, word: &str) -> Told {
    let stage = async || {
        let stage = Stage::resting(script.resting.clone(), &script.looks).await;
        (script.more)(&stage.aws);
        stage
    };
    let (first, second) = (stage().await, stage().await);
    let for_programs = [words, &["--output=json"]].concat();
    let (plain, json) = tokio::join!(first.deploy(words), second.deploy(&for_programs));
    assert_eq!((plain.code, json.code), (code, code), "{}\n{}", plain.stderr, json.stderr);
    let document = json.document();
    assert_eq!(document["outcome"], word, "{document}");
    assert!(plain.stderr.lines().count() <= 24, "more than one screen:\n{}", plain.stderr);
    Told { plain, document, stage: first }
}

fn says(ended: &Ended, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr));
}

#[tokio::test]
async fn success_is_exit_code_0() {
    let told = ends(script(&[going(1), completed()]), &[NEW_IMAGE], 0, "succeeded").await;
    assert_eq!(told.plain.stdout, arn(8) + "\n");
    says(&told.plain, &["web:8 1 of 2 running, 1 pending; web:7 2 running", "web in main: web:8 is deployed"]);
    assert_eq!(told.document["task_definition_arn"], arn(8));
    assert_eq!(
        told.stage.body("UpdateService"),
        json!({"cluster": "main", "service": "web", "taskDefinition": arn(8)})
    );
}

fn rolled_back(revision: u32) -> Vec<Value> {
    let back = |rollout| deployment("ecs-svc/9", "PRIMARY", 7, 2, rollout, "");
    let mut ours = deployment("ecs-svc/8", "ACTIVE", revision, 0, "FAILED", BREAKER);
    ours["failedTasks"] = 2.into();
    vec![service(7, &[back("IN_PROGRESS"), ours.clone()]), service(7, &[back("COMPLETED"), ours])]
}

fn task_arn(id: &str) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:task/main/{id}")
}

fn tasks_that_cannot_pull(aws: &FakeAws) {
    let task = |id: &str| {
        json!({
            "taskArn": task_arn(id), "startedBy": "ecs-svc/8",
            "lastStatus": "STOPPED", "stopCode": "TaskFailedToStart", "taskDefinitionArn": arn(8),
            "stoppedReason": "CannotPullContainerError: host.example/web:v2: not found",
            "containers": [{"name": "web"}],
        })
    };
    aws.answer("ListTasks", Reply::json(json!({"taskArns": [task_arn("1"), task_arn("2")]})));
    aws.answer("DescribeTasks", Reply::json(json!({"tasks": [task("1"), task("2")]})));
}

#[tokio::test]
async fn rollback_is_exit_code_4_and_told_with_its_cause() {
    let script = Script { more: tasks_that_cannot_pull, ..script(&rolled_back(8)) };
    let told = ends(script, &[NEW_IMAGE], 4, "rolled-back").await;
    says(
        &told.plain,
        &[
            "web:8 failed and was rolled back to web:7: ECS deployment circuit breaker: tasks failed to start.",
            "- 2 tasks: CannotPullContainerError: host.example/web:v2: not found",
        ],
    );
    assert_eq!(told.document["causes"][0]["count"], 2);
}

#[tokio::test]
async fn rollback_of_a_forced_deployment_leaves_the_same_revision_and_is_seen() {
    let told = ends(script(&rolled_back(7)), &FORCED, 4, "rolled-back").await;
    let body = told.stage.body("UpdateService");
    assert_eq!((&body["forceNewDeployment"], &body["taskDefinition"]), (&json!(true), &json!(arn(7))));
    assert!(!told.stage.operations().contains(&"RegisterTaskDefinition".into()));
}

#[tokio::test]
async fn failure_without_rollback_is_exit_code_3() {
    let failed = service(8, &[deployment("ecs-svc/8", "PRIMARY", 8, 0, "FAILED", BREAKER)]);
    let script = Script { resting: without_rollback(at_rest()), ..script(&[without_rollback(failed)]) };
    let told = ends(script, &[NEW_IMAGE], 3, "failed").await;
    says(&told.plain, &["web in main: web:8 failed: ECS deployment circuit breaker: tasks failed to start."]);
}

#[tokio::test]
async fn replacement_by_a_newer_deployment_is_exit_code_5() {
    let newer = deployment("ecs-svc/10", "PRIMARY", 9, 0, "IN_PROGRESS", "");
    let ours = deployment("ecs-svc/8", "ACTIVE", 8, 1, "IN_PROGRESS", "");
    let told = ends(script(&[going(1), service(9, &[newer, ours])]), &[NEW_IMAGE], 5, "replaced").await;
    says(&told.plain, &["web:8 was replaced by a newer deployment, web:9 (ecs-svc/10)"]);
}

#[tokio::test]
async fn time_out_is_exit_code_6_or_0_where_that_is_wanted() {
    for (more, code) in [("", 6), ("--fail-on-verification-timeout=false", 0)] {
        let words: Vec<&str> =
            [NEW_IMAGE, "--verification-timeout=1s", more].into_iter().filter(|word| !word.is_empty()).collect();
        let told = ends(script(&[going(1)]), &words, code, "timed-out").await;
        says(&told.plain, &["time is up, but the deployment of web:8 goes on: web:8 1 of 2 running"]);
    }
}

#[tokio::test]
async fn nothing_to_do_is_exit_code_0_and_changes_nothing() {
    let told = ends(script(&[]), &[], 0, "nothing-to-do").await;
    says(&told.plain, &["already runs web:7, nothing to do"]);
    assert!(told.stage.writes().is_empty());
    assert_eq!(told.plain.stdout, arn(7) + "\n");
}

#[tokio::test]
async fn without_waiting_it_is_left_once_it_has_begun() {
    for flag in ["--verify-revision-is-deployed=false", "--wait=0"] {
        let told = ends(script(&[going(0)]), &[NEW_IMAGE, flag], 0, "succeeded").await;
        says(&told.plain, &["the deployment of web:8 has begun, not waited for"]);
        assert_eq!(told.stage.operations().last().unwrap(), "UpdateService");
    }
}

#[tokio::test]
async fn scaled_to_zero_waits_until_the_tasks_are_gone() {
    let left = |running: i64| {
        let mut ours = deployment("ecs-svc/7", "PRIMARY", 7, running, "COMPLETED", "");
        (ours["desiredCount"], ours["pendingCount"]) = (0.into(), 0.into());
        service(7, &[ours])
    };
    let told = ends(script(&[left(2), left(0)]), &["--desired-count=0"], 0, "succeeded").await;
    let body = json!({"cluster": "main", "service": "web", "desiredCount": 0});
    assert_eq!(told.stage.body("UpdateService"), body, "no new deployment");
    says(&told.plain, &["web:7 2 of 0 running"]);
}

#[tokio::test]
async fn denied_records_are_a_warning_that_names_the_action() {
    let script = Script {
        more: |aws| {
            let message = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: \
                           ecs:ListServiceDeployments on resource: arn:aws:ecs:eu-west-1:123456789012:service/main/web";
            aws.answer("ListServiceDeployments", Reply::fault(400, "AccessDeniedException", message));
        },
        ..script(&[going(1), going(2), completed()])
    };
    let told = ends(script, &[NEW_IMAGE], 0, "succeeded").await;
    says(&told.plain, &["warning: ecs:ListServiceDeployments is denied", "hint: Grant ecs:ListServiceDeployments"]);
    assert_eq!(told.plain.stderr.matches("is denied").count(), 1, "{}", told.plain.stderr);
}

#[tokio::test]
async fn bursts_of_throttling_are_lived_through() {
    let script = Script {
        more: |aws| {
            let throttled = || Reply::fault(400, "ThrottlingException", "Rate exceeded");
            for operation in ["DescribeTaskDefinition", "DescribeServices", "RegisterTaskDefinition", "UpdateService"] {
                aws.next(operation, throttled());
            }
        },
        ..script(&[completed()])
    };
    let told = ends(script, &[NEW_IMAGE], 0, "succeeded").await;
    assert_eq!(told.stage.aws.received_of("UpdateService").len(), 2, "once more, no oftener");
}

/// Credentials that are good for the beginning only.
fn expire_once_updated(stage: &Stage) {
    let token = || Reply::fault(400, "ExpiredTokenException", "The security token included in the request is expired");
    stage.aws.next("ListServiceDeployments", token());
}

#[tokio::test]
async fn credentials_of_a_role_that_expire_midway_are_renewed() {
    let mut stage = Stage::start(&[going(1), completed()]).await;
    stage.job = Job::at(stage.aws.url()).with("CIRCLECI", "true").with("CIRCLE_OIDC_TOKEN_V2", "a.b.c");
    let operation = "AssumeRoleWithWebIdentity";
    stage.aws.next(operation, Reply::credentials(operation, "ASIAFIRST", "one", "t1"));
    stage.aws.next(operation, Reply::credentials(operation, "ASIASECOND", "two", "t2"));
    expire_once_updated(&stage);
    let ended = stage.deploy(&[NEW_IMAGE, "--role-arn=arn:aws:iam::123456789012:role/ci"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let keys = |operation: &str, key: &str| {
        let received = stage.aws.received_of(operation);
        received.iter().filter(|request| request.header("authorization").contains(key)).count()
    };
    assert_eq!((keys("UpdateService", "ASIAFIRST"), keys("UpdateService", "ASIASECOND")), (1, 0));
    assert!(keys("DescribeServices", "ASIASECOND") > 0, "{:?}", stage.operations());
}

#[tokio::test]
async fn fixed_credentials_that_expire_midway_are_a_clear_failure() {
    let stage = Stage::start(&[going(1)]).await;
    let expired = "The security token included in the request is expired";
    let began = std::sync::atomic::AtomicU32::new(0);
    stage.aws.answer_with("DescribeServices", move |_| match began.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Reply::json(json!({"services": [at_rest()]})),
        1 => Reply::json(json!({"services": [going(1)]})),
        _ => Reply::fault(400, "ExpiredTokenException", expired),
    });
    let ended = stage.deploy(&[NEW_IMAGE]).await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    says(&ended, &["error: the deployment to 'web' has begun, but it cannot be watched", "expired", "\nhint: "]);
}

#[tokio::test]
async fn crowded_registration_is_tried_again() {
    let script = Script {
        more: |aws| {
            let message = "Too many concurrent attempts to create a new revision of the specified family.";
            aws.next("RegisterTaskDefinition", Reply::fault(400, "ClientException", message));
        },
        ..script(&[completed()])
    };
    let told = ends(script, &[NEW_IMAGE], 0, "succeeded").await;
    assert_eq!(told.stage.aws.received_of("RegisterTaskDefinition").len(), 2);
}

#[tokio::test]
async fn refused_update_says_which_revision_is_left_behind() {
    let stage = Stage::start(&[]).await;
    stage.aws.answer("UpdateService", Reply::fault(400, "InvalidParameterException", "No capacity provider."));
    let ended = stage.deploy(&[NEW_IMAGE]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{}", ended.stderr);
    says(&ended, &["error: web:8 was registered, but not deployed", "No capacity provider."]);
}
