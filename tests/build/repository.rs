//! ECR repositories that are made on the way, and tags that exist already.

use serde_json::{Value, json};

use super::login::with_login;
use super::{digest, strs, words, workplace, writes};
use crate::support::aws::{FakeAws, Reply};
use crate::support::docker_registry::{program, run};
use crate::support::moto::Moto;
use crate::support::registry::Registry;
use crate::support::stage::Stage;

const LIFECYCLE: &str = r#"{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":9},"action":{"type":"expire"}}]}"#;
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"pull","Effect":"Allow","Principal":"*","Action":["ecr:BatchGetImage"]}]}"#;

/// `build-and-push … --repo team/shop --tag v1 --create-repo` with all that a repository can be asked to be.
fn creating(stage: &Stage, registry: &Registry, aws: &str) -> Vec<String> {
    stage.write("lifecycle.json", LIFECYCLE);
    stage.write("policy.json", POLICY);
    let mut words = words(registry, "");
    words.truncate(5);
    let more = [
        "--repo=team/shop",
        "--tag=v1",
        "--create-repo",
        "--repo-image-tag-mutability=IMMUTABLE",
        "--repo-scan-on-push=false",
        "--repo-tag=Key=team,Value=web Key=stage,Value=prod",
        "--lifecycle-policy-path=lifecycle.json",
        "--set-repo-policy",
        "--repo-policy-path=policy.json",
    ];
    words.extend(more.map(str::to_owned));
    words.extend([format!("--account-url={}", registry.host()), format!("--endpoint-url={aws}")]);
    words
}

#[tokio::test]
async fn repository_is_made_as_asked() {
    let (stage, registry) = workplace().await;
    let (stage, moto) = (super::login::with_keys(stage), Moto::start(None).await);
    let words = creating(&stage, &registry, moto.url());
    for outcome in ["succeeded", "nothing-to-do"] {
        assert_eq!(stage.document(&strs(&words)).await["outcome"], outcome);
    }
    let ask = |operation: &str, body: Value| -> Value {
        let target = format!("x-amz-target: AmazonEC2ContainerRegistry_V20150921.{operation}");
        let scope = "authorization: AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-1/ecr/aws4_request, SignedHeaders=host, Signature=0";
        let words = ["-fsS", "-H", &target, "-H", scope, "-H", "content-type: application/x-amz-json-1.1", "-d"];
        serde_json::from_str(&run(program("curl").args(words).arg(body.to_string()).arg(moto.url()))).unwrap()
    };
    let made = &ask("DescribeRepositories", json!({ "repositoryNames": ["team/shop"] }))["repositories"][0];
    assert_eq!(made["imageTagMutability"], "IMMUTABLE");
    assert_eq!(made["imageScanningConfiguration"]["scanOnPush"], false);
    let tags = ask("ListTagsForResource", json!({ "resourceArn": made["repositoryArn"] }));
    assert_eq!(tags["tags"], json!([{ "Key": "team", "Value": "web" }, { "Key": "stage", "Value": "prod" }]));
    let text =
        |answer: &Value, member: &str| -> Value { serde_json::from_str(answer[member].as_str().unwrap()).unwrap() };
    let lifecycle = ask("GetLifecyclePolicy", json!({ "repositoryName": "team/shop" }));
    assert_eq!(text(&lifecycle, "lifecyclePolicyText"), serde_json::from_str::<Value>(LIFECYCLE).unwrap());
    let policy = ask("GetRepositoryPolicy", json!({ "repositoryName": "team/shop" }));
    assert_eq!(text(&policy, "policyText")["Statement"][0]["Sid"], "pull");
}

/// An AWS whose ECR has no repositories and takes whatever it is told.
async fn empty_ecr() -> FakeAws {
    let aws = FakeAws::start().await;
    let missing = "The repository with name 'team/shop' does not exist in the registry with id '123456789012'";
    aws.answer("DescribeRepositories", Reply::fault(400, "RepositoryNotFoundException", missing));
    for operation in ["CreateRepository", "PutLifecyclePolicy", "SetRepositoryPolicy"] {
        aws.answer(operation, Reply::json(json!({})));
    }
    aws
}

#[tokio::test]
async fn dry_run_makes_no_repository() {
    let (stage, registry, login, _) = with_login("one", "one").await;
    registry.set(|behaviour| behaviour.repositories = Some(["base".to_owned()].into()));
    let aws = empty_ecr().await;
    aws.answer("GetAuthorizationToken", super::login::authorization("one"));
    drop(login);
    let words = creating(&stage, &registry, aws.url());
    let planned = stage.document(&[&strs(&words), &["--dry-run"][..]].concat()).await;
    assert_eq!((planned["outcome"].as_str(), writes(&registry).len()), (Some("planned"), 0));
    let changed: Vec<String> = aws.received().into_iter().map(|request| request.operation).collect();
    assert!(changed.iter().all(|name| name.starts_with("Get") || name.starts_with("Describe")), "{changed:?}");
}

#[tokio::test]
async fn bad_policy_makes_no_repository() {
    let (stage, registry) = workplace().await;
    let (stage, aws) = (super::login::with_keys(stage), empty_ecr().await);
    let words = creating(&stage, &registry, aws.url());
    stage.write("policy.json", "{");
    stage.run(&strs(&words)).await.refused(2, &["policy.json", "not valid JSON"]);
    std::fs::remove_file(stage.path("policy.json")).unwrap();
    stage.run(&strs(&words)).await.refused(2, &["policy.json", "No such file"]);
    assert!(aws.received_of("CreateRepository").is_empty());
    assert_eq!(writes(&registry).len(), 0);
}

#[tokio::test]
async fn tags_that_exist_are_left_alone_if_asked() {
    let (stage, registry) = workplace().await;
    let host = registry.host();
    let build = |tags: &str, env: &str| {
        let to = tags.split(',').map(|tag| format!("{host}/shop:{tag}")).collect::<Vec<_>>().join(",");
        let more = ["--skip-when-tags-exist", "--env", env].map(str::to_owned);
        [&words(&registry, "")[..6], &[to], &more].concat()
    };
    let first = stage.document(&strs(&build("v1,v2", "A=1"))).await;
    let sent = writes(&registry).len();
    assert_eq!(first["outcome"], "succeeded", "none exists");

    stage.write("app.jar", "gone");
    let all = stage.document(&strs(&build("v1,v2", "A=2"))).await;
    assert_eq!(
        (&all["outcome"], digest(&all), writes(&registry).len()),
        (&json!("nothing-to-do"), digest(&first), sent)
    );
    assert_eq!(all["references"], first["references"], "handed on as if they had just been pushed");

    stage.write("app.jar", crate::support::stage::jar());
    let some = stage.document(&strs(&build("v1,v3", "A=2"))).await;
    assert_eq!(some["references"], json!([format!("{host}/shop:v3@{}", digest(&some))]));
    assert_ne!(digest(&some), digest(&first));
    let v1 = registry.manifest("shop", "v1").unwrap();
    assert_eq!(dockless::image::Digest::of(&v1).as_str(), digest(&first));
}
