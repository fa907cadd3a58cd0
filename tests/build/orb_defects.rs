//! What the CircleCI orb aws-ecr 9.8.1 does wrong when it builds, tags and pushes, one case a test, and right here.
//! Named after what the orb does.

use serde_json::{Value, json};

use super::login::{authorization, with_keys};
use super::{strs, workplace};
use crate::support::aws::{FakeAws, Received, Reply, SECRET_KEY};
use crate::support::registry::Registry;
use crate::support::stage::{Ended, Stage};

/// ECR takes none of less than 100 characters.
const LIFECYCLE: &str = r#"{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":9},"action":{"type":"expire"}}]}"#;

/// A region whose registries no name service knows: a push gets no further than the look for them.
const NOWHERE: &str = "eu-nowhere-9";

/// `build-and-push … --repo shop`, into this registry.
fn into_shop(registry: &Registry, more: &[&str]) -> Vec<String> {
    let base = format!("{}/base:1", registry.host());
    let fixed = ["build-and-push", "--jar=app.jar", "--from", &base, "--account-url", registry.host(), "--repo=shop"];
    [&fixed, more].concat().iter().map(|word| (*word).to_owned()).collect()
}

async fn push(stage: &Stage, registry: &Registry, more: &[&str]) -> Value {
    stage.document(&strs(&into_shop(registry, more))).await
}

/// The tags of what was written.
fn tags(document: &Value) -> Vec<&str> {
    let references = document["references"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
    references.map(|text| text.rsplit_once('@').unwrap().0.rsplit_once(':').unwrap().1).collect()
}

#[tokio::test]
async fn orb_takes_a_blank_after_a_comma_for_another_word() {
    let (stage, registry) = workplace().await;
    assert_eq!(tags(&push(&stage, &registry, &["--tag", "v1, v2 ,,v3,"]).await), ["v1", "v2", "v3"]);
}

#[tokio::test]
async fn orb_leaves_images_that_nobody_asked_for() {
    let (stage, registry) = workplace().await;
    push(&stage, &registry, &["--tag=v1,v2"]).await;
    let sent: Vec<String> = registry.requests("PUT", "/manifests/").into_iter().map(|request| request.path).collect();
    assert_eq!(sent, ["/v2/shop/manifests/v1", "/v2/shop/manifests/v2"]);
    let manifest: Value = serde_json::from_slice(&registry.manifest("shop", "v1").unwrap()).unwrap();
    assert!(manifest["config"].is_object() && manifest["manifests"].is_null(), "an image, no list of them: {manifest}");
    let mut named: Vec<&Value> = manifest["layers"].as_array().unwrap().iter().collect();
    named.push(&manifest["config"]);
    let begun = registry.count("POST", "/v2/shop/blobs/");
    assert!(begun <= named.len(), "{begun} uploads for {} blobs", named.len());
}

/// The configuration of an image.
fn config(registry: &Registry, tag: &str) -> Value {
    let manifest: Value = serde_json::from_slice(&registry.manifest("shop", tag).unwrap()).unwrap();
    serde_json::from_slice(&registry.blob("shop", manifest["config"]["digest"].as_str().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn orb_runs_what_a_branch_is_called_and_changes_secrets() {
    const BRANCH: &str = "x$(touch pwned)`touch pwned`;touch pwned";
    const SECRET: &str = "geheim\"a'b $HOME ${HOME} \\ *,A=1";
    let (stage, registry) = workplace().await;
    let stage = stage.env("CIRCLE_BRANCH", BRANCH).env("SECRET", SECRET);
    let words = ["--environment-variables=BRANCH=${CIRCLE_BRANCH}", "--environment-variables=SECRET=$SECRET"];
    let ended = stage.done(&strs(&into_shop(&registry, &[&words[..], &["-vv"]].concat()))).await;
    let env = config(&registry, "latest")["config"]["Env"].clone();
    for wanted in [format!("BRANCH={BRANCH}"), format!("SECRET={SECRET}")] {
        assert!(env.as_array().unwrap().contains(&json!(wanted)), "{wanted} in {env}");
    }
    assert!(!stage.path("pwned").exists());
    assert!(!ended.said().contains("geheim"), "{}", ended.said());
}

#[tokio::test]
async fn orb_cuts_a_commit_in_its_tag_alone() {
    let (stage, registry) = workplace().await;
    let stage = stage.env("CIRCLE_SHA1", "0123456789abcdef");
    let words = [
        "--tag=${CIRCLE_SHA1:0:7}",
        "--labels=commit=${CIRCLE_SHA1:0:7}",
        "--environment-variables=COMMIT=${CIRCLE_SHA1:0:7}",
        "--jvm-flags=-Dcommit=${CIRCLE_SHA1:0:7}",
    ];
    assert_eq!(tags(&push(&stage, &registry, &words).await), ["0123456"]);
    let config = config(&registry, "0123456")["config"].to_string();
    assert_eq!((config.matches("0123456\"").count(), config.contains("01234567")), (3, false), "{config}");
}

#[tokio::test]
async fn orb_takes_a_longer_tag_for_the_tag() {
    let (stage, registry) = workplace().await;
    push(&stage, &registry, &["--tag=v1.0.1"]).await;
    for tag in ["v1.0", "1.0.1", "V1.0.1"] {
        let document = push(&stage, &registry, &["--skip-when-tags-exist", "--tag", tag]).await;
        assert_eq!(tags(&document), [tag], "{document}");
        assert!(registry.manifest("shop", tag).is_some(), "{tag}");
    }
}

/// It lists the repository by ECR's API, and downloads the image.
#[tokio::test]
async fn orb_lists_the_repository_and_pulls_the_image() {
    let (stage, registry) = workplace().await;
    push(&stage, &registry, &["--tag=v1,v2"]).await;
    let (aws, since) = (FakeAws::start().await, registry.log().len());
    let skip = ["--tag=v1,v2", "--skip-when-tags-exist", "--endpoint-url", aws.url()];
    assert_eq!(push(&with_keys(stage), &registry, &skip).await["outcome"], "nothing-to-do");
    let asked: Vec<String> =
        registry.log()[since..].iter().map(|entry| format!("{} {}", entry.method, entry.path)).collect();
    assert_eq!(asked, ["GET /v2/", "HEAD /v2/shop/manifests/v1", "HEAD /v2/shop/manifests/v2"]);
    assert!(aws.received().is_empty());
}

#[tokio::test]
async fn orb_pushes_again_what_cannot_be_changed() {
    let (stage, registry) = workplace().await;
    registry.set(|behaviour| behaviour.immutable_tags = true);
    push(&stage, &registry, &["--tag=v1"]).await;
    let words = ["--tag=v1,v2", "--skip-when-tags-exist", "--environment-variables=A=2"];
    assert_eq!(tags(&push(&stage, &registry, &words).await), ["v2"]);
}

/// A test's file, and the JSON that a temporary one was made of.
#[tokio::test]
async fn orb_leaves_files_in_the_working_directory() {
    let (stage, registry) = workplace().await;
    let to = format!("{}/shop:v2", registry.host());
    stage.done(&["build", "--jar=app.jar", "--from=scratch", "--to=oci:image:v1", "--cache-dir=cache"]).await;
    let before = stage.files();
    stage.done(&["push", "oci:image:v1", "--to", &to]).await;
    stage.done(&[&strs(&into_shop(&registry, &["--tag=v1"])), &["--cache-dir=cache"][..]].concat()).await;
    let new = stage.files().into_iter().filter(|file| !before.contains(file) && !file.starts_with("cache/"));
    assert_eq!(new.collect::<Vec<_>>(), Vec::<String>::new());
}

/// `…/20260101/eu-west-1/ecr/aws4_request`.
fn region(request: &Received) -> String {
    request.header("authorization").split('/').nth(2).unwrap_or_default().to_owned()
}

/// An AWS without repositories, and a build from nothing that is to be pushed by way of it.
async fn account() -> (Stage, FakeAws) {
    let (stage, aws) = (Stage::new(), FakeAws::start().await);
    stage.write("app.jar", crate::support::stage::jar());
    stage.write("lifecycle.json", LIFECYCLE);
    aws.answer("GetAuthorizationToken", authorization("one"));
    aws.answer("DescribeRepositories", Reply::fault(400, "RepositoryNotFoundException", "there is none"));
    for operation in ["CreateRepository", "PutLifecyclePolicy"] {
        aws.answer(operation, Reply::json(json!({})));
    }
    let stage = stage.env("AWS_ENDPOINT_URL", aws.url()).env("AWS_ACCOUNT_ID", "123456789012");
    (with_keys(stage), aws)
}

async fn build(stage: &Stage, more: &[&str]) -> Ended {
    stage.run(&[&["build-and-push", "--jar=app.jar", "--from=scratch"], more].concat()).await
}

#[tokio::test]
async fn orb_sees_to_the_repository_in_the_region_of_its_profile() {
    let to = format!("--to=123456789012.dkr.ecr.{NOWHERE}.amazonaws.com/shop:v1");
    for place in [&["--region", NOWHERE, "--repo=shop"][..], &[&to]] {
        let (stage, aws) = account().await;
        stage.write("home/.aws/config", "[profile ci]\nregion = us-east-1\n");
        let keys = format!("[ci]\naws_access_key_id = AKIDOFCI\naws_secret_access_key = {SECRET_KEY}\n");
        stage.write("home/.aws/credentials", keys);
        let words = ["--profile=ci", "--create-repo", "--lifecycle-policy-path=lifecycle.json"];
        build(&stage, &[place, &words].concat()).await.refused(1, &[NOWHERE, "cannot be resolved"]);
        for operation in ["DescribeRepositories", "CreateRepository", "PutLifecyclePolicy"] {
            let regions: Vec<String> = aws.received_of(operation).iter().map(region).collect();
            assert_eq!(regions, [NOWHERE], "{operation} with {place:?}");
        }
        let ours = |request: &Received| request.header("authorization").contains("Credential=AKIDOFCI/");
        assert!(aws.received().iter().all(ours), "each step has the profile");
    }
}

#[tokio::test]
async fn orb_logs_in_to_another_host_than_it_pushes_to() {
    let (stage, _aws) = account().await;
    let registry = ["--region", NOWHERE, "--aws-domain=amazonaws.com.cn"];
    let host = format!("123456789012.dkr.ecr.{NOWHERE}.amazonaws.com.cn");
    stage.done(&[&["ecr-login"], &registry[..]].concat()).await;
    let config: Value = serde_json::from_str(&stage.read("home/.docker/config.json")).unwrap();
    assert_eq!(config["auths"].as_object().unwrap().keys().collect::<Vec<_>>(), [&host]);
    let push = [&registry[..], &["--repo=shop"]].concat();
    build(&stage, &push).await.refused(1, &[&host]);
    stage.done(&["build", "--jar=app.jar", "--from=scratch", "--to=oci:image"]).await;
    stage.run(&[&["push", "oci:image"], &push[..]].concat()).await.refused(1, &[&host]);
}

/// Its users fill it in by a call of the AWS CLI.
#[tokio::test]
async fn orb_wants_to_be_told_the_account() {
    let (stage, aws) = account().await;
    let caller = "<UserId>U</UserId><Account>210987654321</Account><Arn>arn:aws:iam::210987654321:user/ci</Arn>";
    aws.answer("GetCallerIdentity", Reply::query("GetCallerIdentity", caller));
    let ended = build(&stage.env("AWS_ACCOUNT_ID", ""), &["--region", NOWHERE, "--repo=shop", "--account-id="]).await;
    ended.refused(1, &[&format!("210987654321.dkr.ecr.{NOWHERE}.amazonaws.com"), "cannot be resolved"]);
}

#[tokio::test]
async fn orb_makes_a_repository_when_it_may_not_look_for_it() {
    let (stage, aws) = account().await;
    let denied = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecr:DescribeRepositories";
    aws.answer("DescribeRepositories", Reply::fault(400, "AccessDeniedException", denied));
    let ended = build(&stage, &["--region", NOWHERE, "--repo=shop", "--create-repo"]).await;
    ended.refused(1, &["repository 'shop'", "Grant ecr:DescribeRepositories"]);
    assert!(aws.received_of("CreateRepository").is_empty());
}

#[tokio::test]
async fn orb_sends_an_empty_key_and_loses_the_quotes_of_tags() {
    let (stage, aws) = account().await;
    let tags = r#"[{"Key": "team", "Value": "web shop"}, {"Key": "branch", "Value": "$BRANCH"}]"#;
    let words = ["--create-repo", "--repo-encryption-type=KMS", "--repo-encryption-kms-key=", "--repo-tag", tags];
    let stage = stage.env("BRANCH", r#"it's "x" y"#);
    build(&stage, &[&["--region", NOWHERE, "--repo=shop"], &words[..]].concat()).await.refused(1, &[NOWHERE]);
    let body = aws.received_of("CreateRepository").remove(0).json();
    assert_eq!(body["encryptionConfiguration"], json!({ "encryptionType": "KMS" }));
    let wanted = json!([{ "Key": "team", "Value": "web shop" }, { "Key": "branch", "Value": r#"it's "x" y"# }]);
    assert_eq!(body["tags"], wanted);
}

/// It asks for a public one in the user's region. A private one of that name is worse.
#[tokio::test]
async fn orb_looks_for_public_repositories_where_there_are_none() {
    let denied = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecr-public:CreateRepository";
    for place in
        [&["--public-registry", "--public-registry-alias=a1", "--repo=shop"][..], &["--to=public.ecr.aws/a1/shop:v1"]]
    {
        let (stage, aws) = account().await;
        aws.answer("CreateRepository", Reply::fault(400, "AccessDeniedException", denied));
        let lifecycle = ["--lifecycle-policy-path=lifecycle.json"];
        build(&stage, &[place, &lifecycle].concat()).await.refused(2, &["public", "no lifecycle policy", "hint: "]);
        assert!(aws.received().is_empty(), "{:?}", aws.received());
        let cure = "Grant ecr-public:CreateRepository";
        build(&stage, &[place, &["--create-repo"]].concat()).await.refused(1, &["repository 'shop'", cure]);
        let asked = aws.received_of("CreateRepository").remove(0);
        assert_eq!(asked.json(), json!({ "repositoryName": "shop" }), "the alias is the registry's");
        assert_eq!(asked.header("x-amz-target"), "SpencerFrontendService.CreateRepository");
    }
}
