//! A scripted ECS for tests: answers by operation and by the fake clock, and remembers every call.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::ecs::{Answer, CallError, Ecs, Operation, Question};
use crate::aws::{Place, Refusal};
use crate::clock::Clock;
use crate::report::{Event, Events};

type Answers = dyn Fn(&str, &Value, u64) -> Result<Value, CallError> + Send + Sync;

pub struct Fake {
    pub clock: Clock,
    start: SystemTime,
    answers: Box<Answers>,
    calls: Mutex<Vec<(String, Value)>>,
}

impl Fake {
    /// `answers` gets the operation, its body and the seconds since the beginning.
    pub fn new(answers: impl Fn(&str, &Value, u64) -> Result<Value, CallError> + Send + Sync + 'static) -> Self {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        Fake { clock: Clock::fake(start), start, answers: Box::new(answers), calls: Mutex::default() }
    }

    /// The scripted answer, for scripts that change another one.
    pub fn answer(&self, operation: &str, body: &Value, seconds: u64) -> Result<Value, CallError> {
        (self.answers)(operation, body, seconds)
    }

    pub fn calls(&self) -> Vec<(String, Value)> {
        self.calls.lock().unwrap().clone()
    }

    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|(operation, _)| operation).collect()
    }

    pub fn body(&self, operation: &str) -> Value {
        self.calls().into_iter().find(|(called, _)| called == operation).expect("called").1
    }

    pub fn seconds(&self) -> u64 {
        self.clock.now().duration_since(self.start).unwrap().as_secs()
    }
}

impl Ecs for Fake {
    fn call(&self, operation: Operation, body: Value) -> BoxFuture<'_, Result<Answer, CallError>> {
        self.reply(operation.name(), body)
    }

    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, CallError>> {
        let (operation, body) = elsewhere(question);
        self.reply(operation, body)
    }
}

impl Fake {
    fn reply(&self, operation: &'static str, body: Value) -> BoxFuture<'_, Result<Answer, CallError>> {
        self.calls.lock().unwrap().push((operation.to_owned(), body.clone()));
        let answer = (self.answers)(operation, &body, self.seconds());
        if answer.as_ref().is_err_and(|why| why.code() == Some(HANGS)) {
            return Box::pin(std::future::pending());
        }
        let answer = answer.map(|body| Answer { body, date: Some(self.clock.now()) });
        let answer = answer.map_err(|why| at(operation, why));
        Box::pin(std::future::ready(answer))
    }
}

/// Which operation of another service a question is asked with.
fn elsewhere(question: Question) -> (&'static str, Value) {
    match question {
        Question::LogEvents { body, .. } => ("GetLogEvents", body),
        Question::TargetHealth { group } => ("DescribeTargetHealth", json!({"TargetGroupArn": group})),
    }
}

/// The code of a refusal that never comes.
pub const HANGS: &str = "Hangs";

pub fn refusal(code: &str, message: &str) -> CallError {
    let place = Place { service: "ecs", operation: "", region: "eu-central-1".into(), account: None };
    let (code, message) = (code.to_owned(), message.to_owned());
    CallError::Refused(Box::new(Refusal {
        place,
        code,
        message,
        status: 400,
        request_id: None,
        attempts: 1,
        claims: None,
    }))
}

fn at(operation: &'static str, why: CallError) -> CallError {
    match why {
        CallError::Refused(mut refusal) => {
            refusal.place.operation = operation;
            CallError::Refused(refusal)
        }
        other => other,
    }
}

pub fn arn(revision: u32) -> String {
    format!("arn:aws:ecs:eu-central-1:123456789012:task-definition/web:{revision}")
}

pub const IMAGE: &str = "host.example/web:v1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// DescribeTaskDefinition's answer for revision 7, the image by digest.
pub fn described() -> Value {
    json!({
        "taskDefinition": {
            "taskDefinitionArn": arn(7), "family": "web", "revision": 7, "status": "ACTIVE",
            "requiresCompatibilities": ["FARGATE"], "futureMember": {"kept": true},
            "containerDefinitions": [{"name": "web", "image": IMAGE, "environment": []}],
        },
        "tags": [],
    })
}

/// One deployment of a service: id, status, revision, running, rollout state and its reason.
pub fn deployment(id: &str, status: &str, revision: u32, running: i64, rollout: &str, reason: &str) -> Value {
    let mut deployment = json!({
        "id": id, "status": status, "taskDefinition": arn(revision), "desiredCount": 2, "runningCount": running,
        "pendingCount": 2 - running, "failedTasks": 0, "createdAt": 1_700_000_000.5, "rolloutStateReason": reason,
    });
    if !rollout.is_empty() {
        deployment["rolloutState"] = rollout.into();
    }
    deployment
}

pub fn service(revision: u32, deployments: &[Value]) -> Value {
    json!({
        "status": "ACTIVE", "taskDefinition": arn(revision), "desiredCount": 2, "runningCount": 2,
        "deploymentConfiguration": {
            "maximumPercent": 200, "minimumHealthyPercent": 100, "futureMember": 1, "strategy": "ROLLING",
            "deploymentCircuitBreaker": {"enable": true, "rollback": true},
        },
        "deployments": deployments,
        "events": [{"id": "e0", "message": "(service web) has reached a steady state."}],
    })
}

/// The service at rest on revision 7.
pub fn at_rest() -> Value {
    service(7, &[deployment("ecs-svc/7", "PRIMARY", 7, 2, "COMPLETED", "ECS deployment ecs-svc/7 completed.")])
}

/// Keeps the texts of what is told; how far a rollout is counts once, until it is further.
pub fn listener() -> (Events, std::sync::Arc<Mutex<Vec<String>>>) {
    let told = std::sync::Arc::new(Mutex::new(Vec::new()));
    let (sink, said) = (told.clone(), Mutex::new(String::new()));
    let events = Events::new(move |event| {
        let text = match event {
            Event::Rollout(rollout) if *said.lock().unwrap() == rollout.text => return,
            Event::Rollout(rollout) => {
                *said.lock().unwrap() = rollout.text.clone();
                rollout.text
            }
            Event::Verdict { .. } => return,
            Event::Remark { text, .. } | Event::Task { text, .. } | Event::Step { text } => text,
            Event::Warning { text, hint } => format!("warning: {text} {}", hint.unwrap_or_default()),
            Event::Retry { what, .. } => format!("retry: {what}"),
            other => format!("{other:?}"),
        };
        sink.lock().unwrap().push(text);
    });
    (events, told)
}
