//! `verify-revision-is-deployed`: the verdict on a deployment that somebody else began.

use serde_json::Value;

use super::stage::{Stage, arn, at_rest, completed, deployment, going, service};
use crate::support::process::Ended;

async fn verify(stage: &Stage, words: &[&str]) -> Ended {
    let fixed = ["verify-revision-is-deployed", "--cluster=main", "--family=web", "--poll-interval=1"];
    stage.job.run(&[&fixed[..], words].concat()).await
}

/// The service shows this, whoever asks.
async fn showing(service: Value) -> Stage {
    Stage::resting(service, &[]).await
}

#[tokio::test]
async fn verify_ends_as_the_deployment_did() {
    let reason = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/7.";
    let back = deployment("ecs-svc/9", "PRIMARY", 7, 2, "COMPLETED", reason);
    let failed = deployment("ecs-svc/8", "ACTIVE", 8, 0, "FAILED", "tasks failed to start");
    for (service, code, word) in
        [(completed(), 0, "succeeded"), (going(1), 6, "timed-out"), (service(7, &[back, failed]), 4, "rolled-back")]
    {
        for revision in [arn(8), "web:8".into()] {
            let stage = showing(service.clone()).await;
            let words = ["--task-definition-arn", &revision, "--verification-timeout=1s", "--output=json"];
            let ended = verify(&stage, &words).await;
            assert_eq!((ended.code, &ended.document()["outcome"]), (code, &word.into()), "{}", ended.stderr);
            assert!(stage.writes().is_empty());
        }
    }
}

#[tokio::test]
async fn verify_time_out_may_be_success() {
    let stage = showing(going(1)).await;
    let words = ["--task-definition-arn=web:8", "--max-poll-attempts=1", "--fail-on-verification-timeout=false"];
    let ended = verify(&stage, &words).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("time is up"), "{}", ended.stderr);
}

#[tokio::test]
async fn verify_a_revision_that_nobody_deploys_says_what_runs() {
    let stage = showing(at_rest()).await;
    let ended = verify(&stage, &["--task-definition-arn=web:8"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    let said = "error: nobody deploys web:8 to service 'web': it runs web:7\nhint: ";
    assert!(ended.stderr.starts_with(said), "{}", ended.stderr);
}

#[tokio::test]
async fn verify_wants_a_revision_and_a_service() {
    let stage = showing(completed()).await;
    let ended = verify(&stage, &["--task-definition-arn="]).await;
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("--task-definition-arn"), "{}", ended.stderr);
    let words = ["verify-revision-is-deployed", "--cluster=main", "--task-definition-arn=web:8"];
    let ended = stage.job.run(&words).await;
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("--family"), "{}", ended.stderr);
    let ended = stage.job.run(&[&words[..], &["--service-name=web"]].concat()).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}
