//! Secrets are deployed and never told: not in words, not in JSON, not to the CI system's files.

use serde_json::json;

use super::stage::{NEW_IMAGE, Stage, completed, going};
use crate::support::aws::{Reply, SECRET_KEY};
use crate::support::process::Job;

/// As names or looks give them away.
const UPDATES: &str = "[{\"container\": \"web\", \"name\": \"DB_PASSWORD\", \"value\": \"$PASSWORD\"}, \
                        {\"container\": \"web\", \"name\": \"DATABASE_URL\", \"value\": \"postgres://app:$PASSWORD@db/shop\"}, \
                        {\"container\": \"web\", \"name\": \"GITHUB\", \"value\": \"ghp_$PASSWORD\"}]";

async fn stage() -> Stage {
    let mut stage = Stage::start(&[going(1), completed()]).await;
    let job = Job::at(stage.aws.url()).with("PASSWORD", "geheim-new").with("GITHUB_ACTIONS", "true");
    let path = |name: &str| job.path(name).to_str().unwrap().to_owned();
    let files =
        [("GITHUB_OUTPUT", path("output")), ("GITHUB_STEP_SUMMARY", path("summary")), ("BASH_ENV", path("env"))];
    stage.job = files.iter().fold(job, |job, (name, file)| job.with(name, file));
    stage
}

#[tokio::test]
async fn secrets_are_deployed_and_never_told() {
    let updates = format!("--container-env-var-updates={UPDATES}");
    for more in
        [&["--output=plain"][..], &["-vv"], &["--output=json", "-vv"], &["--dry-run"], &["--dry-run", "--output=json"]]
    {
        let stage = stage().await;
        let ended = stage.deploy(&[&[NEW_IMAGE, &updates], more].concat()).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let file = |name| std::fs::read_to_string(stage.job.path(name)).unwrap_or_default();
        let told = [ended.stdout, ended.stderr, file("output"), file("summary"), file("env")].concat();
        for secret in ["geheim", SECRET_KEY, "Signature=", "AWS4-HMAC"] {
            assert!(!told.contains(secret), "{more:?}: {secret} in\n{told}");
        }
        if !more.contains(&"--dry-run") {
            let environment = &stage.body("RegisterTaskDefinition")["containerDefinitions"][0]["environment"];
            assert_eq!(environment[0], json!({"name": "DB_PASSWORD", "value": "geheim-new"}));
            assert_eq!(environment[2]["value"], "postgres://app:geheim-new@db/shop");
        }
    }
}

#[tokio::test]
async fn secrets_in_a_malformed_update_are_not_repeated() {
    for updates in [
        "container=web,name=DB_PASSWORD,value=$PASSWORD,geheim-rest",
        "container=web,name=DB_PASSWORD,valu=geheim-x",
        "container=no-such,name=DB_PASSWORD,value=$PASSWORD",
    ] {
        let stage = stage().await;
        let ended = stage.deploy(&[&format!("--container-env-var-updates={updates}")]).await;
        let told = [ended.stdout, ended.stderr].concat();
        assert!(!told.contains("geheim"), "{told}");
    }
}

#[tokio::test]
async fn session_tokens_are_not_told_when_they_are_refused() {
    let stage = stage().await;
    let message = "The security token included in the request is invalid.";
    stage.aws.answer("DescribeServices", Reply::fault(400, "UnrecognizedClientException", message));
    let job = Job::at(stage.aws.url()).with("AWS_SESSION_TOKEN", "geheim-token");
    let words = ["deploy-service-update", "--cluster=main", "--family=web", "-vv"];
    let ended = job.run(&words).await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let told = [ended.stdout, ended.stderr].concat();
    assert!(!told.contains("geheim") && !told.contains(SECRET_KEY), "{told}");
}
