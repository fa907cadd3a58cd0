//! `create-repo`, `set-repository-policy` and `tag-repo`: what is so costs nothing, what differs is said, and what may
//! not be done is named.

use serde_json::{Value, json};

use super::stage::Rehearsal;

const CREATE: [&str; 2] = ["create-repo", "--repo=team/shop"];
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": {"Sid": "pull", "Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "ecr:BatchGetImage"}}"#;
/// The same, as ECR might give it back.
const LAID_OUT: &str = r#"{
  "Version" : "2012-10-17",
  "Statement" : [ {
    "Action" : [ "ecr:BatchGetImage" ], "Effect" : "Allow", "Sid" : "pull",
    "Principal" : { "AWS" : "arn:aws:iam::111122223333:root" }
  } ]
}"#;
const LIFECYCLE: &str = r#"{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}]}"#;

async fn rehearsal() -> Rehearsal {
    let rehearsal = Rehearsal::start().await;
    rehearsal.stage.write("policy.json", POLICY);
    rehearsal.stage.write("lifecycle.json", LIFECYCLE);
    rehearsal
}

async fn with_repository() -> Rehearsal {
    let rehearsal = rehearsal().await;
    rehearsal.sandbox.create("team/shop").await;
    rehearsal
}

/// The actions that these words led to, in order.
async fn actions(rehearsal: &Rehearsal, words: &[&str]) -> Vec<String> {
    let before = rehearsal.sandbox.actions().await.len();
    rehearsal.stage.done(words).await;
    rehearsal.sandbox.actions().await.split_off(before)
}

async fn deny(rehearsal: &Rehearsal, action: &str) {
    rehearsal.sandbox.set_faults(json!({ "rules": [{ "on": action, "then": "deny" }] })).await;
}

async fn shown(rehearsal: &Rehearsal) -> Value {
    let (status, answer) =
        rehearsal.sandbox.ecr("DescribeRepositories", json!({ "repositoryNames": ["team/shop"] })).await;
    assert_eq!(status, 200, "{answer}");
    answer["repositories"][0].clone()
}

/// The repository's resource tags, in the order of their keys.
async fn tags(rehearsal: &Rehearsal) -> Value {
    let arn = shown(rehearsal).await["repositoryArn"].clone();
    let (_, answer) = rehearsal.sandbox.ecr("ListTagsForResource", json!({ "resourceArn": arn })).await;
    answer["tags"].clone()
}

fn pair(key: &str, value: &str) -> Value {
    json!({ "Key": key, "Value": value })
}

#[tokio::test]
async fn repository_is_created_as_asked_and_again_costs_one_look() {
    let rehearsal = rehearsal().await;
    let words = [
        &CREATE[..],
        &[
            "--repo-scan-on-push=false",
            "--repo-encryption-type=KMS",
            "--image-tag-mutability=IMMUTABLE_WITH_EXCLUSION",
            "--image-tag-exclusion-filters=latest, dev-*",
        ],
    ]
    .concat();
    let uri = format!("{}/team/shop\n", rehearsal.sandbox.running.registry());
    assert_eq!(rehearsal.stage.done(&words).await.stdout, uri);
    let made = shown(&rehearsal).await;
    assert_eq!(made["imageTagMutability"], "IMMUTABLE_WITH_EXCLUSION");
    assert_eq!(made["imageTagMutabilityExclusionFilters"][1]["filter"], "latest");
    assert_eq!(made["encryptionConfiguration"]["encryptionType"], "KMS", "with the account's own key");
    assert_eq!(made["imageScanningConfiguration"]["scanOnPush"], false);
    assert_eq!(actions(&rehearsal, &words).await, ["ecr:DescribeRepositories"]);
    let again = rehearsal.stage.document(&words).await;
    assert_eq!((&again["outcome"], &again["created"]), (&json!("nothing-to-do"), &json!(false)));
    assert_eq!((&again["differences"], &again["arn"]), (&json!([]), &made["repositoryArn"]));
    rehearsal.end().await;
}

/// The orb's documented JSON for tags loses its quotes, and fails.
#[tokio::test]
async fn repository_is_created_with_tags_and_policies_and_again_sends_none() {
    let rehearsal = rehearsal().await;
    let tag = r#"--repo-tag=[{"Key": "team", "Value": "web shop"}, {"Key": "it's", "Value": "a=b,c"}]"#;
    let words =
        [&CREATE[..], &[tag, "--lifecycle-policy-path=lifecycle.json", "--repo-policy-path=policy.json"]].concat();
    let first = actions(&rehearsal, &words).await;
    assert_eq!(first[1..], ["ecr:CreateRepository", "ecr:PutLifecyclePolicy", "ecr:SetRepositoryPolicy"]);
    assert_eq!(tags(&rehearsal).await, json!([pair("it's", "a=b,c"), pair("team", "web shop")]));
    let again = actions(&rehearsal, &words).await;
    assert!(again.iter().all(|action| !action.contains(":Put") && !action.contains(":Set")), "{again:?}");
    assert_eq!(again.len(), 4, "{again:?}");
    rehearsal.end().await;
}

#[tokio::test]
async fn repository_that_differs_is_told_and_changed_only_if_asked() {
    let rehearsal = with_repository().await;
    let words = [
        &CREATE[..],
        &[
            "--repo-image-tag-mutability=immutable",
            "--repo-scan-on-push",
            "--repo-encryption-type=KMS",
            "--repo-tag=Key=team,Value=web",
        ],
    ]
    .concat();
    let ended = rehearsal.stage.done(&words).await;
    for part in [
        "tag mutability: asked for IMMUTABLE, found MUTABLE",
        "scanning on push: asked for on, found off",
        "encryption: asked for KMS, found AES256",
        "tags: asked for team=web, found none",
        "--adjust changes it",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert_eq!(
        (shown(&rehearsal).await["imageTagMutability"].as_str(), tags(&rehearsal).await),
        (Some("MUTABLE"), json!([]))
    );
    let adjusted = rehearsal.stage.document(&[&words[..], &["--adjust"]].concat()).await;
    assert_eq!(adjusted["done"], json!(["PutImageTagMutability", "PutImageScanningConfiguration", "TagResource"]));
    assert_eq!(adjusted["differences"], json!([{ "what": "encryption", "asked": "KMS", "found": "AES256" }]));
    let now = shown(&rehearsal).await;
    assert_eq!(now["imageTagMutability"], "IMMUTABLE");
    assert_eq!(
        (&now["imageScanningConfiguration"]["scanOnPush"], tags(&rehearsal).await),
        (&json!(true), json!([pair("team", "web")]))
    );
    assert_eq!(rehearsal.stage.document(&[&words[..], &["--adjust"]].concat()).await["done"], json!([]));
    rehearsal.end().await;
}

/// The orb takes any error for a missing repository and creates one.
#[tokio::test]
async fn repository_that_may_not_be_looked_at_is_not_taken_for_missing() {
    let rehearsal = rehearsal().await;
    for action in ["ecr:DescribeRepositories", "ecr:CreateRepository"] {
        deny(&rehearsal, action).await;
        rehearsal.stage.run(&CREATE).await.refused(1, &["team/shop", &format!("hint: Grant {action} on ")]);
    }
    let (_, answer) = rehearsal.sandbox.ecr("DescribeRepositories", json!({})).await;
    assert_eq!(answer["repositories"], json!([]));
    rehearsal.end().await;
}

#[tokio::test]
async fn dry_run_shows_the_calls_and_makes_none() {
    let rehearsal = rehearsal().await;
    let words = [&CREATE[..], &["--repo-policy-path=policy.json", "--dry-run"]].concat();
    let planned = rehearsal.stage.document(&words).await;
    let calls = planned["calls"].as_array().unwrap().iter();
    let operations: Vec<&str> = calls.map(|call| call["operation"].as_str().unwrap()).collect();
    assert_eq!((&planned["outcome"], operations), (&json!("planned"), vec!["CreateRepository", "SetRepositoryPolicy"]));
    assert_eq!(rehearsal.sandbox.actions().await, ["ecr:DescribeRepositories"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn contradictions_are_refused_before_any_call() {
    let rehearsal = rehearsal().await;
    rehearsal.stage.write("broken.json", "{");
    rehearsal.stage.write("other.json", r#"{"rules": []}"#);
    let set = ["set-repository-policy", "--repo=team/shop"];
    for (command, words, said) in [
        (&CREATE, &["--encryption-kms-key=alias/x"][..], "KMS"),
        (&CREATE, &["--image-tag-mutability=IMMUTABLE_WITH_EXCLUSION"], "filters"),
        (&CREATE, &["--image-tag-exclusion-filters=a", "--image-tag-mutability=IMMUTABLE"], "not IMMUTABLE"),
        (&CREATE, &["--public-registry", "--image-tag-mutability=IMMUTABLE"], "public registry has no immutable tags"),
        (&CREATE, &["--repo-tag=team=web"], "--repo-tag: 'team=web' does not begin with 'key='"),
        (&CREATE, &["--repo-policy-path=broken.json"], "broken.json: not a repository policy: not valid JSON"),
        (&set, &["--repo-policy-path=broken.json"], "not valid JSON"),
        (&set, &["--repo-policy-path=other.json"], "it has no \"Statement\""),
        (&set, &["--repo-policy-path=gone.json"], "gone.json: No such file"),
    ] {
        rehearsal.stage.run(&[&command[..], words].concat()).await.refused(2, &[said]);
    }
    assert_eq!(rehearsal.sandbox.actions().await, Vec::<String>::new());
}

#[tokio::test]
async fn policy_that_says_the_same_is_not_sent() {
    let rehearsal = with_repository().await;
    let words = ["set-repo-policy", "--repo=team/shop", "--repo-policy-path=policy.json"];
    assert_eq!(actions(&rehearsal, &words).await, ["ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"]);
    rehearsal.stage.write("policy.json", LAID_OUT);
    assert_eq!(actions(&rehearsal, &words).await, ["ecr:GetRepositoryPolicy"]);
    assert_eq!(rehearsal.stage.document(&words).await["outcome"], "nothing-to-do");
    rehearsal.stage.write("policy.json", LAID_OUT.replace("Allow", "Deny"));
    assert_eq!(rehearsal.stage.document(&words).await["outcome"], "succeeded");
    rehearsal.end().await;
}

#[tokio::test]
async fn policy_that_may_not_be_read_is_sent_and_that_is_said() {
    let rehearsal = with_repository().await;
    let words = ["set-repository-policy", "--repo=team/shop", "--repo-policy-path=policy.json"];
    deny(&rehearsal, "ecr:GetRepositoryPolicy").await;
    let ended = rehearsal.stage.done(&words).await;
    assert!(ended.stderr.contains("unseen: ecr:GetRepositoryPolicy is denied"), "{}", ended.stderr);
    deny(&rehearsal, "ecr:SetRepositoryPolicy").await;
    rehearsal.stage.write("policy.json", POLICY.replace("Allow", "Deny"));
    rehearsal.stage.run(&words).await.refused(1, &["hint: Grant ecr:SetRepositoryPolicy on "]);
    let missing = ["set-repository-policy", "--repo=gone", "--repo-policy-path=policy.json"];
    rehearsal.stage.run(&missing).await.refused(1, &["'gone'", "dockless create-repo"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn tags_that_are_so_are_not_sent_and_others_stay() {
    let rehearsal = with_repository().await;
    let tag = |tags: &str| ["tag-repo".to_owned(), "--repo=team/shop".into(), format!("--tag={tags}")];
    let run = async |tags: &str| {
        let words = tag(tags);
        actions(&rehearsal, &words.each_ref().map(String::as_str)).await
    };
    let all = ["sts:GetCallerIdentity", "ecr:ListTagsForResource", "ecr:TagResource"];
    assert_eq!(run("Key=team,Value=web shop Key=stage,Value=prod").await, all);
    assert_eq!(run(r#"{"team": "web shop"}"#).await, all[..2], "it is so");
    assert_eq!(run("key=team,value=db").await, all);
    assert_eq!(tags(&rehearsal).await, json!([pair("stage", "prod"), pair("team", "db")]));
    deny(&rehearsal, "ecr:ListTagsForResource").await;
    let words = tag("key=team,value=db");
    let words = words.each_ref().map(String::as_str);
    let ended = rehearsal.stage.done(&words).await;
    assert!(ended.stderr.contains("unseen: ecr:ListTagsForResource is denied"), "{}", ended.stderr);
    let mine = [&words[..], &["--account-id=123456789012"]].concat();
    assert_eq!(actions(&rehearsal, &mine).await, all[1..], "nobody has to say who they are");
    deny(&rehearsal, "ecr:TagResource").await;
    rehearsal
        .stage
        .run(&words[..2].iter().copied().chain(["--tag=key=a,value=b"]).collect::<Vec<_>>())
        .await
        .refused(1, &["hint: Grant ecr:TagResource on "]);
    rehearsal.end().await;
}

#[tokio::test]
async fn tags_of_a_repository_in_another_account_or_of_none_are_refused() {
    let rehearsal = with_repository().await;
    let tag = "--tag=key=team,value=web";
    let other = ["tag-repo", "--repo=team/shop", tag, "--account-id=999999999999"];
    rehearsal.stage.run(&other).await.refused(1, &["RepositoryNotFoundException", "--account-id"]);
    rehearsal.stage.run(&["tag-repo", "--repo=gone", tag]).await.refused(1, &["RepositoryNotFoundException"]);
    rehearsal.stage.run(&["tag-repo", "--repo=team/shop", "--tag=[]"]).await.refused(2, &["no tags"]);
    assert_eq!(tags(&rehearsal).await, json!([]));
    rehearsal.end().await;
}
