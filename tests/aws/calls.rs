//! What goes over the wire, and back.

use std::time::{Duration, UNIX_EPOCH};

use dockless::aws::ecs::Operation;
use dockless::aws::{Session, ecr};
use dockless::report::Event;
use serde_json::{Value, json};

use crate::support::aws::{ACCESS_KEY, FakeAws, Reply, SECRET_KEY, Told};

/// Every way in which a typed structure or a careless parser could damage a document.
const ODD: &str = r#"{"family":"web","containerDefinitions":[],"newestFeature":{"zeta":1,"alpha":{"invented":[{"by":"AWS tomorrow"},null,true]},"price":1.50,"huge":123456789012345678901234567890,"i64":-9223372036854775808,"exp":1e+400,"null":null,"empty":"","none":[],"nothing":{},"text":"Grüße 漢字 \u0001 \" \\ 👍","same":"A"}}"#;

fn odd() -> Value {
    serde_json::from_str(ODD).unwrap()
}

#[tokio::test]
async fn body_is_lossless_in_both_directions() {
    let aws = FakeAws::start().await;
    aws.answer("RegisterTaskDefinition", Reply::raw(200, "application/x-amz-json-1.1", ODD));
    let answer = aws.session().await.ecs().call(Operation::RegisterTaskDefinition, odd()).await.unwrap();
    let sent = aws.received_of("RegisterTaskDefinition").remove(0);
    assert_eq!(sent.text(), ODD);
    assert_eq!(answer.body.to_string(), ODD);
}

#[tokio::test]
async fn request_is_json_1_1_and_signed() {
    let aws = FakeAws::start().await;
    aws.answer("DescribeServices", Reply::json(json!({})));
    aws.answer("DescribeImages", Reply::json(json!({})));
    let session = aws.session().await;
    session.ecs().call(Operation::DescribeServices, json!({ "services": ["web"] })).await.unwrap();
    session.ecr().call(ecr::Operation::DescribeImages, json!({ "repositoryName": "web" })).await.unwrap();
    let targets = [
        ("DescribeServices", "AmazonEC2ContainerServiceV20141113.DescribeServices", "ecs"),
        ("DescribeImages", "AmazonEC2ContainerRegistry_V20150921.DescribeImages", "ecr"),
    ];
    for (operation, target, signing_name) in targets {
        let sent = aws.received_of(operation).remove(0);
        assert_eq!((sent.header("x-amz-target"), sent.header("content-type")), (target, "application/x-amz-json-1.1"));
        let authorization = sent.header("authorization");
        assert!(authorization.contains(&format!("Credential={ACCESS_KEY}/")), "{authorization}");
        assert!(authorization.contains(&format!("/eu-west-1/{signing_name}/aws4_request")), "{authorization}");
        assert!(authorization.contains("x-amz-target"), "the target must be signed: {authorization}");
        assert!(sent.header("x-amz-user-agent").contains("app/dockless"), "{:?}", sent.headers);
        assert!(!format!("{:?}", sent.headers).contains(SECRET_KEY));
    }
}

#[tokio::test]
async fn answer_carries_the_time_of_the_server() {
    let aws = FakeAws::start().await;
    aws.answer("ListTasks", Reply::json(json!({})).header("date", "Sun, 06 Nov 1994 08:49:37 GMT"));
    let answer = aws.session().await.ecs().call(Operation::ListTasks, json!({})).await.unwrap();
    assert_eq!(answer.date, Some(UNIX_EPOCH + Duration::from_secs(784_111_777)));
}

#[tokio::test]
async fn answer_without_a_body_is_null() {
    let aws = FakeAws::start().await;
    aws.answer("TagResource", Reply::raw(200, "application/x-amz-json-1.1", ""));
    let input = json!({ "resourceArn": "arn:aws:ecs:eu-west-1:123456789012:service/main/web", "tags": [] });
    let answer = aws.session().await.ecs().call(Operation::TagResource, input).await.unwrap();
    assert_eq!(answer.body, Value::Null);
}

#[tokio::test]
async fn event_tells_operation_host_and_status() {
    let (aws, told) = (FakeAws::start().await, Told::default());
    aws.answer("ListTasks", Reply::json(json!({})));
    let session = Session::open(aws.options(), told.events()).await.unwrap();
    session.ecs().call(Operation::ListTasks, json!({ "cluster": "private" })).await.unwrap();
    let events = told.all();
    assert!(
        matches!(&events[..], [Event::Request { method, url, status: Some(200), .. }]
            if method == "ListTasks" && *url == aws.url()),
        "{events:?}"
    );
}
