//! The verdict where a person, another job or a signal has a part in it: pauses and their answers, rollbacks, waits for
//! what others began, and jobs that are cancelled.

use serde_json::{Value, json};

use super::rollouts::{paused, shifting};
use super::stage::{Rehearsal, breaker, says};
use crate::support::stage::Ended;

const SERVICE: [&str; 2] = ["--cluster=main", "--service-name=shop"];
const STARTED: &str = "shop:2 0 of 2 running, 2 pending";

const NOTHING: &str = "nothing is in progress: shop:1 runs, 2 of 2 tasks";

impl Rehearsal {
    /// A command about the service.
    async fn about(&self, command: &str, words: &[&str]) -> Ended {
        self.stage.run(&[&[command], &SERVICE[..], words].concat()).await
    }

    /// A deployment whose job is told to end when it has said this.
    async fn cancelled(&self, when: &[&str], words: &[&str]) -> Ended {
        let deploy = ["deploy-service-update", "--cluster=main", "--family=shop"];
        let image = ["--container-image-name-updates=container=web,tag=v2"];
        self.stage.cancelled(when, &[&deploy[..], &image, words].concat()).await
    }

    async fn runs(&self) -> String {
        let service = self.service().await;
        service["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    }

    /// Until it is so.
    async fn becomes(&self, wanted: impl Fn(&Value) -> bool) {
        while !wanted(&self.service().await) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

/// A hook that waits for an answer for long.
fn patient() -> Value {
    let mut service = paused();
    service["deploymentConfiguration"]["lifecycleHooks"][0]["timeoutConfiguration"]["timeoutInMinutes"] = 600.into();
    service
}

#[tokio::test]
async fn pause_is_told_of_and_answered_by_another_job() {
    let rehearsal = Rehearsal::with_service(patient()).await;
    let answer = async {
        loop {
            let shown = rehearsal.about("continue", &["--dry-run"]).await;
            if shown.code == 0 {
                break;
            }
            assert!(shown.stderr.contains("no deployment of 'shop' is paused"), "{}", shown.stderr);
        }
        // Until the job that deploys has seen it too.
        tokio::time::sleep(std::time::Duration::from_secs(6)).await;
        rehearsal.about("continue", &[]).await
    };
    let (deployed, answered) = tokio::join!(rehearsal.deploy(&[]), answer);
    let how = "hint: Answer with `dockless continue --cluster main --service-name shop` or";
    says(&deployed, 0, &["warning: shop:2 is paused at POST_SCALE_UP", how, "shop:2 is deployed"]);
    says(&answered, 0, &["shop:2 is paused at POST_SCALE_UP and goes on", "shop in main: shop:2 is deployed"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn pause_may_be_left_for_a_later_job_that_goes_back() {
    let rehearsal = Rehearsal::with_service(patient()).await;
    let left = rehearsal.deploy(&["--on-pause=leave"]).await;
    says(
        &left,
        0,
        &["shop in main: shop:2 is paused at POST_SCALE_UP and waits for an answer", "Answer with `dockless"],
    );
    let shown = rehearsal.about("continue", &["--dry-run"]).await;
    assert!(shown.stderr.contains("ContinueServiceDeployment {"), "{}", shown.stderr);
    let back = rehearsal.about("continue", &["--rollback"]).await;
    says(&back, 0, &["shop in main: shop:2 was rolled back to shop:1"]);
    assert_eq!(rehearsal.runs().await, "shop:1");
    rehearsal.end().await;
}

#[tokio::test]
async fn rollback_of_a_paused_deployment_answers_its_hook() {
    let rehearsal = Rehearsal::with_service(patient()).await;
    says(&rehearsal.deploy(&["--on-pause=leave"]).await, 0, &[]);
    let back = rehearsal.about("rollback", &["--from=shop:2"]).await;
    says(&back, 0, &["ECS takes it back to shop:1", "shop:2 was rolled back to shop:1"]);
    assert!(back.stdout.trim().ends_with("task-definition/shop:1"), "{}", back.stdout);
    rehearsal.end().await;
}

#[tokio::test]
async fn wait_may_end_with_the_traffic_or_with_the_bake() {
    let run = async |words: &[&str], part: &str, stages: &[&str]| {
        let mut service = shifting("BLUE_GREEN");
        service["deploymentConfiguration"]["bakeTimeInMinutes"] = 600.into();
        let rehearsal = Rehearsal::with_service(service).await;
        says(&rehearsal.deploy(words).await, 0, &[part]);
        let input = json!({ "cluster": "main", "service": "shop", "status": ["IN_PROGRESS"] });
        let listed = rehearsal.ecs("ListServiceDeployments", input).await;
        let arn = listed["serviceDeployments"][0]["serviceDeploymentArn"].clone();
        let shown = rehearsal.ecs("DescribeServiceDeployments", json!({ "serviceDeploymentArns": [arn] })).await;
        let stage = shown["serviceDeployments"][0]["lifecycleStage"].as_str().unwrap().to_owned();
        assert!(stages.contains(&stage.as_str()), "{stage}");
        rehearsal.end().await;
    };
    tokio::join!(
        run(
            &["--wait-for=production-traffic"],
            "shop:2 has the production traffic; what follows is not waited for",
            &["POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"]
        ),
        run(&["--wait-for=bake"], "shop:2 bakes, and that is not waited for", &["BAKE_TIME"]),
    );
}

/// Without a circuit breaker ECS would try for ever.
#[tokio::test]
async fn hopeless_deployment_ends_the_wait_at_once() {
    let hopeless = [
        json!({ "failPull": {} }),
        json!({ "resourceInitialization": { "reason":
            "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException: not authorized" } }),
        json!({ "failPull": { "reason":
            "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/amd64'" } }),
    ];
    let run = async |fate: Value| {
        let rehearsal = Rehearsal::with_service(json!({})).await;
        rehearsal.fate(fate).await;
        let ended = rehearsal.deploy(&[]).await;
        let parts = ["no further attempt can mend that, but ECS goes on trying", "`dockless rollback --cluster main"];
        says(&ended, 3, &parts);
        says(&rehearsal.about("rollback", &["--from=shop:2"]).await, 0, &["shop:2 was rolled back to shop:1"]);
        assert_eq!(rehearsal.runs().await, "shop:1");
        rehearsal.end().await;
    };
    futures_util::future::join_all(hopeless.map(run)).await;
}

#[tokio::test]
async fn hopeless_deployment_may_be_waited_for_all_the_same() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let unseen = rehearsal.deploy(&["--wait=false", "--rollback-on-failure"]).await;
    says(&unseen, 2, &["--rollback-on-failure needs the wait"]);
    rehearsal.fate(json!({ "failPull": {} })).await;
    let ended = rehearsal.deploy(&["--fail-fast=false", "--verification-timeout=8s"]).await;
    says(&ended, 6, &["time is up", "Wait on with `dockless wait"]);
    rehearsal.end().await;
}

/// The service has no breaker, or one that does not go back; or nothing but time decides.
#[tokio::test]
async fn failure_is_rolled_back_on_request() {
    let run = async |breaker: Value, fate: Value, words: &[&str], part: &str| {
        let rehearsal = Rehearsal::with_service(breaker).await;
        rehearsal.fate(fate).await;
        let ended = rehearsal.deploy(&[&["--rollback-on-failure"], words].concat()).await;
        says(&ended, 4, &["rolling back, since shop:2 failed", part]);
        assert_eq!(rehearsal.runs().await, "shop:1");
        rehearsal.end().await;
    };
    let late = async {
        let rehearsal = Rehearsal::with_service(json!({})).await;
        rehearsal.fate(json!("neverStarts")).await;
        let ended = rehearsal.deploy(&["--rollback-on-failure", "--verification-timeout=6s"]).await;
        says(&ended, 4, &["time is up", "rolled back: shop:2 was rolled back to shop:1"]);
        rehearsal.end().await;
    };
    tokio::join!(
        run(json!({}), json!({ "failPull": {} }), &[], "rolled back: shop:2 was rolled back to shop:1"),
        run(breaker(false), json!({ "exitCode": { "code": 3 } }), &[], "rolled back: shop:1 is deployed"),
        late,
    );
}

/// The limit of the whole run keeps no promise from being kept.
#[tokio::test]
async fn run_whose_time_is_up_says_why_and_goes_back() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    rehearsal.fate(json!("neverStarts")).await;
    let ended = rehearsal.deploy(&["--rollback-on-failure", "--timeout=5s"]).await;
    let why = "2 tasks have been PENDING for ";
    says(&ended, 4, &["time is up, but the deployment of shop:2 goes on", why, "was rolled back to shop:1"]);
    assert_eq!(rehearsal.runs().await, "shop:1");
    let left = rehearsal.deploy(&["--timeout=4s"]).await;
    says(&left, 6, &["time is up, but the deployment of shop:2 goes on", "Wait on with `dockless wait"]);
    rehearsal.end().await;
}

/// A service that was made with a revision that crashes: what ran before it is no better.
#[tokio::test]
async fn rollback_where_nothing_ever_succeeded_says_so_before_any_effect() {
    let rehearsal = Rehearsal::without_service().await;
    let fate = json!({ "exitCode": { "code": 3 } });
    let fates = [json!({ "family": "shop:1", "fate": fate }), json!({ "family": "shop:2", "fate": fate })];
    rehearsal.sandbox.set_faults(json!({ "fates": fates })).await;
    let first = ["deploy-service-update", "--cluster=main", "--family=shop", "--create-service", "--revision=1"];
    let made = rehearsal.stage.run(&[&first[..], &["--verification-timeout=3s"]].concat()).await;
    says(&made, 6, &["time is up", "Wait on with"]);
    assert!(!made.stderr.contains("dockless rollback"), "{}", made.stderr);
    let next = rehearsal.deploy(&["--verification-timeout=3s"]).await;
    says(&next, 6, &["time is up"]);
    assert!(!next.stderr.contains("dockless rollback"), "{}", next.stderr);
    for words in [&["--dry-run"][..], &[]] {
        let back = rehearsal.about("rollback", words).await;
        says(&back, 2, &["no revision is known to have reached success", "--to"]);
    }
    assert_eq!(rehearsal.runs().await, "shop:2", "nothing is done");
    rehearsal.end().await;
}

#[tokio::test]
async fn rollback_goes_to_what_reached_success() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    says(&rehearsal.deploy(&[]).await, 0, &[]);
    // A revision that never ran well lies between.
    rehearsal
        .sandbox
        .set_faults(json!({ "fates": [{ "family": "shop:3", "fate": { "exitCode": { "code": 3 } } }] }))
        .await;
    let env = "--container-env-var-updates=container=web,name=A,value=1";
    let failed = rehearsal.deploy(&[env, "--output=json"]).await;
    let document = failed.document();
    let revision = |member: &str| document[member].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!((revision("task_definition_arn"), revision("deployed_revision")), ("shop:3".into(), "shop:2".into()));
    // ECS has gone back already: that is not done once more unasked.
    let again = "the last deployment, of shop:3, was rolled back before: shop:2 runs, and nothing is undone";
    says(&rehearsal.about("rollback", &[]).await, 0, &[again, "give --from shop:2"]);
    let shown = rehearsal.about("rollback", &["--from=shop:2", "--dry-run"]).await;
    says(&shown, 0, &["shop:1 is the last that reached success before, on ", "UpdateService {"]);
    assert_eq!(rehearsal.runs().await, "shop:2", "nothing is done");
    let back = rehearsal.about("rollback", &["--from=shop:2"]).await;
    says(&back, 0, &["shop in main: shop:1 is deployed"]);
    let again = rehearsal.about("rollback", &["--from=shop:2"]).await;
    says(&again, 0, &["the service runs shop:1, not shop:2: nothing to undo"]);
    says(&rehearsal.about("rollback", &[]).await, 2, &["nothing but shop:1 is known to have reached success"]);
    says(&rehearsal.about("rollback", &["--to=2"]).await, 0, &["shop in main: shop:2 is deployed"]);
    rehearsal.end().await;
}

/// Nobody else knows what ran before.
#[tokio::test]
async fn rollback_without_the_history_guesses_nothing() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    says(&rehearsal.deploy(&[]).await, 0, &[]);
    rehearsal.sandbox.set_faults(super::stage::rule("ecs:ListServiceDeployments", 1000, json!("deny"))).await;
    let ended = rehearsal.about("rollback", &[]).await;
    says(&ended, 1, &["the history of 'shop' cannot be read", "ecs:ListServiceDeployments", "--to"]);
    says(&rehearsal.about("rollback", &["--to=shop:1"]).await, 0, &["shop:1 is deployed"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn wait_follows_what_somebody_else_began() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    says(&rehearsal.about("wait", &[]).await, 0, &[NOTHING]);
    let arn = rehearsal.service().await["serviceArn"].as_str().unwrap().to_owned();
    says(&rehearsal.stage.run(&["wait", "--service", &arn]).await, 0, &[NOTHING]);
    let later =
        "Its verdict comes with `dockless wait --cluster main --service-name shop --task-definition-arn shop:2`.";
    says(&rehearsal.deploy(&["--wait=false"]).await, 0, &["not waited for", later]);
    says(&rehearsal.about("wait", &[]).await, 0, &["shop in main: shop:2 is deployed"]);
    rehearsal
        .sandbox
        .set_faults(json!({ "fates": [{ "family": "shop:3", "fate": { "exitCode": { "code": 3 } } }] }))
        .await;
    let env = "--container-env-var-updates=container=web,name=A,value=1";
    says(&rehearsal.deploy(&[env, "--wait=false"]).await, 0, &[]);
    says(&rehearsal.about("wait", &[]).await, 4, &["shop:3 failed and was rolled back to shop:2"]);
    // It is over and has left the service's list, but ECS remembers.
    rehearsal.becomes(|service| service["deployments"].as_array().unwrap().len() == 1).await;
    says(&rehearsal.about("wait", &[]).await, 4, &["shop:3 failed and was rolled back to shop:2", "exited with 3"]);
    let verify = rehearsal.about("verify-revision-is-deployed", &["--task-definition-arn=shop:3"]).await;
    says(&verify, 4, &["shop:3 failed and was rolled back to shop:2", "tasks: container web exited with 3"]);
    let replaced = rehearsal.about("wait", &["--revision=shop:1"]).await;
    says(&replaced, 5, &["shop:1 was replaced by a newer deployment, shop:2"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn cancelled_job_says_how_to_undo_what_goes_on() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    rehearsal.fate(json!("neverStarts")).await;
    let ended = rehearsal.cancelled(&[STARTED], &[]).await;
    let undo = "`dockless rollback --cluster main --service-name shop --from shop:2`";
    says(&ended, 130, &["interrupted: the deployment of shop:2 (ecs-svc/", "goes on in ECS", undo]);
    assert_eq!(rehearsal.runs().await, "shop:2");
    rehearsal.end().await;
}

#[tokio::test]
async fn cancelled_job_goes_back_on_request() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    rehearsal.fate(json!("neverStarts")).await;
    let ended = rehearsal.cancelled(&[STARTED], &["--rollback-on-cancel"]).await;
    says(&ended, 130, &["interrupted: shop:2 is being rolled back, which is not waited for"]);
    says(&rehearsal.about("wait", &[]).await, 4, &["shop:2 failed and was rolled back to shop:1"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn second_interrupt_leaves_at_once() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let slow = json!({ "on": "ecs:StopServiceDeployment", "then": { "slow": { "milliseconds": 20_000 } } });
    let fate = json!({ "family": "shop:2", "fate": "neverStarts" });
    rehearsal.sandbox.set_faults(json!({ "rules": [slow], "fates": [fate] })).await;
    let began = std::time::Instant::now();
    let ended = rehearsal.cancelled(&[STARTED, "interrupted: rolling back"], &["--rollback-on-cancel"]).await;
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

/// Before the answer to UpdateService has come nobody knows.
#[tokio::test]
async fn cancelled_in_the_middle_of_the_calls_names_the_revision() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let slow = json!({ "on": "ecs:UpdateService", "then": { "slow": { "milliseconds": 20_000 } } });
    rehearsal.sandbox.set_faults(json!({ "rules": [slow] })).await;
    let ended = rehearsal.cancelled(&["registered shop:2"], &["--output=json"]).await;
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    let document = ended.document();
    assert_eq!(document["outcome"], "interrupted");
    let message = document["message"].as_str().unwrap();
    assert!(message.contains("shop:2 is registered, and ECS may have begun to deploy it"), "{message}");
}
