//! ECS's record of our deployment. It is the better witness where it can be had; older policies do not allow
//! to read it and emulators do not keep it, so every failure here ends in doing without.

use serde_json::{Value, json};

use crate::deploy::apply::Started;
use crate::deploy::ecs::{Answer, CallError, Ecs, Operation, is_throttling};
use crate::deploy::plan::Deploy;
use crate::deploy::rollout::Charge;
use crate::deploy::snapshot::Record;
use crate::report::Events;

/// Looks in which the record may still be missing from the list, which is behind UpdateService by seconds.
const PATIENCE: u32 = 6;

/// Answers other than throttling that are taken for "not supported here".
const STRIKES: u32 = 2;

/// A record may be dated a little before the deployment that it is of.
const SLACK: f64 = 3.0;

pub struct Records {
    state: State,
    since: Option<f64>,
    /// PAUSE hooks that were answered already; what is told of them may be old.
    answered: Vec<String>,
    /// The record of the deployment before, which may be of the same revision and of the same second.
    before: Option<String>,
    strikes: u32,
}

enum State {
    /// Not found yet, after so many looks.
    Sought(u32),
    Known(String),
    Unavailable,
}

impl Records {
    pub fn new(started: &Started, deploy: &Deploy) -> Self {
        let state = match &started.record {
            Some(arn) => State::Known(arn.clone()),
            None if started.fresh && started.since.is_some() => State::Sought(0),
            // Without a beginning of its own a deployment cannot be told from others of its service.
            None => State::Unavailable,
        };
        Records {
            state,
            since: started.since,
            before: deploy.before.record.clone(),
            answered: deploy.answered(),
            strikes: 0,
        }
    }

    /// Whether a later look may have the record.
    pub fn may_come(&self) -> bool {
        !matches!(self.state, State::Unavailable)
    }

    /// The record as it is now, if it can be read.
    pub async fn look(&mut self, charge: &Charge<'_>, ecs: &dyn Ecs) -> Option<Record> {
        let events = charge.events;
        if let State::Sought(looks) = self.state {
            let found = self.find(charge.deploy, charge.revision, ecs).await;
            self.state = match self.allowed(found, events)? {
                Some(arn) => State::Known(arn),
                None if looks + 1 >= PATIENCE => State::Unavailable,
                None => State::Sought(looks + 1),
            };
        }
        let State::Known(arn) = &self.state else { return None };
        let answer = ecs.call(Operation::DescribeServiceDeployments, json!({"serviceDeploymentArns": [arn]})).await;
        let answer = self.allowed(answer, events)?;
        let mut record = answer.body["serviceDeployments"].get(0).map(Record::read)?;
        record.pauses.retain(|pause| !self.answered.contains(&pause.hook));
        Some(record)
    }

    /// What is said of it where a look at it took too long.
    pub fn gave_no_answer(&mut self) -> Option<Record> {
        self.strike();
        None
    }

    fn strike(&mut self) {
        self.strikes += 1;
        if self.strikes >= STRIKES {
            self.state = State::Unavailable;
        }
    }

    /// Of the records whose target is our revision the one nearest to our call. The same revision may have been
    /// brought out moments before: what was over by then is not ours.
    async fn find(&self, deploy: &Deploy, definition: &str, ecs: &dyn Ecs) -> Result<Option<String>, CallError> {
        let since = self.since.unwrap_or_default() - SLACK;
        let after = json!({"after": since.floor() as i64});
        let body = json!({"cluster": deploy.cluster, "service": deploy.service, "createdAt": after});
        let listed = ecs.call(Operation::ListServiceDeployments, body).await?;
        let mut records: Vec<&Value> = listed.body["serviceDeployments"].as_array().into_iter().flatten().collect();
        let called = self.since.unwrap_or_default();
        let created = |record: &Value| record["createdAt"].as_f64().unwrap_or_default();
        records.retain(|record| created(record) >= since);
        records.retain(|record| {
            self.before.is_none() || record["serviceDeploymentArn"].as_str() != self.before.as_deref()
        });
        records.retain(|record| record["finishedAt"].as_f64().is_none_or(|finished| finished >= called));
        records.sort_by(|a, b| (created(a) - called).abs().total_cmp(&(created(b) - called).abs()));
        let revisions: Vec<&Value> = records.iter().map(|record| &record["targetServiceRevisionArn"]).collect();
        if revisions.is_empty() {
            return Ok(None);
        }
        let described =
            ecs.call(Operation::DescribeServiceRevisions, json!({"serviceRevisionArns": revisions})).await?;
        let target = |record: &&&Value| targets(record, definition, &described);
        Ok(records.iter().find(target).and_then(|record| record["serviceDeploymentArn"].as_str()).map(str::to_owned))
    }

    /// A refusal is told once, with the cure; anything lasting means to do without.
    fn allowed<T>(&mut self, result: Result<T, CallError>, events: &Events) -> Option<T> {
        let why = match result {
            Ok(answer) => return Some(answer),
            Err(why) => why,
        };
        if let Some(action) = why.denied_action() {
            let hint = format!("Grant {action} for surer and earlier verdicts.");
            events.warn(format!("{action} is denied: watching the service alone"), Some(hint));
            self.state = State::Unavailable;
        } else if !is_throttling(&why) {
            self.strike();
        }
        None
    }
}

fn targets(record: &Value, definition: &str, described: &Answer) -> bool {
    let revisions = described.body["serviceRevisions"].as_array();
    revisions.into_iter().flatten().any(|revision| {
        revision["serviceRevisionArn"] == record["targetServiceRevisionArn"] && revision["taskDefinition"] == definition
    })
}
