//! What the containers write, passed on while they run: one stream of CloudWatch Logs for each container of each
//! task, read on from where the last look ended. Whoever cannot read them is told so once, and the tasks go on.

use serde_json::{Value, json};

use super::Plan;
use super::plan::containers;
use crate::deploy::diagnose::{Place, harmless, place, secrets};
use crate::deploy::ecs::{CallError, Ecs, Question};
use crate::report::{Event, Events};

/// Answers of up to 10,000 lines or 1 MB that are read of one stream in one look.
const PAGES: usize = 10;

/// The streams of all tasks.
#[derive(Debug, Default)]
pub struct Lines {
    streams: Vec<Stream>,
    /// Values that are not shown.
    secrets: Vec<String>,
    /// Containers that log elsewhere, and where.
    elsewhere: Vec<String>,
    /// Nobody may read them.
    denied: bool,
    /// Some were passed on.
    any: bool,
}

#[derive(Debug)]
struct Stream {
    task: String,
    /// As the lines are marked.
    source: String,
    region: Option<String>,
    group: String,
    stream: String,
    token: Option<String>,
}

impl Lines {
    /// Of these tasks, by the last parts of their ARNs.
    pub fn of(plan: &Plan, tasks: &[&str]) -> Lines {
        let mut secrets = secrets(&plan.definition);
        let overridden = plan.body.get("overrides").map(|overrides| &overrides["containerOverrides"]);
        secrets.extend(self::secrets(&json!({ "containerDefinitions": overridden })));
        let mut lines = Lines { secrets, ..Lines::default() };
        if plan.logs {
            for container in containers(&plan.definition).filter_map(|container| container["name"].as_str()) {
                tasks.iter().for_each(|task| lines.add(plan, container, task, tasks.len() > 1));
            }
        }
        lines
    }

    fn add(&mut self, plan: &Plan, container: &str, task: &str, several: bool) {
        match place(&plan.definition, container, task) {
            Place::Stream { group, stream, region } => {
                let begin = &task[..task.len().min(8)];
                let source = if several { format!("{container} {begin}") } else { container.to_owned() };
                self.streams.push(Stream { task: task.to_owned(), source, region, group, stream, token: None });
            }
            Place::Elsewhere(why) if !self.elsewhere.contains(&why) => self.elsewhere.push(why),
            Place::Elsewhere(_) => {}
        }
    }

    /// Why lines of some containers are not seen here, said once.
    pub fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.elsewhere)
    }

    /// Passes on what is new, and says whether there was anything.
    pub async fn look(&mut self, ecs: &dyn Ecs, events: &Events) -> bool {
        let mut any = false;
        for stream in &mut self.streams {
            if self.denied {
                return any;
            }
            match stream.read(&self.secrets, ecs, events).await {
                Ok(count) => {
                    any |= count > 0;
                    self.any |= count > 0;
                }
                Err(why) => {
                    if let Some(action) = why.denied_action() {
                        self.denied = true;
                        let hint = format!("Grant {action}, or give --logs=false.");
                        events.warn(format!("{action} is denied: the containers' lines are not shown"), Some(hint));
                    }
                }
            }
        }
        any
    }

    /// Some were passed on.
    pub fn any(&self) -> bool {
        self.any
    }

    /// Nothing is to come of them.
    pub fn are_none(&self) -> bool {
        self.denied || self.streams.is_empty()
    }
}

impl Stream {
    /// At the end of a stream the token comes back that was sent; an empty answer alone is no end (API reference,
    /// GetLogEvents). A stream begins with its first line, so until then there is none.
    async fn read(&mut self, secrets: &[String], ecs: &dyn Ecs, events: &Events) -> Result<usize, CallError> {
        let mut count = 0;
        for _ in 0..PAGES {
            let mut body = json!({ "logGroupName": self.group, "logStreamName": self.stream, "startFromHead": true });
            if let Some(token) = &self.token {
                body["nextToken"] = token.clone().into();
            }
            let answer = ecs.ask(Question::LogEvents { region: self.region.clone(), body }).await?.body;
            count += self.pass_on(&answer, secrets, events);
            let next = answer["nextForwardToken"].as_str().map(str::to_owned);
            if next.is_none() || next == self.token {
                break;
            }
            self.token = next;
        }
        Ok(count)
    }

    fn pass_on(&self, answer: &Value, secrets: &[String], events: &Events) -> usize {
        let found = answer["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        let messages = found.iter().filter_map(|event| event["message"].as_str());
        for text in messages.flat_map(|message| message.split('\n')).filter_map(|line| harmless(line, secrets)) {
            events.emit(Event::Log { task: self.task.clone(), source: self.source.clone(), text });
        }
        found.len()
    }
}
