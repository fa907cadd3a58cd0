//! The last words of a container that failed, from CloudWatch Logs. Which group and stream they are in follows from
//! the task definition; what goes elsewhere is named, so that people know where to look.

use serde::Serialize;
use serde_json::{Value, json};

use super::Stopped;
use super::cures::cure_in_log;
use super::line::harmless;
use crate::deploy::ecs::{CallError, Ecs, Operation, Question};
use crate::deploy::mask::is_secret;

/// Lines that are read.
const LINES: usize = 10;

/// What a container wrote last.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Log {
    pub container: String,
    pub task: String,
    pub group: String,
    pub stream: String,
    /// Oldest first, harmless, secrets masked.
    pub lines: Vec<String>,
    /// What is likely to mend what they tell of.
    pub hint: Option<&'static str>,
}

/// Where a container's lines are, or why they cannot be had.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    Stream { group: String, stream: String, region: Option<String> },
    Elsewhere(String),
}

/// The log of the container at fault, and a remark if there is anything to be said about it.
pub async fn read(task: &Stopped, ecs: &dyn Ecs) -> (Option<Log>, Option<String>) {
    let Some(container) = task.culprit() else { return (None, None) };
    let body = json!({ "taskDefinition": task.task_definition });
    let answer = match ecs.call(Operation::DescribeTaskDefinition, body).await {
        Ok(answer) => answer.body,
        Err(why) => return (None, Some(remark(&why, &container.name))),
    };
    let definition = &answer["taskDefinition"];
    match place(definition, &container.name, &task.id) {
        Place::Elsewhere(why) => (None, Some(why)),
        Place::Stream { group, stream, region } => {
            let log = Log { container: container.name.clone(), task: task.id.clone(), group, stream, ..Log::default() };
            fetch(log, region, &secrets(definition), ecs).await
        }
    }
}

async fn fetch(log: Log, region: Option<String>, secrets: &[String], ecs: &dyn Ecs) -> (Option<Log>, Option<String>) {
    let body =
        json!({ "logGroupName": log.group, "logStreamName": log.stream, "limit": LINES, "startFromHead": false });
    match ecs.ask(Question::LogEvents { region, body }).await {
        Ok(answer) => {
            let lines = lines(&answer.body, secrets);
            let silent = lines.is_empty().then(|| format!("container {} wrote nothing to its log", log.container));
            let hint = cure_in_log(&lines);
            (Some(Log { lines, hint, ..log }).filter(|log| !log.lines.is_empty()), silent)
        }
        Err(why) => (None, Some(refused(&why, &log))),
    }
}

fn lines(answer: &Value, secrets: &[String]) -> Vec<String> {
    let events = answer["events"].as_array().into_iter().flatten();
    let messages = events.filter_map(|event| event["message"].as_str());
    let lines: Vec<String> =
        messages.flat_map(|message| message.split('\n')).filter_map(|line| harmless(line, secrets)).collect();
    lines[lines.len().saturating_sub(LINES)..].to_vec()
}

/// The values that the definition itself gives to variables with a secret's name.
pub fn secrets(definition: &Value) -> Vec<String> {
    let containers = definition["containerDefinitions"].as_array().into_iter().flatten();
    let variables = containers.flat_map(|container| container["environment"].as_array().into_iter().flatten());
    let pairs = variables.filter_map(|variable| Some((variable["name"].as_str()?, variable["value"].as_str()?)));
    pairs.filter(|(name, value)| is_secret(name, value)).map(|(_, value)| value.to_owned()).collect()
}

pub fn place(definition: &Value, name: &str, task: &str) -> Place {
    let all = definition["containerDefinitions"].as_array().into_iter().flatten();
    let logs = all.filter(|found| found["name"] == name).map(|found| &found["logConfiguration"]).next();
    let logs = logs.unwrap_or(&Value::Null);
    let option = |key: &str| logs["options"][key].as_str().map(str::to_owned);
    let elsewhere = |why: String| Place::Elsewhere(format!("container {name} {why}"));
    match logs["logDriver"].as_str() {
        None => elsewhere("has no logConfiguration, so what it writes is not kept: give it the awslogs driver".into()),
        Some("none") => elsewhere("has the log driver none, so what it writes is not kept".into()),
        Some("awsfirelens") => elsewhere("logs by way of FireLens: look where its log router sends the lines".into()),
        Some("awslogs") => match (option("awslogs-group"), option("awslogs-stream-prefix")) {
            (Some(group), Some(prefix)) => {
                Place::Stream { group, stream: format!("{prefix}/{name}/{task}"), region: option("awslogs-region") }
            }
            (Some(group), None) => {
                elsewhere(format!("logs to {group} without awslogs-stream-prefix, so its stream cannot be told"))
            }
            (None, _) => elsewhere("has the awslogs driver, but no awslogs-group".into()),
        },
        Some(driver) => elsewhere(format!("logs with the driver {driver}: look there for its last lines")),
    }
}

fn refused(why: &CallError, log: &Log) -> String {
    let Log { container, group, stream, .. } = log;
    let missing = why.code().is_some_and(|code| code.starts_with("ResourceNotFound"));
    match missing {
        true if why.refusal().is_some_and(|refusal| refusal.message.contains("log stream")) => {
            format!("container {container} wrote nothing: there is no stream {stream} in {group}")
        }
        true => format!("the log group {group} of container {container} does not exist"),
        false => remark(why, container),
    }
}

fn remark(why: &CallError, container: &str) -> String {
    match why.denied_action() {
        Some(action) => format!("{action} is denied: grant it to be shown the last lines of container {container}"),
        None => format!("the log of container {container} could not be read: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(logs: Value) -> Place {
        let definition = json!({ "containerDefinitions": [{ "name": "web", "logConfiguration": logs }] });
        place(&definition, "web", "0123")
    }

    #[test]
    fn place_of_the_awslogs_driver() {
        let options =
            json!({ "awslogs-group": "/ecs/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "a" });
        let expected =
            Place::Stream { group: "/ecs/web".into(), stream: "a/web/0123".into(), region: Some("eu-west-1".into()) };
        assert_eq!(at(json!({ "logDriver": "awslogs", "options": options })), expected);
    }

    #[test]
    fn place_elsewhere_is_named() {
        for (logs, part) in [
            (Value::Null, "has no logConfiguration"),
            (json!({ "logDriver": "awsfirelens" }), "FireLens"),
            (json!({ "logDriver": "splunk" }), "driver splunk"),
            (json!({ "logDriver": "none" }), "not kept"),
            (json!({ "logDriver": "awslogs", "options": { "awslogs-group": "g" } }), "without awslogs-stream-prefix"),
        ] {
            let Place::Elsewhere(why) = at(logs) else { panic!("{part}") };
            assert!(why.starts_with("container web ") && why.contains(part), "{why}");
        }
    }

    #[test]
    fn lines_are_the_last_ones_and_keep_the_definitions_secrets() {
        let definition = json!({ "containerDefinitions": [{ "environment": [
            { "name": "API_KEY", "value": "geheim" }, { "name": "STAGE", "value": "prod" }] }] });
        let events: Vec<Value> = (0..6).map(|at| json!({ "message": format!("{at} geheim\n{at} prod") })).collect();
        let lines = lines(&json!({ "events": events }), &secrets(&definition));
        assert_eq!((lines.len(), lines[0].as_str(), lines[9].as_str()), (10, "1 ***", "5 prod"));
    }
}
