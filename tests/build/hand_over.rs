//! What a build leaves for the next steps of a pipeline.

use serde_json::{Value, json};

use super::{digest, strs, words, workplace, writes};
use crate::support::docker_registry::{program, run};

#[tokio::test]
async fn references_go_to_stdout_one_a_line() {
    let (stage, registry) = workplace().await;
    let host = registry.host();
    let to = format!("{host}/shop:v1,{host}/other:x,{host}/shop:v2");
    let ended = stage.done(&[&strs(&words(&registry, ""))[..6], &[&to]].concat()).await;
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let digest = lines[0].split_once('@').unwrap().1;
    let wanted = ["shop:v1", "shop:v2", "other:x"].map(|name| format!("{host}/{name}@{digest}"));
    assert_eq!(lines, wanted);
    for (repository, tag) in [("shop", "v1"), ("shop", "v2"), ("other", "x")] {
        let bytes = registry.manifest(repository, tag).unwrap();
        assert_eq!(dockless::image::Digest::of(&bytes).as_str(), digest);
    }
    let mounted = registry.requests("POST", "/v2/other/").iter().filter(|post| post.query.contains("mount=")).count();
    assert!(mounted > 0, "the second repository takes the base's layer from where it is");
}

#[tokio::test]
async fn later_steps_are_handed_the_exact_image() {
    let (stage, registry) = workplace().await;
    let path = |name: &str| stage.path(name).display().to_string();
    let (output, summary, env) = (path("output"), path("summary"), path("env"));
    let stage = stage.env("GITHUB_OUTPUT", &output).env("GITHUB_STEP_SUMMARY", &summary).env("BASH_ENV", &env);
    for run_number in 1..=2 {
        let made = stage.document(&strs(&words(&registry, "shop:v1"))).await;
        let image = format!("{}/shop:v1@{}", registry.host(), digest(&made));
        let told = run(program("bash")
            .args(["-c", "echo $DOCKLESS_IMAGE; echo $DOCKLESS_IMAGE_DIGEST"])
            .env("BASH_ENV", &env));
        assert_eq!(told, format!("{image}\n{}\n", digest(&made)));
        assert_eq!(
            stage.read("output").matches(&format!("\n{image}\n")).count(),
            run_number,
            "also if nothing was to do"
        );
        assert!(stage.read("summary").contains(&image));
    }
}

#[tokio::test]
async fn metadata_is_written_where_it_was_asked_for() {
    let (stage, registry) = workplace().await;
    let mut words = words(&registry, "shop:v1");
    words.extend(["--image-metadata-out", "image.json"].map(str::to_owned));
    let made = stage.document(&strs(&words)).await;
    let metadata: Value = serde_json::from_str(&stage.read("image.json")).unwrap();
    let image = format!("{}/shop", registry.host());
    assert_eq!((&metadata["image"], &metadata["imageDigest"]), (&json!(image), &json!(digest(&made))));
    assert_eq!((&metadata["tags"], &metadata["imagePushed"]), (&json!(["v1"]), &json!(true)));
}

#[tokio::test]
async fn dry_run_says_what_it_would_send_and_sends_nothing() {
    let (stage, registry) = workplace().await;
    let mut words = words(&registry, "shop:v1");
    words.extend(["--dry-run", "--image-metadata-out", "image.json"].map(str::to_owned));
    let planned = stage.document(&strs(&words)).await;
    assert_eq!((planned["outcome"].as_str(), writes(&registry).len()), (Some("planned"), 0));
    assert!(!stage.path("image.json").exists());
    let lacking = planned["to_send"][0]["blobs"].as_array().unwrap().len();
    let made = stage.document(&strs(&words[..7])).await;
    assert_eq!(
        (digest(&planned), json!(lacking)),
        (digest(&made), json!(made["sent"]["blobs"].as_u64().unwrap() + made["mounted"].as_u64().unwrap()))
    );
    let planned = stage.document(&strs(&words)).await;
    assert_eq!(planned["to_send"][0]["blobs"], json!([]));
}
