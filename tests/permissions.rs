//! The least that a user must be allowed, against an AWS that verifies signatures and policies: with the actions that
//! the README names every command runs, and without any one of them the error names it.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use reqwest::Method;
use serde_json::json;

use crate::support::moto::{ACCOUNT, Moto, REGION};
use crate::support::process::{Ended, Job};
use crate::support::registry::{Door, Registry};

const LOGIN: [&str; 1] = ["ecr:GetAuthorizationToken"];
const UPDATE: [&str; 2] = ["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"];
const DEPLOY: [&str; 4] =
    ["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition", "ecs:DescribeServices", "ecs:UpdateService"];
const LOOK: [&str; 2] = ["ecs:DescribeServices", "ecs:DescribeTaskDefinition"];
const RUN: [&str; 4] = ["ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:RunTask", "ecs:DescribeTasks"];
const RULE: [&str; 2] = ["events:ListTargetsByRule", "events:PutTargets"];
const REPOSITORY: [&str; 5] = [
    "ecr:GetAuthorizationToken",
    "ecr:DescribeRepositories",
    "ecr:CreateRepository",
    "ecr:PutLifecyclePolicy",
    "ecr:SetRepositoryPolicy",
];

/// Users so far; no two may have the same name.
static USERS: AtomicU32 = AtomicU32::new(0);

/// An AWS with the service `web` in the cluster `main`, which does not verify yet.
async fn moto() -> Moto {
    let moto = Moto::start(Some(1000)).await;
    moto.ecs("CreateCluster", json!({"clusterName": "main"})).await;
    let container = json!({"name": "web", "image": "host.example/web:v1", "memory": 64});
    moto.ecs("RegisterTaskDefinition", json!({"family": "web", "containerDefinitions": [container]})).await;
    let service = json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web", "desiredCount": 1});
    moto.ecs("CreateService", service).await;
    moto
}

/// For each set of actions how the command ends for a user that has no other.
async fn run(moto: &Moto, policies: &[Vec<&str>], words: &[String], prepare: impl Fn(&Job)) -> Vec<Ended> {
    moto.trust(1000).await;
    let mut keys = Vec::new();
    for actions in policies {
        let name = format!("user-{}", USERS.fetch_add(1, Relaxed));
        keys.push(moto.user_named(&name, actions).await);
    }
    moto.trust(0).await;
    let mut ended = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let job = Job::at(moto.url()).with("AWS_REGION", REGION).keys(key);
        prepare(&job);
        let words: Vec<String> = words.iter().map(|word| word.replace("{}", &at.to_string())).collect();
        ended.push(job.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await);
    }
    ended
}

/// All actions, then all but each one of them; `{}` in a word is the number of the attempt.
async fn needs_each(moto: &Moto, actions: &[&'static str], words: &[&str], prepare: impl Fn(&Job)) {
    let without = |left: &&str| actions.iter().copied().filter(|action| action != left).collect::<Vec<_>>();
    // An empty policy is none that IAM would take.
    let without = |left: &&str| [without(left), vec!["s3:ListAllMyBuckets"]].concat();
    let policies: Vec<Vec<&str>> = [actions.to_vec()].into_iter().chain(actions.iter().map(without)).collect();
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let ended = run(moto, &policies, &words, prepare).await;
    assert_eq!(ended[0].code, 0, "{words:?}: {}", ended[0].stderr);
    for (action, ended) in actions.iter().zip(&ended[1..]) {
        assert_eq!(ended.code, 1, "{words:?} without {action}: {}", ended.stderr);
        let hint = format!("hint: Grant {action} on ");
        assert!(ended.stderr.contains(&hint), "{words:?} without {action}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn each_command_needs_its_actions_and_no_other() {
    let moto = moto().await;
    let password = "--password-stdout";
    needs_each(&moto, &LOGIN, &["ecr-login", password], |_| ()).await;
    let image = "--container-image-name-updates=container=web,image-and-tag=host.example/web:{}-update";
    needs_each(&moto, &UPDATE, &["update-task-definition", "--family=web", image], |_| ()).await;
    let image = "--container-image-name-updates=container=web,image-and-tag=host.example/web:{}-deploy";
    let words = ["deploy-service-update", "--cluster=main", "--family=web", "--wait=false", image];
    needs_each(&moto, &DEPLOY, &words, |_| ()).await;
    let service = ["--cluster=main", "--service-name=web"];
    needs_each(&moto, &LOOK[..1], &[&["status"], &service[..]].concat(), |_| ()).await;
    needs_each(&moto, &LOOK, &[&["diff"], &service[..]].concat(), |_| ()).await;
}

/// Moto has no instances, but Fargate; its tasks exit with 0 after a few looks.
#[tokio::test]
async fn one_off_tasks_need_their_actions_and_no_other() {
    let moto = moto().await;
    let words = ["run-task", "--cluster=main", "--like-service=web", "--launch-type=FARGATE", "--env=web:MODE=fast"];
    needs_each(&moto, &RUN, &words, |_| ()).await;
}

#[tokio::test]
async fn scheduled_tasks_need_their_actions_and_no_other() {
    let moto = moto().await;
    let target = json!({
        "Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/main",
        "RoleArn": "arn:aws:iam::123456789012:role/starter",
        "Input": "{}",
        "EcsParameters": { "TaskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1", "TaskCount": 2 },
    });
    moto.events("PutRule", json!({ "Name": "nightly", "ScheduleExpression": "rate(1 day)" })).await;
    let mut named = target.clone();
    named["Id"] = json!("one");
    let put = moto.events("PutTargets", json!({ "Rule": "nightly", "Targets": [named] })).await;
    assert_eq!(put["FailedEntryCount"], 0, "{put}");
    let schedule = json!({ "FlexibleTimeWindow": { "Mode": "OFF" }, "Target": target, "ScheduleExpression": "rate(1 day)",
        "ScheduleExpressionTimezone": "Europe/Berlin", "State": "ENABLED", "Description": "every day" });
    moto.ask(Method::POST, "/schedules/nightly", "scheduler", "", schedule).await;
    let image = "--container-image-name-updates=container=web,image-and-tag=host.example/web:{}-nightly";
    let words = ["deploy-scheduled-task", "--rule-name=nightly", "--family=web", image];
    needs_each(&moto, &[&UPDATE[..], &RULE].concat(), &words, |_| ()).await;
    // Moto holds the signature of every GET for wrong, boto3's too.
    moto.trust(1000).await;
    let job = Job::at(moto.url()).with("AWS_REGION", REGION).keys(&moto.user_named("planner", &["*"]).await);
    let ended = job.run(&["deploy-scheduled-task", "--schedule-name=nightly", "--task-definition-arn=web:2"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let targets = moto.events("ListTargetsByRule", json!({ "Rule": "nightly" })).await;
    let mut shown = moto.ask(Method::GET, "/schedules/nightly", "scheduler", "", json!({})).await;
    let started = |target: &serde_json::Value| target["EcsParameters"]["TaskDefinitionArn"].to_string();
    assert!(started(&targets["Targets"][0]).contains("task-definition/web:"), "{targets}");
    assert_ne!(started(&targets["Targets"][0]), started(&target));
    assert_ne!(started(&shown["Target"]), started(&target));
    shown["Target"]["EcsParameters"]["TaskDefinitionArn"] = target["EcsParameters"]["TaskDefinitionArn"].clone();
    for (member, value) in [("ScheduleExpressionTimezone", "Europe/Berlin"), ("Description", "every day")] {
        assert_eq!(shown[member], value);
    }
    assert_eq!(shown["Target"]["EcsParameters"], target["EcsParameters"]);
}

/// The registry is a server of its own; moto gives out the password for it.
#[tokio::test]
async fn build_and_push_needs_the_login_and_what_its_flags_ask_for() {
    let (moto, registry) = (moto().await, Registry::start().await);
    registry.set(|behaviour| behaviour.door = Door::Basic { password: format!("{ACCOUNT}-auth-token") });
    let prepare = |job: &Job| {
        std::fs::write(job.path("page.html"), "hello").unwrap();
        std::fs::write(job.path("lifecycle.json"), LIFECYCLE).unwrap();
        std::fs::write(job.path("policy.json"), POLICY).unwrap();
    };
    let account_url = format!("--account-url={}", registry.host());
    let common = ["build-and-push", &account_url, "--from=scratch", "--files=page.html:/page.html", "--tag=v1"];
    let plain = [&common[..], &["--repo=plain-{}"]].concat();
    let words: Vec<String> = plain.iter().map(|word| (*word).to_owned()).collect();
    let ended = run(&moto, &[LOGIN.to_vec()], &words, prepare).await.remove(0);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let flags = [
        "--repo=made-{}",
        "--create-repo",
        "--lifecycle-policy-path=lifecycle.json",
        "--set-repo-policy",
        "--repo-policy-path=policy.json",
    ];
    // Of a registry on loopback it is not sure that it wants ECR's password, so the login is not insisted on.
    let words: Vec<String> = [&common[..], &flags].concat().iter().map(|word| (*word).to_owned()).collect();
    let policies: Vec<Vec<&str>> = [REPOSITORY.to_vec()]
        .into_iter()
        .chain(REPOSITORY[1..].iter().map(|left| REPOSITORY.iter().copied().filter(|a| a != left).collect()))
        .collect();
    let ended = run(&moto, &policies, &words, prepare).await;
    assert_eq!(ended[0].code, 0, "{}", ended[0].stderr);
    for (action, ended) in REPOSITORY[1..].iter().zip(&ended[1..]) {
        assert_eq!(ended.code, 1, "without {action}: {}", ended.stderr);
        assert!(ended.stderr.contains(&format!("hint: Grant {action} on ")), "without {action}: {}", ended.stderr);
    }
}

/// The reads that only save a call may be missing.
#[tokio::test]
async fn repository_commands_need_their_actions_and_no_other() {
    let moto = moto().await;
    let prepare = |job: &Job| std::fs::write(job.path("policy.json"), POLICY).unwrap();
    needs_each(&moto, &REPOSITORY[1..3], &["create-repo", "--repo=made-{}"], prepare).await;
    let made = json!({ "repositoryName": "web" });
    moto.trust(1000).await;
    moto.ask(Method::POST, "/", "ecr", "AmazonEC2ContainerRegistry_V20150921.CreateRepository", made).await;
    let words = ["set-repository-policy", "--repo=web", "--repo-policy-path=policy.json"];
    needs_each(&moto, &REPOSITORY[4..], &words, prepare).await;
    needs_each(&moto, &["ecr:TagResource"], &["tag-repo", "--repo=web", "--tag=Key=run,Value={}"], prepare).await;
}

/// Whether a tag may be moved is asked for where one is to be moved, and may stay unknown.
#[tokio::test]
async fn tag_image_needs_the_login_and_no_other() {
    let (moto, registry) = (moto().await, Registry::start().await);
    registry.set(|behaviour| behaviour.door = Door::Basic { password: format!("{ACCOUNT}-auth-token") });
    let prepare = |job: &Job| std::fs::write(job.path("page.html"), "hello").unwrap();
    let account_url = format!("--account-url={}", registry.host());
    let words =
        |words: &[&str]| words.iter().chain(&[&*account_url]).map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for tag in ["v1", "v2"] {
        let (tag, env) = (format!("--tag={tag}"), format!("--env=VERSION={tag}"));
        let build = ["build-and-push", "--repo=web", "--from=scratch", "--files=page.html:/page", &tag, &env];
        let ended = run(&moto, &[LOGIN.to_vec()], &words(&build), prepare).await.remove(0);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let retag = words(&["tag-image", "--repo=web", "--source-tag=v1", "--target-tag=v2,v3"]);
    let ended = run(&moto, &[LOGIN.to_vec()], &retag, prepare).await.remove(0);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(registry.manifest("web", "v2"), registry.manifest("web", "v1"));
}

const LIFECYCLE: &str = r#"{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":14},"action":{"type":"expire"}}]}"#;
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"pull","Effect":"Allow","Principal":"*","Action":["ecr:BatchGetImage"]}]}"#;
