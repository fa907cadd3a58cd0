//! Makes the calls of a plan, and decides nothing again: one registration, one call for the service. ECS is
//! told everything in these two, tags included, so nothing is left half done between them.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::Error;
use super::ecs::{Answer, CallError, Ecs, Operation};
use super::edit::short;
use super::plan::{Before, Deploy, Order, Plan, Step};
use super::snapshot::Service;
use crate::clock::Clock;
use crate::report::{Event, Events};

/// What was done.
#[derive(Debug, Clone)]
pub struct Applied {
    /// ARN of the revision, if one was registered.
    pub registered: Option<String>,
    /// ARN of the revision that the plan is about, registered now or before.
    pub revision: String,
    /// The deployment to wait for.
    pub started: Option<Started>,
}

#[derive(Debug, Clone, Default)]
pub struct Started {
    /// Id of our deployment, if ECS told it with its answer.
    pub deployment: Option<String>,
    /// A deployment of ours, not one that was there and only changes its count.
    pub fresh: bool,
    /// When it began by the server's clock, seconds since 1970.
    pub since: Option<f64>,
    /// ARN of ECS's record of it, if that is known already.
    pub record: Option<String>,
}

pub async fn apply(plan: &Plan, ecs: &dyn Ecs, clock: &Clock, events: &Events) -> Result<Applied, Error> {
    let registered = register_revision(plan, ecs, clock, events).await?;
    let revision = registered.clone().unwrap_or_else(|| plan.base.clone());
    let started = match &plan.deploy {
        Some(deploy) => start_deployment(deploy, &registered, &revision, ecs, clock, events).await?,
        None => None,
    };
    Ok(Applied { registered, revision, started })
}

/// The first of the two calls, if the plan has it: the new revision's ARN.
pub async fn register_revision(
    plan: &Plan,
    ecs: &dyn Ecs,
    clock: &Clock,
    events: &Events,
) -> Result<Option<String>, Error> {
    plan.notes.iter().for_each(|note| events.step(note.clone()));
    plan.warnings.iter().for_each(|warning| events.warn(warning.clone(), None));
    let Some(body) = &plan.register else { return Ok(None) };
    let arn = register(body, ecs, clock, events).await?;
    // Where nothing else follows, the report says so.
    if plan.deploy.is_some() {
        events.step(format!("registered {}", short(&arn)));
    }
    Ok(Some(arn))
}

/// The second.
pub async fn start_deployment(
    deploy: &Deploy,
    registered: &Option<String>,
    revision: &str,
    ecs: &dyn Ecs,
    clock: &Clock,
    events: &Events,
) -> Result<Option<Started>, Error> {
    start(deploy, revision, ecs, clock, events).await.map_err(|why| undeployed(registered, why))
}

pub fn undeployed(registered: &Option<String>, why: CallError) -> Error {
    match registered {
        Some(arn) => Error::Undeployed { registered: short(arn).to_owned(), source: why },
        None => Error::Call(why),
    }
}

async fn register(body: &Value, ecs: &dyn Ecs, clock: &Clock, events: &Events) -> Result<String, Error> {
    let answer = call_register(body, ecs, clock, events).await?;
    let arn = answer.body["taskDefinition"]["taskDefinitionArn"].as_str().ok_or_else(|| Error::Document {
        what: "the answer to RegisterTaskDefinition",
        why: "there is no taskDefinitionArn in it".into(),
    })?;
    Ok(arn.to_owned())
}

/// Parallel pipelines of one family meet here. ECS calls that a fault of the client, so nothing below retries.
async fn call_register(body: &Value, ecs: &dyn Ecs, clock: &Clock, events: &Events) -> Result<Answer, CallError> {
    let mut wait = Duration::from_secs(1);
    loop {
        match ecs.call(Operation::RegisterTaskDefinition, body.clone()).await {
            Err(why) if is_crowded(&why) && wait < Duration::from_secs(32) => {
                events.emit(Event::Retry { what: "RegisterTaskDefinition".into(), why: why.to_string(), wait });
                clock.sleep(wait).await;
                wait *= 2;
            }
            answer => return answer,
        }
    }
}

fn is_crowded(why: &CallError) -> bool {
    why.refusal().is_some_and(|refusal| refusal.message.contains("Too many concurrent attempts"))
}

async fn start(
    deploy: &Deploy,
    revision: &str,
    ecs: &dyn Ecs,
    clock: &Clock,
    events: &Events,
) -> Result<Option<Started>, CallError> {
    let (operation, body) = match &deploy.step {
        Step::Update(body) => (Operation::UpdateService, body),
        Step::Create(body) => (Operation::CreateService, body),
        Step::Join { deployment, since, record } => {
            let (deployment, record) = (deployment.clone(), record.clone());
            return Ok(Some(Started { deployment, fresh: true, since: *since, record }));
        }
        Step::Order(order) => return give(order, revision, ecs, events).await.map(Some),
        Step::CodeDeploy(_) | Step::Nothing => return Ok(None),
    };
    let mut body = with_revision(body, revision);
    if operation == Operation::CreateService {
        body["clientToken"] = token(&body, clock).into();
    }
    let deploys = body.get("taskDefinition").is_some();
    let answer = ecs.call(operation, body).await?;
    let started = started(&answer, &deploy.before, deploys);
    if deploy.wait.is_some() {
        events.step(format!("deploying {} to {}", short(revision), deploy.service));
    }
    Ok(Some(started))
}

async fn give(order: &Order, revision: &str, ecs: &dyn Ecs, events: &Events) -> Result<Started, CallError> {
    for body in &order.bodies {
        ecs.call(order.operation, body.clone()).await?;
    }
    let word = if order.back { "rolling back" } else { "going on with" };
    events.step(format!("{word} {}", short(revision)));
    let (deployment, record) = (order.deployment.clone(), Some(order.record.clone()));
    Ok(Started { deployment, fresh: true, since: None, record })
}

/// Lets a request whose answer was lost be repeated without a second service or task. At most 36 characters.
pub fn token(body: &Value, clock: &Clock) -> String {
    let seed = format!("{body} {:?}", clock.now());
    crate::image::Digest::of(seed.as_bytes()).hex()[..32].to_owned()
}

fn with_revision(body: &Map<String, Value>, revision: &str) -> Value {
    let mut body = body.clone();
    if let Some(definition) = body.get_mut("taskDefinition") {
        *definition = revision.into();
    }
    Value::Object(body)
}

/// Our deployment is the PRIMARY one of the answer, unless it was there before.
fn started(answer: &Answer, before: &Before, fresh: bool) -> Started {
    let service = Service::read(&answer.body["service"]);
    let primary = service.primary().filter(|primary| !fresh || !before.ids.contains(&primary.id));
    Started {
        deployment: primary.map(|primary| primary.id.clone()),
        fresh,
        since: primary.and_then(|primary| primary.created_at).or(answer.date.map(seconds)),
        record: None,
    }
}

pub fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
