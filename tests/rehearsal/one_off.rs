//! Tasks that run once: a service's settings, the lines, the verdict, and everything that keeps them from running.

use std::time::Duration;

use serde_json::{Value, json};

use super::conditions;
use super::stage::{Rehearsal, rule};
use crate::support::stage::Ended;

const RUN: [&str; 3] = ["run-task", "--cluster=main", "--like-service=shop"];
const ROLE: &str = "arn:aws:iam::123456789012:role/execution";

/// A Fargate service `shop` in the cluster `main`, whose container logs to CloudWatch Logs.
async fn rehearsal() -> Rehearsal {
    let rehearsal = Rehearsal::start().await;
    rehearsal.ecs("CreateCluster", json!({ "clusterName": "main" })).await;
    let options =
        json!({ "awslogs-group": "/ecs/shop", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "shop" });
    let web = json!({ "name": "web", "image": "host.example/shop:v1",
        "logConfiguration": { "logDriver": "awslogs", "options": options },
        "environment": [{ "name": "DB_PASSWORD", "value": "hunter2hunter2" }] });
    let definition = json!({ "family": "shop", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512", "executionRoleArn": ROLE, "containerDefinitions": [web] });
    rehearsal.ecs("RegisterTaskDefinition", definition).await;
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"], "securityGroups": ["sg-1"] } });
    let service = json!({ "cluster": "main", "serviceName": "shop", "taskDefinition": "shop", "desiredCount": 0,
        "launchType": "FARGATE", "networkConfiguration": network });
    rehearsal.ecs("CreateService", service).await;
    rehearsal
}

impl Rehearsal {
    async fn run_task(&self, words: &[&str]) -> Ended {
        self.stage.run(&[&RUN, words].concat()).await
    }

    /// What becomes of the tasks, and what they write.
    async fn tasks_will(&self, fate: Value, log: &[&str]) {
        self.sandbox.set_faults(json!({ "fates": [{ "family": "shop", "fate": fate, "log": log }] })).await;
    }

    /// The only task that was ever started.
    async fn the_task(&self) -> Value {
        let mut all = Vec::new();
        for status in ["RUNNING", "STOPPED"] {
            let listed = self.ecs("ListTasks", json!({ "cluster": "main", "desiredStatus": status })).await;
            all.extend(listed["taskArns"].as_array().unwrap().clone());
        }
        assert_eq!(all.len(), 1, "{all:?}");
        self.ecs("DescribeTasks", json!({ "cluster": "main", "tasks": all })).await["tasks"][0].clone()
    }

    /// A run whose job is told to end when the task has been started.
    async fn cancelled_task(&self, words: &[&str]) -> Ended {
        self.stage.cancelled(&["started task"], &[&RUN, words].concat()).await
    }
}

fn says(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
    parts.iter().for_each(|part| assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr));
}

#[tokio::test]
async fn task_runs_as_the_service_does_and_its_lines_are_shown() {
    let rehearsal = rehearsal().await;
    let log = ["migrating with hunter2hunter2", "::error::not obeyed", "done"];
    rehearsal.tasks_will(json!({ "exitCode": { "code": 0, "after": 4.0 } }), &log).await;
    let words = ["--run-task-output=answer.json", "--env=MODE=fast", "--", "rake", "db:migrate"];
    let ended = rehearsal.run_task(&words).await;
    says(&ended, 0, &["started task ", ": RUNNING", "web | migrating with ***", "web | : :error::not", "web | done"]);
    says(&ended, 0, &["shop:1 in main: 1 task succeeded ("]);
    let task = rehearsal.the_task().await;
    assert_eq!(ended.stdout, format!("{}\n", task["taskArn"].as_str().unwrap()));
    assert_eq!((&task["launchType"], &task["platformVersion"]), (&json!("FARGATE"), &json!("1.4.0")));
    let web = &task["overrides"]["containerOverrides"][0];
    assert_eq!(web["command"], json!(["rake", "db:migrate"]));
    assert_eq!(web["environment"], json!([{ "name": "MODE", "value": "fast" }]));
    let answer: Value = serde_json::from_str(&rehearsal.stage.read("answer.json")).unwrap();
    assert_eq!(answer["tasks"][0]["taskArn"], task["taskArn"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn task_that_fails_says_why_and_may_lend_its_exit_code() {
    let rehearsal = rehearsal().await;
    rehearsal.tasks_will(json!({ "exitCode": { "code": 7 } }), &["no such table: cart"]).await;
    let parts = ["shop:1 in main: 1 task failed", "container web exited with 7", "| no such table: cart"];
    let ended = rehearsal.run_task(&[]).await;
    says(&ended, 3, &parts);
    assert_eq!(ended.stderr.matches("no such table: cart").count(), 1, "{}", ended.stderr);
    says(&rehearsal.run_task(&["--propagate-exit-code"]).await, 7, &parts);
    let ended = rehearsal.run_task(&["--output=json"]).await;
    let document = ended.document();
    assert_eq!((ended.code, &document["outcome"], &document["exit_code"]), (3, &json!("failed"), &json!(7)));
    assert_eq!(document["tasks"][0]["exit_codes"], json!({ "web": 7 }));
    rehearsal.end().await;
}

#[tokio::test]
async fn task_that_never_starts_is_red() {
    let rehearsal = rehearsal().await;
    let missing = json!({ "failPull": { "reason": "CannotPullContainerError: host.example/shop:v1: not found" } });
    rehearsal.tasks_will(missing, &[]).await;
    let parts =
        ["1 task failed", "CannotPullContainerError: host.example/shop:v1: not found", "check that it was pushed"];
    says(&rehearsal.run_task(&[]).await, 3, &parts);
    says(&rehearsal.run_task(&["--propagate-exit-code"]).await, 3, &parts);
    rehearsal.end().await;
}

#[tokio::test]
async fn task_that_finds_no_place_is_red_waited_for_or_not() {
    let rehearsal = rehearsal().await;
    rehearsal.tasks_will(json!({ "noCapacity": { "reason": "RESOURCE:MEMORY" } }), &[]).await;
    for wait in ["--wait-task-stopped", "--wait-task-stopped=false"] {
        let ended = rehearsal.run_task(&[wait]).await;
        says(
            &ended,
            3,
            &["nothing was started", "unable to place a task: RESOURCE:MEMORY", "No instance has enough memory"],
        );
        assert_eq!(ended.stdout, "");
    }
    rehearsal.end().await;
}

#[tokio::test]
async fn tasks_of_a_count_are_watched_and_told_apart() {
    let rehearsal = rehearsal().await;
    let fates = json!({ "fates": [
        { "family": "shop", "times": 1, "fate": { "exitCode": { "code": 0 } }, "log": ["first"] },
        { "family": "shop", "fate": { "exitCode": { "code": 2 } }, "log": ["second"] },
    ] });
    rehearsal.sandbox.set_faults(fates).await;
    let ended = rehearsal.run_task(&["--count=2"]).await;
    says(&ended, 3, &["1 of 2 tasks failed", "container web exited with 2", " | first", " | second"]);
    let arns: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(arns.len(), 2);
    let begin = &arns[0].rsplit('/').next().unwrap()[..8];
    assert!(ended.stderr.contains(&format!("web {begin} | first")), "{}", ended.stderr);
    rehearsal.end().await;
}

/// The orb looks at the container that is listed first.
#[tokio::test]
async fn app_that_fails_behind_a_healthy_sidecar_is_red() {
    let rehearsal = rehearsal().await;
    let container = |name: &str| json!({ "name": name, "image": "host.example/shop:v1", "memory": 64 });
    let all = json!([container("proxy"), container("app")]);
    rehearsal.ecs("RegisterTaskDefinition", json!({ "family": "pair", "containerDefinitions": all })).await;
    let fate = json!({ "family": "pair", "container": "app", "fate": { "exitCode": { "code": 1 } } });
    rehearsal.sandbox.set_faults(json!({ "fates": [fate] })).await;
    let words = ["run-task", "--cluster=main", "--task-definition=pair"];
    says(&rehearsal.stage.run(&words).await, 3, &["pair:1 in main: 1 task failed", "container app exited with 1"]);
    rehearsal.end().await;
}

/// The orb's variable holds the whole answer, or two ARNs with a tab between them.
#[tokio::test]
async fn arns_are_handed_on_waited_for_or_not() {
    let Rehearsal { sandbox, stage } = rehearsal().await;
    let file = stage.path("bash_env");
    let stage = stage.env("BASH_ENV", file.to_str().unwrap());
    let rehearsal = Rehearsal { sandbox, stage };
    let ended = rehearsal.run_task(&["--wait-task-stopped=false", "--count=2"]).await;
    says(&ended, 0, &["2 tasks started, not waited for"]);
    let arns: Vec<&str> = ended.stdout.lines().collect();
    assert!(rehearsal.stage.read("bash_env").contains(&format!("export ORB_STR_TASK_ARN='{}'", arns.join(" "))));
    rehearsal.end().await;
}

#[tokio::test]
async fn call_that_is_throttled_or_loses_its_answer_starts_one_task() {
    for fault in [json!({ "throttle": {} }), json!("lose_answer")] {
        let rehearsal = rehearsal().await;
        rehearsal.sandbox.set_faults(rule("ecs:RunTask", 1, fault)).await;
        says(&rehearsal.run_task(&[]).await, 0, &["1 task succeeded"]);
        assert_eq!(rehearsal.sandbox.times("ecs:RunTask").await, 2);
        rehearsal.the_task().await;
        rehearsal.end().await;
    }
}

#[tokio::test]
async fn cancelled_job_names_the_task_that_goes_on_or_stops_it() {
    let rehearsal = rehearsal().await;
    rehearsal.sandbox.set_faults(json!({ "fates": [{ "family": "shop", "fate": "healthy" }] })).await;
    let ended = rehearsal.cancelled_task(&["--stop-on-cancel"]).await;
    says(&ended, 130, &["interrupted: task ", "told to stop"]);
    while rehearsal.the_task().await["lastStatus"] != "STOPPED" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let task = rehearsal.the_task().await;
    assert_eq!(task["stoppedReason"], "dockless run-task: interrupted");
    let ended = rehearsal.cancelled_task(&[]).await;
    says(
        &ended,
        130,
        &["interrupted, but task ", "goes on in ECS", "Stop it with `aws ecs stop-task --cluster main --task "],
    );
    rehearsal.end().await;
}

#[tokio::test]
async fn time_that_is_up_is_exit_code_6() {
    let rehearsal = rehearsal().await;
    rehearsal.sandbox.set_faults(json!({ "fates": [{ "family": "shop", "fate": "neverStarts" }] })).await;
    let ended = rehearsal.run_task(&["--timeout=10", "--stop-on-timeout"]).await;
    says(&ended, 6, &["time is up: task ", "told to stop"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn task_that_somebody_stops_is_red() {
    let rehearsal = rehearsal().await;
    rehearsal.sandbox.set_faults(json!({ "fates": [{ "family": "shop", "fate": "healthy" }] })).await;
    let stopped = async {
        loop {
            let listed = rehearsal.ecs("ListTasks", json!({ "cluster": "main" })).await;
            if let Some(arn) = listed["taskArns"][0].as_str() {
                tokio::time::sleep(Duration::from_secs(2)).await;
                let body = json!({ "cluster": "main", "task": arn, "reason": "out of patience" });
                return rehearsal.ecs("StopTask", body).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (ended, _) = tokio::join!(rehearsal.run_task(&[]), stopped);
    says(&ended, 3, &["1 task failed", "out of patience"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn dry_run_shows_the_call_and_makes_none() {
    let rehearsal = rehearsal().await;
    let words = [
        "--dry-run",
        "--env=API_TOKEN=geheim",
        "--count=3",
        "--tags=key=team,value=web shop",
        "--placement-strategy=type=spread,field=host",
        "--started-by=ci",
        "--propagate-tags",
    ];
    let ended = rehearsal.run_task(&words).await;
    says(
        &ended,
        0,
        &[
            "3 tasks of shop:1 in main, as shop runs",
            "RunTask {",
            "\"subnet-1\"",
            "\"sg-1\"",
            "***",
            "\"web shop\"",
            "\"spread\"",
            "\"startedBy\": \"ci\"",
            "\"TASK_DEFINITION\"",
        ],
    );
    assert!(!ended.said().contains("geheim"));
    assert_eq!(rehearsal.sandbox.times("ecs:RunTask").await, 0);
    rehearsal.end().await;
}

/// The orb does so if there is a `${` among them, and else sends them as they are.
#[tokio::test]
async fn variables_of_overrides_are_replaced_however_they_are_written() {
    let Rehearsal { sandbox, stage } = rehearsal().await;
    let rehearsal = Rehearsal { sandbox, stage: stage.env("WHAT", r#"it's "x", $(id)"#) };
    let subnets = ["--subnet-ids=subnet-1, subnet-2 ", "--security-group-ids", "sg-1, sg-2", "--dry-run"];
    for (given, wanted) in
        [("$WHAT", r#"it's "x", $(id)"#), ("${WHAT} $WHAT $$WHAT", r#"it's "x", $(id) it's "x", $(id) $WHAT"#)]
    {
        let overrides = json!({ "containerOverrides": [{ "name": "web", "command": [given] }] }).to_string();
        let words = [&subnets[..], &["--overrides", &overrides, "--output=json"]].concat();
        let ended = rehearsal.run_task(&words).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let document = ended.document();
        let body = &document["calls"][0]["body"];
        assert_eq!(body["overrides"]["containerOverrides"][0]["command"], json!([wanted]));
        let network = &body["networkConfiguration"]["awsvpcConfiguration"];
        assert_eq!(network["subnets"], json!(["subnet-1", "subnet-2"]), "blanks behind commas are none of a name");
        assert_eq!(network["securityGroups"], json!(["sg-1", "sg-2"]));
    }
    rehearsal.end().await;
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_before_anything_is_started() {
    let rehearsal = rehearsal().await;
    let run = async |words: &[&str]| rehearsal.stage.run(&[&["run-task", "--cluster=main"], words].concat()).await;
    says(&run(&["--like-service=none"]).await, 2, &["there is no service 'none' in cluster 'main'", "MISSING"]);
    says(&run(&["--task-definition=none"]).await, 2, &["there is no task definition 'none'"]);
    says(&run(&["--task-definition=shop"]).await, 2, &["no subnets are given", "--like-service"]);
    says(&run(&[]).await, 2, &["nothing says which one"]);
    says(&run(&["--like-service=shop", "--count=11"]).await, 2, &["--count"]);
    says(&run(&["--like-service=shop", "--env=wbe:A=1"]).await, 2, &["no container 'wbe'", "Did you mean 'web'?"]);
    says(&run(&["--like-service=shop", "--exit-code-from=app"]).await, 2, &["no container 'app'", "It has web."]);
    says(&run(&["--like-service=shop", "--overrides={"]).await, 2, &["overrides: not valid JSON"]);
    says(&run(&["--like-service=shop", "--overrides=none.json"]).await, 2, &["none.json"]);
    let nowhere = ["run-task", "--cluster=none"];
    let like = rehearsal.stage.run(&[&nowhere[..], &["--like-service=shop"]].concat()).await;
    says(&like, 2, &["there is no cluster 'none'", "Check the cluster's name"]);
    assert_eq!(rehearsal.sandbox.times("ecs:RunTask").await, 0);
    let run = ["--task-definition=shop", "--subnet-ids=subnet-1"];
    says(&rehearsal.stage.run(&[&nowhere[..], &run].concat()).await, 2, &["there is no cluster 'none'"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn missing_rights_are_named() {
    let rehearsal = rehearsal().await;
    rehearsal.sandbox.set_faults(rule("ecs:RunTask", 1, json!("deny"))).await;
    says(&rehearsal.run_task(&[]).await, 1, &["Grant ecs:RunTask"]);
    rehearsal.sandbox.set_faults(rule("logs:GetLogEvents", 9, json!("deny"))).await;
    says(&rehearsal.run_task(&[]).await, 0, &["logs:GetLogEvents is denied", "1 task succeeded"]);
    rehearsal.sandbox.set_faults(rule("ecs:DescribeTasks", 9, json!("deny"))).await;
    says(
        &rehearsal.run_task(&[]).await,
        1,
        &["was started and goes on, but cannot be watched", "Grant ecs:DescribeTasks"],
    );
    rehearsal.end().await;
}

/// Lines are read by AWS's moments, and rights are renewed while the task runs.
#[tokio::test]
async fn task_is_followed_whatever_the_clock_says_and_beyond_the_end_of_credentials() {
    let run = async |rule: Value, words: &[&str]| {
        let rehearsal = rehearsal().await;
        let fate = json!({ "exitCode": { "code": 0, "after": 4.0 } });
        let fates = json!([{ "family": "shop", "fate": fate, "log": ["migrating", "done"] }]);
        rehearsal.sandbox.set_faults(json!({ "rules": [rule], "fates": fates })).await;
        let ended = rehearsal.run_task(words).await;
        says(&ended, 0, &["web | migrating", "web | done", "shop:1 in main: 1 task succeeded ("]);
        assert_eq!(ended.stderr.matches("web | done").count(), 1, "{}", ended.stderr);
        conditions::end_of_one_that_met_it(rehearsal).await;
    };
    tokio::join!(
        run(conditions::clock(3600), &[]),
        run(conditions::clock(-3600), &[]),
        run(conditions::expiry("ecs:DescribeTasks"), &[conditions::ROLE]),
    );
}
