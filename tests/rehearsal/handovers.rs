//! Services that CodeDeploy deploys, from the command to the verdict.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{Rehearsal, says};

const BLUE: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/blue/0123456789abcdef";
const NAMES: [&str; 2] = ["--codedeploy-application-name=app", "--codedeploy-deployment-group-name=web"];

/// A service of two tasks behind a load balancer, and the deployment group `web` of the application `app` for it.
pub async fn stage(group: Value) -> Rehearsal {
    let balancer = json!({ "targetGroupArn": BLUE, "containerName": "web", "containerPort": 80 });
    let rehearsal = Rehearsal::without_service().await;
    let service = json!({ "cluster": "main", "serviceName": "shop", "taskDefinition": "shop", "desiredCount": 2,
        "loadBalancers": [balancer], "deploymentController": { "type": "CODE_DEPLOY" } });
    rehearsal.ecs("CreateService", service).await;
    while rehearsal.service().await["taskSets"][0]["stabilityStatus"] != "STEADY_STATE" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    code(&rehearsal, "CreateApplication", json!({ "applicationName": "app", "computePlatform": "ECS" })).await;
    let pair = json!({ "targetGroups": [{ "name": "blue" }, { "name": "green" }],
        "prodTrafficRoute": { "listenerArns": ["arn:prod"] } });
    let mut body = json!({
        "applicationName": "app",
        "deploymentGroupName": "web",
        "serviceRoleArn": "arn:aws:iam::123456789012:role/codedeploy",
        "deploymentStyle": { "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" },
        "blueGreenDeploymentConfiguration": ending(json!({ "actionOnTimeout": "CONTINUE_DEPLOYMENT" }), 0),
        "loadBalancerInfo": { "targetGroupPairInfoList": [pair] },
        "ecsServices": [{ "clusterName": "main", "serviceName": "shop" }],
    });
    body.as_object_mut().unwrap().extend(group.as_object().unwrap().clone());
    code(&rehearsal, "CreateDeploymentGroup", body).await;
    rehearsal
}

/// What is waited for before the traffic goes over, and the minutes after it.
pub fn ending(ready: Value, minutes: u32) -> Value {
    json!({ "deploymentReadyOption": ready,
        "terminateBlueInstancesOnDeploymentSuccess": { "action": "TERMINATE", "terminationWaitTimeInMinutes": minutes } })
}

pub async fn code(rehearsal: &Rehearsal, operation: &str, input: Value) -> Value {
    let (status, answer) = rehearsal.sandbox.aws("CodeDeploy_20141006", operation, input).await.unwrap();
    assert_eq!(status, 200, "{operation}: {answer}");
    answer
}

pub async fn serves(rehearsal: &Rehearsal) -> String {
    let service = rehearsal.service().await;
    service["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

pub async fn deploy(rehearsal: &Rehearsal, words: &[&str]) -> crate::support::stage::Ended {
    rehearsal.deploy(&[&NAMES, words].concat()).await
}

/// Revisions so far.
async fn registered(rehearsal: &Rehearsal) -> usize {
    rehearsal.sandbox.actions().await.iter().filter(|action| *action == "ecs:RegisterTaskDefinition").count()
}

/// The id of the newest deployment, once there is one more than `known`.
pub async fn newest(rehearsal: &Rehearsal, known: usize) -> String {
    loop {
        let named = json!({ "applicationName": "app", "deploymentGroupName": "web" });
        let listed = code(rehearsal, "ListDeployments", named).await["deployments"].clone();
        if listed.as_array().unwrap().len() > known {
            return listed[0].as_str().unwrap().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn handover_succeeds_and_the_next_one_finds_its_group_by_itself() {
    let rehearsal = stage(json!({})).await;
    let ended = deploy(&rehearsal, &["--deployment-controller=CODE_DEPLOY"]).await;
    says(&ended, 0, &["shop in main: shop:2 is deployed", "handed shop:2 over to CodeDeploy: d-"]);
    assert_eq!(serves(&rehearsal).await, "shop:2");

    let again = ["--container-env-var-updates=container=web,name=A,value=1"];
    let words = [&["deploy-service-update", "--cluster=main", "--family=shop", "--output=json"], &again[..]].concat();
    let ended = rehearsal.stage.run(&words).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(report["deployment_id"].as_str().unwrap().starts_with("d-"), "{report}");
    assert_eq!((&report["outcome"], serves(&rehearsal).await.as_str()), (&json!("succeeded"), "shop:3"));

    let verify = ["verify-revision-is-deployed", "--cluster=main", "--service-name=shop"];
    let run = async |revision: &str| {
        let revision = format!("--task-definition-arn={revision}");
        rehearsal.stage.run(&[&verify[..], &[revision.as_str()]].concat()).await
    };
    says(&run("shop:3").await, 0, &["shop in main: shop:3 is deployed"]);
    let other = run("shop:1").await;
    assert_eq!(other.code, 1, "{}", other.stderr);
    assert!(other.stderr.contains("nobody deploys shop:1 to service 'shop': it runs shop:3"), "{}", other.stderr);
    rehearsal.end().await;
}

#[tokio::test]
async fn failure_is_rolled_back_and_explained() {
    let rehearsal = stage(json!({})).await;
    rehearsal.fate(json!({ "exitCode": { "code": 3 } })).await;
    let ended = deploy(&rehearsal, &["--enable-circuit-breaker"]).await;
    says(
        &ended,
        4,
        &[
            "shop in main: shop:2 failed and was rolled back to shop:1: ",
            "replacement task set",
            "container web exited with 3",
        ],
    );
    assert_eq!(serves(&rehearsal).await, "shop:1");
    rehearsal.end().await;
}

/// The set of the revision is gone by then, but not what is known of its deployment.
#[tokio::test]
async fn verification_afterwards_tells_of_the_rollback() {
    let rehearsal = stage(json!({})).await;
    assert_eq!(deploy(&rehearsal, &[]).await.code, 0);
    let fate = json!({ "family": "shop:3", "fate": { "exitCode": { "code": 3 } } });
    rehearsal.sandbox.set_faults(json!({ "fates": [fate] })).await;
    let change = "--container-env-var-updates=container=web,name=A,value=1";
    let ended = deploy(&rehearsal, &[change, "--enable-circuit-breaker"]).await;
    says(&ended, 4, &["shop:3 failed and was rolled back to shop:2: "]);
    let words = ["--cluster=main", "--service-name=shop", "--task-definition-arn=shop:3"];
    let ended = rehearsal.stage.run(&[&["verify-revision-is-deployed"], &words[..]].concat()).await;
    says(&ended, 4, &["shop in main: shop:3 failed and was rolled back to shop:2: "]);
    rehearsal.end().await;
}

#[tokio::test]
async fn failure_without_a_way_back_fails() {
    let rehearsal = stage(json!({})).await;
    rehearsal.fate(json!("neverStarts")).await;
    let ended = deploy(&rehearsal, &[]).await;
    says(&ended, 3, &["shop in main: shop:2 failed: ", "replacement task set to become healthy"]);
    rehearsal.end().await;
}

/// CodeDeploy would try for an hour.
#[tokio::test]
async fn hopeless_tasks_end_the_wait_and_are_taken_back_on_request() {
    let rehearsal = stage(json!({})).await;
    let reason = "CannotPullContainerError: failed to resolve reference \"shop:v2\": shop:v2: not found";
    rehearsal.fate(json!({ "failPull": { "reason": reason } })).await;
    let ended = deploy(&rehearsal, &["--rollback-on-failure", "--verification-timeout=60s"]).await;
    says(&ended, 4, &["shop:2 failed: CannotPullContainerError", "it was stopped and rolled back to shop:1"]);
    assert_eq!(serves(&rehearsal).await, "shop:1");
    rehearsal.end().await;
}

#[tokio::test]
async fn stop_by_hand_fails_or_is_rolled_back() {
    let run = async |back: bool, exit: i32, part: &str| {
        let rehearsal = stage(json!({ "blueGreenDeploymentConfiguration":
            ending(json!({ "actionOnTimeout": "CONTINUE_DEPLOYMENT" }), 30) }))
        .await;
        let stop = async {
            let id = newest(&rehearsal, 0).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            code(&rehearsal, "StopDeployment", json!({ "deploymentId": id, "autoRollbackEnabled": back })).await;
        };
        let (ended, ()) = tokio::join!(deploy(&rehearsal, &[]), stop);
        says(&ended, exit, &[part]);
        rehearsal.end().await;
    };
    tokio::join!(
        run(true, 4, "shop:2 failed and was rolled back to shop:1: "),
        run(false, 3, "shop:2 failed: Deployment was stopped"),
    );
}

#[tokio::test]
async fn one_at_a_time_and_what_waits_is_said() {
    let ready = json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60 });
    let rehearsal = stage(json!({ "blueGreenDeploymentConfiguration": ending(ready, 30) })).await;
    let ended = deploy(&rehearsal, &["--on-pause=leave"]).await;
    says(&ended, 0, &["shop:2 is Ready and waits to be told to shift the traffic", "continue"]);

    let busy = deploy(&rehearsal, &["--container-env-var-updates=container=web,name=A,value=1"]).await;
    assert_eq!(busy.code, 2, "{}", busy.stderr);
    assert!(
        busy.stderr.contains("is still going on in group 'web' (Ready), which takes one at a time"),
        "{}",
        busy.stderr
    );
    assert_eq!(registered(&rehearsal).await, 2, "the stage's own and the first one");

    let late = deploy(&rehearsal, &["--verification-timeout=2s"]).await;
    says(&late, 6, &["time is up, but deployment d-", "ready, and waits to be told"]);

    let id = newest(&rehearsal, 0).await;
    code(&rehearsal, "ContinueDeployment", json!({ "deploymentId": id, "deploymentWaitType": "READY_WAIT" })).await;
    let shifted = deploy(&rehearsal, &["--wait-for=production-traffic"]).await;
    says(&shifted, 0, &["shop:2 has the production traffic"]);
    rehearsal.end().await;
}

/// The orb stops it, is content that it could, and ends green.
#[tokio::test]
async fn time_that_is_up_is_red_whether_it_is_taken_back_or_not() {
    let ready = json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60 });
    let run = async |words: &[&str], exit: i32, parts: &[&str], status: &str| {
        let rehearsal = stage(json!({ "blueGreenDeploymentConfiguration": ending(ready.clone(), 30) })).await;
        let fixed = ["--enable-circuit-breaker", "--verification-timeout=3s"];
        let ended = deploy(&rehearsal, &[&fixed, words].concat()).await;
        says(&ended, exit, parts);
        let told = ended.stderr.split("over to CodeDeploy: ").nth(1).unwrap();
        let id = told.split_whitespace().next().unwrap();
        let shown = code(&rehearsal, "GetDeployment", json!({ "deploymentId": id })).await;
        assert_eq!(shown["deploymentInfo"]["status"], status, "{}", ended.stderr);
        rehearsal.end().await;
    };
    let taken_back = ["time is up", "it was stopped and rolled back to shop:1"];
    tokio::join!(
        run(&[], 6, &["time is up, but deployment d-", "dockless rollback"], "Ready"),
        run(&["--rollback-on-failure"], 4, &taken_back, "Stopped"),
        run(&["--rollback-on-failure", "--fail-on-verification-timeout=false"], 4, &taken_back, "Stopped"),
    );
}

/// The orb wants somebody who waits, and finds that out when the revision is registered.
#[tokio::test]
async fn breaker_needs_nobody_who_waits() {
    let Rehearsal { sandbox, stage } = stage(json!({})).await;
    let rehearsal = Rehearsal { sandbox, stage: stage.env("PORT", "80") };
    let words = [
        "--wait=false",
        "--enable-circuit-breaker",
        "--codedeploy-load-balanced-container-name=web",
        "--codedeploy-load-balanced-container-port=$PORT",
        "--codedeploy-capacity-provider-name=FARGATE",
    ];
    says(&deploy(&rehearsal, &words).await, 0, &["handed shop:2 over to CodeDeploy: d-"]);
    let id = newest(&rehearsal, 0).await;
    let shown = code(&rehearsal, "GetDeployment", json!({ "deploymentId": id })).await;
    let back = &shown["deploymentInfo"]["autoRollbackConfiguration"];
    assert_eq!((&back["enabled"], &back["events"]), (&json!(true), &json!(["DEPLOYMENT_FAILURE"])), "{shown}");
    rehearsal.end().await;
}

#[tokio::test]
async fn wrong_input_is_refused_before_anything_is_registered() {
    let rehearsal = stage(json!({})).await;
    for (words, parts) in [
        (&["--codedeploy-load-balanced-container-name=wbe"][..], ["there is no container 'wbe'", "It has web."]),
        (&["--codedeploy-load-balanced-container-port=81"], ["does not open port 81", "80"]),
        (
            &["--deployment-controller=ECS"],
            ["says ECS, but CODE_DEPLOY deploys 'shop'", "hint: Leave --deployment-controller out"],
        ),
    ] {
        let ended = deploy(&rehearsal, words).await;
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        parts.iter().for_each(|part| assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr));
    }
    let unknown = rehearsal.deploy(&[]).await;
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
    assert!(unknown.stderr.contains("CodeDeploy has not deployed 'shop' yet"), "{}", unknown.stderr);
    let lone = rehearsal.deploy(&["--codedeploy-application-name=app", "--dry-run"]).await;
    assert_eq!(lone.code, 0, "{}", lone.stderr);
    for part in
        ["CreateDeployment {", "\"AWS::ECS::Service\"", "\"deploymentGroupName\": \"web\"", "\"ContainerPort\": 80"]
    {
        assert!(lone.stderr.contains(part), "{part}\n{}", lone.stderr);
    }
    let missing =
        rehearsal.deploy(&["--codedeploy-application-name=app", "--codedeploy-deployment-group-name=x"]).await;
    assert!(
        missing.code == 2 && missing.stderr.contains("No Deployment Group found for name: x"),
        "{}",
        missing.stderr
    );
    assert_eq!(registered(&rehearsal).await, 1, "the stage's own");
    rehearsal.end().await;
}

#[tokio::test]
async fn denied_reads_are_done_without() {
    let rehearsal = stage(json!({})).await;
    let deny = |on: &str| json!({ "on": on, "then": "deny" });
    let rules = ["codedeploy:GetDeploymentGroup", "codedeploy:GetDeploymentTarget"].map(deny);
    rehearsal.sandbox.set_faults(json!({ "rules": rules })).await;
    let ended = deploy(&rehearsal, &[]).await;
    says(
        &ended,
        0,
        &["shop:2 is deployed", "codedeploy:GetDeploymentGroup is denied", "codedeploy:GetDeploymentTarget is denied"],
    );
    rehearsal.end().await;
}
