//! Every cause of a failed deployment that people meet: the fault, and the screen that tells of it. The service is a
//! Fargate one behind a load balancer, whose container logs to CloudWatch Logs.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::stage::{Rehearsal, breaker, says};

const BLUE: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/blue/0123456789abcdef";
const ROLE: &str = "arn:aws:iam::123456789012:role/execution";
const FAILED: &str = "shop in main: shop:2 failed and was rolled back to shop:1: ";

/// The driver that keeps lines where they can be read.
fn awslogs() -> Value {
    let options =
        json!({ "awslogs-group": "/ecs/shop", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "shop" });
    json!({ "logDriver": "awslogs", "options": options })
}

fn balanced() -> Value {
    json!({ "loadBalancers": [{ "targetGroupArn": BLUE, "containerName": "web", "containerPort": 80 }] })
}

/// With the service `shop` at rest, its container logging like this.
async fn rehearsal(logs: Value, more: Value) -> Rehearsal {
    let rehearsal = Rehearsal::start().await;
    rehearsal.ecs("CreateCluster", json!({ "clusterName": "main" })).await;
    let mut web = json!({ "name": "web", "image": "host.example/shop:v1", "portMappings": [{ "containerPort": 80 }],
        "environment": [{ "name": "DB_PASSWORD", "value": "hunter2hunter2" }] });
    if !logs.is_null() {
        web["logConfiguration"] = logs;
    }
    let definition = json!({ "family": "shop", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512", "executionRoleArn": ROLE, "containerDefinitions": [web] });
    rehearsal.ecs("RegisterTaskDefinition", definition).await;
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
    let mut service = json!({ "cluster": "main", "serviceName": "shop", "taskDefinition": "shop", "desiredCount": 2,
        "launchType": "FARGATE", "networkConfiguration": network });
    service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rehearsal.ecs("CreateService", service).await;
    while rehearsal.service().await["deployments"][0]["rolloutState"] != "COMPLETED" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    rehearsal
}

fn merged(all: &[Value]) -> Value {
    let members = all.iter().flat_map(|value| value.as_object().unwrap().clone());
    Value::Object(members.collect())
}

async fn cause(fate: Value, log: &[&str], parts: &[&str]) {
    let rehearsal = rehearsal(awslogs(), merged(&[breaker(true), balanced()])).await;
    let fate = json!({ "family": "shop:2", "fate": fate, "log": log });
    rehearsal.sandbox.set_faults(json!({ "fates": [fate] })).await;
    let ended = rehearsal.deploy(&[]).await;
    says(&ended, 4, &[&[FAILED], parts].concat());
}

#[tokio::test]
async fn tasks_that_never_start_are_explained_by_their_reason() {
    let pull = |reason: &str| json!({ "failPull": { "reason": format!("CannotPullContainerError: {reason}") } });
    let start = |reason: &str| json!({ "resourceInitialization": { "reason": format!("ResourceInitializationError: {reason}") } });
    let none: &[&str] = &[];
    let all: Vec<(Value, [&str; 2])> = vec![
        (pull("host.example/shop:v2: not found"), ["host.example/shop:v2: not found", "check that it was pushed"]),
        (
            pull("image Manifest does not contain descriptor matching platform 'linux/amd64'"),
            ["matching platform", "built for another CPU"],
        ),
        (pull("dial tcp 10.0.0.1:443: i/o timeout"), ["i/o timeout", "NAT gateway"]),
        (start("unable to retrieve secret from asm: AccessDeniedException: denied"), ["AccessDenied", "secret"]),
        (
            start("failed to validate logger args: The specified log group does not exist."),
            ["log group does not exist", "awslogs-create-group"],
        ),
    ];
    join_all(all.into_iter().map(|(fate, parts)| async move { cause(fate, none, &parts).await })).await;
}

#[tokio::test]
async fn containers_that_exit_are_explained_by_their_last_lines() {
    let exit = |code: i64| json!({ "exitCode": { "code": code } });
    let all: Vec<(Value, &[&str], Vec<&str>)> = vec![
        (
            exit(1),
            &["starting", "dial tcp 10.0.0.9:5432: connect: connection refused"],
            vec!["exited with 1 (an error of its own)", "| starting", "connection refused", "security groups"],
        ),
        (
            exit(255),
            &["exec /app: exec format error"],
            vec!["exited with 255", "| exec /app: exec format error", "built for another CPU"],
        ),
        (exit(127), &[], vec!["exited with 127 (the command was not found)", "entryPoint", "web wrote nothing"]),
        (exit(139), &["about to crash"], vec!["SIGSEGV", "| about to crash"]),
        (
            json!({ "outOfMemory": {} }),
            &["loading the catalog"],
            vec!["OutOfMemoryError", "| loading the catalog", "Raise the memory"],
        ),
        // What is written in a container cannot command the CI system, nor tell its secrets.
        (
            exit(3),
            &["::add-mask::x", "\u{1b}[31mlogin with hunter2hunter2\u{1b}[0m", "##[error]y"],
            vec![
                "| : :add-mask::x",
                "| login with ***",
                "| # #[error]y",
                "The last lines of web (/ecs/shop, shop/web/",
            ],
        ),
    ];
    join_all(all.into_iter().map(|(fate, log, parts)| async move { cause(fate, log, &parts).await })).await;
}

#[tokio::test]
async fn targets_that_fail_are_explained_by_the_load_balancer() {
    let fails = |reason: &str| json!({ "elbHealthCheckFails": { "reason": reason } });
    let all: Vec<(Value, Vec<&str>)> = vec![
        (
            fails("Health checks failed with these codes: [502]"),
            vec![
                "Task failed ELB health checks",
                "target group blue, port 80",
                "these codes: [502]",
                "| upstream is down",
            ],
        ),
        (fails("Request timed out"), vec!["not answered in time (Request timed out)", "security group"]),
        (json!({ "elbHealthCheckFails": {} }), vec!["no connection or no sound answer", "0.0.0.0"]),
    ];
    join_all(all.into_iter().map(|(fate, parts)| async move { cause(fate, &["upstream is down"], &parts).await }))
        .await;
}

/// ECS still waits, so no task was stopped: only the load balancer knows that all is not well.
#[tokio::test]
async fn time_that_is_up_while_targets_fail_is_explained() {
    let more = merged(&[balanced(), json!({ "healthCheckGracePeriodSeconds": 60_000 })]);
    let rehearsal = rehearsal(awslogs(), more).await;
    let fails = json!({ "elbHealthCheckFails": { "reason": "Request timed out" } });
    rehearsal.fate(fails).await;
    let ended = rehearsal.deploy(&["--verification-timeout=5s", "--output=json"]).await;
    assert_eq!(ended.code, 6, "{}", ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let target = &document["evidence"]["targets"][0];
    assert_eq!((&target["code"], &target["group"]), (&json!("Target.Timeout"), &json!("blue")), "{document}");
    rehearsal.end().await;
}

/// The alarm fires while the new tasks bake.
#[tokio::test]
async fn alarm_that_fired_is_named() {
    let alarms = json!({ "alarmNames": ["shop-5xx"], "enable": true, "rollback": true });
    let more = json!({ "deploymentConfiguration": { "alarms": alarms, "bakeTimeInMinutes": 20 } });
    let rehearsal = rehearsal(awslogs(), more).await;
    let fire = async {
        while rehearsal.service().await["deployments"].as_array().unwrap().len() < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        rehearsal.sandbox.set_faults(json!({ "alarms": ["shop-5xx"] })).await;
    };
    let (ended, ()) = tokio::join!(rehearsal.deploy(&[]), fire);
    says(&ended, 4, &[FAILED, "- alarm shop-5xx fired", "Look at the alarm's metric"]);
    rehearsal.end().await;
}

/// The document is there before the deployment is; one that is in ALARM already would be ignored.
#[tokio::test]
async fn alarm_that_is_planned_fires_in_the_midst_of_the_deployment() {
    let alarms = json!({ "alarmNames": ["shop-5xx"], "enable": true, "rollback": true });
    let rehearsal = Rehearsal::with_service(json!({ "deploymentConfiguration": { "alarms": alarms } })).await;
    rehearsal.sandbox.set_faults(json!({ "alarms": [{ "name": "shop-5xx", "family": "shop:2", "after": 0.5 }] })).await;
    let ended = rehearsal.deploy(&[]).await;
    says(&ended, 4, &[FAILED, "- alarm shop-5xx fired"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn hook_that_failed_is_named() {
    let function = "arn:aws:lambda:us-east-1:123456789012:function:smoke-test";
    let hook = json!({ "hookTargetArn": function, "roleArn": ROLE, "lifecycleStages": ["POST_SCALE_UP"] });
    let mut more = balanced();
    more["loadBalancers"][0]["advancedConfiguration"] = json!({
        "alternateTargetGroupArn": BLUE.replace("blue", "green"), "roleArn": ROLE,
        "productionListenerRule": "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/lb/1/2/3" });
    more["deploymentConfiguration"] =
        json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1, "lifecycleHooks": [hook] });
    let rehearsal = rehearsal(awslogs(), more).await;
    rehearsal.sandbox.set_faults(json!({ "hooks": { "function:smoke-test": ["FAILED"] } })).await;
    let ended = rehearsal.deploy(&[]).await;
    says(&ended, 4, &[FAILED, "- lifecycle hook smoke-test failed", "its role may be assumed"]);
    rehearsal.end().await;
}

/// No call beyond those that a rollout takes.
#[tokio::test]
async fn success_asks_nobody_for_causes() {
    let rehearsal = rehearsal(awslogs(), merged(&[breaker(true), balanced()])).await;
    says(&rehearsal.deploy(&[]).await, 0, &["shop:2 is deployed"]);
    let asked = rehearsal.sandbox.actions().await;
    let strange = |action: &&String| !action.starts_with("ecs:") && !action.starts_with("sts:");
    assert!(asked.iter().filter(strange).count() == 0 && asked.len() > 4, "{asked:?}");
    rehearsal.end().await;
}

/// What may not be read is named in a line, and the verdict is the same.
#[tokio::test]
async fn denied_reads_spoil_no_verdict() {
    let rehearsal = rehearsal(awslogs(), merged(&[breaker(true), balanced()])).await;
    let deny = |on: &str| json!({ "on": on, "then": "deny" });
    let rules = [deny("logs:GetLogEvents"), deny("elasticloadbalancing:DescribeTargetHealth")];
    let fate = json!({ "family": "shop:2", "fate": { "exitCode": { "code": 3 } }, "log": ["x"] });
    rehearsal.sandbox.set_faults(json!({ "rules": rules, "fates": [fate] })).await;
    let parts = [
        FAILED,
        "container web exited with 3",
        "- logs:GetLogEvents is denied: grant it",
        "- elasticloadbalancing:DescribeTargetHealth is denied: grant it",
    ];
    says(&rehearsal.deploy(&[]).await, 4, &parts);
    rehearsal.end().await;
}

/// Lines that are kept elsewhere, or nowhere.
#[tokio::test]
async fn other_drivers_are_named() {
    let run = async |logs: Value, part: &str| {
        let rehearsal = rehearsal(logs, breaker(true)).await;
        rehearsal.fate(json!({ "exitCode": { "code": 3 } })).await;
        says(&rehearsal.deploy(&[]).await, 4, &["container web exited with 3", part]);
        rehearsal.end().await;
    };
    tokio::join!(
        run(json!({ "logDriver": "splunk", "options": { "splunk-url": "https://x" } }), "logs with the driver splunk"),
        run(json!({ "logDriver": "awsfirelens" }), "by way of FireLens"),
        run(Value::Null, "has no logConfiguration"),
    );
}
