//! What is wrong is told before anything has happened: no write at any registry, no file, and the cure beside it.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use dockless::image::Platform;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::login::{authorization, with_keys, with_login};
use super::{put_base, strs, words, workplace, writes};
use crate::support::aws::{FakeAws, Reply};
use crate::support::registry::{Effect, Registry};
use crate::support::stage::{Ended, Stage, jar, zip};

/// Runs it; afterwards everything has to be as it was.
async fn without_effect(stage: &Stage, registry: &Registry, words: &[&str]) -> Ended {
    let before = (stage.files(), writes(registry).len());
    let ended = stage.run(&[words, &["--cache-dir", "/nonexistent"]].concat()).await;
    assert_eq!((stage.files(), writes(registry).len()), before, "{words:?}: {}", ended.stderr);
    ended
}

#[tokio::test]
async fn bad_words_are_refused() {
    let (stage, registry) = workplace().await;
    let image = ["build-and-push", "--jar", "app.jar", "--from", "scratch"];
    for (more, wanted) in [
        (&["--repo", "shop", "--tag", "feature/x"][..], "--tag: 'feature/x' is not a tag"),
        (&["--repo", "Shop"], "--repo: "),
        (&["--to", "host.example/shop:a b"], "--to: "),
        (&["--repo", "shop", "--tag", "v1,${UNSET}"], "variable UNSET is not set"),
        (&[], "nothing says where to push"),
    ] {
        without_effect(&stage, &registry, &[&image[..], more].concat()).await.refused(2, &[wanted]);
    }
    let none = ["build-and-push", "--files", "app.jar:/x", "--to", "oci:x"];
    without_effect(&stage, &registry, &none).await.refused(2, &["no base image named", "--from"]);
}

#[tokio::test]
async fn bad_jars_are_refused() {
    let (stage, registry) = workplace().await;
    let sound = jar();
    let manifest = b"Manifest-Version: 1.0\n\n".as_slice();
    for (name, bytes, wanted) in [
        ("truncated", sound[..sound.len() / 2].to_vec(), "not a whole one"),
        ("empty", Vec::new(), "not a jar"),
        ("text", b"not a jar at all".to_vec(), "not a jar"),
        ("without a main class", zip(&[("META-INF/MANIFEST.MF", manifest), ("A.class", b"x")]), "main class"),
        ("with a rotten member", rotten(), "build it again"),
    ] {
        stage.write("app.jar", bytes);
        let ended = without_effect(&stage, &registry, &strs(&words(&registry, "shop:v1"))).await;
        ended.refused(2, &["app.jar", wanted, "hint: "]);
        println!("{name}: {}", ended.stderr);
    }
    std::fs::remove_file(stage.path("app.jar")).unwrap();
    let ended = without_effect(&stage, &registry, &strs(&words(&registry, "shop:v1"))).await;
    ended.refused(2, &["jar app.jar does not exist", "hint: "]);
}

/// A jar in which one bit of a member's content has changed.
fn rotten() -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in [("META-INF/MANIFEST.MF", "Main-Class: a.B\n\n"), ("a/B.class", "x"), ("noise.txt", "12345")]
    {
        writer.start_file(name, stored).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    let mut bytes = writer.finish().unwrap().into_inner();
    let at = bytes.windows(5).position(|window| window == b"12345").unwrap();
    bytes[at] ^= 1;
    bytes
}

#[tokio::test]
async fn unwritable_outputs_are_refused() {
    let (stage, registry) = workplace().await;
    let image = ["build-and-push", "--jar", "app.jar", "--from", "scratch"];
    let remote = format!("{}/shop:v1", registry.host());
    for output in
        ["oci:app.jar", "oci:app.jar/under", "docker-archive:none/a.tar", "oci:/proc/none", "docker-archive:home"]
    {
        let to = format!("{remote},{output}");
        let words = [&image[..], &["--to", &to]].concat();
        without_effect(&stage, &registry, &words).await.refused(2, &[output.split_once(':').unwrap().1]);
    }
    for file in ["none/image.json", "home", "/proc/image.json"] {
        let words = [&image[..], &["--to", &remote, "--image-metadata-out", file]].concat();
        without_effect(&stage, &registry, &words).await.refused(2, &["--image-metadata-out", file]);
    }
}

#[tokio::test]
async fn unfit_bases_are_refused() {
    let (stage, registry) = workplace().await;
    put_base(&registry, "arm", "1", &"linux/arm64".parse::<Platform>().unwrap());
    let host = registry.host();
    let to = format!("{host}/shop:v1");
    for (from, code, wanted) in [
        (format!("{host}/base:none"), 2, ["base:none does not exist", "--from"]),
        (format!("{host}/arm:1"), 2, ["linux/arm64", "--platform"]),
        ("oci:none".into(), 2, ["none", "hint: "]),
        ("docker-archive:none.tar".into(), 2, ["none.tar: No such file", "hint: Check the path"]),
        ("docker-archive:app.jar".into(), 2, ["app.jar", "error"]),
    ] {
        let words = ["build-and-push", "--jar", "app.jar", "--from", &from, "--to", &to];
        without_effect(&stage, &registry, &words).await.refused(code, &wanted);
    }
}

#[tokio::test]
async fn binary_for_another_machine_is_refused() {
    let (stage, registry) = workplace().await;
    let mut elf = vec![0; 64];
    elf[..20].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0xb7, 0]);
    stage.write("server", elf);
    let to = format!("{}/shop:v1", registry.host());
    let words = ["build-and-push", "--binary", "server", "--to", &to];
    without_effect(&stage, &registry, &words).await.refused(2, &["linux/arm64", "--platform linux/arm64"]);
    stage.write("server", "#!/bin/sh\n");
    without_effect(&stage, &registry, &words).await.refused(2, &["server"]);
}

#[tokio::test]
async fn missing_repository_is_named() {
    for cuts in [false, true] {
        let (stage, registry, _aws, words) = with_login("one", "one").await;
        registry.set(|behaviour| {
            behaviour.repositories = Some(["base".to_owned()].into());
            behaviour.cuts_missing_repositories = cuts;
        });
        let wanted = [&*format!("repository {}/shop does not exist", registry.host()), "hint: Create "];
        stage.run(&strs(&words)).await.refused(1, &wanted);
        // Only an attempt can tell: ECR may be set up to create repositories when they are pushed to.
        let tried = writes(&registry);
        assert!(tried.iter().all(|post| post.method == "POST" && post.status.is_none_or(|status| status == 404)));
    }
}

#[tokio::test]
async fn expired_credentials_are_named() {
    let (stage, registry, aws) = (with_keys(Stage::new()), Registry::start().await, FakeAws::start().await);
    stage.write("app.jar", jar());
    let said = "The security token included in the request is expired";
    aws.answer("GetAuthorizationToken", Reply::fault(400, "ExpiredTokenException", said));
    aws.answer("GetCallerIdentity", Reply::query_fault(403, "ExpiredToken", said));
    let image =
        ["build-and-push", "--jar", "app.jar", "--from", "scratch", "--endpoint-url", aws.url(), "--repo", "shop"];
    for account in [&["--account-id", "123456789012"][..], &[]] {
        let ended = without_effect(&stage, &registry, &[&image[..], account].concat()).await;
        ended.refused(1, &["expired", "hint: "]);
    }
}

#[tokio::test]
async fn region_that_does_not_exist_is_named() {
    let (stage, registry, aws) = (with_keys(Stage::new()), Registry::start().await, FakeAws::start().await);
    stage.write("app.jar", jar());
    aws.answer("GetAuthorizationToken", authorization("x"));
    let host = "123456789012.dkr.ecr.eu-nowhere-9.amazonaws.com";
    let image =
        ["build-and-push", "--jar", "app.jar", "--from", "scratch", "--endpoint-url", aws.url(), "--repo", "shop"];
    let begin = Instant::now();
    let ended = without_effect(&stage, &registry, &[&image[..], &["--account-url", host]].concat()).await;
    ended.refused(1, &[host, "cannot be resolved", "hint: Check account 123456789012 and region eu-nowhere-9"]);
    assert!(begin.elapsed() < LONGEST, "{:?}", begin.elapsed());
}

/// What a job waits at most for a server that will not recover.
const LONGEST: Duration = Duration::from_secs(20);

#[tokio::test]
async fn registry_that_always_fails_is_given_up() {
    let cases = [("GET", "/v2/"), ("HEAD", "/manifests/"), ("HEAD", "/blobs/"), ("POST", "/blobs/")];
    futures_util::future::join_all(cases.map(|(method, path)| gives_up(method, path))).await;
}

async fn gives_up(method: &str, path: &str) {
    let (stage, registry) = workplace().await;
    registry.fail(method, path, usize::MAX, Effect::Status(500, "UNKNOWN", "out of order".into()));
    let begin = Instant::now();
    let ended = stage.run(&strs(&words(&registry, "shop:v1"))).await;
    let took = begin.elapsed();
    ended.refused(1, &["the registry keeps failing", ", 5 attempts", "hint: "]);
    assert!(took < LONGEST, "{method} {path}: {took:?}: {}", ended.stderr);
    assert!(writes(&registry).iter().all(|request| request.status == Some(500)), "nothing was written");
    println!("{method} {path}: {took:?}, {} requests: {}", registry.log().len(), ended.stderr);
}
