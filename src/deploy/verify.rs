//! Waiting for a revision that somebody else deploys, or has deployed: the same plan without a call of its own,
//! and so the same verdicts. What is looked for is the deployment that is of this revision.

use std::time::Duration;

use serde_json::Value;

use super::Error;
use super::ecs::Ecs;
use super::edit::short;
use super::plan::{Before, Deploy, Plan, Step};
use super::request::Wait;
use super::snapshot::Service;
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

/// Finds the deployment of the revision and plans to wait for it.
pub async fn observe_verification(request: &VerifyRevision, ecs: &dyn Ecs, clock: &Clock) -> Result<Plan, Error> {
    if request.task_definition.trim().is_empty() {
        let hint = "Give the ARN that was registered, or FAMILY:REVISION.";
        return Err(Error::input("task-definition-arn", "it is empty", hint));
    }
    for look in 1.. {
        let raw = super::observe::find_service(&request.cluster, &request.service, ecs).await?;
        let raw = raw.map_err(|why| {
            let (service, cluster) = (request.service.clone(), request.cluster.clone());
            Error::NoService { service, cluster, why }
        })?;
        match plan(request, &raw) {
            Err(_) if look < LOOKS => clock.sleep(Duration::from_secs(2)).await,
            plan => return plan,
        }
    }
    unreachable!("the last look returns")
}

/// The newest deployment of the revision, whether it leads or not: the verdict tells what became of it.
fn plan(request: &VerifyRevision, raw: &Value) -> Result<Plan, Error> {
    let service = Service::read(raw);
    let wanted = |definition: &str| {
        definition == request.task_definition || short(definition) == request.task_definition.as_str()
    };
    let Some(at) = service.deployments.iter().position(|deployment| wanted(&deployment.task_definition)) else {
        let runs = service.primary().map(|primary| short(&primary.task_definition).to_owned()).unwrap_or_default();
        let (service, wanted) = (request.service.clone(), short(&request.task_definition).to_owned());
        return Err(Error::NotDeploying { service, wanted, runs });
    };
    let ours = &service.deployments[at];
    let older: Vec<_> = service.deployments.iter().filter(|other| other.created_at < ours.created_at).collect();
    let before = Before {
        ids: older.iter().map(|deployment| deployment.id.clone()).collect(),
        definitions: older.iter().map(|deployment| deployment.task_definition.clone()).collect(),
        newest_event: service.events.first().map(|event| event.id.clone()),
        ..super::plan::habits(raw)
    };
    let step = Step::Join { deployment: ours.id.clone(), since: ours.created_at };
    let (cluster, service) = (request.cluster.clone(), request.service.clone());
    let base = ours.task_definition.clone();
    Ok(Plan {
        base,
        register: None,
        deploy: Some(Deploy { cluster, service, step, before, wait: Some(request.wait) }),
        changes: Vec::new(),
        notes: Vec::new(),
        warnings: Vec::new(),
        images: Vec::new(),
    })
}
