//! Scheduled tasks: what dockless changes of rules and schedules, what it leaves alone, and what it says.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::stage::{Rehearsal, rule};
use crate::sandbox::schedules::target;
use crate::sandbox::support::SIGNATURE;
use crate::support::stage::Ended;

const RULE: [&str; 3] = ["deploy-scheduled-task", "--rule-name=nightly", "--task-definition-arn=shop:2"];
const SCHEDULE: [&str; 4] =
    ["deploy-scheduled-task", "--schedule-name=nightly", "--schedule-group=batch", "--task-definition-arn=shop:2"];

impl Rehearsal {
    /// With two revisions of `shop`, and a rule that is not due in this test.
    async fn with_rule(targets: Value) -> Self {
        let rehearsal = Self::without_service().await;
        rehearsal.revision().await;
        rehearsal.sandbox.events("PutRule", json!({ "Name": "nightly", "ScheduleExpression": "rate(1 day)" })).await;
        let put = json!({ "Rule": "nightly", "Targets": targets });
        assert_eq!(rehearsal.sandbox.events("PutTargets", put).await["FailedEntryCount"], 0);
        rehearsal
    }

    /// Registers one more.
    async fn revision(&self) {
        let web = json!({ "name": "web", "image": "public.ecr.aws/x/shop:v2", "memory": 128, "essential": true });
        self.ecs("RegisterTaskDefinition", json!({ "family": "shop", "containerDefinitions": [web] })).await;
    }

    async fn targets(&self) -> Value {
        self.sandbox.events("ListTargetsByRule", json!({ "Rule": "nightly" })).await["Targets"].clone()
    }

    async fn schedule(&self, schedule: &Value) {
        let ask = async |path: &str, body: &Value| {
            let json = [("content-type", "application/json")];
            let answer = self.sandbox.try_ask(SIGNATURE, Method::POST, path, &json, body.to_string()).await.unwrap();
            assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        };
        ask("/schedule-groups/batch", &json!({})).await;
        ask("/schedules/nightly", schedule).await;
    }

    async fn shown_schedule(&self) -> Value {
        let path = "/schedules/nightly?groupName=batch";
        let answer = self.sandbox.try_ask(SIGNATURE, Method::GET, path, &[], "").await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }
}

fn says(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, code, "{}", ended.stderr);
    parts.iter().for_each(|part| assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr));
}

fn queue() -> Value {
    json!({ "Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:q", "InputPath": "$.detail" })
}

#[tokio::test]
async fn rule_starts_the_new_revision_and_the_rest_of_it_is_as_it_was() {
    let mut ours = target("a", "shop:1");
    ours["Input"] = json!(r#"{"containerOverrides": [{"name": "web", "command": ["report"]}]}"#);
    ours["EcsParameters"]["TaskCount"] = json!(2);
    let rehearsal = Rehearsal::with_rule(json!([ours, target("b", "shopping:7"), queue()])).await;
    let ended = rehearsal.stage.run(&RULE).await;
    says(&ended, 0, &["rule nightly: 1 target starts shop:2 from now on"]);
    let left: Vec<String> = rehearsal.stage.files().into_iter().filter(|file| file != "record").collect();
    assert!(left.is_empty(), "the orb leaves two files behind: {left:?}");
    assert_eq!(ended.stdout, "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:2\n");
    ours["EcsParameters"]["TaskDefinitionArn"] = json!("arn:aws:ecs:us-east-1:123456789012:task-definition/shop:2");
    assert_eq!(rehearsal.targets().await, json!([ours, target("b", "shopping:7"), queue()]));

    says(&rehearsal.stage.run(&RULE).await, 0, &["rule nightly: already starts shop:2, nothing to do"]);
    let puts = rehearsal.sandbox.times("events:PutTargets").await;
    assert_eq!(puts, 2, "the one that made them, and one of ours");
    rehearsal.end().await;
}

#[tokio::test]
async fn rule_really_starts_what_was_deployed() {
    let rehearsal = Rehearsal::with_rule(json!([target("a", "shop:1")])).await;
    rehearsal.sandbox.events("PutRule", json!({ "Name": "nightly", "ScheduleExpression": "rate(1 minute)" })).await;
    let family = ["deploy-ecs-scheduled-task", "--rule-name=nightly", "--family=shop"];
    says(&rehearsal.stage.run(&family).await, 0, &["rule nightly: 1 target starts shop:2 from now on"]);
    let ask = json!({ "cluster": "main", "startedBy": "events-rule/nightly", "desiredStatus": "RUNNING" });
    loop {
        let tasks = rehearsal.ecs("ListTasks", ask.clone()).await["taskArns"].clone();
        if tasks != json!([]) {
            let tasks = rehearsal.ecs("DescribeTasks", json!({ "cluster": "main", "tasks": tasks })).await;
            let newest = tasks["tasks"].as_array().unwrap().iter().map(|task| task["taskDefinitionArn"].to_string());
            if newest.into_iter().any(|arn| arn.ends_with("/shop:2\"")) {
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    rehearsal.end().await;
}

#[tokio::test]
async fn new_image_is_registered_and_started_in_one_command() {
    let rehearsal = Rehearsal::with_rule(json!([target("a", "shop:2")])).await;
    let image = "--container-image-name-updates=container=web,tag=v3";
    let words = ["deploy-scheduled-task", "--rule-name=nightly", "--family=shop", image];
    let dry = rehearsal.stage.run(&[&words[..], &["--dry-run"]].concat()).await;
    says(
        &dry,
        0,
        &["v2 -> public.ecr.aws/x/shop:v3", "RegisterTaskDefinition {", "~ a: shop:2 -> (the revision", "PutTargets {"],
    );
    assert_eq!(rehearsal.targets().await, json!([target("a", "shop:2")]));
    says(&rehearsal.stage.run(&words).await, 0, &["rule nightly: 1 target starts shop:3 from now on"]);
    assert_eq!(rehearsal.targets().await, json!([target("a", "shop:3")]));
    rehearsal.end().await;
}

#[tokio::test]
async fn entries_that_fail_make_the_run_fail_and_are_named() {
    let rehearsal = Rehearsal::with_rule(json!([target("a", "shop:1"), target("b", "shop:1")])).await;
    let then =
        json!({ "fail_entries": { "target": "b", "code": "ConcurrentModificationException", "message": "later" } });
    rehearsal.sandbox.set_faults(rule("events:PutTargets", 1, then)).await;
    let ended = rehearsal.stage.run(&RULE).await;
    let wanted = "rule nightly refused 1 of 2 targets: b: ConcurrentModificationException: later";
    says(&ended, 1, &[wanted, "The other targets were changed."]);
    assert_eq!(rehearsal.targets().await, json!([target("a", "shop:2"), target("b", "shop:1")]));
    says(&rehearsal.stage.run(&RULE).await, 0, &["1 target starts shop:2"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_before_anything_is_changed() {
    let rehearsal = Rehearsal::with_rule(json!([target("a", "worker:1"), queue()])).await;
    let run = async |words: &[&str]| rehearsal.stage.run(&[&["deploy-scheduled-task"], words].concat()).await;
    let definition = "--task-definition-arn=shop:2";
    says(&run(&["--rule-name=nightly", definition]).await, 2, &["starts nothing of 'shop': its targets are of worker"]);
    says(&run(&["--rule-name=none", definition]).await, 2, &["there is no rule none", "the event bus"]);
    says(&run(&["--rule-name=nightly", "--event-bus=x", definition]).await, 2, &["there is no rule nightly of x"]);
    says(&run(&["--schedule-name=none", definition]).await, 2, &["there is no schedule none"]);
    says(&run(&["--rule-name=nightly", "--task-definition-arn=shop:9"]).await, 2, &["no task definition 'shop:9'"]);
    says(&run(&["--rule-name=nightly"]).await, 2, &["nothing says which revision to start"]);
    says(&run(&[definition]).await, 2, &["--rule-name"]);
    says(&run(&["--rule-name=a", "--schedule-name=b", definition]).await, 2, &["cannot be used with"]);
    rehearsal.ecs("DeregisterTaskDefinition", json!({ "taskDefinition": "shop:2" })).await;
    says(&run(&["--rule-name=nightly", definition]).await, 2, &["shop:2 was deregistered"]);
    assert_eq!(rehearsal.sandbox.times("events:PutTargets").await, 1, "only the one that made them");
    rehearsal.end().await;
}

#[tokio::test]
async fn missing_right_is_named_and_a_right_to_look_is_no_condition() {
    let rehearsal = Rehearsal::with_rule(json!([target("a", "shop:1")])).await;
    rehearsal.sandbox.set_faults(rule("events:PutTargets", 1, json!("deny"))).await;
    says(
        &rehearsal.stage.run(&RULE).await,
        1,
        &["Grant events:PutTargets on arn:aws:events:us-east-1:123456789012:rule/nightly"],
    );
    rehearsal.sandbox.set_faults(rule("events:DescribeRule", 9, json!("deny"))).await;
    says(&rehearsal.stage.run(&RULE).await, 0, &["1 target starts shop:2"]);
    rehearsal.sandbox.set_faults(rule("ecs:DescribeTaskDefinition", 9, json!("deny"))).await;
    let orb = "CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN";
    let Rehearsal { sandbox, stage } = rehearsal;
    let stage = stage.env(orb, "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:1");
    let rehearsal = Rehearsal { sandbox, stage };
    let ended = rehearsal.stage.run(&RULE[..2]).await;
    says(&ended, 0, &["is taken at its word: ecs:DescribeTaskDefinition is denied", "1 target starts shop:1"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn disabled_rule_is_changed_with_a_warning() {
    let rehearsal = Rehearsal::with_rule(json!([target("a", "shop")])).await;
    rehearsal.sandbox.events("DisableRule", json!({ "Name": "nightly" })).await;
    let pinned = "a followed the latest revision by itself, and is pinned from now on";
    says(&rehearsal.stage.run(&RULE).await, 0, &["rule nightly is disabled: it starts nothing", pinned]);
    rehearsal.end().await;
}

#[tokio::test]
async fn schedule_starts_the_new_revision_and_keeps_every_member() {
    let rehearsal = Rehearsal::without_service().await;
    rehearsal.revision().await;
    let mut ours = target("", "shop:1");
    ours.as_object_mut().unwrap().remove("Id");
    ours["RetryPolicy"] = json!({ "MaximumEventAgeInSeconds": 600, "MaximumRetryAttempts": 3 });
    ours["DeadLetterConfig"] = json!({ "Arn": "arn:aws:sqs:us-east-1:123456789012:dead" });
    let schedule = json!({
        "GroupName": "batch", "Target": ours, "ScheduleExpression": "cron(0 8 ? * MON-FRI *)",
        "ScheduleExpressionTimezone": "Europe/Berlin", "State": "DISABLED", "Description": "every morning",
        "ActionAfterCompletion": "DELETE", "StartDate": 1900000000, "EndDate": 1999999999,
        "FlexibleTimeWindow": { "Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15 },
        "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1",
    });
    rehearsal.schedule(&schedule).await;
    let mut before = rehearsal.shown_schedule().await;
    let dry = rehearsal.stage.run(&[&SCHEDULE[..], &["--dry-run"]].concat()).await;
    says(&dry, 0, &["~ nightly: shop:1 -> shop:2", "UpdateSchedule {", "\"Europe/Berlin\""]);
    let warning = "schedule nightly of batch is disabled: it starts nothing until it is enabled";
    says(&rehearsal.stage.run(&SCHEDULE).await, 0, &["schedule nightly of batch: starts shop:2 from now on", warning]);
    let mut after = rehearsal.shown_schedule().await;
    assert_eq!(
        after["Target"]["EcsParameters"]["TaskDefinitionArn"],
        "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:2"
    );
    after["Target"]["EcsParameters"] = before["Target"]["EcsParameters"].clone();
    for document in [&mut before, &mut after] {
        document["LastModificationDate"] = Value::Null;
    }
    assert_eq!(after, before);
    says(&rehearsal.stage.run(&SCHEDULE).await, 0, &["already starts shop:2, nothing to do"]);
    rehearsal.end().await;
}
