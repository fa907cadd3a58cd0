//! README's table of permissions names what is called of ECS, no more and no less: it is compared with the log of a run
//! that does everything and with that of a run that does only what it must. What other services are asked is
//! rehearsed in the sandbox.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::stage::{NEW_IMAGE, Stage, arn, completed, deployment, going, service};
use crate::support::aws::Reply;

/// Asked of IAM along with another call, and so in no log.
const IMPLIED: &str = "ecs:TagResource";

/// The actions of a row: those that a command always needs, and those that only some runs do.
struct Row {
    needed: BTreeSet<String>,
    more: BTreeSet<String>,
}

/// Of README's table between the marks, if it is there: `| command | needed | more |`, actions between backticks.
fn row(command: &str) -> Option<Row> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, section) = readme.split_once("<!-- permissions -->").expect("the mark before the table");
    let (section, _) = section.split_once("<!-- /permissions -->").expect("the mark behind the table");
    if section.trim().is_empty() {
        return None;
    }
    let line = section.lines().find(|line| line.starts_with(&format!("| `{command}` |")));
    let cells: Vec<&str> = line.unwrap_or_else(|| panic!("{command} is not in the table")).split('|').collect();
    let actions = |cell: &str| {
        let quoted = cell.split('`').skip(1).step_by(2).filter(|text| text.starts_with("ecs:"));
        quoted.filter(|action| **action != *IMPLIED).map(str::to_owned).collect()
    };
    Some(Row { needed: actions(cells[2]), more: actions(cells[3]) })
}

fn called(stage: &Stage) -> BTreeSet<String> {
    stage.operations().into_iter().map(|operation| format!("ecs:{operation}")).collect()
}

/// A rollout that fails, of a service whose deployments are recorded.
async fn everything() -> BTreeSet<String> {
    let back = deployment("ecs-svc/9", "PRIMARY", 7, 2, "COMPLETED", "");
    let ours = deployment("ecs-svc/8", "ACTIVE", 8, 0, "FAILED", "tasks failed to start");
    let stage = Stage::start(&[going(1), service(7, &[back, ours])]).await;
    let record = json!({"serviceDeploymentArn": "d", "targetServiceRevisionArn": "r", "createdAt": 1_800_000_000.5});
    let answers: [(&str, Value); 5] = [
        ("ListServiceDeployments", json!({"serviceDeployments": [record]})),
        (
            "DescribeServiceRevisions",
            json!({"serviceRevisions": [{"serviceRevisionArn": "r", "taskDefinition": arn(8)}]}),
        ),
        (
            "DescribeServiceDeployments",
            json!({"serviceDeployments": [{"serviceDeploymentArn": "d", "status": "IN_PROGRESS"}]}),
        ),
        ("ListTasks", json!({"taskArns": ["t/1"]})),
        ("DescribeTasks", json!({"tasks": []})),
    ];
    answers.into_iter().for_each(|(operation, body)| stage.aws.answer(operation, Reply::json(body)));
    let ended = stage.deploy(&[NEW_IMAGE]).await;
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let missing = Stage::start(&[completed()]).await;
    missing.aws.answer("DescribeServices", Reply::json(json!({"services": []})));
    missing.aws.answer("CreateService", Reply::json(json!({"service": completed()})));
    let ended = missing.deploy(&[NEW_IMAGE, "--create-service", "--wait=false"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let taken_back = [called(&taken_back(json!([])).await), called(&taken_back(paused()).await)];
    taken_back.iter().fold(&called(&stage) | &called(&missing), |all, more| &all | more)
}

fn paused() -> Value {
    json!([{"hookId": "h", "targetType": "PAUSE", "status": "AWAITING_ACTION"}])
}

/// A rollout that takes too long, with these hooks, and is rolled back.
async fn taken_back(hooks: Value) -> Stage {
    let stage = Stage::start(&[going(1)]).await;
    let record = json!({"serviceDeploymentArn": "d", "status": "IN_PROGRESS", "createdAt": 1_800_000_000.5,
        "targetServiceRevisionArn": "r", "lifecycleHookDetails": hooks, "sourceServiceRevisions": [{"arn": "r"}]});
    let revision = json!({"serviceRevisionArn": "r", "taskDefinition": arn(8)});
    let answers: [(&str, Value); 5] = [
        ("ListServiceDeployments", json!({"serviceDeployments": [record]})),
        ("DescribeServiceDeployments", json!({"serviceDeployments": [record]})),
        ("DescribeServiceRevisions", json!({"serviceRevisions": [revision]})),
        ("StopServiceDeployment", json!({"serviceDeploymentArn": "d"})),
        ("ContinueServiceDeployment", json!({"serviceDeploymentArn": "d"})),
    ];
    answers.into_iter().for_each(|(operation, body)| stage.aws.answer(operation, Reply::json(body)));
    let ended = stage.deploy(&[NEW_IMAGE, "--rollback-on-failure", "--verification-timeout=1s"]).await;
    assert_eq!(ended.code, 6, "{}", ended.stderr);
    stage
}

async fn least(words: &[&str]) -> BTreeSet<String> {
    let stage = Stage::start(&[completed()]).await;
    let ended = stage.job.run(words).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    called(&stage)
}

#[tokio::test]
async fn permissions_table_is_what_is_called() {
    let Some(deploy) = row("deploy-service-update") else {
        eprintln!("skipped: README.md has no table of permissions yet");
        return;
    };
    let words = ["deploy-service-update", "--cluster=main", "--family=web", "--wait=false", NEW_IMAGE];
    assert_eq!(deploy.needed, least(&words).await);
    assert_eq!(&deploy.needed | &deploy.more, everything().await);
    let update = row("update-task-definition").unwrap();
    assert_eq!(update.needed, least(&["update-task-definition", "--family=web", NEW_IMAGE]).await);
    assert_eq!(update.more, BTreeSet::new());
}
