//! `update-task-definition-from-json`: files that cannot be registered are refused, and a dry run asks AWS nothing.

use super::stage::Stage;

const WORDS: [&str; 2] = ["update-task-definition-from-json", "--task-definition-json=ecs/web.json"];

async fn stage(file: Option<&str>) -> Stage {
    let stage = Stage::start(&[]).await;
    std::fs::create_dir(stage.job.path("ecs")).unwrap();
    file.iter().for_each(|file| std::fs::write(stage.job.path("ecs/web.json"), file).unwrap());
    stage
}

#[tokio::test]
async fn document_that_is_none_is_refused_with_its_place() {
    for (file, said) in [
        (None, "error: ecs/web.json: No such file"),
        (Some("{\"family\": \"web\",\n}"), "error: ecs/web.json: not valid JSON: trailing comma at line 2 column 1"),
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
async fn document_in_a_dry_run_is_shown_masked() {
    let file = r#"{"family":"web","containerDefinitions":[{"name":"web","image":"nginx:1","environment":[{"name":"API_TOKEN","value":"geheim"}]}]}"#;
    let stage = stage(Some(file)).await;
    let ended = stage.job.run(&[&WORDS[..], &["--dry-run"]].concat()).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("RegisterTaskDefinition {") && ended.stderr.contains("nginx:1"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("geheim"), "{}", ended.stderr);
    assert!(stage.aws.received().is_empty());
}
