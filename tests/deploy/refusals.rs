//! What is refused before anything is registered or deployed, each with an exit code and words that help.

use serde_json::{Value, json};

use super::stage::{NEW_IMAGE, Stage, at_rest};
use crate::support::aws::Reply;
use crate::support::process::Ended;

const SKIP: &str = "--skip-task-definition-registration";

/// Runs on a stage of its own; nothing may be changed.
async fn refused(words: &[&str], code: i32, parts: &[&str]) -> (Stage, Ended) {
    refused_on(Stage::start(&[]).await, words, code, parts).await
}

async fn refused_on(stage: Stage, words: &[&str], code: i32, parts: &[&str]) -> (Stage, Ended) {
    let ended = stage.deploy(words).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{words:?}: {}", ended.stderr);
    parts.iter().for_each(|part| assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr));
    assert!(stage.writes().is_empty(), "{words:?}: {:?}", stage.operations());
    (stage, ended)
}

#[tokio::test]
async fn unknown_container_is_refused_with_the_one_that_was_meant() {
    for flag in [
        "--container-image-name-updates=container=wep,tag=v2",
        "--container-env-var-updates=container=wep,name=A,value=1",
        "--container-secret-updates=container=wep,name=A,valueFrom=arn:aws:ssm:eu-west-1:123456789012:parameter/a",
        "--container-docker-label-updates=container=wep,a=b",
    ] {
        let parts = ["there is no container 'wep' in web:7", "hint: Did you mean 'web'? It has web."];
        refused(&[flag], 2, &parts).await;
    }
}

#[tokio::test]
async fn malformed_updates_are_refused_without_a_request() {
    for (parameter, updates) in [
        ("container-image-name-updates", "container=web"),
        ("container-image-name-updates", "tag=v2"),
        ("container-image-name-updates", "nginx:1.27"),
        ("container-image-name-updates", "container=web,tag="),
        ("container-image-name-updates", "container=web,image-and-tag=/nginx:"),
        ("container-image-name-updates", "container=web,image-and-tag=Host.example/UPPER:v1"),
        ("container-image-name-updates", "container=web,colour=red"),
        ("container-env-var-updates", "container=web,name=A"),
        ("container-env-var-updates", "container=web,value=1,name=A"),
        ("container-env-var-updates", "name=A,value=1"),
        ("container-env-var-updates", "[{\"container\": \"web\"}]"),
        ("container-env-var-updates", "[{"),
        ("container-secret-updates", "container=web,name=A,value=1"),
        ("container-docker-label-updates", "container=web,label"),
        ("container-docker-label-updates", "a=b"),
        ("container-image-name-updates", "container=web,tag=${TAG"),
    ] {
        let (stage, ended) = refused(&[&format!("--{parameter}={updates}")], 2, &[]).await;
        let first = ended.stderr.lines().next().unwrap_or_default();
        assert!(first.starts_with(&format!("error: {parameter}")), "{updates}: {}", ended.stderr);
        assert!(ended.stderr.contains("\nhint: "), "{updates}: {}", ended.stderr);
        assert!(stage.aws.received().is_empty(), "{updates}");
    }
}

#[tokio::test]
async fn bad_tags_are_refused_without_a_request() {
    for tags in ["team=web", "key=aws:x,value=y", "key=,value=y", "key=a,value=1 key=a,value=2", "[1]", "[{"] {
        let (stage, _) =
            refused(&[&format!("--task-definition-tags={tags}")], 2, &["error: task-definition-tags"]).await;
        assert!(stage.aws.received().is_empty(), "{tags}");
    }
}

#[tokio::test]
async fn flags_that_cannot_be_right_are_refused_without_a_request() {
    let (same, arn) = ("--cluster=main", "--service-name=arn:aws:ecs:eu-west-1:123456789012:service/other/web");
    for (words, part) in [
        (&["--desired-count=-1"][..], "--desired-count"),
        (&["--desired-count=two"], "--desired-count"),
        (&["--max-poll-attempts=0"], "--max-poll-attempts"),
        (&["--verification-timeout=soon"], "--verification-timeout"),
        (&["--deployment-controller=EXTERNAL"], "--deployment-controller"),
        (&["--force-new-deployment=maybe"], "--force-new-deployment"),
        (&[SKIP, NEW_IMAGE], "skip-task-definition-registration"),
        (&[SKIP, "--task-definition-tags=key=a,value=b"], "skip-task-definition-registration"),
        (&["--previous-revision-number=0"], "revision"),
        (&[arn, same], "its ARN names cluster 'other', but the cluster is 'main'"),
        (&["--create-service", "--security-groups=sg-1"], "subnets"),
    ] {
        let words: Vec<&str> = words.iter().copied().filter(|word| *word != same).collect();
        let (stage, _) = refused(&words, 2, &[part]).await;
        assert!(stage.aws.received().is_empty(), "{words:?}: {:?}", stage.operations());
    }
}

#[tokio::test]
async fn family_with_two_revisions_is_refused() {
    let stage = Stage::start(&[]).await;
    let words = ["update-task-definition", "--family=web:7", "--previous-revision-number=8"];
    let ended = stage.job.run(&words).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(stage.aws.received().is_empty());
}

/// The service as DescribeServices shows it, or as it refuses to.
async fn stage_with(services: Reply) -> Stage {
    let stage = Stage::start(&[]).await;
    stage.aws.answer("DescribeServices", services);
    stage
}

fn shown(change: impl FnOnce(&mut Value)) -> Reply {
    let mut service = at_rest();
    change(&mut service);
    Reply::json(json!({"services": [service], "failures": []}))
}

#[tokio::test]
async fn service_that_cannot_be_deployed_to_is_refused() {
    let missing = json!({"services": [], "failures": [{"arn": "arn:…/web", "reason": "MISSING"}]});
    for (services, part, hint) in [
        (Reply::json(missing), "there is no service 'web' in cluster 'main'", "hint: ECS says MISSING."),
        (
            Reply::fault(400, "ClusterNotFoundException", "Cluster not found."),
            "there is no cluster 'main'",
            "hint: Check the cluster's name",
        ),
        (shown(|service| service["status"] = "INACTIVE".into()), "'web' in cluster 'main' is INACTIVE", "hint: "),
        (shown(|service| service["status"] = "DRAINING".into()), "'web' in cluster 'main' is DRAINING", "hint: "),
        (shown(|service| service["deploymentController"] = json!({"type": "EXTERNAL"})), "by EXTERNAL", "hint: "),
    ] {
        refused_on(stage_with(services).await, &[NEW_IMAGE], 2, &[part, hint]).await;
    }
    let daemon = stage_with(shown(|service| service["schedulingStrategy"] = "DAEMON".into())).await;
    refused_on(daemon, &["--desired-count=3"], 2, &["DAEMON"]).await;
}

#[tokio::test]
async fn family_that_does_not_exist_is_refused() {
    let stage = Stage::start(&[]).await;
    let message = "Unable to describe task definition.";
    stage.aws.answer("DescribeTaskDefinition", Reply::fault(400, "ClientException", message));
    refused_on(stage, &[NEW_IMAGE], 2, &["there is no task definition 'web'", "hint: "]).await;
}

#[tokio::test]
async fn denied_reading_names_the_action() {
    for operation in ["DescribeServices", "DescribeTaskDefinition"] {
        let stage = Stage::start(&[]).await;
        let message = format!("User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecs:{operation}");
        stage.aws.answer(operation, Reply::fault(400, "AccessDeniedException", &message));
        refused_on(stage, &[NEW_IMAGE], 1, &[&format!("hint: Grant ecs:{operation}")]).await;
    }
}

#[tokio::test]
async fn dry_run_shows_differences_and_calls_and_makes_none() {
    let env = "--container-env-var-updates=container=web,name=DB_PASSWORD,value=geheim-new";
    for form in ["--output=plain", "--output=json"] {
        let stage = Stage::start(&[]).await;
        let ended = stage.deploy(&[NEW_IMAGE, env, "--dry-run", form]).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let told = [ended.stdout.as_str(), &ended.stderr].concat();
        for part in ["host.example/web:v2", "RegisterTaskDefinition", "UpdateService", "variable", "***"] {
            assert!(told.contains(part), "{part}\n{told}");
        }
        assert!(!told.contains("geheim"), "{told}");
        let mut operations = stage.operations();
        operations.sort();
        assert_eq!(operations, ["DescribeServices", "DescribeTaskDefinition"]);
        if form == "--output=json" {
            assert_eq!(ended.document()["outcome"], "planned");
        } else {
            assert!(ended.stderr.contains("  ~ web variable DB_PASSWORD: *** -> ***"), "{told}");
        }
    }
}
