//! The services that borrow ECS's pipeline: each in its own protocol, signed for by its own name.

use dockless::aws::{EVENTS, LOAD_BALANCING, LOGS, SCHEDULER, Session};
use dockless::report::Events;
use serde_json::json;

use crate::support::aws::{FakeAws, Reply};
use crate::support::moto::Moto;

#[tokio::test]
async fn json_service_is_named_by_its_target() {
    let aws = FakeAws::start().await;
    aws.answer("ListTargetsByRule", Reply::json(json!({ "Targets": [{ "Invented": 1.50 }] })));
    let events = aws.session().await.service(&EVENTS);
    let answer = events.json("ListTargetsByRule", json!({ "Rule": "nightly" })).await.unwrap();
    assert_eq!(answer.body.to_string(), r#"{"Targets":[{"Invented":1.5}]}"#);
    let sent = aws.received_of("ListTargetsByRule").remove(0);
    assert_eq!((sent.header("x-amz-target"), sent.text()), ("AWSEvents.ListTargetsByRule", r#"{"Rule":"nightly"}"#));
    assert!(sent.header("authorization").contains("/eu-west-1/events/aws4_request"));
}

#[tokio::test]
async fn rest_service_is_named_by_its_path() {
    let aws = FakeAws::start().await;
    aws.answer("GET /schedules/a%2Fb", Reply::raw(200, "application/json", r#"{"Name":"a/b"}"#));
    let scheduler = aws.session().await.service(&SCHEDULER);
    let query = [("groupName", "default")];
    let answer = scheduler.rest("GetSchedule", "GET", &["schedules", "a/b"], &query, None).await.unwrap();
    assert_eq!(answer.body["Name"], "a/b");
    let sent = aws.received_of("GET /schedules/a%2Fb").remove(0);
    assert_eq!((&*sent.uri, sent.text()), ("/schedules/a%2Fb?groupName=default", ""));
    assert!(sent.header("authorization").contains("/eu-west-1/scheduler/aws4_request"));
}

#[tokio::test]
async fn query_service_is_answered_in_xml() {
    let aws = FakeAws::start().await;
    let member =
        "<TargetHealthDescriptions><member><HealthCheckPort>80</HealthCheckPort></member></TargetHealthDescriptions>";
    aws.answer("DescribeTargetHealth", Reply::query("DescribeTargetHealth", member));
    let balancing = aws.session().await.service(&LOAD_BALANCING);
    let answer = balancing.query("DescribeTargetHealth", &[("TargetGroupArn", "arn:a b&c")]).await.unwrap();
    assert_eq!(answer.body, json!({ "TargetHealthDescriptions": [{ "HealthCheckPort": "80" }] }));
    let sent = aws.received_of("DescribeTargetHealth").remove(0);
    assert_eq!(
        (sent.field("Version").unwrap(), sent.field("TargetGroupArn").unwrap()),
        ("2015-12-01".into(), "arn:a b&c".into())
    );
    assert!(sent.header("authorization").contains("/eu-west-1/elasticloadbalancing/aws4_request"));
}

#[tokio::test]
async fn refusal_names_the_service_and_its_operation() {
    let aws = FakeAws::start().await;
    aws.answer("GetLogEvents", Reply::fault(400, "AccessDeniedException", "no"));
    let input = json!({ "logGroupName": "web", "logStreamName": "web/web/1" });
    let error = aws.session().await.service(&LOGS).json("GetLogEvents", input).await.unwrap_err();
    assert_eq!(error.denied_action().as_deref(), Some("logs:GetLogEvents"));
}

#[tokio::test]
async fn signatures_hold_in_every_protocol() {
    let moto = Moto::verifying().await;
    let key = moto.user(&["events:*", "scheduler:*", "elasticloadbalancing:*"]).await;
    let session = Session::open(moto.options(key), Events::none()).await.unwrap();
    let rules = session.service(&EVENTS).json("ListRules", json!({})).await.unwrap();
    assert_eq!(rules.body["Rules"], json!([]));
    // A GET it refuses from everybody, boto3 included.
    let (path, body) = (["schedule-groups", "nightly_1.2"], json!({ "ClientToken": "once" }));
    let group = session.service(&SCHEDULER).rest("CreateScheduleGroup", "POST", &path, &[], Some(body)).await.unwrap();
    assert!(group.body["ScheduleGroupArn"].as_str().unwrap().ends_with("schedule-group/nightly_1.2"), "{group:?}");
    let groups = session.service(&LOAD_BALANCING).query("DescribeTargetGroups", &[]).await.unwrap();
    assert_eq!(groups.body, json!({ "TargetGroups": "" }));
}
