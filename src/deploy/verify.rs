//! Waiting for a revision that somebody else deploys, or has deployed: the same plan without a call of its own,
//! and so the same verdicts. What is looked for is the deployment that is of this revision.

use std::time::Duration;

use serde_json::Value;

use super::Error;
use super::ecs::Ecs;
use super::edit::short;
use super::history::{self, Past};
use super::plan::{Before, Deploy, Plan, Step};
use super::snapshot::Service;
use super::wait::Wait;
use crate::clock::Clock;

/// Waits until a service runs a revision.
#[derive(Debug)]
pub struct VerifyRevision {
    /// Name or ARN.
    pub cluster: String,
    /// Name or ARN.
    pub service: String,
    /// ARN or FAMILY:REVISION.
    pub task_definition: String,
    pub wait: Wait,
}

/// Looks before it is said that nobody deploys the revision: answers may be older than the last deployment.
const LOOKS: u32 = 3;

/// Deployments among which the revision is looked for.
const REMEMBERED: usize = 20;

/// Finds the deployment of the revision and plans to wait for it.
pub async fn observe_verification(request: &VerifyRevision, ecs: &dyn Ecs, clock: &Clock) -> Result<Plan, Error> {
    if request.task_definition.trim().is_empty() {
        let hint = "Give the ARN that was registered, or FAMILY:REVISION.";
        return Err(Error::input("task-definition-arn", "it is empty", hint));
    }
    for look in 1.. {
        let raw = existing_service(&request.cluster, &request.service, ecs).await?;
        super::codedeploy::check_own(&request.service, &raw)?;
        match listed(request, &raw) {
            Err(why) if look == LOOKS => return remembered(request, &raw, ecs).await?.ok_or(why),
            Err(_) => clock.sleep(Duration::from_secs(2)).await,
            plan => return plan,
        }
    }
    unreachable!("the last look returns")
}

/// The service, which has to be there.
pub async fn existing_service(cluster: &str, service: &str, ecs: &dyn Ecs) -> Result<Value, Error> {
    let raw = super::observe::find_service(cluster, service, ecs).await?;
    raw.map_err(|why| Error::NoService { service: service.to_owned(), cluster: cluster.to_owned(), why })
}

impl VerifyRevision {
    fn is_wanted(&self, definition: &str) -> bool {
        definition == self.task_definition || short(definition) == self.task_definition.as_str()
    }
}

/// The newest deployment of the revision, whether it leads or not: the verdict tells what became of it.
fn listed(request: &VerifyRevision, raw: &Value) -> Result<Plan, Error> {
    let service = Service::read(raw);
    let ours = service.deployments.iter().find(|deployment| request.is_wanted(&deployment.task_definition));
    let Some(ours) = ours else {
        let runs = service.primary().map(|primary| short(&primary.task_definition).to_owned()).unwrap_or_default();
        let (service, wanted) = (request.service.clone(), short(&request.task_definition).to_owned());
        return Err(Error::NotDeploying { service, wanted, runs });
    };
    let older: Vec<_> = service.deployments.iter().filter(|other| other.created_at < ours.created_at).collect();
    let before = Before {
        ids: older.iter().map(|deployment| deployment.id.clone()).collect(),
        definitions: older.iter().map(|deployment| deployment.task_definition.clone()).collect(),
        record: None,
        unproven: !older.iter().any(|deployment| deployment.may_be_good()),
        ..seen(raw, &service)
    };
    let step = Step::Join { deployment: Some(ours.id.clone()), since: ours.created_at, record: None };
    let whom = (request.cluster.as_str(), request.service.as_str());
    Ok(joining(whom, &ours.task_definition, step, before, Some(request.wait)))
}

/// A deployment that is over has left the service's list, but ECS remembers what became of it.
async fn remembered(request: &VerifyRevision, raw: &Value, ecs: &dyn Ecs) -> Result<Option<Plan>, Error> {
    // Whoever may not read the history is told no more than that nobody deploys the revision.
    let Ok(pasts) = history::deployments(&request.cluster, &request.service, ecs).await else { return Ok(None) };
    let targets: Vec<&str> = pasts.iter().take(REMEMBERED).map(|past| past.target.as_str()).collect();
    let Ok(revisions) = history::revisions(&targets, ecs).await else { return Ok(None) };
    let wanted = |past: &&Past| {
        revisions.iter().any(|revision| revision.arn == past.target && request.is_wanted(&revision.definition))
    };
    let Some(past) = pasts.iter().find(wanted) else { return Ok(None) };
    let definition = revisions.iter().find(|revision| revision.arn == past.target).map(|found| &found.definition);
    let step = Step::Join { deployment: None, since: past.created_at, record: Some(past.arn.clone()) };
    let whom = (request.cluster.as_str(), request.service.as_str());
    let before = Before { record: None, ..seen(raw, &Service::read(raw)) };
    Ok(definition.map(|definition| joining(whom, definition, step, before, Some(request.wait))))
}

/// What the service does by habit, and the events that are old.
pub fn seen(raw: &Value, service: &Service) -> Before {
    Before { newest_event: service.events.first().map(|event| event.id.clone()), ..super::plan::habits(raw) }
}

/// A plan that has no call of its own.
pub fn joining(
    (cluster, service): (&str, &str),
    definition: &str,
    step: Step,
    before: Before,
    wait: Option<Wait>,
) -> Plan {
    Plan {
        base: definition.to_owned(),
        register: None,
        deploy: Some(Deploy { cluster: cluster.to_owned(), service: service.to_owned(), step, before, wait }),
        changes: Vec::new(),
        notes: Vec::new(),
        warnings: Vec::new(),
        images: Vec::new(),
    }
}
