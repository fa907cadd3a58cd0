//! `ecr-login` as a pipeline runs it, against a scripted AWS.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::aws::{FakeAws, Received, Reply};

const ACCOUNT: &str = "123456789012";

/// Gives each region a password of its own.
async fn aws() -> FakeAws {
    let aws = FakeAws::start().await;
    aws.answer_with("GetAuthorizationToken", |request| {
        let region = region(request);
        let data = json!({
            "authorizationToken": STANDARD.encode(format!("AWS:geheim-{region}")),
            "expiresAt": 4102444800.5,
            "proxyEndpoint": format!("https://{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"),
        });
        let public = request.header("x-amz-target").starts_with("Spencer");
        Reply::json(json!({"authorizationData": if public { data } else { json!([data]) }}))
    });
    aws
}

/// As it stands in the signature: `…/20260101/eu-west-1/ecr/aws4_request`.
fn region(request: &Received) -> String {
    request.header("authorization").split('/').nth(2).unwrap_or_default().to_owned()
}

fn command(aws: &FakeAws, home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockless"));
    command
        .env_clear()
        .env("HOME", home)
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "s3cret");
    command.arg("ecr-login").args(["--endpoint-url", aws.url()]).args(words).current_dir(home);
    command
}

async fn login(aws: &FakeAws, home: &Path, words: &[&str]) -> Output {
    command(aws, home, words).output().await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn auths(home: &Path) -> Vec<(String, String)> {
    let config = std::fs::read(home.join(".docker/config.json")).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();
    let entry = |(host, entry): (&String, &Value)| {
        let auth = STANDARD.decode(entry["auth"].as_str().unwrap()).unwrap();
        (host.clone(), String::from_utf8(auth).unwrap())
    };
    config["auths"].as_object().unwrap().iter().map(entry).collect()
}

#[tokio::test]
async fn login_asks_once_per_region_and_writes_each_host() {
    let (aws, home) = (aws().await, tempfile::tempdir().unwrap());
    let words = ["--account-id", "123456789012,210987654321", "--region", "eu-west-1,us-east-1"];
    let ended = login(&aws, home.path(), &words).await;
    assert_eq!((ended.status.code(), text(&ended.stdout)), (Some(0), ""), "{}", text(&ended.stderr));
    assert_eq!(aws.received_of("GetAuthorizationToken").len(), 2);
    let entry = |account: &str, region: &str| {
        (format!("{account}.dkr.ecr.{region}.amazonaws.com"), format!("AWS:geheim-{region}"))
    };
    let wanted = ["eu-west-1", "us-east-1"].map(|region| [entry(ACCOUNT, region), entry("210987654321", region)]);
    assert_eq!(auths(home.path()), wanted.concat());
    let told = text(&ended.stderr);
    assert!(
        told.contains(&format!("Logged in to {ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com until 2100-01-01T00:00:00Z.")),
        "{told}"
    );
    assert!(!told.contains("geheim"), "{told}");
}

#[tokio::test]
async fn login_without_an_account_takes_the_callers_own() {
    let (aws, home) = (aws().await, tempfile::tempdir().unwrap());
    let ended = login(&aws, home.path(), &["--region=eu-west-3", "--account-id=", "--output=json"]).await;
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    let host = format!("{ACCOUNT}.dkr.ecr.eu-west-3.amazonaws.com");
    let document: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&document["outcome"], &document["registries"][0]["registry"]), (&json!("succeeded"), &json!(host)));
    assert_eq!(auths(home.path()), [(host, "AWS:geheim-eu-west-3".to_owned())]);
    assert_eq!(aws.received().len(), 1, "one call is enough");
    assert!(!text(&ended.stdout).contains("geheim") && !text(&ended.stderr).contains("geheim"));
}

#[tokio::test]
async fn login_to_the_public_registry_needs_no_region() {
    let (aws, home) = (aws().await, tempfile::tempdir().unwrap());
    let ended = login(&aws, home.path(), &["--public-registry"]).await;
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    assert_eq!(auths(home.path()), [("public.ecr.aws".to_owned(), "AWS:geheim-us-east-1".to_owned())]);
}

#[tokio::test]
async fn login_prints_nothing_but_the_password_where_it_was_asked_for() {
    let (aws, home) = (aws().await, tempfile::tempdir().unwrap());
    let ended = login(&aws, home.path(), &["--region=eu-west-1", "--password-stdout"]).await;
    assert_eq!((ended.status.code(), text(&ended.stdout)), (Some(0), "geheim-eu-west-1\n"));
    assert!(!home.path().join(".docker").exists());
}

#[tokio::test]
async fn login_denied_is_exit_code_1_with_a_hint() {
    let (aws, home) = (FakeAws::start().await, tempfile::tempdir().unwrap());
    let denied = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecr:GetAuthorizationToken";
    aws.answer("GetAuthorizationToken", Reply::fault(400, "AccessDeniedException", denied));
    let ended = login(&aws, home.path(), &["--region=eu-west-1"]).await;
    let told = text(&ended.stderr);
    assert_eq!((ended.status.code(), text(&ended.stdout)), (Some(1), ""), "{told}");
    assert!(
        told.contains("\nerror: ") && told.contains("\nhint: ") && told.contains("ecr:GetAuthorizationToken"),
        "{told}"
    );
    assert!(!home.path().join(".docker").exists());
}

/// An AWS that takes its time.
async fn slow_aws() -> FakeAws {
    let aws = FakeAws::start().await;
    aws.answer("GetAuthorizationToken", Reply::json(json!({})).after(Duration::from_secs(60)));
    aws
}

#[tokio::test]
async fn login_out_of_time_is_exit_code_6() {
    let (aws, home) = (slow_aws().await, tempfile::tempdir().unwrap());
    let ended = login(&aws, home.path(), &["--region=eu-west-1", "--timeout=300ms"]).await;
    assert_eq!(ended.status.code(), Some(6), "{}", text(&ended.stderr));
}

/// In processes of their own, since a signal reaches all of one.
#[tokio::test]
async fn login_interrupted_is_exit_code_130() {
    for signal in ["-INT", "-TERM"] {
        let (aws, home) = (slow_aws().await, tempfile::tempdir().unwrap());
        let mut command = command(&aws, home.path(), &["--region=eu-west-1"]);
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        let id = child.id().unwrap().to_string();
        while aws.received().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(Command::new("sh").args(["-c", "kill $0 $1", signal, &id]).status().await.unwrap().success());
        let ended = child.wait_with_output().await.unwrap();
        assert_eq!(ended.status.code(), Some(130), "{signal}");
        assert!(text(&ended.stderr).ends_with("error: interrupted\n"), "{}", text(&ended.stderr));
    }
}
