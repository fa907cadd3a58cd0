//! `push`: images in files, whoever wrote them, to registries.

use serde_json::{Value, json};

use crate::support::docker_registry::{DockerRegistry, program, run};
use crate::support::registry::Registry;
use crate::support::stage::Stage;

/// A stage with an image in `oci:made:v1`.
async fn stage() -> Stage {
    let stage = Stage::new();
    stage.write("www/index.html", "hello\n");
    stage.done(&["build", "--files", "www:/www", "--from", "scratch", "--to", "oci:made:v1"]).await;
    stage
}

fn skopeo(stage: &Stage, arguments: &[&str]) -> String {
    run(program("skopeo").arg("--insecure-policy").args(arguments).current_dir(stage.path("")))
}

/// The digest that skopeo sees, and whether it can take all of the image.
fn seen(stage: &Stage, reference: &str) -> String {
    let image = format!("docker://{reference}");
    let copy = format!("dir:copy-{}", reference.replace(['/', ':'], "-"));
    skopeo(stage, &["copy", "--quiet", "--src-tls-verify=false", &image, &copy]);
    let seen: Value = serde_json::from_str(&skopeo(stage, &["inspect", "--tls-verify=false", &image])).unwrap();
    seen["Digest"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn layout_goes_to_several_references_as_it_is() {
    let (stage, registry) = (stage().await, DockerRegistry::start());
    let host = registry.host();
    let to = format!("{host}/a:v1,{host}/a:v2,{host}/b/c:v1");
    let pushed = stage.document(&["push", "oci:made:v1", "--to", &to]).await;
    let digest = pushed["digest"].as_str().unwrap();
    let index: Value = serde_json::from_str(&stage.read("made/index.json")).unwrap();
    assert_eq!(digest, index["manifests"][0]["digest"], "the layout's own manifest");
    for reference in to.split(',') {
        assert_eq!(seen(&stage, reference), digest);
    }
    assert_eq!(pushed["references"], json!(to.split(',').map(|to| format!("{to}@{digest}")).collect::<Vec<_>>()));
    assert_eq!((&pushed["sent"]["blobs"], &pushed["mounted"]), (&json!(4), &json!(0)), "{pushed}");
    let again = stage.document(&["push", "oci:made:v1", "--to", &to]).await;
    assert_eq!(again["outcome"], "nothing-to-do");
}

#[tokio::test]
async fn layouts_of_other_tools_go_up() {
    let (stage, registry) = (stage().await, DockerRegistry::start());
    let umoci = |arguments: &[&str]| run(program("umoci").args(arguments).current_dir(stage.path("")));
    umoci(&["init", "--layout", "umoci"]);
    umoci(&["new", "--image", "umoci:v1"]);
    umoci(&["insert", "--rootless", "--image", "umoci:v1", "www", "/www"]);
    skopeo(&stage, &["copy", "--quiet", "oci:made:v1", "oci:skopeo:v1"]);
    for layout in ["umoci", "skopeo"] {
        let to = format!("{}/{layout}:v1", registry.host());
        let pushed = stage.document(&["push", &format!("oci:{layout}:v1"), "--to", &to]).await;
        assert_eq!(seen(&stage, &to), pushed["digest"], "{layout}");
        let raw = skopeo(&stage, &["inspect", "--raw", "--tls-verify=false", &format!("docker://{to}")]);
        let manifest: Value = serde_json::from_str(&raw).unwrap();
        assert!(manifest["mediaType"].is_string(), "ECR wants it written: {manifest}");
    }
}

/// Archives of skopeo have plain tars as layers, like those of `docker save`.
#[tokio::test]
async fn archives_go_up() {
    let (stage, registry) = (stage().await, DockerRegistry::start());
    skopeo(&stage, &["copy", "--quiet", "oci:made:v1", "docker-archive:skopeo.tar:example.test/a:v1"]);
    stage.done(&["build", "--files", "www:/www", "--from", "scratch", "--to", "docker-archive:own.tar"]).await;
    let mut layers = Vec::new();
    for archive in ["skopeo.tar", "own.tar", "skopeo.tar:example.test/a:v1"] {
        let to = format!("{}/archive{}:v1", registry.host(), layers.len());
        let pushed = stage.document(&["push", &format!("docker-archive:{archive}"), "--to", &to]).await;
        assert_eq!(seen(&stage, &to), pushed["digest"], "{archive}");
        layers.push(pushed["layers"][0]["digest"].clone());
    }
    assert_eq!(layers[0], layers[1], "compressed the same way");
}

#[tokio::test]
async fn damaged_sources_are_refused_before_anything_is_sent() {
    let (stage, registry) = (stage().await, Registry::start().await);
    let to = format!("{}/a:v1", registry.host());
    stage.write("text.tar", "no archive");
    for (source, wanted) in [("oci:none", "none"), ("oci:made:v2", "v2"), ("docker-archive:text.tar", "text.tar")] {
        stage.run(&["push", source, "--to", &to]).await.refused(2, &[wanted]);
    }
    let index: Value = serde_json::from_str(&stage.read("made/index.json")).unwrap();
    let manifest = index["manifests"][0]["digest"].as_str().unwrap().replace(':', "/");
    let manifest: Value = serde_json::from_str(&stage.read(&format!("made/blobs/{manifest}"))).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().replace(':', "/");
    std::fs::remove_file(stage.path(&format!("made/blobs/{layer}"))).unwrap();
    stage.run(&["push", "oci:made:v1", "--to", &to]).await.refused(2, &[&layer[7..19]]);
    assert_eq!(registry.log().iter().filter(|request| request.method != "HEAD" && request.method != "GET").count(), 0);
}
