use serde_json::json;

use super::*;

fn told(old: Value, new: Value) -> Vec<String> {
    let object = |value: Value| value.as_object().cloned().unwrap();
    let changes = differences(&object(old), &object(new));
    changes.iter().map(|change| change.to_string().trim().to_owned()).collect()
}

#[test]
fn difference_ignores_what_ecs_fills_in() {
    let written = json!({
        "family": "web", "cpu": "0.5 vCPU", "memory": "1GB", "networkMode": "awsvpc",
        "containerDefinitions": [{"name": "web", "image": "nginx:1", "portMappings": [{"containerPort": 80}],
            "healthCheck": {"command": ["CMD", "true"]}, "environment": [{"name": "B", "value": ""}, {"name": "A", "value": "1"}]}],
    });
    let described = json!({
        "family": "web", "cpu": "512", "memory": "1024", "networkMode": "awsvpc", "volumes": [], "tags": [],
        "placementConstraints": [], "enableFaultInjection": false,
        "containerDefinitions": [{"name": "web", "image": "nginx:1", "cpu": 0, "essential": true, "mountPoints": [],
            "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}], "systemControls": [],
            "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3},
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": ""}], "volumesFrom": []}],
    });
    assert_eq!(told(described.clone(), written.clone()), [""; 0]);
    assert_eq!(told(written, described), [""; 0]);
}

#[test]
fn difference_names_what_is_meant() {
    let old = json!({
        "taskRoleArn": "a", "tags": [{"key": "team", "value": "web"}], "cpu": "256", "later": {"deep": [{"x": 1}]},
        "containerDefinitions": [{"name": "web", "image": "nginx:1", "environment": [{"name": "TOKEN", "value": "geheim"}],
            "dockerLabels": {"a.b": "1"}, "secrets": [{"name": "S", "valueFrom": "arn:s"}], "command": ["a", "b"],
            "logConfiguration": {"options": {"splunk-token": "geheim"}}}, {"name": "old", "image": "x"}],
    });
    let new = json!({
        "taskRoleArn": "b", "tags": [{"key": "team", "value": "shop"}], "cpu": "512", "later": {"deep": [{"x": 2}]},
        "containerDefinitions": [{"name": "web", "image": "nginx:2", "environment": [{"name": "TOKEN", "value": "neu"}],
            "dockerLabels": {"a.b": "2"}, "command": ["b", "a"],
            "logConfiguration": {"options": {"splunk-token": "neu"}}}],
    });
    assert_eq!(
        told(old, new),
        [
            "~ task role: a -> b",
            "~ tag team: web -> shop",
            "~ cpu: 256 -> 512",
            "~ later.deep.0.x: 1 -> 2",
            "~ web image: nginx:1 -> nginx:2",
            "~ web variable TOKEN: *** -> ***",
            "~ web label a.b: 1 -> 2",
            r#"~ web command: ["a","b"] -> ["b","a"]"#,
            "~ web logConfiguration.options.splunk-token: *** -> ***",
            "- web secret S: arn:s",
            "- old image: x",
        ]
    );
}

#[test]
fn difference_counts_everything_that_may_mean_something() {
    let web = |member: &str, value: Value| json!({"containerDefinitions": [{"name": "web", member: value}]});
    for (old, new) in [
        (web("essential", true.into()), web("essential", false.into())),
        (web("cpu", 0.into()), web("cpu", 1.into())),
        (web("command", json!(["a", ""])), web("command", json!(["a"]))),
        (
            web("environment", json!([{"name": "A", "value": "1"}])),
            web("environment", json!([{"name": "A", "value": 1}])),
        ),
        (
            web("environment", json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}])),
            web("environment", json!([{"name": "A", "value": "2"}, {"name": "A", "value": "1"}])),
        ),
        (
            web("portMappings", json!([{"containerPort": 80}])),
            web("portMappings", json!([{"containerPort": 80, "hostPort": 80}])),
        ),
        (web("unknown", json!("")), web("other", json!(""))),
        (json!({"tags": [{"key": "a"}]}), json!({"tags": []})),
    ] {
        assert!(!told(old.clone(), new.clone()).is_empty(), "{old} {new}");
    }
}
