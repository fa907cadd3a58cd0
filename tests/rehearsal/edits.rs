//! What a deploy asks of AWS, call by call, and what its edits come to.

use serde_json::{Value, json};

use super::stage::{Rehearsal, says};
use crate::support::record;

const WAIT: &str = "--wait=false";

impl Rehearsal {
    /// What was asked for since this number of calls, in no order.
    async fn calls(&self, since: usize) -> Vec<String> {
        let mut calls = self.sandbox.actions().await.split_off(since);
        calls.sort();
        calls
    }

    async fn called(&self) -> usize {
        self.sandbox.actions().await.len()
    }

    async fn definition(&self, name: &str) -> Value {
        self.ecs("DescribeTaskDefinition", json!({ "taskDefinition": name })).await["taskDefinition"].clone()
    }
}

#[tokio::test]
async fn minimal_deploy_makes_four_calls() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let since = rehearsal.called().await;
    says(&rehearsal.deploy(&[WAIT]).await, 0, &["the deployment of shop:2 has begun"]);
    assert_eq!(
        rehearsal.calls(since).await,
        ["ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition", "ecs:UpdateService"]
    );
    rehearsal.end().await;
}

#[tokio::test]
async fn dry_runs_write_nothing() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let file = r#"{"family": "shop", "containerDefinitions": [{"name": "web", "image": "nginx:9"}]}"#;
    rehearsal.stage.write("shop.json", file);
    let deploy = ["deploy-service-update", "--cluster=main", "--family=shop"];
    for words in [
        &[&deploy[..], &["--image=web=nginx:2", "--env=web:TOKEN=geheim", "--desired-count=5"]].concat()[..],
        &[&deploy[..], &["--force-new-deployment", "--enable-circuit-breaker"]].concat(),
        &[&deploy[..], &["--service-name=new", "--create-service"]].concat(),
        &["update-task-definition", "--family=shop", "--cpu=512"],
        &["update-task-definition-from-json", "--task-definition-json=shop.json"],
    ] {
        let since = rehearsal.called().await;
        let ended = rehearsal.stage.run(&[words, &["--dry-run", "--output=json"]].concat()).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let document = ended.document();
        assert_eq!(document["outcome"], "planned", "{document}");
        let operations: Vec<&str> =
            document["calls"].as_array().unwrap().iter().map(|call| call["operation"].as_str().unwrap()).collect();
        assert!(!operations.is_empty() && !ended.said().contains("geheim"), "{document}");
        for call in rehearsal.calls(since).await {
            assert!(call.starts_with("ecs:Describe") || call.starts_with("ecs:List"), "{call} in {words:?}");
        }
    }
    rehearsal.end().await;
}

/// The calls that were shown are the calls that are made.
#[tokio::test]
async fn dry_run_shows_what_is_sent() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let words = [WAIT, "--env=web:MODE=fast", "--desired-count=3"];
    let shown = rehearsal.deploy(&[&words[..], &["--dry-run", "--output=json"]].concat()).await.document();
    let done = rehearsal.deploy(&words).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    let record = record::file_or(rehearsal.stage.path("record"));
    let record = std::fs::read_to_string(record).unwrap();
    let sent = |operation: &str| {
        let mut calls = record.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        calls.rfind(|call| call["action"] == format!("ecs:{operation}")).unwrap()["request"].clone()
    };
    for call in shown["calls"].as_array().unwrap() {
        let (operation, mut body) = (call["operation"].as_str().unwrap(), call["body"].clone());
        if operation == "UpdateService" {
            body["taskDefinition"] = done.stdout.trim().into();
        }
        assert_eq!(body, sent(operation), "{operation}");
    }
    rehearsal.end().await;
}

#[tokio::test]
async fn edits_by_flag_come_to_what_was_asked_for() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let parameter = "arn:aws:ssm:eu-central-1:123456789012:parameter/p";
    let secret = format!("--secret=web:PASSWORD={parameter}");
    let first = ["--env=OLD=1", "--env=web:COLOURS=red,green=blue", &secret, "--label=a.b=c,d", "--label=gone=x", WAIT];
    assert_eq!(rehearsal.deploy(&first).await.code, 0);
    let second = [
        "--replace-env=web",
        "--env=PASSWORD=open",
        "--remove-label=web:gone",
        r#"--command=["sh","-c","serve, please"]"#,
        "--cpu=web=64",
        WAIT,
    ];
    let ended = rehearsal.deploy(&second).await;
    says(&ended, 0, &["PASSWORD moves from 'secrets' to 'environment'"]);
    let web = rehearsal.definition("shop").await["containerDefinitions"][0].clone();
    assert_eq!(web["environment"], json!([{ "name": "PASSWORD", "value": "open" }]));
    assert_eq!((&web["secrets"], &web["dockerLabels"]), (&json!([]), &json!({ "a.b": "c,d" })));
    assert_eq!((&web["command"], &web["cpu"]), (&json!(["sh", "-c", "serve, please"]), &json!(64)));
    rehearsal.end().await;
}

#[tokio::test]
async fn revision_is_deployed_as_it_is_to_a_service_named_by_its_arn() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    assert_eq!(rehearsal.deploy(&[]).await.code, 0);
    let arn = rehearsal.service().await["serviceArn"].as_str().unwrap().to_owned();
    let since = rehearsal.called().await;
    let words = ["deploy-service-update", "--family=shop", "--service-name", &arn, "--revision=1"];
    says(&rehearsal.stage.run(&words).await, 0, &["shop:1 is deployed as it is, nothing is registered"]);
    let calls = rehearsal.calls(since).await;
    assert!(!calls.contains(&"ecs:RegisterTaskDefinition".to_owned()), "{calls:?}");
    assert!(rehearsal.service().await["taskDefinition"].as_str().unwrap().ends_with("/shop:1"));
    rehearsal.ecs("DeregisterTaskDefinition", json!({ "taskDefinition": "shop:2" })).await;
    let gone = rehearsal.stage.run(&[&words[..4], &["--revision=2"]].concat()).await;
    gone.refused(2, &["shop:2 is INACTIVE", "--previous-revision-number"]);
    let more = rehearsal.stage.run(&[&words[..], &["--env=A=1"]].concat()).await;
    more.refused(2, &["nothing is to be registered"]);
    rehearsal.end().await;
}

/// What ECS fills in is no difference.
#[tokio::test]
async fn definition_from_a_file_is_registered_once() {
    let rehearsal = Rehearsal::start().await;
    let file = json!({
        "family": "shop", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": ".5 vCPU",
        "memory": "1 GB", "executionRoleArn": "arn:aws:iam::123456789012:role/pull",
        "containerDefinitions": [{ "name": "web", "image": "nginx:1", "portMappings": [{ "containerPort": 80 }],
            "healthCheck": { "command": ["CMD", "true"] }, "environment": [] }],
        "tags": [{ "key": "team", "value": "shop" }],
    });
    rehearsal.stage.write("shop.json", file.to_string());
    let words = ["update-task-definition-from-json", "--task-definition-json=shop.json"];
    let first = rehearsal.stage.run(&words).await;
    says(&first, 0, &["this is the first revision of shop"]);
    let second = rehearsal.stage.document(&words).await;
    assert_eq!((&second["outcome"], &second["registered"]), (&json!("nothing-to-do"), &json!(false)));
    assert_eq!(second["task_definition_arn"], first.stdout.trim());
    let third = rehearsal.stage.document(&[&words[..], &["--image=:2"]].concat()).await;
    assert_eq!(third["changes"].as_array().unwrap().len(), 1, "{third}");
    assert!(third["task_definition_arn"].as_str().unwrap().ends_with("/shop:2"));
    rehearsal.end().await;
}
