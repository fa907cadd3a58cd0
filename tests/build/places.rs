//! Images in files, from and to, and the programs that have an opinion about them.

use serde_json::{Value, json};

use super::{digest, strs, words, workplace};
use crate::support::docker_registry::{DockerRegistry, program, run};
use crate::support::stage::{Ended, Stage, jar};

fn skopeo(stage: &Stage, arguments: &[&str]) -> String {
    run(program("skopeo").arg("--insecure-policy").args(arguments).current_dir(stage.path("")))
}

/// A stage with a jar, and a base image that skopeo can read: a file on scratch.
async fn stage_with_base() -> Stage {
    let stage = Stage::new();
    stage.write("app.jar", jar());
    stage.write("os/release", "a base\n");
    let words =
        ["build", "--files", "os:/etc", "--from", "scratch", "--to", "oci:base:1,docker-archive:base.tar:base:1"];
    stage.done(&words).await;
    stage
}

#[tokio::test]
async fn layout_and_archive_are_read_by_skopeo() {
    let stage = stage_with_base().await;
    let to = "oci:made:v1,docker-archive:made.tar:example.test/shop:v1";
    let made = stage.document(&["build", "--jar", "app.jar", "--from", "oci:base:1", "--to", to]).await;
    assert_eq!(made["stored"], json!(to.split(',').collect::<Vec<_>>()));
    skopeo(&stage, &["copy", "--quiet", "oci:made:v1", "dir:one"]);
    skopeo(&stage, &["copy", "--quiet", "docker-archive:made.tar:example.test/shop:v1", "dir:two"]);
    let inspect = |image: &str| -> Value { serde_json::from_str(&skopeo(&stage, &["inspect", image])).unwrap() };
    assert_eq!(inspect("oci:made:v1")["Digest"], digest(&made));
    let entrypoint = |image: &str| {
        let config: Value = serde_json::from_str(&skopeo(&stage, &["inspect", "--config", image])).unwrap();
        config["config"]["Entrypoint"].clone()
    };
    assert_eq!(entrypoint("docker-archive:made.tar"), entrypoint("oci:made:v1"));
}

/// Where a base lies makes no difference to what is built upon it.
#[tokio::test]
async fn base_from_each_kind_of_place_gives_the_same_layers() {
    let stage = stage_with_base().await;
    let registry = DockerRegistry::start();
    let reference = format!("{}/base:1", registry.host());
    stage.done(&["push", "oci:base:1", "--to", &reference]).await;
    let mut made = Vec::new();
    for from in [&reference, "oci:base:1", "docker-archive:base.tar"] {
        let to = format!("{}/shop:v{}", registry.host(), made.len());
        made.push(stage.document(&["build-and-push", "--jar", "app.jar", "--from", from, "--to", &to]).await);
    }
    let layers = |made: &Value| -> Vec<String> {
        made["layers"].as_array().unwrap().iter().map(|layer| layer["digest"].to_string()).collect()
    };
    assert_eq!(layers(&made[0]), layers(&made[1]));
    assert_eq!(layers(&made[0]), layers(&made[2]));
    assert_eq!(digest(&made[0]), digest(&made[1]), "and the same documents, where the base has a digest");
}

#[tokio::test]
async fn layout_keeps_what_it_holds_and_moves_a_tag() {
    let stage = stage_with_base().await;
    let build = ["build", "--jar", "app.jar", "--from", "scratch", "--to"];
    let first = stage.document(&[&build[..], &["oci:made:v1"]].concat()).await;
    let second = stage.document(&[&build[..], &["oci:made:v2,oci:made:v1", "--env", "A=1"]].concat()).await;
    assert_ne!(digest(&first), digest(&second));
    for tag in ["v1", "v2"] {
        let seen: Value = serde_json::from_str(&skopeo(&stage, &["inspect", &format!("oci:made:{tag}")])).unwrap();
        assert_eq!(seen["Digest"], digest(&second));
    }
}

#[tokio::test]
async fn build_without_push_makes_the_image_and_sends_nothing() {
    let (stage, registry) = workplace().await;
    let mut words = words(&registry, "shop:v1");
    words.extend(["--push-image=false", "--image-metadata-out", "image.json"].map(str::to_owned));
    let Ended { stdout, stderr, .. } = stage.done(&strs(&words)).await;
    assert!(stderr.contains("Built, neither pushed nor kept") && !stderr.contains("Written"), "{stderr}");
    assert_eq!((stdout.as_str(), super::writes(&registry).len(), registry.count("HEAD", "shop")), ("", 0, 0));
    let metadata: Value = serde_json::from_str(&stage.read("image.json")).unwrap();
    assert_eq!((&metadata["imagePushed"], &metadata["tags"]), (&json!(false), &json!([])));
}
