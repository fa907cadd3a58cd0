//! From raw answers to what is worth telling. Pure, and tolerant of whatever is missing: what could not be read is
//! left out, and `unknown` says which right is wanted for it.

use serde::Serialize;
use serde_json::Value;

use super::remark::{Remark, remarks};
use super::time::Moment;
use super::{Known, Seen};
use crate::deploy::diagnose::Stopped;
use crate::deploy::edit::short;
use crate::deploy::history::Revision;
use crate::deploy::request::name_in_arn;
use crate::deploy::snapshot::{Record, maybe, number, text};

/// Events that are told, the newest.
const EVENTS: usize = 5;

/// One service.
#[derive(Debug, Serialize)]
pub struct State {
    pub service: String,
    pub cluster: String,
    pub arn: String,
    /// ACTIVE, DRAINING or INACTIVE.
    pub status: String,
    pub desired: i64,
    pub running: i64,
    pub pending: i64,
    /// ECS, CODE_DEPLOY or EXTERNAL.
    pub controller: String,
    /// ROLLING, BLUE_GREEN, LINEAR or CANARY; nothing where ECS does not deploy.
    pub strategy: Option<String>,
    pub circuit_breaker: Breaker,
    /// What ECS lists, the one that leads first. Task sets where CodeDeploy or others deploy.
    pub deployments: Vec<Deployment>,
    pub last_deployment: Option<Newest>,
    /// Why the newest task failed, where tasks of a deployment fail.
    pub last_failure: Option<Failure>,
    pub remarks: Vec<Remark>,
    pub unknown: Vec<Gap>,
    /// The newest first.
    pub events: Vec<Event>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Breaker {
    pub enabled: bool,
    pub rollback: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Deployment {
    pub id: String,
    /// PRIMARY, ACTIVE, DRAINING or INACTIVE.
    pub status: String,
    /// `shop:7`
    pub revision: String,
    pub task_definition_arn: String,
    pub desired: i64,
    pub running: i64,
    pub pending: i64,
    pub failed: i64,
    /// IN_PROGRESS, COMPLETED or FAILED; STABILIZING or STEADY_STATE of a task set.
    pub rollout: Option<String>,
    pub reason: Option<String>,
    pub since: Option<Moment>,
    /// When its oldest task started.
    pub tasks_since: Option<Moment>,
    pub registered_at: Option<Moment>,
    /// ARN of whoever registered the task definition.
    pub registered_by: Option<String>,
    pub images: Vec<Image>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Image {
    pub container: String,
    /// As the task definition spells it.
    pub image: String,
    /// What it is in the tasks, the most frequent first. More than one if a tag moved meanwhile.
    pub running: Vec<Digest>,
    /// What ECS resolved it to when it was deployed, as the service revision has it.
    pub resolved: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Digest {
    pub digest: String,
    pub tasks: usize,
}

/// ECS's record of the newest deployment.
#[derive(Debug, Serialize)]
pub struct Newest {
    pub arn: String,
    /// As ECS has it: IN_PROGRESS, SUCCESSFUL, ROLLBACK_SUCCESSFUL, STOPPED and so on.
    pub status: String,
    pub reason: Option<String>,
    /// `shop:7`
    pub revision: Option<String>,
    pub stage: Option<String>,
    pub created_at: Option<Moment>,
    pub finished_at: Option<Moment>,
    /// Failures that the circuit breaker has counted, and how many it allows.
    pub failures: Option<i64>,
    pub threshold: Option<i64>,
    /// Shares of production traffic in percent.
    pub traffic: Vec<Share>,
    /// A PAUSE hook waits for an answer.
    pub paused: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    pub task: String,
    /// `shop:7`
    pub revision: String,
    pub why: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Share {
    pub revision: String,
    pub percent: f64,
}

/// What could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    pub what: &'static str,
    pub why: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Event {
    pub at: Option<Moment>,
    pub message: String,
}

pub fn read_status(seen: &[Seen]) -> Vec<State> {
    seen.iter().map(State::read).collect()
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

impl State {
    fn read(seen: &Seen) -> State {
        let raw = &seen.raw;
        let configuration = &raw["deploymentConfiguration"];
        let breaker = &configuration["deploymentCircuitBreaker"];
        let controller = raw["deploymentController"]["type"].as_str().unwrap_or("ECS");
        let mut deployments: Vec<Deployment> = items(raw, "deployments")
            .chain(items(raw, "taskSets"))
            .map(|deployment| Deployment::read(deployment, seen))
            .collect();
        deployments.sort_by_key(|deployment| deployment.status != "PRIMARY");
        let newest = seen.newest.as_ref().ok().and_then(Option::as_ref);
        let state = State {
            service: text(raw, "serviceName"),
            cluster: name_in_arn(raw["clusterArn"].as_str().unwrap_or_default()).to_owned(),
            arn: text(raw, "serviceArn"),
            status: text(raw, "status"),
            desired: number(raw, "desiredCount"),
            running: number(raw, "runningCount"),
            pending: number(raw, "pendingCount"),
            controller: controller.to_owned(),
            strategy: (controller == "ECS").then(|| configuration["strategy"].as_str().unwrap_or("ROLLING").to_owned()),
            circuit_breaker: Breaker { enabled: breaker["enable"] == true, rollback: breaker["rollback"] == true },
            deployments,
            last_deployment: newest.map(|record| Newest::read(record, seen)),
            last_failure: seen.stopped.as_ref().map(Failure::of),
            remarks: Vec::new(),
            unknown: gaps(seen),
            events: items(raw, "events").take(EVENTS).map(Event::read).collect(),
        };
        State { remarks: remarks(&state), ..state }
    }
}

impl Deployment {
    fn read(raw: &Value, seen: &Seen) -> Deployment {
        let arn = text(raw, "taskDefinition");
        let definition = seen.definitions.iter().find(|(known, _)| *known == arn);
        let definition = definition.and_then(|(_, known)| known.as_ref().ok()).unwrap_or(&Value::Null);
        let tasks = tasks(raw, seen);
        let started = tasks.iter().filter_map(|task| Moment::read(&task["startedAt"]));
        // A task set has what it came to in other members.
        let desired = if raw["desiredCount"].is_null() { "computedDesiredCount" } else { "desiredCount" };
        Deployment {
            id: text(raw, "id"),
            status: text(raw, "status"),
            revision: short(&arn).to_owned(),
            desired: number(raw, desired),
            running: number(raw, "runningCount"),
            pending: number(raw, "pendingCount"),
            failed: number(raw, "failedTasks"),
            rollout: maybe(raw, "rolloutState").or_else(|| maybe(raw, "stabilityStatus")),
            reason: maybe(raw, "rolloutStateReason"),
            since: Moment::read(&raw["createdAt"]),
            tasks_since: started.reduce(|oldest, other| if other < oldest { other } else { oldest }),
            registered_at: Moment::read(&definition["registeredAt"]),
            registered_by: maybe(definition, "registeredBy"),
            images: images(definition, &tasks, resolved(&arn, seen)),
            task_definition_arn: arn,
        }
    }
}

/// ECS puts the deployment's id into `startedBy`; emulators may put something else.
fn tasks<'a>(deployment: &Value, seen: &'a Seen) -> Vec<&'a Value> {
    let found = seen.tasks.as_ref().map(|tasks| tasks.found.as_slice()).unwrap_or_default();
    let own = |task: &&Value| match task["startedBy"].as_str() {
        Some(by) if by.starts_with("ecs-svc/") => deployment["id"] == by,
        _ => task["taskDefinitionArn"] == deployment["taskDefinition"],
    };
    found.iter().filter(own).collect()
}

/// The newest service revision of a task definition.
fn resolved<'a>(definition: &str, seen: &'a Seen) -> Option<&'a Revision> {
    let revisions = seen.revisions.as_ref().map(Vec::as_slice).unwrap_or_default();
    let current: Vec<&str> =
        items(&seen.raw, "currentServiceRevisions").filter_map(|one| one["arn"].as_str()).collect();
    let is_current = |revision: &&Revision| current.contains(&revision.arn.as_str());
    let mut own = revisions.iter().filter(|revision| revision.definition == definition && is_current(revision));
    own.next()
}

/// By the definition, or, where it could not be read, by the tasks.
fn images(definition: &Value, tasks: &[&Value], resolved: Option<&Revision>) -> Vec<Image> {
    let mut named: Vec<(String, String)> =
        items(definition, "containerDefinitions").map(|one| (text(one, "name"), text(one, "image"))).collect();
    let containers = || tasks.iter().flat_map(|task| items(task, "containers"));
    for container in containers().filter(|container| container["image"].is_string()) {
        if !named.iter().any(|(name, _)| container["name"] == name.as_str()) && definition.is_null() {
            named.push((text(container, "name"), text(container, "image")));
        }
    }
    let image = |(container, image): (String, String)| {
        let own = containers().filter(|one| one["name"] == container.as_str() && one["lastStatus"] == "RUNNING");
        let digests = resolved.map(|revision| revision.digests.as_slice()).unwrap_or_default();
        let resolved = digests.iter().find(|(name, _)| *name == container).map(|(_, digest)| digest.clone());
        Image { running: counted(own.filter_map(|one| one["imageDigest"].as_str())), container, image, resolved }
    };
    named.into_iter().map(image).collect()
}

fn counted<'a>(digests: impl Iterator<Item = &'a str>) -> Vec<Digest> {
    let mut counted = Vec::new();
    digests.for_each(|digest| Digest { digest: digest.to_owned(), tasks: 1 }.add_to(&mut counted));
    counted.sort_by_key(|known| std::cmp::Reverse(known.tasks));
    counted
}

impl Digest {
    pub fn add_to(&self, counted: &mut Vec<Digest>) {
        match counted.iter_mut().find(|known| known.digest == self.digest) {
            Some(known) => known.tasks += self.tasks,
            None => counted.push(self.clone()),
        }
    }
}

/// `sha256:… in 2 tasks`
impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.tasks == 1 { "" } else { "s" };
        write!(f, "{} in {} task{plural}", self.digest, self.tasks)
    }
}

impl Failure {
    fn of(task: &Stopped) -> Failure {
        Failure { task: task.id.clone(), revision: short(&task.task_definition).to_owned(), why: task.why() }
    }
}

impl Newest {
    fn read(raw: &Value, seen: &Seen) -> Newest {
        let record = Record::read(raw);
        let breaker = &raw["deploymentCircuitBreaker"];
        let sources = items(raw, "sourceServiceRevisions");
        let summaries = std::iter::once(&raw["targetServiceRevision"]).chain(sources);
        let share = |summary: &Value| {
            let percent = summary["requestedProductionTrafficWeight"].as_f64()?;
            Some(Share { revision: revision(summary["arn"].as_str()?, seen)?, percent })
        };
        Newest {
            reason: record.why(),
            paused: !record.pauses.is_empty(),
            arn: record.arn,
            status: record.status,
            stage: record.stage,
            revision: raw["targetServiceRevision"]["arn"].as_str().and_then(|arn| revision(arn, seen)),
            created_at: Moment::read(&raw["createdAt"]),
            finished_at: Moment::read(&raw["finishedAt"]),
            failures: breaker["failureCount"].as_i64().filter(|_| breaker["status"] != "DISABLED"),
            threshold: breaker["threshold"].as_i64().filter(|_| breaker["status"] != "DISABLED"),
            traffic: summaries.filter_map(share).collect(),
        }
    }

    pub fn is_under_way(&self) -> bool {
        ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"]
            .contains(&self.status.as_str())
    }
}

/// `shop:7`, of the ARN of a service revision.
fn revision(arn: &str, seen: &Seen) -> Option<String> {
    let known = seen.revisions.as_ref().ok()?.iter().find(|revision| revision.arn == arn)?;
    Some(short(&known.definition).to_owned())
}

impl Event {
    fn read(raw: &Value) -> Event {
        Event { at: Moment::read(&raw["createdAt"]), message: text(raw, "message") }
    }
}

fn gaps(seen: &Seen) -> Vec<Gap> {
    fn gap<T>(what: &'static str, known: &Known<T>) -> Option<Gap> {
        known.as_ref().err().map(|why| Gap { what, why: why.clone() })
    }
    let more = seen.tasks.as_ref().is_ok_and(|tasks| tasks.more);
    let read = || seen.tasks.as_ref().map(|tasks| tasks.found.len()).unwrap_or_default();
    let definitions = seen.definitions.iter().find_map(|(_, known)| gap("who registered it", known));
    [
        gap("what its tasks run", &seen.tasks),
        more.then(|| Gap { what: "what the other tasks run", why: format!("{} were looked at", read()) }),
        gap("its last deployment", &seen.newest),
        gap("the revisions of its deployments", &seen.revisions),
        definitions,
    ]
    .into_iter()
    .flatten()
    .collect()
}
