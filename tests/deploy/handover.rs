//! What later steps of a pipeline find: GitHub's files, and `$BASH_ENV` as a real bash reads it.

use std::process::Command;

use serde_json::json;

use super::stage::{NEW_IMAGE, Stage, arn, completed};
use crate::support::aws::Reply;
use crate::support::process::Job;

async fn stage() -> Stage {
    let mut stage = Stage::start(&[completed()]).await;
    let job = Job::at(stage.aws.url());
    let path = |name: &str| job.path(name).to_str().unwrap().to_owned();
    let files =
        [("GITHUB_OUTPUT", path("output")), ("GITHUB_STEP_SUMMARY", path("summary")), ("BASH_ENV", path("env"))];
    stage.job = files.iter().fold(job, |job, (name, file)| job.with(name, file));
    std::fs::write(stage.job.path("env"), "export BEFORE=1").unwrap();
    stage
}

/// What bash has in these variables once it has read `$BASH_ENV`, as it does before each step.
fn sourced(job: &Job, names: &[&str]) -> Vec<String> {
    let script: String = names.iter().map(|name| format!("printf '%s\\0' \"${{{name}-unset}}\";")).collect();
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &script]).current_dir(job.path("")).env_clear();
    let output = command.env("BASH_ENV", job.path("env")).output();
    let output = output.expect("bash: scripts/test runs where there is one");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
}

const ORBS: [&str; 3] =
    ["CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN", "CCI_ORB_AWS_ECS_DEPLOYED_REVISION", "CCI_ORB_AWS_ECS_DEPLOYMENT_ID"];

#[tokio::test]
async fn later_steps_find_the_orbs_variables() {
    let stage = stage().await;
    let ended = stage.deploy(&[NEW_IMAGE]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(sourced(&stage.job, &ORBS), [arn(8), arn(8), "ecs-svc/8".to_owned()]);
    assert_eq!(sourced(&stage.job, &["BEFORE"]), ["1"], "what was there stays");
}

#[tokio::test]
async fn later_steps_find_githubs_outputs_and_a_summary() {
    let stage = stage().await;
    assert_eq!(stage.deploy(&[NEW_IMAGE]).await.code, 0);
    let read = |name: &str| std::fs::read_to_string(stage.job.path(name)).unwrap();
    let output = read("output");
    let lines: Vec<&str> = output.lines().collect();
    let values = lines.chunks(3).map(|block| (block[0].split("<<").next().unwrap(), block[1]));
    let arn = arn(8);
    let wanted = [("task-definition-arn", arn.as_str()), ("deployed-revision", &arn), ("deployment-id", "ecs-svc/8")];
    assert_eq!(values.collect::<Vec<_>>(), wanted);
    let summary = read("summary");
    for part in ["**web in main**: web:8 is deployed", "~ web image: ", &format!("- deployed-revision: `{arn}`")] {
        assert!(summary.contains(part), "{part}\n{summary}");
    }
}

#[tokio::test]
async fn values_full_of_shell_stay_values() {
    let stage = stage().await;
    let evil = "arn:aws:ecs:eu-west-1:123456789012:task-definition/it's \"$(touch pwned)\" `touch pwned` $HOME \\";
    stage.aws.answer("RegisterTaskDefinition", Reply::json(json!({"taskDefinition": {"taskDefinitionArn": evil}})));
    let words = ["update-task-definition", "--family=web", "--container-image-name-updates=container=web,tag=v2"];
    let ended = stage.job.run(&words).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(sourced(&stage.job, &ORBS[..1]), [evil]);
    assert!(!stage.job.path("pwned").exists());
    assert!(std::fs::read_to_string(stage.job.path("output")).unwrap().contains(evil));
}

#[tokio::test]
async fn nothing_is_handed_on_by_a_dry_run_or_a_refusal() {
    for words in [&[NEW_IMAGE, "--dry-run"][..], &["--container-image-name-updates=container=no,tag=v2"]] {
        let stage = stage().await;
        stage.deploy(words).await;
        assert_eq!(sourced(&stage.job, &ORBS), ["unset"; 3]);
        let output = std::fs::read_to_string(stage.job.path("output")).unwrap_or_default();
        assert_eq!(output, "");
    }
}
