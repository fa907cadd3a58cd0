use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_700_000_000_000;

#[derive(Default)]
struct Desk(Book);

impl Desk {
    fn with_lines(count: i64) -> Desk {
        let mut desk = Desk::default();
        desk.call("CreateLogGroup", json!({ "logGroupName": "/ecs/web" })).unwrap();
        desk.call("CreateLogStream", named(json!({}))).unwrap();
        let events: Vec<Value> =
            (0..count).map(|at| json!({ "timestamp": NOW + at, "message": format!("line {at}") })).collect();
        desk.call("PutLogEvents", named(json!({ "logEvents": events }))).unwrap();
        desk
    }

    fn call(&mut self, operation: &str, input: Value) -> Result<Value, Refusal> {
        let logs = Logs { book: &self.0, account: "123456789012", region: "us-east-1", now: NOW };
        let (answer, changes) = logs.call(operation, &input)?;
        changes.into_iter().for_each(|change| self.0.apply(change));
        Ok(answer)
    }

    fn lines(&mut self, more: Value) -> (Vec<String>, Value) {
        let answer = self.call("GetLogEvents", named(more)).unwrap();
        (messages(&answer), answer)
    }
}

fn named(more: Value) -> Value {
    let mut input = json!({ "logGroupName": "/ecs/web", "logStreamName": "web/web/1" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

fn messages(answer: &Value) -> Vec<String> {
    answer["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn lines_come_from_the_end_unless_the_head_is_asked_for() {
    let mut desk = Desk::with_lines(5);
    assert_eq!(desk.lines(json!({ "limit": 2 })).0, ["line 3", "line 4"]);
    assert_eq!(desk.lines(json!({ "limit": 2, "startFromHead": true })).0, ["line 0", "line 1"]);
    let (middle, _) = desk.lines(json!({ "startTime": NOW + 1, "endTime": NOW + 3 }));
    assert_eq!(middle, ["line 1", "line 2"], "the end is not within");
}

#[test]
fn tokens_lead_both_ways_and_stay_the_same_at_the_end() {
    let mut desk = Desk::with_lines(5);
    let (_, first) = desk.lines(json!({ "limit": 2, "startFromHead": true }));
    let (next, second) = desk.lines(json!({ "limit": 3, "nextToken": first["nextForwardToken"] }));
    assert_eq!(next, ["line 2", "line 3", "line 4"]);
    let (none, end) = desk.lines(json!({ "nextToken": second["nextForwardToken"] }));
    assert_eq!((none.len(), &end["nextForwardToken"]), (0, &second["nextForwardToken"]));
    let (back, _) = desk.lines(json!({ "limit": 1, "nextToken": second["nextBackwardToken"] }));
    assert_eq!(back, ["line 1"]);
    let more = json!({ "logEvents": [{ "timestamp": NOW + 9, "message": "late" }] });
    desk.call("PutLogEvents", named(more)).unwrap();
    assert_eq!(desk.lines(json!({ "nextToken": end["nextForwardToken"] })).0, ["late"]);
}

#[test]
fn what_is_not_there_or_there_already_is_refused_in_aws_words() {
    let mut desk = Desk::with_lines(1);
    let mut refused = |operation: &str, input: Value| desk.call(operation, input).unwrap_err().to_string();
    assert_eq!(
        refused("GetLogEvents", json!({ "logGroupName": "x", "logStreamName": "y" })),
        "ResourceNotFoundException: The specified log group does not exist."
    );
    assert_eq!(
        refused("GetLogEvents", json!({ "logGroupName": "/ecs/web", "logStreamName": "y" })),
        "ResourceNotFoundException: The specified log stream does not exist."
    );
    assert!(refused("CreateLogGroup", json!({ "logGroupName": "/ecs/web" })).contains("group already exists"));
    assert!(refused("CreateLogStream", named(json!({}))).contains("stream already exists"));
    assert!(refused("CreateLogGroup", json!({ "logGroupName": "a b" })).contains("regular expression"));
    assert!(refused("GetLogEvents", named(json!({ "nextToken": "f/x/s" }))).contains("nextToken is invalid"));
    assert!(refused("GetLogEvents", named(json!({ "limit": 0 }))).contains("'limit'"));
    let backwards = json!([{ "timestamp": NOW, "message": "a" }, { "timestamp": NOW - 1, "message": "b" }]);
    assert!(refused("PutLogEvents", named(json!({ "logEvents": backwards }))).contains("chronological order"));
}

#[test]
fn lines_of_another_age_are_left_out_and_counted() {
    let mut desk = Desk::with_lines(1);
    let day = 24 * 3_600_000;
    let events: Vec<Value> = [-15 * day, 1, day].map(|off| json!({ "timestamp": NOW + off, "message": "x" })).into();
    let answer = desk.call("PutLogEvents", named(json!({ "logEvents": events }))).unwrap();
    let rejected = json!({ "tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2 });
    assert_eq!(answer["rejectedLogEventsInfo"], rejected);
    assert_eq!(desk.lines(json!({})).0, ["line 0", "x"]);
}

#[test]
fn filter_takes_lines_by_words_across_streams() {
    let mut desk = Desk::with_lines(3);
    let other = json!({ "logGroupName": "/ecs/web", "logStreamName": "web/web/2" });
    desk.call("CreateLogStream", other.clone()).unwrap();
    let mut put = other;
    put["logEvents"] = json!([{ "timestamp": NOW + 1, "message": "line two ERROR" }]);
    desk.call("PutLogEvents", put).unwrap();
    let mut found = |pattern: &str| {
        let input = json!({ "logGroupName": "/ecs/web", "filterPattern": pattern });
        messages(&desk.call("FilterLogEvents", input).unwrap())
    };
    assert_eq!(found("line").len(), 4);
    assert_eq!(found("line -ERROR \"line 2\""), ["line 2"]);
    assert_eq!(found("?ERROR ?0"), ["line 0", "line two ERROR"]);
    let first = desk.call("FilterLogEvents", json!({ "logGroupName": "/ecs/web", "limit": 3 })).unwrap();
    let rest = json!({ "logGroupName": "/ecs/web", "nextToken": first["nextToken"] });
    assert_eq!(messages(&desk.call("FilterLogEvents", rest).unwrap()), ["line 2"]);
}

#[test]
fn listings_come_in_pages_and_in_the_order_asked_for() {
    let mut desk = Desk::with_lines(1);
    desk.call("CreateLogGroup", json!({ "logGroupName": "/ecs/api" })).unwrap();
    let first = desk.call("DescribeLogGroups", json!({ "limit": 1 })).unwrap();
    assert_eq!(first["logGroups"][0]["logGroupName"], "/ecs/api");
    let next = desk.call("DescribeLogGroups", json!({ "nextToken": first["nextToken"] })).unwrap();
    assert_eq!(next["logGroups"][0]["arn"], "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web:*");
    desk.call("CreateLogStream", json!({ "logGroupName": "/ecs/web", "logStreamName": "a" })).unwrap();
    let by_time = json!({ "logGroupName": "/ecs/web", "orderBy": "LastEventTime", "descending": true });
    let streams = desk.call("DescribeLogStreams", by_time).unwrap();
    assert_eq!(streams["logStreams"].as_array().unwrap().len(), 2);
    let arn = json!({ "logGroupIdentifier": "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web", "limit": 1 });
    assert_eq!(desk.call("DescribeLogStreams", arn).unwrap()["logStreams"][0]["logStreamName"], "a");
}

#[test]
fn stream_keeps_its_last_lines_and_the_places_of_its_readers() {
    let mut desk = Desk::with_lines(1);
    let (_, before) = desk.lines(json!({}));
    let event = |at: i64| Event { timestamp: NOW + at, message: at.to_string(), ingestion: NOW };
    let events = (1..10_003).map(event).collect();
    desk.0.apply(Change::Events { group: "/ecs/web".into(), stream: "web/web/1".into(), events });
    let (next, _) = desk.lines(json!({ "limit": 1, "nextToken": before["nextForwardToken"] }));
    assert_eq!(next, ["3"], "those before are gone");
}

#[test]
fn driver_names_the_stream_after_container_and_task() {
    let mut container = json!({ "name": "web", "logConfiguration": { "logDriver": "awslogs",
        "options": { "awslogs-group": "/ecs/web", "awslogs-stream-prefix": "shop" } } });
    let found = destination(&container, "0123").unwrap();
    assert_eq!((found.group.as_str(), found.stream.as_str()), ("/ecs/web", "shop/web/0123"));
    container["logConfiguration"]["logDriver"] = json!("splunk");
    assert_eq!(destination(&container, "0123"), None);
}

#[test]
fn tail_hands_on_whole_lines_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.log");
    let to = Destination { group: "g".into(), stream: "s".into() };
    let mut tails = Tails::default();
    tails.follow(path.clone(), to.clone());
    assert!(tails.news().is_empty(), "it is not there yet");
    std::fs::write(&path, "one\n\ntwo\nthr").unwrap();
    assert_eq!(tails.news(), [(to.clone(), vec!["one".to_owned(), "two".into()])]);
    std::fs::write(&path, "one\n\ntwo\nthree\n").unwrap();
    tails.follow(path.clone(), to.clone());
    assert_eq!(tails.news(), [(to, vec!["three".to_owned()])]);
    std::fs::remove_file(&path).unwrap();
    assert!(tails.news().is_empty() && tails.is_empty());
}
