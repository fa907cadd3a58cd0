//! Servers that throttle, fail, break off and dawdle.

use std::time::Duration;

use dockless::aws::ecs::Operation::{DescribeServices, RegisterTaskDefinition, UpdateService};
use dockless::aws::{Error, Options, Patience, Session};
use dockless::report::{Event, Events, Explain};
use serde_json::{Value, json};

use crate::support::aws::{FakeAws, Reply, SECRET_KEY, Told};

fn web() -> Value {
    json!({ "services": ["web"] })
}

fn definition() -> Value {
    json!({ "family": "web", "containerDefinitions": [] })
}

async fn open(options: Options) -> Session {
    Session::open(options, Events::none()).await.unwrap()
}

#[tokio::test]
async fn throttling_is_waited_out_and_told() {
    let (aws, told) = (FakeAws::start().await, Told::default());
    aws.next_times(3, "DescribeServices", Reply::fault(400, "ThrottlingException", "Rate exceeded"));
    aws.answer("DescribeServices", Reply::json(json!({ "services": [] })));
    let session = Session::open(aws.options(), told.events()).await.unwrap();
    session.ecs().call(DescribeServices, web()).await.unwrap();
    let bodies: Vec<_> = aws.received().iter().map(|request| request.text().to_owned()).collect();
    assert_eq!(bodies, vec![r#"{"services":["web"]}"#; 4]);
    let retries: Vec<_> = told.all().into_iter().filter_map(retry).collect();
    assert_eq!(retries, vec![("ecs:DescribeServices".to_owned(), "ThrottlingException".to_owned()); 3]);
}

fn retry(event: Event) -> Option<(String, String)> {
    match event {
        Event::Retry { what, why, .. } => Some((what, why)),
        _ => None,
    }
}

#[tokio::test]
async fn throttling_to_the_end_is_an_error_with_advice() {
    let aws = FakeAws::start().await;
    aws.answer("DescribeServices", Reply::fault(400, "ThrottlingException", "Rate exceeded"));
    let patience = Patience { attempts: 3, ..aws.options().patience };
    let session = open(Options { patience, ..aws.options() }).await;
    let error = session.ecs().call(DescribeServices, web()).await.unwrap_err();
    assert_eq!((error.code(), aws.received().len()), (Some("ThrottlingException"), 3));
    assert!(error.hint().unwrap().contains("after 3 attempts"));
}

#[tokio::test]
async fn failing_server_and_broken_connections_are_tried_again() {
    let aws = FakeAws::start().await;
    aws.next("UpdateService", Reply::fault(500, "ServerException", "oops"));
    aws.next("UpdateService", Reply::raw(503, "text/html", "<h1>busy</h1>"));
    aws.next("UpdateService", Reply::cut());
    aws.next("UpdateService", Reply::raw(429, "text/plain", ""));
    aws.answer("UpdateService", Reply::json(json!({})));
    aws.session().await.ecs().call(UpdateService, json!({ "service": "web" })).await.unwrap();
    assert_eq!(aws.received().len(), 5);
}

#[tokio::test]
async fn registration_that_collides_with_another_is_tried_again() {
    let aws = FakeAws::start().await;
    let collision = "Too many concurrent attempts to create a new revision of the specified family.";
    aws.next_times(2, "RegisterTaskDefinition", Reply::fault(400, "ClientException", collision));
    aws.answer("RegisterTaskDefinition", Reply::json(json!({})));
    aws.session().await.ecs().call(RegisterTaskDefinition, definition()).await.unwrap();
    assert_eq!(aws.received().len(), 3);
}

#[tokio::test]
async fn refusal_for_good_is_not_tried_again() {
    let aws = FakeAws::start().await;
    aws.answer("RegisterTaskDefinition", Reply::fault(400, "ClientException", "Container.image should not be null."));
    let error = aws.session().await.ecs().call(RegisterTaskDefinition, definition()).await.unwrap_err();
    assert_eq!((error.code(), aws.received().len()), (Some("ClientException"), 1));
    assert_eq!(
        error.to_string(),
        "ecs:RegisterTaskDefinition in eu-west-1: ClientException: Container.image should not be null."
    );
}

#[tokio::test]
async fn slow_server_is_given_up_and_tried_again() {
    let aws = FakeAws::start().await;
    aws.next("DescribeServices", Reply::json(json!({})).after(Duration::from_secs(20)));
    aws.answer("DescribeServices", Reply::json(json!({ "second": true })));
    let patience = Patience { read: Duration::from_millis(300), ..aws.options().patience };
    let session = open(Options { patience, ..aws.options() }).await;
    let answer = session.ecs().call(DescribeServices, web()).await.unwrap();
    assert_eq!(answer.body, json!({ "second": true }));
}

#[tokio::test]
async fn server_that_never_answers_is_an_error() {
    let aws = FakeAws::start().await;
    aws.answer("DescribeServices", Reply::json(json!({})).after(Duration::from_secs(20)));
    let patience = Patience { read: Duration::from_millis(100), attempts: 2, ..aws.options().patience };
    let session = open(Options { patience, ..aws.options() }).await;
    let error = session.ecs().call(DescribeServices, web()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("timeout"), "{error}");
    assert_eq!(aws.received().len(), 2);
}

#[tokio::test]
async fn host_that_does_not_listen_is_named() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let aws = FakeAws::start().await;
    let endpoint_url = Some(format!("http://127.0.0.1:{port}"));
    let patience = Patience { attempts: 2, ..aws.options().patience };
    let session = open(Options { endpoint_url, patience, ..aws.options() }).await;
    let error = session.ecs().call(DescribeServices, web()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("Nothing listens") && hint.contains(&port.to_string()), "{hint}");
}

#[tokio::test]
async fn host_that_does_not_exist_is_named() {
    let aws = FakeAws::start().await;
    let endpoint_url = Some("http://ecs.eu-wset-1.invalid".to_owned());
    let patience = Patience { attempts: 1, ..aws.options().patience };
    let session = open(Options { endpoint_url, patience, ..aws.options() }).await;
    let error = session.ecs().call(DescribeServices, web()).await.unwrap_err();
    let hint = error.hint().unwrap();
    assert!(hint.contains("does not resolve") && hint.contains("eu-wset-1"), "{error} {hint}");
}

#[tokio::test]
async fn answer_that_is_no_json_is_an_error() {
    let aws = FakeAws::start().await;
    aws.answer("DescribeServices", Reply::raw(200, "text/html", "<h1>Sign in to the guest network</h1>"));
    let error = aws.session().await.ecs().call(DescribeServices, web()).await.unwrap_err();
    assert!(matches!(error, Error::Answer { .. }), "{error:?}");
}

#[tokio::test]
async fn signature_error_does_not_show_what_the_server_calculated() {
    let aws = FakeAws::start().await;
    let message =
        format!("It does not match.\n\nThe Canonical String should have been\nx-amz-security-token:{SECRET_KEY}");
    aws.answer("DescribeServices", Reply::fault(403, "InvalidSignatureException", &message));
    let session = aws.session().await;
    let error = session.ecs().call(DescribeServices, web()).await.unwrap_err();
    let shown = format!("{error} {error:?} {:?} {session:?} {:?}", error.hint(), aws.options());
    assert!(!shown.contains(SECRET_KEY), "{shown}");
    assert!(error.hint().unwrap().contains("AWS_SECRET_ACCESS_KEY"));
}
