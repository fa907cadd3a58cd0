//! Every fault, and what dockless's own registry client makes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use dockless::clock::Clock;
use dockless::image::{Descriptor, Digest, Repository};
use dockless::registry::{Body, Client, CredentialSource, Credentials, Error, Options};
use dockless::report::{Events, Explain as _};
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};

use super::support::{MANIFEST, SIGNATURE, Sandbox, code, faults, header, image};

/// Asks ECR's API for a login whenever it is asked for one.
struct Login {
    url: String,
    asked: AtomicUsize,
}

impl CredentialSource for Login {
    fn credentials<'a>(&'a self, _: &'a str, _: bool) -> BoxFuture<'a, Result<Option<Credentials>, Error>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            let request = reqwest::Client::new()
                .post(&self.url)
                .header("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
                .header("authorization", SIGNATURE);
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            let token = answer["authorizationData"][0]["authorizationToken"].as_str().unwrap();
            let plain = String::from_utf8(STANDARD.decode(token).unwrap()).unwrap();
            let (username, password) = plain.split_once(':').unwrap();
            Ok(Some(Credentials { username: username.into(), password: password.to_owned().into() }))
        })
    }
}

fn client(sandbox: &Sandbox) -> (Client, Arc<Login>) {
    let login = Arc::new(Login { url: sandbox.url("/"), asked: AtomicUsize::new(0) });
    let options = Options { base_delay: Duration::from_millis(1), attempts: 4, ..Options::default() };
    (Client::new(options, login.clone(), Clock::Real, Events::none()).unwrap(), login)
}

fn repository(sandbox: &Sandbox) -> Repository {
    Repository::new(&sandbox.running.registry(), "web").unwrap()
}

async fn push(client: &Client, to: &Repository, content: &'static [u8]) -> Result<(), Error> {
    client.push_blob(to, &Descriptor::of("a/b", content), &Body::bytes(content)).await
}

async fn with_rule(rule: Value) -> Sandbox {
    let document = faults(json!({ "rules": [rule] }));
    let sandbox = Sandbox::start_with(|options| options.faults = document).await;
    sandbox.create("web").await;
    sandbox
}

#[tokio::test]
async fn throttled_push_waits_and_succeeds() {
    let sandbox = with_rule(json!({ "on": "PUT /v2/*", "times": 2, "then": { "throttle": {} } })).await;
    let (client, _) = client(&sandbox);
    push(&client, &repository(&sandbox), b"layer").await.unwrap();
    let puts = sandbox.requests().await.into_iter().filter(|line| line.starts_with("PUT")).collect::<Vec<_>>();
    let statuses: Vec<_> = puts.iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(statuses, ["429", "429", "201"]);
}

#[tokio::test]
async fn throttled_api_says_when_to_come_again() {
    let sandbox = with_rule(json!({ "on": "ecr:DescribeImages", "then": { "throttle": { "retry_after": 7 } } })).await;
    let (status, answer) = sandbox.ecr("DescribeImages", json!({ "repositoryName": "web" })).await;
    assert_eq!(
        (status, &answer["__type"], &answer["message"]),
        (400, &json!("ThrottlingException"), &json!("Rate exceeded"))
    );
    sandbox.set_faults(json!({ "rules": [{ "on": "GET /v2/", "then": { "throttle": { "retry_after": 7 } } }] })).await;
    let answer = sandbox.get("/v2/").await;
    assert_eq!(header(&answer, "retry-after"), "7");
    assert_eq!(code(answer).await, (429, "TOOMANYREQUESTS".into()));
}

#[tokio::test]
async fn every_third_call_fails() {
    let sandbox = with_rule(json!({ "on": "ListImages", "every": 3, "then": { "status": 503 } })).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(sandbox.ecr("ListImages", json!({ "repositoryName": "web" })).await.0);
    }
    assert_eq!(statuses, [200, 200, 503, 200, 200, 503]);
}

#[tokio::test]
async fn upload_cut_in_the_middle_is_begun_anew() {
    let sandbox = with_rule(json!({ "on": "PUT /v2/*", "times": 2, "then": { "cut": { "after": 100_000 } } })).await;
    let (client, _) = client(&sandbox);
    let content: &'static [u8] = vec![7; 1_000_000].leak();
    push(&client, &repository(&sandbox), content).await.unwrap();
    let requests = sandbox.requests().await;
    let cut = requests.iter().filter(|line| line.starts_with("PUT") && line.ends_with("null")).count();
    let sessions = requests.iter().filter(|line| line.starts_with("POST /v2/")).count();
    assert_eq!((cut, sessions), (2, 3), "{requests:#?}");
    let path = format!("/v2/web/blobs/{}", Digest::of(content));
    assert_eq!(sandbox.get(&path).await.bytes().await.unwrap().len(), content.len());
}

#[tokio::test]
async fn answer_lost_after_the_work_is_noticed() {
    let sandbox = with_rule(json!({ "on": "PUT /v2/*/blobs/*", "times": 1, "then": "lose_answer" })).await;
    let (client, _) = client(&sandbox);
    push(&client, &repository(&sandbox), b"layer").await.unwrap();
    let puts = sandbox.requests().await.iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(puts, 1, "the blob was there already");
}

#[tokio::test]
async fn login_that_expires_in_mid_push_is_renewed() {
    for strict in [false, true] {
        let sandbox = Sandbox::start_with(|options| options.ecr_strict = strict).await;
        sandbox.create("web").await;
        let (client, login) = client(&sandbox);
        let to = repository(&sandbox);
        push(&client, &to, b"one").await.unwrap();
        sandbox.set_faults(json!({ "rules": [{ "on": "PUT /v2/*", "then": "expire_token" }] })).await;
        push(&client, &to, b"two").await.unwrap();
        assert_eq!(login.asked.load(Ordering::Relaxed), 2, "strict: {strict}");
    }
}

#[tokio::test]
async fn token_can_be_expired_now() {
    let sandbox = Sandbox::start().await;
    let login = sandbox.login().await;
    let status = async || sandbox.try_ask(&login, Method::GET, "/v2/", &[], "").await.unwrap().status().as_u16();
    assert_eq!(status().await, 200);
    reqwest::Client::new().post(sandbox.url("/_sandbox/expire-token")).send().await.unwrap();
    assert_eq!(status().await, 401);
}

#[tokio::test]
async fn denied_action_is_named_in_iams_words() {
    let sandbox = with_rule(json!({ "on": "ecr:InitiateLayerUpload", "then": "deny" })).await;
    let (status, answer) = sandbox.ecr("InitiateLayerUpload", json!({ "repositoryName": "web" })).await;
    let message = "User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: ecr:InitiateLayerUpload on resource: arn:aws:ecr:us-east-1:123456789012:repository/web because no identity-based policy allows the ecr:InitiateLayerUpload action";
    assert_eq!(
        (status, &answer["__type"], &answer["message"]),
        (400, &json!("AccessDeniedException"), &json!(message))
    );
    let (client, _) = client(&sandbox);
    let error = push(&client, &repository(&sandbox), b"layer").await.unwrap_err();
    let said = format!("{error} {}", error.hint().unwrap_or_default());
    assert!(said.contains("ecr:InitiateLayerUpload"), "{said}");
}

#[tokio::test]
async fn denied_role_is_denied_in_the_query_protocol_too() {
    let sandbox = with_rule(json!({ "on": "sts:AssumeRole", "then": "deny" })).await;
    let form = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::1:role/deploy&RoleSessionName=x";
    let request = reqwest::Client::new().post(sandbox.url("/")).header("authorization", SIGNATURE).body(form);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let text = answer.text().await.unwrap();
    assert!(text.contains("<Code>AccessDenied</Code>") && text.contains("arn:aws:iam::1:role/deploy"), "{text}");
}

#[tokio::test]
async fn slow_requests_take_their_time() {
    let slow = json!({ "slow": { "milliseconds": 50, "bytes_per_second": 1_000_000 } });
    let sandbox = with_rule(json!({ "on": "POST /v2/*", "then": slow })).await;
    let started = Instant::now();
    sandbox.push_blob("web", &[1; 100_000]).await;
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(150), "{took:?}");
    sandbox.ecr("DescribeRepositories", json!({})).await;
}

#[tokio::test]
async fn faults_are_counted_replaced_and_lifted() {
    let sandbox = with_rule(json!({ "on": "ecr:*", "skip": 1, "then": { "status": 500 } })).await;
    assert_eq!(sandbox.ecr("DescribeRepositories", json!({})).await.0, 500);
    let http = reqwest::Client::new();
    let shown: Value = http.get(sandbox.url("/_sandbox/faults")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&shown["rules"][0]["matched"], &shown["rules"][0]["hit"]), (&json!(2), &json!(1)));
    http.delete(sandbox.url("/_sandbox/faults")).send().await.unwrap();
    assert_eq!(sandbox.ecr("DescribeRepositories", json!({})).await.0, 200);
    for wrong in ["{", r#"{"rules": [{"then": "explode"}]}"#, r#"{"fates": [{}]}"#] {
        let sent = http.post(sandbox.url("/_sandbox/faults")).body(wrong).send().await.unwrap();
        assert_eq!(sent.status(), 400, "{wrong}");
    }
    let page = http.post(sandbox.url("/_sandbox/stop")).header("origin", "https://example.com");
    assert_eq!(page.send().await.unwrap().status(), 403, "pages in a browser are turned away");
}

#[tokio::test]
async fn own_client_pushes_mounts_and_pulls() {
    for strict in [false, true] {
        let sandbox = Sandbox::start_with(|options| options.ecr_strict = strict).await;
        sandbox.create("web").await;
        let (client, _) = client(&sandbox);
        let to = repository(&sandbox);
        push(&client, &to, b"{}").await.unwrap();
        push(&client, &to, b"layer").await.unwrap();
        let bytes = image(b"layer").to_string();
        let reference = to.tagged("v1").unwrap();
        let pushed = client.push_manifest(&reference, MANIFEST, bytes.clone()).await;
        assert!(pushed.is_ok(), "{:?}", pushed.err().map(|why| why.to_string()));
        let head = client.head_manifest(&reference).await.unwrap().unwrap();
        assert_eq!(head.digest, Digest::of(bytes.as_bytes()));
        let layer = Descriptor::of("a/b", b"layer");
        let blob: Vec<bytes::Bytes> = {
            use futures_util::TryStreamExt as _;
            client.read_blob(&to, &layer).await.unwrap().try_collect().await.unwrap()
        };
        assert_eq!(blob.concat(), b"layer");
    }
}

/// A call that was signed so many seconds ago, with this access key: status, `Date` and document.
async fn signed(sandbox: &Sandbox, key: &str, target: &str, ago: i64, input: Value) -> (u16, i64, Value) {
    let now = jiff::Timestamp::now();
    let date = (now - jiff::SignedDuration::from_secs(ago)).strftime("%Y%m%dT%H%M%SZ").to_string();
    let request = reqwest::Client::new().post(sandbox.url("/")).header("x-amz-target", target);
    let request = request.header("authorization", SIGNATURE.replace("AKIATEST", key)).header("x-amz-date", date);
    let answer = request.body(input.to_string()).send().await.unwrap();
    let date = jiff::fmt::rfc2822::parse(header(&answer, "date")).unwrap().timestamp();
    let ahead = date.as_second() - now.as_second();
    (answer.status().as_u16(), ahead, answer.json().await.unwrap())
}

const CLUSTERS: &str = "AmazonEC2ContainerServiceV20141113.ListClusters";

#[tokio::test]
async fn clock_that_is_wrong_takes_signatures_of_its_own_time_alone() {
    let sandbox = with_rule(json!({ "then": { "clock": { "ahead": 3600 } } })).await;
    let (status, ahead, answer) = signed(&sandbox, "AKIATEST", CLUSTERS, 0, json!({})).await;
    assert!((3595..3605).contains(&ahead), "{ahead}");
    assert_eq!((status, &answer["__type"]), (400, &json!("InvalidSignatureException")));
    assert!(answer["message"].as_str().unwrap().starts_with("Signature expired: "), "{answer}");
    assert_eq!(signed(&sandbox, "AKIATEST", CLUSTERS, -3600, json!({})).await.0, 200);
    let (_, _, answer) = signed(&sandbox, "AKIATEST", CLUSTERS, -7200, json!({})).await;
    assert!(answer["message"].as_str().unwrap().starts_with("Signature not yet current: "), "{answer}");
    sandbox.set_faults(json!({})).await;
    let (status, ahead, _) = signed(&sandbox, "AKIATEST", CLUSTERS, 0, json!({})).await;
    assert!(status == 200 && ahead.abs() < 5, "{status} {ahead}");
}

#[tokio::test]
async fn clock_that_is_wrong_is_in_every_moment_that_is_told() {
    let sandbox = Sandbox::start().await;
    sandbox.create("web").await;
    let created = async || {
        let (_, answer) = sandbox.ecr("DescribeRepositories", json!({})).await;
        answer["repositories"][0]["createdAt"].as_f64().unwrap()
    };
    let right = created().await;
    sandbox.set_faults(json!({ "rules": [{ "then": { "clock": { "ahead": -3600 } } }] })).await;
    assert!((created().await - right + 3600.0).abs() < 0.01);
    let claims = URL_SAFE_NO_PAD.encode(r#"{"sub": "org/1/project/2", "aud": "org/1", "iss": "https://ci.example"}"#);
    let form = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/deploy";
    let form = format!("{form}&RoleSessionName=job&DurationSeconds=3600&WebIdentityToken=e30.{claims}.e30");
    let answer = reqwest::Client::new().post(sandbox.url("/")).body(form).send().await.unwrap().text().await.unwrap();
    let end = answer.split("<Expiration>").nth(1).unwrap().split('<').next().unwrap();
    let left = end.parse::<jiff::Timestamp>().unwrap().as_second() - jiff::Timestamp::now().as_second();
    assert!(left.abs() < 5, "an hour less an hour: {answer}");
}

#[tokio::test]
async fn credentials_in_use_come_to_their_end() {
    let sandbox = Sandbox::start().await;
    let list = async |key: &str| {
        let (status, _, answer) = signed(&sandbox, key, CLUSTERS, 0, json!({})).await;
        (status, answer["__type"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(list("ASIAONE").await.0, 200);
    sandbox.set_faults(json!({ "rules": [{ "skip": 1, "then": "expire_credentials" }] })).await;
    assert_eq!(list("ASIAONE").await.0, 200);
    let expired = (400, "ExpiredTokenException".to_owned());
    assert_eq!((list("ASIATWO").await, list("ASIAONE").await), (expired.clone(), expired));
    assert_eq!((list("ASIATHREE").await.0, list("ASIATHREE").await.0), (200, 200));
    let identity = reqwest::Client::new().post(sandbox.url("/")).body("Action=GetCallerIdentity&Version=2011-06-15");
    let identity = identity.header("authorization", SIGNATURE.replace("AKIATEST", "ASIAONE")).send().await.unwrap();
    assert_eq!(identity.status(), 403);
    assert!(identity.text().await.unwrap().contains("<Code>ExpiredToken</Code>"));
    reqwest::Client::new().post(sandbox.url("/_sandbox/expire-credentials")).send().await.unwrap();
    assert_eq!(list("ASIATHREE").await.0, 400);
    sandbox.set_faults(json!({})).await;
    assert_eq!(list("ASIAONE").await.0, 200);
}
