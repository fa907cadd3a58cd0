//! The file of `--steps`. A step's members are the flags of the command that it is, under their own names, and are read
//! as if they had been typed: what a flag takes, says and refuses is the same in both places.

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, Command};
use serde_json::{Map, Value};

use super::deploy_service_update::DeployServiceUpdate;
use super::error::Error;
use super::exit::Failure;
use super::release::Meant;
use super::revision::Revision;
use super::run_task::RunTask;
use super::update_task_definition::UpdateTaskDefinition;
use super::update_task_definition_from_json::read as read_document;
use super::{Job, argv};
use crate::deploy;

/// A list is one value of this flag, and not several.
const LISTED: &str = "command";
/// A whole document is the value of this flag.
const WHOLE: &str = "overrides";

type Flags = Map<String, Value>;

/// Step by step. `cluster` stands before the file's own.
pub fn read(path: &Path, cluster: Option<&str>, job: &Job) -> Result<Vec<Meant>, Failure> {
    let document = read_document(path)?;
    let wrong = |why: String| Error::Steps { path: path.to_owned(), why };
    let File { cluster: own, steps } = File::read(&document).map_err(wrong)?;
    let cluster = cluster.or(own);
    let told = |number: usize, mut failure: Failure| {
        failure.shown.message = format!("{}, step {number}: {}", path.display(), failure.shown.message);
        failure
    };
    let steps = steps.into_iter().enumerate();
    steps.map(|(index, step)| step.meant(cluster, job).map_err(|failure| told(index + 1, failure))).collect()
}

struct File<'a> {
    cluster: Option<&'a str>,
    steps: Vec<Step<'a>>,
}

enum Step<'a> {
    Deploy(Vec<&'a Flags>),
    Register(&'a Flags),
    RunTask(&'a Flags),
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
        let steps = steps.iter().enumerate().map(|(index, step)| Step::read(step, index + 1));
        Ok(File { cluster, steps: steps.collect::<Result<_, _>>()? })
    }
}

impl<'a> Step<'a> {
    fn read(step: &'a Value, number: usize) -> Result<Self, String> {
        let wrong = || format!("step {number} is not one of deploy, register and run-task with the flags of it");
        let step = step.as_object().filter(|step| step.len() == 1).ok_or_else(wrong)?;
        only(step, &["deploy", "register", "run-task"], &format!("step {number}"))?;
        let (name, flags) = step.iter().next().ok_or_else(wrong)?;
        match (name.as_str(), flags) {
            ("deploy", Value::Object(service)) => Ok(Step::Deploy(vec![service])),
            ("deploy", Value::Array(services)) if !services.is_empty() => {
                let services = services.iter().map(|service| service.as_object().ok_or_else(wrong));
                Ok(Step::Deploy(services.collect::<Result<_, _>>()?))
            }
            ("register", Value::Object(flags)) => Ok(Step::Register(flags)),
            ("run-task", Value::Object(flags)) => Ok(Step::RunTask(flags)),
            _ => Err(wrong()),
        }
    }

    fn meant(&self, cluster: Option<&str>, job: &Job) -> Result<Meant, Failure> {
        match self {
            Step::Deploy(services) => {
                let mut wishes = Vec::new();
                for flags in services {
                    let args: DeployServiceUpdate = parse(flags, cluster, job)?;
                    refuse(flags, &["steps"])?;
                    wishes.extend(args.into_wishes(job)?);
                }
                Ok(Meant::Deploy(wishes))
            }
            Step::Register(flags) => {
                let args: UpdateTaskDefinition = parse(flags, None, job)?;
                let Revision { family, updates, tags } = args.revision.into_revision(job)?;
                Ok(Meant::Register(Box::new(deploy::UpdateTaskDefinition { family, updates, tags })))
            }
            Step::RunTask(flags) => {
                let args: RunTask = parse(flags, cluster, job)?;
                refuse(flags, &["run-task-output", "propagate-exit-code"])?;
                Ok(Meant::Task(Box::new(args.into_request(job)?)))
            }
        }
    }
}

fn only(members: &Flags, known: &[&str], place: &str) -> Result<(), String> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("{place} has a member '{name}', and {} is all that it may have", known.join(", "))),
        None => Ok(()),
    }
}

/// What has no meaning for a step among others.
fn refuse(flags: &Flags, names: &[&str]) -> Result<(), Error> {
    match names.iter().find(|name| flags.contains_key(**name)) {
        Some(name) => Err(Error::Conflict(format!("--{name} cannot stand in a file of steps"))),
        None => Ok(()),
    }
}

fn parse<A: Args>(flags: &Flags, cluster: Option<&str>, job: &Job) -> Result<A, Failure> {
    let command = || A::augment_args(Command::new("step"));
    let mut words = vec![OsString::from("step")];
    if let (Some(cluster), false) = (cluster, flags.contains_key("cluster")) {
        words.push(format!("--cluster={cluster}").into());
    }
    words.extend(flags.iter().flat_map(|(name, value)| typed(name, value)).map(OsString::from));
    let words = argv::normalise(command(), words, &job.env)?;
    let parsed = argv::parser(command()).try_get_matches_from(words);
    Ok(parsed.and_then(|found| A::from_arg_matches(&found)).map_err(usage)?)
}

/// The words for one member: `"env": {"web:MODE": "fast"}` is `--env=web:MODE=fast`.
fn typed(name: &str, value: &Value) -> Vec<String> {
    let flag = |value: &str| format!("--{name}={value}");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let plain = |value: &Value| !value.is_array() && !value.is_object();
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) if name != LISTED && values.iter().all(plain) => {
            values.iter().map(|value| flag(&text(value))).collect()
        }
        Value::Object(members) if name != WHOLE => {
            members.iter().map(|(key, value)| flag(&format!("{key}={}", text(value)))).collect()
        }
        value => vec![flag(&text(value))],
    }
}

/// The parser's own words, less what is about a command line as a whole.
fn usage(why: clap::Error) -> Error {
    let words = why.to_string();
    let first = words.split("\n\n").next().unwrap_or(&words);
    Error::Conflict(first.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_flags() {
        for (name, value, words) in [
            ("image", json!("web=:v2"), vec!["--image=web=:v2"]),
            ("env", json!({ "web:MODE": "a,b", "web:N": 1 }), vec!["--env=web:MODE=a,b", "--env=web:N=1"]),
            ("service-name", json!(["web", "admin"]), vec!["--service-name=web", "--service-name=admin"]),
            ("command", json!({ "web": ["sh", "-c"] }), vec![r#"--command=web=["sh","-c"]"#]),
            ("command", json!(["sh", "-c"]), vec![r#"--command=["sh","-c"]"#]),
            ("overrides", json!({ "cpu": "256" }), vec![r#"--overrides={"cpu":"256"}"#]),
            ("tags", json!([{ "key": "a" }]), vec![r#"--tags=[{"key":"a"}]"#]),
            ("force-new-deployment", json!(true), vec!["--force-new-deployment=true"]),
            ("desired-count", json!(2), vec!["--desired-count=2"]),
            ("family", json!(null), vec![]),
        ] {
            assert_eq!(typed(name, &value), words, "{name}");
        }
    }

    #[test]
    fn file_has_steps_of_three_kinds() {
        let steps = json!([{ "register": {} }, { "run-task": {} }, { "deploy": {} }, { "deploy": [{}, {}] }]);
        assert_eq!(File::read(&json!({ "steps": steps })).unwrap_or_else(|why| panic!("{why}")).steps.len(), 4);
        for steps in [
            json!([]),
            json!({}),
            json!([{}]),
            json!([{ "deploy": [] }]),
            json!([{ "deploy": {}, "register": {} }]),
            json!([{ "run-task": [] }]),
        ] {
            assert!(File::read(&json!({ "steps": steps })).is_err(), "{steps}");
        }
    }
}
