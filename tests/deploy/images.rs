//! Which image is deployed: the blog's own call, and the reference that `build-and-push` prints.

use serde_json::Value;

use super::stage::{Stage, completed};
use crate::support::process::Job;

/// As the pipeline's shell hands it over from between single quotes.
const BLOG: &str = "container=web,image-and-tag=${AWS_ECR_ACCOUNT_URL}/nginx:${CIRCLE_SHA1}";
const FLAG: &str = "--container-image-name-updates";
const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const COMMIT: &str = "5f2c1d7e9a8b4c3d2e1f0a9b8c7d6e5f4a3b2c1d";

async fn stage(variables: &[(&str, &str)]) -> Stage {
    let mut stage = Stage::start(&[completed()]).await;
    let job = Job::at(stage.aws.url());
    stage.job = variables.iter().fold(job, |job, (name, value)| job.with(name, value));
    stage
}

fn container(stage: &Stage) -> Value {
    stage.body("RegisterTaskDefinition")["containerDefinitions"][0].clone()
}

#[tokio::test]
async fn the_blogs_call_deploys_the_right_image() {
    let stage = stage(&[("AWS_ECR_ACCOUNT_URL", HOST), ("CIRCLE_SHA1", COMMIT)]).await;
    let ended = stage.deploy(&[FLAG, BLOG]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(container(&stage)["image"], format!("{HOST}/nginx:{COMMIT}"));
}

#[tokio::test]
async fn an_unset_variable_is_named_and_registers_nothing() {
    for (variables, missing) in
        [(&[("CIRCLE_SHA1", COMMIT)][..], "AWS_ECR_ACCOUNT_URL"), (&[("AWS_ECR_ACCOUNT_URL", HOST)], "CIRCLE_SHA1")]
    {
        let stage = stage(variables).await;
        let ended = stage.deploy(&[FLAG, BLOG]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
        let named = format!("variable {missing} is not set");
        let first = ended.stderr.lines().next().unwrap_or_default();
        assert!(first.contains(&named) && first.contains("container-image-name-updates"), "{}", ended.stderr);
        assert!(stage.aws.received().is_empty(), "nothing is even read: {:?}", stage.operations());
    }
}

#[tokio::test]
async fn variables_that_are_set_but_empty_make_no_image() {
    let stage = stage(&[("AWS_ECR_ACCOUNT_URL", ""), ("CIRCLE_SHA1", "")]).await;
    let ended = stage.deploy(&[FLAG, BLOG]).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn a_variable_full_of_syntax_stays_a_value() {
    let branch = "x,container=web,name=MODE,value='$(id)' ${HOME} \"=\\,";
    let stage = stage(&[("CIRCLE_BRANCH", branch)]).await;
    let updates = "--container-env-var-updates=container=web,name=BRANCH,value=${CIRCLE_BRANCH}";
    let labels = "--container-docker-label-updates=container=web,branch=$CIRCLE_BRANCH";
    let ended = stage.deploy(&[updates, labels, "--task-definition-tags=key=branch,value=${CIRCLE_BRANCH}"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let container = container(&stage);
    let find = |name: &str| {
        let entries = container["environment"].as_array().unwrap();
        entries.iter().find(|entry| entry["name"] == name).map(|entry| entry["value"].clone())
    };
    assert_eq!((find("BRANCH").unwrap(), find("MODE").unwrap()), (branch.into(), "plain".into()));
    assert_eq!(container["dockerLabels"]["branch"], branch);
    assert_eq!(stage.body("RegisterTaskDefinition")["tags"][0]["value"], branch);
}

#[tokio::test]
async fn an_image_variable_full_of_syntax_is_refused_as_an_image() {
    let stage = stage(&[("IMAGE", "x,container=web,image-and-tag=evil.example/y:z")]).await;
    let ended = stage.deploy(&[FLAG, "container=web,image-and-tag=$IMAGE"]).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn the_digest_that_build_and_push_prints_is_deployed() {
    let digest = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let image = format!("{HOST}/team/nginx:{COMMIT}@{digest}");
    let stage = stage(&[("DOCKLESS_IMAGE", &image)]).await;
    let ended = stage.deploy(&[FLAG, "container=web,image-and-tag=$DOCKLESS_IMAGE"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(container(&stage)["image"], image);
}
