//! Logging in on the way: a password from ECR, kept in memory, fetched again when it has expired.

use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{strs, words, workplace};
use crate::support::aws::{ACCESS_KEY, FakeAws, Reply, SECRET_KEY};
use crate::support::docker_registry::{DockerRegistry, program, run};
use crate::support::registry::{Door, Effect, Registry};
use crate::support::stage::{Stage, files_below};

/// What ECR answers to GetAuthorizationToken.
pub fn authorization(password: &str) -> Reply {
    let data = json!({
        "authorizationToken": STANDARD.encode(format!("AWS:{password}")),
        "expiresAt": 4102444800.5,
        "proxyEndpoint": "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    });
    Reply::json(json!({ "authorizationData": [data] }))
}

/// With the variables by which a job gets at AWS.
pub fn with_keys(stage: Stage) -> Stage {
    let stage = stage.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    stage.env("AWS_REGION", "eu-west-1").env("AWS_EC2_METADATA_DISABLED", "true")
}

/// An AWS that gives out `first` once and `then` from then on, a registry that takes `first`, and a job between them.
pub async fn with_login(first: &str, then: &str) -> (Stage, Registry, FakeAws, Vec<String>) {
    let (stage, registry) = workplace().await;
    let aws = FakeAws::start().await;
    aws.next("GetAuthorizationToken", authorization(first));
    aws.answer("GetAuthorizationToken", authorization(then));
    registry.set(|behaviour| behaviour.door = Door::Ecr { password: first.into() });
    let mut words = words(&registry, "shop:v1");
    words.extend(["--cache-dir", "cache", "--endpoint-url", aws.url()].map(str::to_owned));
    (with_keys(stage), registry, aws, words)
}

#[tokio::test]
async fn login_stays_in_memory() {
    let (stage, registry, aws, words) = with_login("one", "two").await;
    stage.done(&strs(&words)).await;
    assert_eq!(aws.received_of("GetAuthorizationToken").len(), 1, "one login serves for the base and the push");
    assert!(registry.manifest("shop", "v1").is_some());
    assert_eq!(files_below(&stage.path("home")), Vec::<String>::new(), "no file is touched");
}

#[tokio::test]
async fn login_that_ends_during_the_push_is_made_again() {
    let ends: [fn(String) -> Effect; 2] = [Effect::Expire, Effect::ExpireLikeEcr];
    for (end, path) in ends.iter().flat_map(|end| [(end, "/blobs/uploads/"), (end, "/manifests/")]) {
        let (stage, registry, aws, words) = with_login("one", "two").await;
        registry.fail("PUT", path, 1, end("two".into()));
        stage.done(&strs(&words)).await;
        assert_eq!(aws.received_of("GetAuthorizationToken").len(), 2, "{path}");
        assert!(registry.manifest("shop", "v1").is_some());
    }
}

#[tokio::test]
async fn login_that_stays_wrong_is_given_up() {
    let (stage, registry, aws, words) = with_login("one", "one").await;
    registry.set(|behaviour| behaviour.door = Door::Ecr { password: "another".into() });
    stage.run(&strs(&words)).await.refused(1, &["the registry refused the login", "hint: "]);
    assert_eq!(aws.received_of("GetAuthorizationToken").len(), 2);
    assert!(registry.log().len() < 8, "{:?}", registry.log());
}

/// `ecr-login` leaves a file that other tools log in with.
#[tokio::test]
async fn other_tools_use_what_ecr_login_wrote() {
    let (aws, registry) = (FakeAws::start().await, DockerRegistry::start_tls("geheim"));
    aws.answer("GetAuthorizationToken", authorization("geheim"));
    let stage = Stage::new();
    let config = stage.path("docker");
    let stage = with_keys(stage).env("DOCKER_CONFIG", &config.display().to_string());
    let kept = json!({ "auths": { "example.test": { "auth": "eDp5" } }, "credsStore": "", "psFormat": "table" });
    stage.write("docker/config.json", kept.to_string());
    stage.done(&["ecr-login", "--endpoint-url", aws.url(), "--account-url", registry.host()]).await;

    let file = stage.path("docker/config.json");
    let written: Value = serde_json::from_str(&stage.read("docker/config.json")).unwrap();
    assert_eq!(
        (&written["auths"]["example.test"], &written["psFormat"]),
        (&kept["auths"]["example.test"], &json!("table"))
    );
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(files_below(&stage.path("docker")), ["config.json"]);

    stage.write("certificates/ca.crt", registry.certificate());
    stage.write("www/index.html", "x");
    stage.done(&["build", "--files", "www:/www", "--from", "scratch", "--to", "oci:image:v1"]).await;
    let image = format!("docker://{}/shop:v1", registry.host());
    let mut skopeo = program("skopeo");
    skopeo.env("REGISTRY_AUTH_FILE", &file).current_dir(stage.path(""));
    run(skopeo.args(["--insecure-policy", "copy", "-q", "--dest-cert-dir=certificates", "oci:image:v1", &image]));
    let policy = stage.write("policy.json", r#"{"default":[{"type":"insecureAcceptAnything"}]}"#);
    let mut buildah = program("buildah");
    let store = ["--root=store", "--runroot=run", "--storage-driver=vfs", "pull", "-q", "--cert-dir=certificates"];
    buildah.env("REGISTRY_AUTH_FILE", &file).env("HOME", stage.path("home")).current_dir(stage.path("")).args(store);
    run(buildah.arg("--signature-policy").arg(policy).arg(&image));

    // And dockless itself, without AWS.
    let ca = stage.path("certificates/ca.crt").display().to_string();
    let to = format!("{}/shop:v2", registry.host());
    stage.done(&["push", "oci:image:v1", "--to", &to, "--ca-bundle", &ca]).await;
    std::fs::rename(&file, stage.path("auth.json")).unwrap();
    stage.run(&["push", "oci:image:v1", "--to", &to, "--ca-bundle", &ca]).await.refused(1, &["wants a login"]);
    let stage = stage.env("REGISTRY_AUTH_FILE", "auth.json");
    stage.done(&["push", "oci:image:v1", "--to", &to, "--ca-bundle", &ca]).await;
}
