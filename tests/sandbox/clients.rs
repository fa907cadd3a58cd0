//! Other people's clients, which know nothing of a sandbox.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use dockless::image::Digest;
use serde_json::json;

use super::support::{MANIFEST, Sandbox, image, program, run};
use crate::support::record::{self, agree};

/// An OCI layout with one image of one layer.
fn layout(dir: &Path, layer: &[u8]) {
    fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(layer).unwrap();
    let packed = packed.finish().unwrap();
    let put = |content: &[u8]| fs::write(dir.join("blobs/sha256").join(Digest::of(content).hex()), content).unwrap();
    let config = json!({ "os": "linux", "architecture": "amd64", "config": {},
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(layer)] } });
    let config = config.to_string();
    let mut manifest = image(&packed);
    manifest["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+gzip");
    manifest["config"]["digest"] = json!(Digest::of(config.as_bytes()));
    manifest["config"]["size"] = json!(config.len());
    let manifest = manifest.to_string();
    [packed.as_slice(), config.as_bytes(), manifest.as_bytes()].iter().for_each(|content| put(content));
    let descriptor = json!({ "mediaType": MANIFEST, "digest": Digest::of(manifest.as_bytes()), "size": manifest.len(),
        "annotations": { "org.opencontainers.image.ref.name": "v1" } });
    let index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    fs::write(dir.join("index.json"), index.to_string()).unwrap();
    fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

async fn in_background(mut command: Command) -> String {
    tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_copies_in_and_out() {
    for strict in [false, true] {
        let sandbox = Sandbox::start_with(|options| options.ecr_strict = strict).await;
        sandbox.create("team/web").await;
        let dir = tempfile::tempdir().unwrap();
        layout(&dir.path().join("in"), &vec![5; 3_000_000]);
        let login = sandbox.login().await;
        let plain = base64_text(login.trim_start_matches("Basic "));
        let remote = format!("docker://{}/team/web:v1", sandbox.running.registry());
        let copy = |words: &[&str], from: &str, to: &str| {
            let mut command = program("skopeo");
            command.arg("copy").args(words).args([from, to]).current_dir(dir.path());
            command
        };
        let words = ["--dest-tls-verify=false", "--dest-creds", &plain];
        in_background(copy(&words, "oci:in:v1", &remote)).await;
        let words = ["--src-tls-verify=false", "--src-creds", &plain];
        in_background(copy(&words, &remote, "oci:out:v1")).await;
        let names = |what: &str| {
            let mut names: Vec<_> = fs::read_dir(dir.path().join(what).join("blobs/sha256"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names("in"), names("out"), "strict: {strict}");
    }
}

fn base64_text(text: &str) -> String {
    use base64::Engine as _;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
}

/// The whole of the API by boto3, and each of its calls and answers against botocore's models.
#[tokio::test(flavor = "multi_thread")]
async fn botocore_finds_nothing_wrong() {
    let python = || program("python3");
    let found = python().args(["-c", "import boto3"]).output().unwrap().status.success();
    assert!(found, "python3 has no boto3; scripts/test says what these tests need");
    let dir = tempfile::tempdir().unwrap();
    let record = record::file_or(dir.path().join("calls"));
    let sandbox = Sandbox::start_with(|options| options.record = Some(record.clone())).await;
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox");
    let fate = json!({ "image": ":bad", "fate": { "exitCode": { "code": 3 } } });
    let lines = ["listening on 80", "cannot reach the database"];
    let reason = "Health checks failed with these codes: [502]";
    let chatty = json!({ "image": ":chatty", "fate": { "elbHealthCheckFails": { "reason": reason } }, "log": lines });
    sandbox.set_faults(json!({ "fates": [fate, chatty] })).await;
    for name in ["story.py", "rollouts.py", "traces.py", "codedeploy.py"] {
        let mut story = python();
        story.arg(scripts.join(name)).envs(sandbox.running.environment());
        in_background(story).await;
    }
    agree(&record);
}

/// `tests/models` finds what it is there to find.
#[test]
fn check_against_the_models_notices() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models");
    let mut python = program("python3");
    run(python
        .args(["-m", "unittest", "--quiet", "check_test"])
        .current_dir(tests)
        .env("PYTHONDONTWRITEBYTECODE", "1"));
}
