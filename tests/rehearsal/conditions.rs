//! What is wrong around a job while its deployment goes well, or does not: a clock that is off by an hour, credentials
//! that come to their end before the deployment does.

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::handovers;
use super::stage::{Rehearsal, breaker, says};
use super::weather::right_all_the_same;
use crate::support::stage::Ended;

pub fn clock(ahead: i64) -> Value {
    json!({ "then": { "clock": { "ahead": ahead } } })
}

/// By the second call of an action that the wait asks again and again, however slow the machine is.
pub fn expiry(action: &str) -> Value {
    json!({ "on": action, "skip": 1, "then": "expire_credentials" })
}

/// The first is from before the deployment.
pub const LOOK: &str = "ecs:DescribeServices";

/// How many calls were refused with this code.
async fn refused(rehearsal: &Rehearsal, code: &str) -> usize {
    rehearsal.sandbox.log().await.iter().filter(|entry| entry["code"] == code).count()
}

const SKEWED: &str = "InvalidSignatureException";
const EXPIRED: &str = "ExpiredTokenException";

/// Ends it, and makes sure that what was to be wrong was wrong.
pub async fn end_of_one_that_met_it(rehearsal: Rehearsal) {
    let met = refused(&rehearsal, SKEWED).await + refused(&rehearsal, EXPIRED).await;
    assert!(met > 0, "{:?}", rehearsal.sandbox.requests().await);
    rehearsal.end().await;
}

#[tokio::test]
async fn clock_off_by_an_hour_changes_no_verdict() {
    let run = async |ahead: i64| {
        for rehearsal in right_all_the_same(json!({ "rules": [clock(ahead)] })).await {
            // Each service's client learns the time by one refusal.
            let refusals = refused(&rehearsal, SKEWED).await;
            assert!((1..=3).contains(&refusals), "{refusals} {:?}", rehearsal.sandbox.requests().await);
            // Asked for by a moment of AWS's, ECS's record of the deployment is found.
            assert!(rehearsal.sandbox.times("ecs:DescribeServiceDeployments").await > 0, "{ahead}");
            rehearsal.end().await;
        }
    };
    join_all([3600, -3600].map(run)).await;
}

#[tokio::test]
async fn clock_off_by_an_hour_is_named_once() {
    let run = async |(ahead, how): (i64, &str)| {
        let rehearsal = Rehearsal::with_service(breaker(true)).await;
        rehearsal.sandbox.set_faults(json!({ "rules": [clock(ahead)] })).await;
        let ended = rehearsal.deploy(&[]).await;
        says(&ended, 0, &[&format!("warning: this machine's clock is 1h {how} AWS's"), "\nhint: Set it"]);
        assert_eq!(ended.stderr.matches("this machine's clock").count(), 1, "{}", ended.stderr);
        rehearsal.end().await;
    };
    join_all([(3600, "behind"), (-3600, "ahead of")].map(run)).await;
}

/// Somebody sets it right, or wrong, while the job waits.
#[tokio::test]
async fn clock_that_is_set_in_mid_wait_changes_no_verdict() {
    let step = |ahead: i64| json!({ "rules": [{ "skip": 8, "then": { "clock": { "ahead": ahead } } }] });
    let run = async |faults: Value| {
        for rehearsal in right_all_the_same(faults).await {
            rehearsal.end().await;
        }
    };
    join_all([step(3600), step(-3600)].map(run)).await;
}

/// A refusal may be the clock's fault, or not: of one that is not, one is enough.
#[tokio::test]
async fn action_denied_while_the_clock_is_off_is_asked_for_once() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    let denied = json!({ "on": "ecs:ListServiceDeployments", "then": "deny" });
    rehearsal.sandbox.set_faults(json!({ "rules": [clock(3600), denied] })).await;
    says(&rehearsal.deploy(&[]).await, 0, &["ecs:ListServiceDeployments is denied", "shop:2 is deployed"]);
    assert_eq!(refused(&rehearsal, "AccessDeniedException").await, 1);
    rehearsal.end().await;
}

/// A job in CircleCI, whose token stands for a role.
pub const ROLE: &str = "--role-arn=arn:aws:iam::123456789012:role/ci";

fn with_token(rehearsal: Rehearsal) -> Rehearsal {
    rehearsal.with("CIRCLECI", "true").with("CIRCLE_OIDC_TOKEN_V2", &token())
}

/// Good for an hour and a half.
fn token() -> String {
    let end = jiff::Timestamp::now().as_second() + 5400;
    let claims =
        json!({ "iss": "https://oidc.circleci.com/org/1", "aud": "1", "sub": "org/1/project/2/user/3", "exp": end });
    format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The clock says that they have run out already, or that they will last for two hours.
#[tokio::test]
async fn role_is_taken_on_once_whatever_the_clock_says() {
    let run = async |ahead: i64| {
        let rehearsal = with_token(Rehearsal::with_service(breaker(true)).await);
        rehearsal.sandbox.set_faults(json!({ "rules": [clock(ahead)] })).await;
        says(&rehearsal.deploy(&[ROLE]).await, 0, &["shop:2 is deployed"]);
        assert_eq!(rehearsal.sandbox.times("sts:AssumeRoleWithWebIdentity").await, 1, "{ahead}");
        rehearsal.end().await;
    };
    join_all([3600, -3600, -7200].map(run)).await;
}

/// Deploys while the credentials end, with tasks that are well and with tasks that are not.
async fn outlives_its_credentials(source: impl AsyncFn(Rehearsal) -> Rehearsal, words: &[&str]) {
    let run = async |fate: Value, code: i32, part: &str| {
        let rehearsal = source(Rehearsal::with_service(breaker(true)).await).await;
        let fates = json!([{ "family": "shop:2", "fate": fate }]);
        rehearsal.sandbox.set_faults(json!({ "rules": [expiry(LOOK)], "fates": fates })).await;
        let ended = rehearsal.deploy(words).await;
        says(&ended, code, &[part]);
        assert_eq!(refused(&rehearsal, EXPIRED).await, 1, "{}", ended.stderr);
        rehearsal.end().await;
    };
    tokio::join!(
        run(json!("healthy"), 0, "shop:2 is deployed"),
        run(json!({ "exitCode": { "code": 3 } }), 4, "shop:2 failed and was rolled back to shop:1"),
    );
}

#[tokio::test]
async fn role_of_an_identity_token_that_ends_in_mid_wait_is_taken_on_anew() {
    outlives_its_credentials(async |rehearsal| with_token(rehearsal), &[ROLE]).await;
}

#[tokio::test]
async fn role_of_keys_that_ends_in_mid_wait_is_taken_on_anew() {
    outlives_its_credentials(async |rehearsal| rehearsal, &[ROLE]).await;
}

/// Without the keys that the sandbox's own environment has.
fn keyless(rehearsal: Rehearsal) -> Rehearsal {
    rehearsal.with("AWS_ACCESS_KEY_ID", "").with("AWS_SECRET_ACCESS_KEY", "")
}

/// As EKS and others set it up, found without a flag.
#[tokio::test]
async fn role_of_a_token_in_a_file_that_ends_in_mid_wait_is_taken_on_anew() {
    let source = async |rehearsal: Rehearsal| {
        let file = rehearsal.stage.write("token", token()).display().to_string();
        let rehearsal = keyless(rehearsal).with("AWS_WEB_IDENTITY_TOKEN_FILE", &file);
        rehearsal.with("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
    };
    outlives_its_credentials(source, &[]).await;
}

#[tokio::test]
async fn keys_of_a_process_that_end_in_mid_wait_are_fetched_anew() {
    let source = async |rehearsal: Rehearsal| {
        let script = r#"n=$(date +%s%N); echo "{\"Version\": 1, \"AccessKeyId\": \"ASIA$n\", \"SecretAccessKey\": \"s\", \"SessionToken\": \"t\"}""#;
        let path = rehearsal.stage.write("keys.sh", script);
        let config = format!("[profile ci]\ncredential_process = sh {}\n", path.display());
        rehearsal.stage.write("home/.aws/config", config);
        keyless(rehearsal)
    };
    outlives_its_credentials(source, &["--profile=ci"]).await;
}

/// Somebody logs in again beside the job.
#[tokio::test]
async fn keys_of_a_file_that_end_in_mid_wait_are_read_anew() {
    let rehearsal = keyless(Rehearsal::with_service(breaker(true)).await);
    let keys = |id: &str| {
        let keys = format!("[ci]\naws_access_key_id = {id}\naws_secret_access_key = s\naws_session_token = t\n");
        rehearsal.stage.write("home/.aws/credentials", keys);
    };
    keys("ASIAFIRST");
    rehearsal.sandbox.set_faults(json!({ "rules": [expiry(LOOK)] })).await;
    let login = async {
        while !rehearsal.sandbox.log().await.iter().any(|entry| entry["access_key"] == "ASIAFIRST") {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        keys("ASIASECOND");
    };
    let (ended, ()) = tokio::join!(rehearsal.deploy(&["--profile=ci"]), login);
    says(&ended, 0, &["shop:2 is deployed"]);
    end_of_one_that_met_it(rehearsal).await;
}

/// What a container of a CI system on ECS or EKS asks.
async fn container_endpoint() -> String {
    let given = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let answer = move || {
        let number = given.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            json!({ "AccessKeyId": format!("ASIACONTAINER{number}"), "SecretAccessKey": "s", "Token": "t",
                "Expiration": "2099-01-01T00:00:00Z" })
            .to_string()
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, Router::new().route("/keys", get(answer))).await });
    url
}

#[tokio::test]
async fn keys_of_a_container_that_end_in_mid_wait_are_fetched_anew() {
    let url = container_endpoint().await;
    let source = async |rehearsal: Rehearsal| keyless(rehearsal).with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url);
    outlives_its_credentials(source, &[]).await;
}

/// Nobody has others: the deployment goes on, and can be waited for with new ones.
#[tokio::test]
async fn fixed_keys_that_end_in_mid_wait_leave_the_deployment_to_another_wait() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    rehearsal.sandbox.set_faults(json!({ "rules": [expiry(LOOK)] })).await;
    left_alone(&rehearsal.deploy(&[]).await, "The credentials have run out.");
    rehearsal.sandbox.set_faults(json!({})).await;
    let waited = rehearsal.stage.run(&["wait", "--cluster=main", "--service-name=shop"]).await;
    assert_eq!(waited.code, 0, "{}", waited.stderr);
    rehearsal.end().await;
}

/// The job lasts for longer than the token that it was given: two hours later STS has no more of it.
#[tokio::test]
async fn token_that_has_run_out_leaves_the_deployment_to_another_wait() {
    let rehearsal = with_token(Rehearsal::with_service(breaker(true)).await);
    let later = json!({ "on": "sts:*", "skip": 1, "then": { "clock": { "ahead": 7200 } } });
    rehearsal.sandbox.set_faults(json!({ "rules": [expiry(LOOK), later] })).await;
    left_alone(&rehearsal.deploy(&[ROLE]).await, "The CI system's identity token has run out");
    rehearsal.end().await;
}

/// Ended with 1, the reason, and what can be done now.
fn left_alone(ended: &Ended, why: &str) {
    says(ended, 1, &["error: the deployment to 'shop' has begun, but it cannot be watched: ", why]);
    says(
        ended,
        1,
        &["The deployment goes on: wait for its end with `dockless wait --cluster main --service-name shop`"],
    );
    says(ended, 1, &["or undo it with `dockless rollback --cluster main --service-name shop --from shop:2`."]);
}

#[tokio::test]
async fn handover_to_codedeploy_bears_a_wrong_clock_and_credentials_that_end() {
    let run = async |rule: Value, words: &[&str]| {
        let rehearsal = handovers::stage(json!({})).await;
        rehearsal.sandbox.set_faults(json!({ "rules": [rule] })).await;
        says(&handovers::deploy(&rehearsal, words).await, 0, &["shop:2 is deployed"]);
        end_of_one_that_met_it(rehearsal).await;
    };
    tokio::join!(run(clock(3600), &[]), run(clock(-3600), &[]), run(expiry("codedeploy:GetDeployment"), &[ROLE]));
}
