//! The plan for a service that CodeDeploy deploys: the same revision as for any other, then CreateDeployment. Pure;
//! what CodeDeploy would say an hour later, a wrong container above all, is refused here.

use serde_json::{Map, Value, json};

use super::appspec::{Spec, Target, appspec};
use super::observe::{Active, Found, cluster_of, external, name_of};
use super::options::Options;
use super::word::Word;
use super::{serving, sets};
use crate::deploy::edit::short;
use crate::deploy::plan::{Before, Deploy, Plan, Step, may_have_moved, plan_wanted};
use crate::deploy::request::DeployServiceUpdate;
use crate::deploy::{Error, Observed, rollout};
use crate::image::Digest;

const FAILURE: &str = "DEPLOYMENT_FAILURE";

/// What CodeDeploy is asked for.
#[derive(Debug, Clone)]
pub struct Handover {
    pub application: String,
    pub group: String,
    /// `cluster:service`, which is what CodeDeploy calls its target.
    pub target: String,
    /// A deployment that goes on already, or is over; then nothing is asked for.
    pub join: Option<String>,
    /// What is said to a deployment that goes on.
    pub word: Option<Word>,
    /// Whether the end that is wished for is a rollback.
    pub back: bool,
    /// UpdateService, where another count is wanted.
    pub scale: Option<Value>,
    pub spec: Spec,
    /// Further members of CreateDeployment.
    pub more: Map<String, Value>,
    /// The revision that serves, and is gone back to.
    pub serves: String,
}

impl Handover {
    /// Of a deployment that is there; `serves` is what it would go back to.
    pub fn joining(service: &Value, (application, group): (String, String), id: String, serves: String) -> Self {
        Handover {
            application,
            group,
            target: format!("{}:{}", cluster_of(service), name_of(service)),
            join: Some(id),
            word: None,
            back: false,
            scale: None,
            spec: Spec::Made(Value::Null),
            more: Map::new(),
            serves,
        }
    }

    /// The body of CreateDeployment.
    pub fn body(&self, revision: &str) -> Value {
        let content = self.spec.text(revision);
        let sha256 = Digest::of(content.as_bytes()).hex().to_owned();
        self.around(json!({"content": content, "sha256": sha256}))
    }

    /// The same for people: the AppSpec is a document in it and not a text.
    pub fn shown(&self, revision: &str) -> Value {
        self.around(json!({"content": self.spec.shown(revision)}))
    }

    fn around(&self, held: Value) -> Value {
        let mut body = json!({
            "applicationName": self.application,
            "deploymentGroupName": self.group,
            "revision": {"revisionType": "AppSpecContent", "appSpecContent": held},
        });
        for (name, value) in &self.more {
            body[name.as_str()] = value.clone();
        }
        body
    }
}

pub fn plan(
    request: &DeployServiceUpdate,
    options: &Options,
    observed: &Observed,
    found: &Found,
) -> Result<Plan, Error> {
    let described = &observed.described;
    let service = observed.service.as_ref().expect("it names its controller");
    let mut plan = plan_wanted(request, described)?;
    check_active((&request.cluster, request.service()), service)?;
    let definition = plan.register.as_ref().unwrap_or(&described["taskDefinition"]);
    let target = target(options, service, definition)?;
    let serves = serving(service).and_then(|set| set["taskDefinition"].as_str()).unwrap_or_default().to_owned();
    let names = (found.application.clone(), found.group.clone());
    let mut handover = Handover {
        join: None,
        scale: scale(request, service),
        spec: Spec::Made(appspec(service, &target, options.provider.as_ref())),
        more: more(request, options, found),
        ..Handover::joining(service, names, String::new(), serves)
    };
    let step = match found.active() {
        Some(active) => {
            handover.join = Some(joined(request, &plan, service, found, active)?);
            handover.scale = None;
            plan.notes.push(format!("{} is being deployed already", short(&plan.base)));
            Step::CodeDeploy(Box::new(handover))
        }
        None if is_at_rest(&mut plan, request, service) && handover.scale.is_none() => Step::Nothing,
        None => Step::CodeDeploy(Box::new(handover)),
    };
    plan.deploy = Some(deploy(request, service, step));
    Ok(plan)
}

fn deploy(request: &DeployServiceUpdate, service: &Value, step: Step) -> Deploy {
    let (cluster, name) = (request.cluster.clone(), request.service().to_owned());
    Deploy { cluster, service: name, step, before: before(service), wait: request.wait }
}

/// The service before the call.
pub fn before(service: &Value) -> Before {
    let text = |set: &Value, member: &str| set[member].as_str().unwrap_or_default().to_owned();
    Before {
        ids: sets(service).map(|set| text(set, "id")).collect(),
        definitions: sets(service).map(|set| text(set, "taskDefinition")).collect(),
        newest_event: service["events"][0]["id"].as_str().map(str::to_owned),
        ..Before::default()
    }
}

pub fn check_active((cluster, name): (&str, &str), service: &Value) -> Result<(), Error> {
    match service["status"].as_str() {
        Some("ACTIVE") | None => Ok(()),
        Some(status) => {
            Err(Error::Inactive { service: name.to_owned(), cluster: cluster.to_owned(), status: status.to_owned() })
        }
    }
}

/// What the load balancer sends to: as given, else as the service has it. It must be in the revision, or CodeDeploy
/// fails when the revision is long registered.
pub fn target(options: &Options, service: &Value, definition: &Value) -> Result<Target, Error> {
    const CONTAINER: &str = "codedeploy-load-balanced-container-name";
    const PORT: &str = "codedeploy-load-balanced-container-port";
    let balancer = [Some(service), serving(service)]
        .into_iter()
        .flatten()
        .map(|owner| &owner["loadBalancers"][0])
        .find(|balancer| balancer["containerName"].is_string());
    let known = |member: &str| balancer.map_or(&Value::Null, |balancer| &balancer[member]);
    let missing = |what| {
        let why = "the service has no load balancer that would tell it";
        Error::input(what, why, "Give the container and the port that the load balancer sends to.")
    };
    let container =
        options.container.as_deref().or(known("containerName").as_str()).ok_or_else(|| missing(CONTAINER))?;
    let port = options.port.map(u64::from).or(known("containerPort").as_u64()).ok_or_else(|| missing(PORT))?;
    let containers = definition["containerDefinitions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(ours) = containers.iter().find(|one| one["name"] == container) else {
        let names: Vec<&str> = containers.iter().filter_map(|one| one["name"].as_str()).collect();
        let why = format!("there is no container '{container}' in the task definition");
        return Err(Error::input(CONTAINER, why, format!("It has {}.", names.join(", "))));
    };
    let mappings = ours["portMappings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mapped =
        |mapping: &Value| mapping["containerPort"].as_u64() == Some(port) || mapping["containerPortRange"].is_string();
    if !mappings.iter().any(mapped) {
        let why = format!("container '{container}' does not open port {port}");
        let ports: Vec<String> = mappings.iter().map(|mapping| mapping["containerPort"].to_string()).collect();
        return Err(Error::input(PORT, why, format!("Its port mappings are: {}.", ports.join(", "))));
    }
    Ok(Target { container: container.to_owned(), port })
}

/// The count is the service's, and CodeDeploy takes it from there.
fn scale(request: &DeployServiceUpdate, service: &Value) -> Option<Value> {
    let count = request.desired_count.filter(|count| service["desiredCount"] != *count)?;
    Some(json!({"cluster": request.cluster, "service": request.service(), "desiredCount": count}))
}

/// CodeDeploy has no circuit breaker: that one is wished for means to go back when the deployment fails. A
/// configuration in the call replaces the group's, so the group's own events are said again.
fn more(request: &DeployServiceUpdate, options: &Options, found: &Found) -> Map<String, Value> {
    let mut more = Map::new();
    if let Some(config) = &options.config {
        more.insert("deploymentConfigName".into(), config.clone().into());
    }
    let mut events = found.goes_back_after();
    if (request.enable_circuit_breaker || options.go_back) && !events.contains(&FAILURE) {
        events.push(FAILURE);
        more.insert("autoRollbackConfiguration".into(), json!({"enabled": true, "events": events}));
    }
    more
}

/// A group takes one deployment at a time. That of the same revision is waited for; any other is in the way, which is
/// said before anything is registered.
fn joined(
    request: &DeployServiceUpdate,
    plan: &Plan,
    service: &Value,
    found: &Found,
    active: Active,
) -> Result<String, Error> {
    let set = sets(service).find(|set| external(set) == Some(active.id.as_str()));
    let same = set.is_some_and(|set| set["taskDefinition"] == plan.base.as_str());
    if same && plan.register.is_none() {
        return Ok(active.id);
    }
    let what = set.and_then(|set| set["taskDefinition"].as_str()).map(|arn| format!(" of {}", short(arn)));
    let why = format!(
        "deployment {}{} is still going on in group '{}' ({}), which takes one at a time",
        active.id,
        what.unwrap_or_default(),
        found.group,
        active.status
    );
    let (wait, back) = (command("wait", request), command("rollback", request));
    let hint = format!("Wait for its end with `{wait}`, or take it back with `{back}`.");
    Err(Error::input("CodeDeploy", why, hint))
}

fn command(name: &str, request: &DeployServiceUpdate) -> String {
    rollout::command(name, &request.cluster, request.service())
}

/// The revision serves already, healthy and alone, and nothing asks for new tasks.
fn is_at_rest(plan: &mut Plan, request: &DeployServiceUpdate, service: &Value) -> bool {
    let ours = |set: &Value| set["taskDefinition"] == plan.base.as_str() && set["stabilityStatus"] != "STABILIZING";
    let serves = plan.register.is_none() && serving(service).is_some_and(ours);
    if !serves || request.force_new_deployment {
        return false;
    }
    if let Some((container, image)) = may_have_moved(plan, &request.updates).cloned() {
        plan.notes.push(format!(
            "nothing changes, but the tag of {container}'s image '{image}' may have moved: it is pulled anew (an image named by \
             its digest would leave nothing to do)"
        ));
        return false;
    }
    plan.notes.push(format!("the service already runs {} as asked for", short(&plan.base)));
    true
}
