//! `update-task-definition-from-json`: files that cannot be registered are refused before anything is asked, variables
//! and edits go into the others, and a dry run shows what would change.

use serde_json::json;

use super::stage::{Stage, described};
use crate::support::aws::Reply;
use crate::support::process::Ended;

const WORDS: [&str; 2] = ["update-task-definition-from-json", "--task-definition-json=ecs/web.json"];

const FILE: &str = r#"{"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx:${TAG:-1}",
  "environment": [{"name": "API_TOKEN", "value": "geheim"}], "command": ["sh", "-c", "echo $$HOME"]}]}"#;

async fn stage(file: Option<&str>) -> Stage {
    let mut stage = Stage::start(&[]).await;
    stage.job = stage.job.with("TAG", "v7");
    std::fs::create_dir(stage.job.path("ecs")).unwrap();
    file.iter().for_each(|file| std::fs::write(stage.job.path("ecs/web.json"), file).unwrap());
    stage
}

async fn run(file: &str, words: &[&str]) -> (Stage, Ended) {
    let stage = stage(Some(file)).await;
    let ended = stage.job.run(&[&WORDS[..], words].concat()).await;
    (stage, ended)
}

#[tokio::test]
async fn document_that_is_none_is_refused_with_its_place() {
    for (file, said) in [
        (None, "error: ecs/web.json: No such file"),
        (
            Some("{\"family\": \"web\",\n}"),
            "error: ecs/web.json: not valid JSON: trailing comma at line 2 column 1\nhint: JSON allows no comma",
        ),
        (
            Some("{\n  \"family\": \"web\", // ours\n  \"cpu\": \"256\"}"),
            "error: ecs/web.json: not valid JSON: key must be a string at line 2 column 20\nhint: JSON has no comments",
        ),
        (
            Some("/* ours */ {}"),
            "error: ecs/web.json: not valid JSON: expected value at line 1 column 1\nhint: JSON has no comments",
        ),
        (Some("[]"), "error: task-definition-json: "),
        (Some("{\"family\": \"web\"}"), "error: task-definition-json: there are no containerDefinitions"),
        (
            Some("{\"family\": \"web\", \"containerDefinitions\": [{\"name\": \"a\", \"image\": \"${IMAGE}\"}]}"),
            "error: task-definition-json: the image '${IMAGE}' of container 'a'",
        ),
    ] {
        let stage = stage(file).await;
        let ended = stage.job.run(&WORDS).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{}", ended.stderr);
        assert!(ended.stderr.starts_with(said), "{}", ended.stderr);
        assert!(stage.aws.received().is_empty());
    }
}

#[tokio::test]
async fn document_takes_variables_and_edits() {
    let (stage, ended) = run(
        &format!("\u{feff}{FILE}"),
        &[
            "--substitute",
            "--env=MODE=${TAG}",
            "--remove-env=API_TOKEN",
            "--memory=512",
            "--task-definition-tags=key=a,value=b",
        ],
    )
    .await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        stage.body("RegisterTaskDefinition"),
        json!({
            "family": "web", "memory": "512", "tags": [{"key": "a", "value": "b"}],
            "containerDefinitions": [{"name": "web", "image": "nginx:v7", "command": ["sh", "-c", "echo $HOME"],
                "environment": [{"name": "MODE", "value": "v7"}]}],
        })
    );
}

#[tokio::test]
async fn document_with_a_variable_that_is_not_set_is_refused() {
    let (stage, ended) = run(&FILE.replace("geheim", "${NONE}"), &["--substitute"]).await;
    assert_eq!(ended.code, 2);
    let said = "error: task-definition-json: containerDefinitions[0].environment[0].value: ";
    assert!(ended.stderr.starts_with(said) && ended.stderr.contains("NONE"), "{}", ended.stderr);
    assert!(stage.aws.received().is_empty());
}

#[tokio::test]
async fn document_of_a_new_family_or_one_that_cannot_be_read_is_registered() {
    let denied = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecs:DescribeTaskDefinition";
    for (fault, message, said) in [
        ("ClientException", "Unable to describe task definition.", "this is the first revision of web"),
        ("AccessDeniedException", denied, "ecs:DescribeTaskDefinition is not allowed"),
    ] {
        let stage = stage(Some(FILE)).await;
        stage.aws.answer("DescribeTaskDefinition", Reply::fault(400, fault, message));
        let ended = stage.job.run(&[&WORDS[..], &["--substitute"]].concat()).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!(stage.writes().len(), 1);
    }
}

#[tokio::test]
async fn document_in_a_dry_run_is_shown_masked_beside_what_it_changes() {
    let (stage, ended) = run(FILE, &["--substitute", "--dry-run"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{}", ended.stderr);
    let old = described()["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap().to_owned();
    for part in [
        "RegisterTaskDefinition {",
        &format!("  ~ web image: {old} -> nginx:v7"),
        "  + web variable API_TOKEN: ***",
        "  - web variable DB_PASSWORD: ***",
        "  - web variable MODE: plain",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("geheim"), "{}", ended.stderr);
    assert_eq!(stage.operations(), ["DescribeTaskDefinition"]);
}
