//! Roles and identity tokens.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dockless::aws::ecs::Operation::ListTasks;
use dockless::aws::{Error, Options, Session, WebIdentity};
use dockless::report::{Events, Explain};
use serde_json::json;

use crate::support::aws::{ACCESS_KEY, FakeAws, Reply, Told};

const ROLE: &str = "arn:aws:iam::123456789012:role/ci";
const ISSUED_SECRET: &str = "issued-secret-that-nobody-may-see";
const BY_TOKEN: &str = "AssumeRoleWithWebIdentity";

/// A token as CircleCI signs them.
fn token() -> String {
    let claims = r#"{"iss":"https://oidc.circleci.com/org/o-1","aud":"o-1","sub":"org/o-1/project/p-1/user/u-1"}"#;
    format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
}

fn issued(operation: &str, number: u32) -> Reply {
    Reply::credentials(operation, &format!("ASIA{number}"), ISSUED_SECRET, &format!("session-token-{number}"))
}

fn options(aws: &FakeAws, web_identity: Option<WebIdentity>) -> Options {
    let access_key = aws.options().access_key.filter(|_| web_identity.is_none());
    let role_session_name = "web/app build 7".into();
    Options { role_arn: Some(ROLE.into()), role_session_name, web_identity, access_key, ..aws.options() }
}

async fn open(options: Options) -> Session {
    Session::open(options, Events::none()).await.unwrap()
}

#[tokio::test]
async fn role_by_token_is_assumed_once_and_unsigned() {
    let aws = FakeAws::start().await;
    aws.answer(BY_TOKEN, issued(BY_TOKEN, 1));
    aws.answer("ListTasks", Reply::json(json!({})));
    let session_duration = Some(Duration::from_secs(900));
    let session = open(Options { session_duration, ..options(&aws, Some(WebIdentity::Token(token().into()))) }).await;
    assert!(aws.received().is_empty(), "credentials are fetched when they are needed");
    for _ in 0..3 {
        session.ecs().call(ListTasks, json!({})).await.unwrap();
    }
    let [assumed] = &aws.received_of(BY_TOKEN)[..] else { panic!("assumed more than once") };
    assert_eq!(assumed.header("authorization"), "");
    assert_eq!(assumed.field("RoleArn").as_deref(), Some(ROLE));
    assert_eq!(assumed.field("RoleSessionName").as_deref(), Some("web-app-build-7"));
    assert_eq!(assumed.field("WebIdentityToken"), Some(token()));
    assert_eq!(assumed.field("DurationSeconds").as_deref(), Some("900"));
    let listed = aws.received_of("ListTasks").remove(0);
    assert!(listed.header("authorization").contains("Credential=ASIA1/"));
    assert_eq!(listed.header("x-amz-security-token"), "session-token-1");
}

#[tokio::test]
async fn role_on_top_of_keys_is_assumed_with_their_signature() {
    let aws = FakeAws::start().await;
    aws.answer("AssumeRole", issued("AssumeRole", 1));
    aws.answer("ListTasks", Reply::json(json!({})));
    open(options(&aws, None)).await.ecs().call(ListTasks, json!({})).await.unwrap();
    let assumed = aws.received_of("AssumeRole").remove(0);
    assert!(assumed.header("authorization").contains(&format!("Credential={ACCESS_KEY}/")));
    assert_eq!(assumed.field("DurationSeconds"), None);
    assert!(aws.received_of("ListTasks")[0].header("authorization").contains("Credential=ASIA1/"));
}

#[tokio::test]
async fn flaky_identity_provider_is_asked_again() {
    let aws = FakeAws::start().await;
    aws.next(BY_TOKEN, Reply::query_fault(400, "IDPCommunicationError", "try again"));
    let flaw = "Couldn't retrieve verification key from your identity provider, please reference AssumeRole…";
    aws.next(BY_TOKEN, Reply::query_fault(400, "InvalidIdentityToken", flaw));
    aws.next(BY_TOKEN, Reply::query_fault(503, "ServiceUnavailable", "busy"));
    aws.answer(BY_TOKEN, issued(BY_TOKEN, 1));
    aws.answer("ListTasks", Reply::json(json!({})));
    let session = open(options(&aws, Some(WebIdentity::Token(token().into())))).await;
    session.ecs().call(ListTasks, json!({})).await.unwrap();
    assert_eq!(aws.received_of(BY_TOKEN).len(), 4);
}

#[tokio::test]
async fn trust_policy_that_does_not_fit_is_explained_by_the_claims() {
    let (aws, told) = (FakeAws::start().await, Told::default());
    let message = format!("Not authorized to perform sts:AssumeRoleWithWebIdentity {}", token());
    aws.answer(BY_TOKEN, Reply::query_fault(403, "AccessDenied", &message));
    let options = options(&aws, Some(WebIdentity::Token(token().into())));
    let session = Session::open(options.clone(), told.events()).await.unwrap();
    let error = session.ecs().call(ListTasks, json!({})).await.unwrap_err();
    assert_eq!(error.denied_action().as_deref(), Some("sts:AssumeRoleWithWebIdentity"));
    assert!(error.to_string().starts_with("sts:AssumeRoleWithWebIdentity in eu-west-1: AccessDenied"), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("aud o-1") && hint.contains("sub org/o-1/project/p-1/user/u-1"), "{hint}");
    let shown = format!("{error} {error:?} {hint} {session:?} {options:?} {:?}", told.all());
    assert!(!shown.contains(&token()), "{shown}");
}

#[tokio::test]
async fn expired_token_of_circleci_is_explained() {
    let aws = FakeAws::start().await;
    aws.answer(BY_TOKEN, Reply::query_fault(400, "ExpiredTokenException", "Token expired"));
    let session = open(options(&aws, Some(WebIdentity::Token(token().into())))).await;
    let error = session.sts().caller_identity().await.unwrap_err();
    assert!(error.hint().unwrap().contains("--session-duration"), "{error:?}");
}

fn github(aws: &FakeAws) -> WebIdentity {
    let request_url = format!("{}/token?api-version=2.0", aws.url());
    WebIdentity::Github { request_url, request_token: "request-secret".into(), audience: "sts.amazonaws.com".into() }
}

#[tokio::test]
async fn github_token_is_asked_for_and_shown_to_sts() {
    let (aws, told) = (FakeAws::start().await, Told::default());
    aws.next("GET /token", Reply::raw(503, "text/plain", "busy"));
    aws.next("GET /token", Reply::cut());
    aws.answer("GET /token", Reply::json(json!({ "count": 1, "value": token() })));
    aws.answer(BY_TOKEN, issued(BY_TOKEN, 1));
    aws.answer("ListTasks", Reply::json(json!({})));
    let session = Session::open(options(&aws, Some(github(&aws))), told.events()).await.unwrap();
    session.ecs().call(ListTasks, json!({})).await.unwrap();
    let asked = aws.received_of("GET /token").pop().unwrap();
    assert_eq!(asked.uri, "/token?api-version=2.0&audience=sts.amazonaws.com");
    assert_eq!(asked.header("authorization"), "Bearer request-secret");
    assert_eq!(aws.received_of(BY_TOKEN)[0].field("WebIdentityToken"), Some(token()));
    let told = format!("{:?} {session:?}", told.all());
    for secret in [&*token(), "request-secret", "api-version", ISSUED_SECRET, "session-token"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[tokio::test]
async fn github_job_without_permission_is_told_which() {
    let aws = FakeAws::start().await;
    aws.answer("GET /token", Reply::raw(403, "text/plain", "no"));
    let session = open(options(&aws, Some(github(&aws)))).await;
    let error = session.ecs().call(ListTasks, json!({})).await.unwrap_err();
    assert!(matches!(error, Error::Token { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("id-token: write"));
    assert_eq!(aws.received().len(), 1);
}

#[tokio::test]
async fn credentials_called_expired_are_fetched_anew() {
    let aws = FakeAws::start().await;
    aws.answer("GET /token", Reply::json(json!({ "value": token() })));
    aws.next(BY_TOKEN, issued(BY_TOKEN, 1));
    aws.next(BY_TOKEN, issued(BY_TOKEN, 2));
    aws.next("ListTasks", Reply::fault(400, "ExpiredTokenException", "The security token included is expired"));
    aws.answer("ListTasks", Reply::json(json!({})));
    open(options(&aws, Some(github(&aws)))).await.ecs().call(ListTasks, json!({})).await.unwrap();
    let keys: Vec<_> =
        aws.received_of("ListTasks").iter().map(|r| r.header("x-amz-security-token").to_owned()).collect();
    assert_eq!(keys, ["session-token-1", "session-token-2"]);
    assert_eq!(aws.received_of("GET /token").len(), 2);
}

#[tokio::test]
async fn credentials_expired_for_good_are_an_error() {
    let aws = FakeAws::start().await;
    aws.answer("ListTasks", Reply::fault(400, "ExpiredTokenException", "The security token included is expired"));
    let error = aws.session().await.ecs().call(ListTasks, json!({})).await.unwrap_err();
    assert_eq!((error.code(), aws.received().len()), (Some("ExpiredTokenException"), 2));
    assert!(error.hint().unwrap().contains("run out"));
}

#[tokio::test]
async fn parallel_calls_share_one_fetch_of_credentials() {
    let aws = FakeAws::start().await;
    aws.answer(BY_TOKEN, issued(BY_TOKEN, 1).after(Duration::from_millis(100)));
    aws.answer("ListTasks", Reply::json(json!({})));
    let ecs = open(options(&aws, Some(WebIdentity::Token(token().into())))).await.ecs();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let ecs = ecs.clone();
        calls.spawn(async move { ecs.call(ListTasks, json!({})).await.unwrap() });
    }
    calls.join_all().await;
    assert_eq!(aws.received_of(BY_TOKEN).len(), 1);
}
