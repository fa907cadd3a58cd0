//! What the CircleCI orb aws-ecs 8.0.0 takes for a deployment that runs, and for one that does not, and what is so.
//! Named after what the orb does.

use serde_json::{Value, json};

use super::stage::{NEW_IMAGE, Stage, arn, at_rest, completed, deployment, going, service, without_rollback};
use crate::support::aws::Reply;
use crate::support::process::Ended;

const BREAKER: &str = "ECS deployment circuit breaker: tasks failed to start.";

/// Waits for revision 8 for a second.
async fn verify(service: Value) -> (Value, Ended) {
    let stage = Stage::resting(service, &[]).await;
    let words = ["verify-revision-is-deployed", "--cluster=main", "--family=web", "--task-definition-arn=web:8"];
    let ended = stage.job.run(&[&words[..], &["--verification-timeout=1s", "--output=json"]].concat()).await;
    assert!(stage.writes().is_empty());
    (ended.document(), ended)
}

async fn verdict(service: Value, code: i32, outcome: &str) {
    let (document, ended) = verify(service).await;
    assert_eq!((ended.code, &document["outcome"]), (code, &outcome.into()), "{document}\n{}", ended.stderr);
}

fn ours(running: i64, desired: i64, rollout: &str) -> Value {
    let mut ours = deployment("ecs-svc/8", "PRIMARY", 8, running, rollout, "");
    (ours["desiredCount"], ours["pendingCount"]) = (desired.into(), 0.into());
    let mut service = service(8, &[ours]);
    (service["desiredCount"], service["runningCount"]) = (desired.into(), running.into());
    service
}

#[tokio::test]
async fn orb_takes_none_of_none_and_unhealthy_tasks_for_success() {
    verdict(ours(0, 0, "IN_PROGRESS"), 6, "timed-out").await;
    verdict(ours(2, 2, "IN_PROGRESS"), 6, "timed-out").await;
    verdict(ours(2, 2, "COMPLETED"), 0, "succeeded").await;
}

#[tokio::test]
async fn orb_polls_on_after_a_failure() {
    let failed = deployment("ecs-svc/8", "PRIMARY", 8, 0, "FAILED", BREAKER);
    let old = deployment("ecs-svc/7", "ACTIVE", 7, 2, "COMPLETED", "");
    let failed = without_rollback(service(8, &[failed, old]));
    let (document, ended) = verify(failed).await;
    assert_eq!((ended.code, &document["outcome"]), (3, &"failed".into()), "{}", ended.stderr);
    assert!(document["message"].as_str().unwrap().contains("tasks failed to start"), "{document}");
}

#[tokio::test]
async fn orb_does_not_notice_a_rollback() {
    let reason = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/7.";
    let back = deployment("ecs-svc/9", "PRIMARY", 7, 2, "COMPLETED", reason);
    let failed = deployment("ecs-svc/8", "ACTIVE", 8, 0, "FAILED", BREAKER);
    verdict(service(7, &[back, failed]), 4, "rolled-back").await;
}

#[tokio::test]
async fn orb_waits_for_two_deployments_of_one_revision_for_ever() {
    let stage = Stage::resting(
        completed(),
        &[{
            let again = deployment("ecs-svc/9", "PRIMARY", 8, 2, "COMPLETED", "");
            service(8, &[again, deployment("ecs-svc/8", "ACTIVE", 8, 1, "COMPLETED", "")])
        }],
    )
    .await;
    let words = ["verify-revision-is-deployed", "--cluster=main", "--family=web", "--task-definition-arn", &arn(8)];
    assert_eq!(stage.job.run(&words).await.code, 0);
}

#[tokio::test]
async fn orb_is_green_where_there_is_no_service() {
    let missing = || Reply::json(json!({"services": [], "failures": [{"arn": "arn:…/web", "reason": "MISSING"}]}));
    let stage = Stage::start(&[]).await;
    stage.aws.answer("DescribeServices", missing());
    let ended = stage.deploy(&[NEW_IMAGE]).await;
    assert_eq!((ended.code, stage.writes().len()), (2, 0), "{}", ended.stderr);
    let words = ["verify-revision-is-deployed", "--cluster=main", "--family=web", "--task-definition-arn=web:8"];
    let ended = stage.job.run(&words).await;
    assert!(ended.code == 2 && ended.stderr.contains("there is no service 'web'"), "{}", ended.stderr);
}

#[tokio::test]
async fn orb_registers_before_it_looks() {
    for (service, words) in [
        (inactive(), &[NEW_IMAGE][..]),
        (at_rest(), &[NEW_IMAGE, "--container-env-var-updates=container=wep,name=A,value=1"]),
        (at_rest(), &[NEW_IMAGE, "--task-definition-tags=team=web"]),
        (at_rest(), &[NEW_IMAGE, "--create-service", "--security-groups=sg-1"]),
    ] {
        let stage = Stage::resting(service, &[]).await;
        let ended = stage.deploy(words).await;
        assert_eq!((ended.code, stage.writes().len()), (2, 0), "{words:?}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn orb_misjudges_a_service_by_its_arn() {
    let stage = Stage::start(&[completed()]).await;
    let name = "arn:aws:ecs:eu-west-1:123456789012:service/main/web";
    let words = ["deploy-service-update", "--family=web", NEW_IMAGE, "--max-poll-attempts=1"];
    let ended = stage.job.run(&[&words[..], &["--create-service", "--service-name", name]].concat()).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(stage.body("UpdateService")["service"], name);
    assert_eq!(stage.body("UpdateService")["cluster"], "main");
}

/// Without a target group it sends a load balancer with an empty port; and what it made it cannot verify.
#[tokio::test]
async fn orb_makes_no_service_without_a_load_balancer() {
    let missing = json!({"services": [], "failures": [{"arn": "arn:…/web", "reason": "MISSING"}]});
    for (words, balancers) in [
        (&["--create-service"][..], Value::Null),
        (
            &["--create-service", "--target-group=arn:tg", "--container-name=web", "--container-port=80"],
            json!([{"targetGroupArn": "arn:tg", "containerName": "web", "containerPort": 80}]),
        ),
    ] {
        let mut stage = Stage::start(&[]).await;
        let file = stage.job.path("bash_env");
        stage.job = stage.job.with("BASH_ENV", file.to_str().unwrap());
        stage.aws.answer("CreateService", Reply::json(json!({"service": going(0)})));
        stage.aws.answer("DescribeServices", Reply::json(json!({"services": [completed()], "failures": []})));
        stage.aws.next("DescribeServices", Reply::json(missing.clone()));
        let ended = stage.deploy(&[words, &[NEW_IMAGE]].concat()).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(stage.body("CreateService")["loadBalancers"], balancers);
        assert!(ended.stderr.contains("web:8 is deployed"), "{}", ended.stderr);
        let handed_on = std::fs::read_to_string(file).unwrap();
        assert!(handed_on.contains(&format!("CCI_ORB_AWS_ECS_DEPLOYED_REVISION='{}'", arn(8))), "{handed_on}");
    }
}

fn inactive() -> Value {
    let mut service = at_rest();
    service["status"] = "INACTIVE".into();
    service
}

/// ECS shows a service that was deleted for a while.
#[tokio::test]
async fn orb_updates_what_was_deleted_instead_of_making_it() {
    let stage = Stage::resting(inactive(), &[]).await;
    stage.aws.answer("CreateService", Reply::json(json!({"service": going(0)})));
    let ended = stage.deploy(&[NEW_IMAGE, "--create-service", "--wait=false"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        (&stage.body("CreateService")["serviceName"], stage.aws.received_of("UpdateService").len()),
        (&json!("web"), 0)
    );
}

/// What it was never told to turn off it cannot turn off either; `false` is what its templates pass.
#[tokio::test]
async fn orb_has_one_way_with_the_circuit_breaker() {
    for (words, sent) in [
        (&["--enable-circuit-breaker=false"][..], Value::Null),
        (&[], Value::Null),
        (
            &["--enable-circuit-breaker"],
            json!({
                "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING",
                "deploymentCircuitBreaker": {"enable": true, "rollback": true},
            }),
        ),
    ] {
        let stage = Stage::resting(without_rollback(at_rest()), &[completed()]).await;
        let ended = stage.deploy(&[words, &[NEW_IMAGE]].concat()).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(stage.body("UpdateService")["deploymentConfiguration"], sent, "{words:?}");
    }
}

/// The AppSpec's provider is whole or missing, and a breaker wants somebody who waits: found out after registering.
#[tokio::test]
async fn orb_registers_before_it_counts_its_flags() {
    for word in ["--codedeploy-capacity-provider-base=1", "--codedeploy-capacity-provider-weight=1"] {
        let stage = Stage::start(&[]).await;
        let ended = stage.deploy(&[NEW_IMAGE, "--deployment-controller=CODE_DEPLOY", word]).await;
        assert_eq!((ended.code, stage.operations().len()), (2, 0), "{}", ended.stderr);
        assert!(ended.stderr.contains("--codedeploy-capacity-provider-name"), "{}", ended.stderr);
    }
}
