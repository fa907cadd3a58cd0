//! The file of `--steps`. Its members are the flags of `deploy-service-update` under their own names, and each service
//! is read as if those flags had been typed: what a flag takes, says and refuses is the same in both places.

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, Command, FromArgMatches};
use serde_json::{Map, Value};

use super::Job;
use super::argv;
use super::deploy_service_update::{DeployServiceUpdate, Wish};
use super::error::Error;
use super::exit::Failure;
use super::update_task_definition_from_json::read as read_document;

/// Words and JSON lists of words are one value of this flag, not several.
const ONE_VALUE: &str = "command";

/// Step by step. `cluster` stands before the file's own.
pub fn read(path: &Path, cluster: Option<&str>, job: &Job) -> Result<Vec<Vec<Wish>>, Failure> {
    let document = read_document(path)?;
    let wrong = |why: String| Error::Steps { path: path.to_owned(), why };
    let File { cluster: own, steps } = File::read(&document).map_err(wrong)?;
    let cluster = cluster.or(own);
    let steps = steps.into_iter().enumerate().map(|(index, step)| {
        let wishes = step.into_iter().map(|service| wish(service, cluster, job));
        let wishes: Result<Vec<Vec<Wish>>, Failure> = wishes.collect();
        let told = |mut failure: Failure| {
            failure.shown.message = format!("{}, step {}: {}", path.display(), index + 1, failure.shown.message);
            failure
        };
        Ok(wishes.map_err(told)?.into_iter().flatten().collect())
    });
    steps.collect()
}

struct File<'a> {
    cluster: Option<&'a str>,
    steps: Vec<Vec<&'a Map<String, Value>>>,
}

impl<'a> File<'a> {
    fn read(document: &'a Value) -> Result<Self, String> {
        let file = document.as_object().ok_or("it is no JSON object with \"steps\" in it")?;
        only(file, &["cluster", "steps"], "the file")?;
        let cluster = match file.get("cluster") {
            Some(cluster) => Some(cluster.as_str().ok_or("\"cluster\" is no text")?),
            None => None,
        };
        let steps = file.get("steps").and_then(Value::as_array).ok_or("\"steps\" is no list")?;
        if steps.is_empty() {
            return Err("\"steps\" is empty".into());
        }
        let steps =
            steps.iter().enumerate().map(|(index, step)| self::step(step, index + 1)).collect::<Result<_, _>>()?;
        Ok(File { cluster, steps })
    }
}

/// One service or a list of them.
fn step(step: &Value, number: usize) -> Result<Vec<&Map<String, Value>>, String> {
    let wrong = || format!("step {number} is not {{\"deploy\": {{…}}}} or {{\"deploy\": [{{…}}, …]}}");
    let step = step.as_object().ok_or_else(wrong)?;
    only(step, &["deploy"], &format!("step {number}"))?;
    match step.get("deploy") {
        Some(Value::Object(service)) => Ok(vec![service]),
        Some(Value::Array(services)) if !services.is_empty() => {
            services.iter().map(|service| service.as_object().ok_or_else(wrong)).collect()
        }
        _ => Err(wrong()),
    }
}

fn only(members: &Map<String, Value>, known: &[&str], place: &str) -> Result<(), String> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("{place} has a member '{name}', and {} is all that it may have", known.join(", "))),
        None => Ok(()),
    }
}

fn wish(flags: &Map<String, Value>, cluster: Option<&str>, job: &Job) -> Result<Vec<Wish>, Failure> {
    let command = || DeployServiceUpdate::augment_args(Command::new("deploy"));
    let mut words = vec![OsString::from("deploy")];
    if let (Some(cluster), false) = (cluster, flags.contains_key("cluster")) {
        words.push(format!("--cluster={cluster}").into());
    }
    for (name, value) in flags {
        words.extend(typed(name, value)?.into_iter().map(OsString::from));
    }
    let words = argv::normalise(command(), words, &job.env)?;
    let parsed = argv::parser(command()).try_get_matches_from(words);
    let args = parsed.and_then(|found| DeployServiceUpdate::from_arg_matches(&found)).map_err(usage)?;
    if args.several.steps.is_some() {
        return Err(Error::Conflict("a file of steps names no other one".into()).into());
    }
    args.into_wishes(job)
}

/// The words for one member: `"env": {"web:MODE": "fast"}` is `--env=web:MODE=fast`.
fn typed(name: &str, value: &Value) -> Result<Vec<String>, Error> {
    let flag = |value: &str| format!("--{name}={value}");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let plain = |value: &Value| !value.is_array() && !value.is_object();
    Ok(match value {
        Value::Null => Vec::new(),
        Value::Array(values) if name != ONE_VALUE && values.iter().all(plain) => {
            values.iter().map(|value| flag(&text(value))).collect()
        }
        Value::Object(members) => members.iter().map(|(key, value)| flag(&format!("{key}={}", text(value)))).collect(),
        value => vec![flag(&text(value))],
    })
}

/// The parser's own words, less what is about a command line as a whole.
fn usage(why: clap::Error) -> Error {
    let words = why.to_string();
    let first = words.split("\n\n").next().unwrap_or(&words);
    Error::Conflict(first.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" "))
}
