//! The commands for ECR repositories against a scripted AWS: which service, region and account they ask.

use serde_json::{Value, json};

use crate::support::aws::{FakeAws, Received, Reply};
use crate::support::process::Job;

const NAME: &str = "team/shop";
const ARN: &str = "arn:aws:ecr-public::123456789012:repository/team/shop";
const POLICY: &str = r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr-public:PutImage"}]}"#;
const LIFECYCLE: &str = r#"{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}]}"#;

/// Region and service of the signature: `…/20260101/eu-west-1/ecr/aws4_request`.
fn scope(request: &Received) -> String {
    request.header("authorization").split('/').skip(2).take(2).collect::<Vec<_>>().join("/")
}

fn missing() -> Reply {
    Reply::fault(400, "RepositoryNotFoundException", "The repository with name 'team/shop' does not exist")
}

fn repository() -> Value {
    json!({ "repositoryArn": ARN, "repositoryName": NAME, "repositoryUri": "public.ecr.aws/a1b2c3d4/team/shop" })
}

async fn aws() -> FakeAws {
    let aws = FakeAws::start().await;
    let caller = "<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/ci</Arn><UserId>x</UserId>";
    aws.answer("GetCallerIdentity", Reply::query("GetCallerIdentity", caller));
    aws
}

#[tokio::test]
async fn public_repository_is_asked_of_the_public_service() {
    let aws = aws().await;
    aws.answer("DescribeRepositories", missing());
    aws.answer("CreateRepository", Reply::json(json!({ "repository": repository(), "catalogData": {} })));
    aws.answer("GetRepositoryPolicy", Reply::fault(400, "RepositoryPolicyNotFoundException", "none"));
    aws.answer("SetRepositoryPolicy", Reply::json(json!({ "repositoryName": NAME, "policyText": POLICY })));
    aws.answer("ListTagsForResource", Reply::json(json!({ "tags": [] })));
    aws.answer("TagResource", Reply::json(json!({})));
    let job = Job::at(aws.url()).with("AWS_ACCOUNT_ID", "999999999999");
    std::fs::write(job.path("policy.json"), POLICY).unwrap();
    let public = ["--repo=team/shop", "--public-registry"];
    let run = async |command: &[&str]| {
        let ended = job.run(&[&command[..1], &public, &command[1..]].concat()).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.stdout
    };
    // What the orb passes on even for a public repository asks for nothing there.
    let orbs = ["--repo-scan-on-push=true", "--repo-encryption-type=AES256", "--image-tag-mutability=MUTABLE"];
    let made = run(&[&["create-repo"], &orbs[..], &["--repo-tag=Key=team,Value=web"]].concat()).await;
    assert_eq!(made, "public.ecr.aws/a1b2c3d4/team/shop\n");
    run(&["set-repository-policy", "--repo-policy-path=policy.json"]).await;
    run(&["tag-repo", "--tag=Key=team,Value=web"]).await;

    let sent = aws.received().into_iter().filter(|request| request.operation != "GetCallerIdentity");
    for request in sent {
        assert_eq!(scope(&request), "us-east-1/ecr-public", "{}", request.operation);
        let target = format!("SpencerFrontendService.{}", request.operation);
        assert_eq!(request.header("x-amz-target"), target);
        assert_eq!(request.json().get("registryId"), None, "{}", request.operation);
    }
    let tags = json!([{ "Key": "team", "Value": "web" }]);
    let body = |operation: &str| aws.received_of(operation)[0].json();
    assert_eq!(body("CreateRepository"), json!({ "repositoryName": NAME, "tags": tags }));
    assert_eq!(body("SetRepositoryPolicy"), json!({ "repositoryName": NAME, "policyText": POLICY }));
    assert_eq!(body("TagResource"), json!({ "resourceArn": ARN, "tags": tags }));
}

/// The orb's `tag_repo` loses the profile, its `tag_image` the account, and its lifecycle policy the region.
#[tokio::test]
async fn account_and_region_reach_every_call() {
    let aws = aws().await;
    aws.answer("DescribeRepositories", missing());
    aws.answer("CreateRepository", Reply::json(json!({ "repository": repository() })));
    aws.answer("GetRepositoryPolicy", Reply::json(json!({ "policyText": POLICY.replace("Allow", "Deny") })));
    for operation in ["PutLifecyclePolicy", "SetRepositoryPolicy", "TagResource"] {
        aws.answer(operation, Reply::json(json!({})));
    }
    aws.answer("ListTagsForResource", Reply::json(json!({ "tags": [] })));
    let job = Job::at(aws.url()).with("AWS_ACCOUNT_ID", "999999999999");
    std::fs::write(job.path("policy.json"), POLICY).unwrap();
    std::fs::write(job.path("lifecycle.json"), LIFECYCLE).unwrap();
    let place = ["--repo=team/shop", "--account-id=210987654321", "--region=eu-central-1"];
    for words in [
        &["create-repo", "--lifecycle-policy-path=lifecycle.json", "--repo-policy-path=policy.json"][..],
        &["set-repository-policy", "--repo-policy-path=policy.json"],
        &["tag-repo", "--tag=Key=team,Value=web"],
    ] {
        let ended = job.run(&[words, &place].concat()).await;
        assert_eq!(ended.code, 0, "{words:?}: {}", ended.stderr);
    }
    for request in aws.received() {
        let body = request.json();
        let arn = "arn:aws:ecr:eu-central-1:210987654321:repository/team/shop";
        assert!(body["registryId"] == "210987654321" || body["resourceArn"] == arn, "{}: {body}", request.operation);
        assert_eq!(scope(&request), "eu-central-1/ecr", "{}", request.operation);
    }
    assert_eq!(aws.received().len(), 8);
    // No name service knows this region's registries: it gets no further than the look for them.
    let words =
        ["tag-image", "--repo=team/shop", "--source-tag=v1", "--account-id=210987654321", "--region=eu-nowhere-9"];
    let ended = job.run(&words).await;
    let host = "210987654321.dkr.ecr.eu-nowhere-9.amazonaws.com";
    assert!(ended.code == 1 && ended.stderr.contains(host), "{}", ended.stderr);
}

/// Two jobs at once: the one that comes second finds the repository made.
#[tokio::test]
async fn repository_that_another_job_made_meanwhile_is_success() {
    let aws = aws().await;
    aws.next("DescribeRepositories", missing());
    aws.answer("DescribeRepositories", Reply::json(json!({ "repositories": [repository()] })));
    aws.answer("CreateRepository", Reply::fault(400, "RepositoryAlreadyExistsException", "it already exists"));
    let ended = Job::at(aws.url()).run(&["create-repo", "--repo=team/shop", "--output=json"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let document = ended.document();
    assert_eq!((&document["created"], &document["arn"]), (&json!(false), &json!(ARN)));
}

/// ECR says only that the policy is invalid.
#[tokio::test]
async fn policy_that_ecr_refuses_has_a_cure() {
    let aws = aws().await;
    aws.answer("GetRepositoryPolicy", Reply::fault(400, "RepositoryPolicyNotFoundException", "none"));
    let why = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'";
    aws.answer("SetRepositoryPolicy", Reply::fault(400, "InvalidParameterException", why));
    let job = Job::at(aws.url());
    std::fs::write(job.path("policy.json"), POLICY).unwrap();
    let ended = job.run(&["set-repository-policy", "--repo=team/shop", "--repo-policy-path=policy.json"]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains(why) && ended.stderr.contains("no Resource"), "{}", ended.stderr);
}
