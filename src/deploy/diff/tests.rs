//! Both sides as ECS describes them, and what is found different.

use serde_json::{Value, json};

use super::*;
use crate::deploy::Texts;
use crate::deploy::fake::{Fake, at_rest, described};
use crate::deploy::{SubstError, observe_diff};

/// The revision that runs, with all that ECS fills in.
fn live() -> Value {
    json!({"taskDefinition": {
        "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7", "family": "web",
        "revision": 7, "status": "ACTIVE", "registeredBy": "arn:aws:iam::123456789012:user/ci", "volumes": [],
        "networkMode": "awsvpc", "cpu": "512", "memory": "1024", "placementConstraints": [],
        "containerDefinitions": [{
            "name": "web", "image": "nginx:1", "cpu": 0, "essential": true, "environment": [
                {"name": "COLOUR", "value": "red"}, {"name": "API_TOKEN", "value": "geheim"}],
            "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}], "mountPoints": [],
        }],
    }, "tags": []})
}

/// The same, as somebody writes it.
fn file() -> Value {
    json!({"family": "web", "networkMode": "awsvpc", "cpu": "0.5 vCPU", "memory": "1 GB", "containerDefinitions": [{
        "name": "web", "image": "nginx:1", "portMappings": [{"containerPort": 80}], "environment": [
            {"name": "API_TOKEN", "value": "geheim"}, {"name": "COLOUR", "value": "red"}],
    }]})
}

fn diff(file: &Value) -> Difference {
    let document = Document::read(file, &Updates::default(), &[]).unwrap();
    let request = Diff { wanted: Wanted::Document(document), live: Live::Latest };
    compare(&request, &Sides { live: live(), base: None }).unwrap()
}

fn edits(env: &str) -> Wanted {
    let expand = |text: &str| -> Result<String, SubstError> { Ok(text.to_owned()) };
    let updates = Updates::parse(Texts { images: "", env, secrets: "", labels: "" }, &expand).unwrap();
    Wanted::Edited { family: Base::Live { revision: None }, updates: Box::new(updates), tags: Vec::new() }
}

#[test]
fn diff_of_what_ecs_fills_in_is_none() {
    let difference = diff(&file());
    assert_eq!(difference.changes, []);
    let report = report_diff(&difference);
    assert_eq!((report.outcome.word(), report.lines.len()), ("nothing-to-do", 0));
    assert_eq!(report.summary, "the file and web:7 say the same");
}

#[test]
fn diff_shows_a_line_a_change_and_no_secret() {
    let mut file = file();
    file["containerDefinitions"][0]["image"] = "nginx:2".into();
    file["containerDefinitions"][0]["environment"] =
        json!([{"name": "API_TOKEN", "value": "neu"}, {"name": "MOTTO", "value": "a\n::error::b"}]);
    let report = report_diff(&diff(&file));
    let lines = [
        "--- web:7",
        "+++ the file",
        "  ~ web image: nginx:1 -> nginx:2",
        "  ~ web variable API_TOKEN: *** -> ***",
        r"  + web variable MOTTO: a\n::error::b",
        "  - web variable COLOUR: red",
    ];
    assert_eq!(report.lines, lines);
    assert_eq!(report.outcome.word(), "planned");
    let document = report.document.to_string();
    assert!(!document.contains("geheim") && !document.contains("neu") && report.document["differs"] == true);
}

/// A deploy starts from the latest revision, not from the one that runs: what it would bring is both.
#[tokio::test]
async fn diff_of_edits_starts_from_the_latest_revision() {
    let fake = Fake::new(|operation, body, _| {
        let mut latest = live();
        latest["taskDefinition"]["taskDefinitionArn"] = "arn:aws:ecs:eu-central-1:1:task-definition/web:8".into();
        latest["taskDefinition"]["containerDefinitions"][0]["image"] = "nginx:3".into();
        Ok(match (operation, body["taskDefinition"].as_str()) {
            ("DescribeServices", _) => json!({"services": [at_rest()], "failures": []}),
            (_, Some("web")) => latest,
            (_, Some("web:7")) => live(),
            other => panic!("{other:?}"),
        })
    });
    let live = Live::Service { cluster: "main".into(), service: "web".into() };
    let request = Diff { wanted: edits("container=web,name=COLOUR,value=blue"), live };
    let sides = observe_diff(&request, &fake).await.unwrap();
    let difference = compare(&request, &sides).unwrap();
    assert_eq!(difference.wanted, "web:8 with 1 edit");
    let lines: Vec<String> = difference.changes.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["  ~ web image: nginx:1 -> nginx:3", "  ~ web variable COLOUR: red -> blue"]);
    assert_eq!(fake.operations(), ["DescribeServices", "DescribeTaskDefinition", "DescribeTaskDefinition"]);
}

#[tokio::test]
async fn diff_with_nothing_to_compare_with_is_refused() {
    let fake = Fake::new(|_, _, _| Ok(described()));
    let nothing = Diff { wanted: edits(""), live: Live::Latest };
    let error = observe_diff(&nothing, &fake).await.err().unwrap().to_string();
    assert_eq!(error, "family: nothing says what to compare with");
    assert!(fake.calls().is_empty());
}
