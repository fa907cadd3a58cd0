//! The part of the plan that concerns the service: whether it can be deployed to, and with which one call.

use serde_json::{Map, Value, json};

use super::{Before, Deploy, Plan, Step, may_have_moved};
use crate::deploy::difference::differences;
use crate::deploy::edit::{Change, name_of, registrable, short};
use crate::deploy::request::{Create, DeployServiceUpdate, name_in_arn};
use crate::deploy::snapshot::{Deployment, Service};
use crate::deploy::{Error, Observed};

/// Changes of the revision before that are told one by one.
const ALONG: usize = 4;

pub fn plan_update(
    plan: &mut Plan,
    request: &DeployServiceUpdate,
    observed: &Observed,
    raw: &Value,
) -> Result<(), Error> {
    check(request, raw)?;
    let service = Service::read(raw);
    remark(plan, request, observed, raw, &service);
    let step = step(plan, request, raw, &service);
    let before = before(request, raw, &service);
    plan.deploy = Some(deploy(request, step, before));
    Ok(())
}

fn deploy(request: &DeployServiceUpdate, step: Step, before: Before) -> Deploy {
    let (cluster, service) = (request.cluster.clone(), request.service().to_owned());
    Deploy { cluster, service, step, before, wait: request.wait }
}

fn check(request: &DeployServiceUpdate, raw: &Value) -> Result<(), Error> {
    let service = || request.service().to_owned();
    let status = raw["status"].as_str().unwrap_or("ACTIVE");
    if status != "ACTIVE" {
        return Err(Error::Inactive {
            service: service(),
            cluster: request.cluster.clone(),
            status: status.to_owned(),
        });
    }
    let controller = raw["deploymentController"]["type"].as_str().unwrap_or("ECS");
    if controller != "ECS" {
        return Err(Error::Controller { service: service(), controller: controller.to_owned() });
    }
    if raw["schedulingStrategy"] == "DAEMON" && request.desired_count.is_some() {
        let why = "the service is a DAEMON, which runs one task on every instance";
        return Err(Error::input("desired-count", why, "Leave the count out."));
    }
    Ok(())
}

fn remark(plan: &mut Plan, request: &DeployServiceUpdate, observed: &Observed, raw: &Value, service: &Service) {
    let runs = short(&service.task_definition);
    let family = runs.split(':').next().unwrap_or(runs);
    let wanted = observed.described["taskDefinition"]["family"].as_str().unwrap_or(&request.family.name);
    if !runs.is_empty() && family != wanted {
        plan.warnings.push(format!("the service runs the family '{family}' and will change to '{wanted}'"));
    } else if !runs.is_empty() && service.task_definition != plan.base {
        remark_base(plan, request, observed, runs);
    }
    if raw["resourceManagementType"] == "ECS" {
        plan.warnings.push("this is an Express Mode service: ECS may undo changes made this way".into());
    }
}

/// What starts from another revision than the one that runs takes over what that one changed. If nobody asked for that
/// revision by its number, it is the family's latest, perhaps one that failed.
fn remark_base(plan: &mut Plan, request: &DeployServiceUpdate, observed: &Observed, runs: &str) {
    let base = name_of(&observed.described);
    let along = observed.live.as_ref().map(|live| along(plan, live, &observed.described)).unwrap_or_default();
    if along.is_empty() || request.family.revision.is_some() {
        plan.notes.push(format!("the service runs {runs}; {base} is what this starts from"));
        return;
    }
    let more = along.len().saturating_sub(ALONG);
    let mut told: Vec<String> = along.iter().take(ALONG).map(|change| change.to_string().trim().to_owned()).collect();
    told.extend((more > 0).then(|| format!("and {more} more")));
    let number = runs.rsplit(':').next().unwrap_or(runs);
    plan.warnings.push(format!(
        "the service runs {runs}, and this starts from {base}, the family's latest, which brings along: {}. \
         --previous-revision-number {number} starts from what runs",
        told.join("; ")
    ));
}

/// How the outcome differs from what runs, but for what was asked for.
fn along(plan: &Plan, live: &Value, described: &Value) -> Vec<Change> {
    let wanted = plan.register.as_ref().and_then(Value::as_object).cloned().map_or_else(|| registrable(described), Ok);
    let (Ok(live), Ok(wanted)) = (registrable(live), wanted) else { return Vec::new() };
    let asked = |change: &Change| {
        plan.changes.iter().any(|asked| (&asked.container, &asked.what) == (&change.container, &change.what))
    };
    differences(&live, &wanted).into_iter().filter(|change| !asked(change)).collect()
}

/// UpdateService starts a deployment only for another revision, or if told to.
fn step(plan: &mut Plan, request: &DeployServiceUpdate, raw: &Value, service: &Service) -> Step {
    let running = plan.register.is_none() && service.task_definition == plan.base;
    let force = request.force_new_deployment || (running && must_run_again(plan, request, service));
    let deploys = !running || force;
    let mut asked = Map::new();
    if deploys {
        asked.insert("taskDefinition".into(), plan.base.clone().into());
        remark_deployment(plan, service);
    }
    if force {
        asked.insert("forceNewDeployment".into(), true.into());
    }
    if let Some(count) = request.desired_count.filter(|count| deploys || i64::from(*count) != service.desired) {
        asked.insert("desiredCount".into(), count.into());
    }
    if let Some(configuration) = breaker(raw).filter(|_| request.enable_circuit_breaker) {
        asked.insert("deploymentConfiguration".into(), configuration);
    }
    if asked.is_empty() {
        return rest(plan, service);
    }
    let whom = [("cluster", request.cluster.as_str()), ("service", request.service())];
    Step::Update(whom.into_iter().map(|(name, value)| (name.to_owned(), value.into())).chain(asked).collect())
}

/// There is nothing to call: either the deployment goes on already, or it is over.
fn rest(plan: &mut Plan, service: &Service) -> Step {
    match service.primary() {
        Some(primary) if primary.is("IN_PROGRESS") && primary.task_definition == plan.base => {
            plan.notes.push(format!("{} is being deployed already ({})", short(&plan.base), primary.id));
            Step::Join { deployment: Some(primary.id.clone()), since: primary.created_at, record: None }
        }
        _ => {
            plan.notes.push(format!("the service already runs {} as asked for", short(&plan.base)));
            Step::Nothing
        }
    }
}

/// Whether the revision that already runs has to be deployed once more all the same.
fn must_run_again(plan: &mut Plan, request: &DeployServiceUpdate, service: &Service) -> bool {
    if service.primary().is_some_and(|primary| primary.is("FAILED")) {
        plan.notes.push(format!("the last deployment of {} failed: it is tried again", short(&plan.base)));
        return true;
    }
    let only_counts = request.desired_count.is_some() && request.updates.is_empty() && request.tags.is_empty();
    match may_have_moved(plan, &request.updates).filter(|_| !only_counts).cloned() {
        Some((container, image)) => {
            plan.notes.push(format!(
                "nothing changes, but the tag of {container}'s image '{image}' may have moved: it is pulled anew (an \
                 image named by its digest would leave nothing to do)"
            ));
            true
        }
        None => false,
    }
}

fn remark_deployment(plan: &mut Plan, service: &Service) {
    if let Some(primary) = service.primary().filter(|primary| primary.is("IN_PROGRESS")) {
        let (revision, id) = (short(&primary.task_definition), &primary.id);
        plan.notes.push(format!("a deployment of {revision} ({id}) is still going on and will be replaced"));
    }
    if plan.register.is_none() {
        plan.notes.push(format!("{} is deployed as it is, nothing is registered", short(&plan.base)));
    }
}

/// The whole deployment configuration with the breaker and its rollback on, or nothing if they are. It goes
/// back entire, since what UpdateService does to members left out is not documented.
fn breaker(raw: &Value) -> Option<Value> {
    let mut configuration = raw["deploymentConfiguration"].as_object().cloned().unwrap_or_default();
    let mut breaker =
        configuration.get("deploymentCircuitBreaker").and_then(Value::as_object).cloned().unwrap_or_default();
    let was = breaker.clone();
    breaker.insert("enable".into(), true.into());
    breaker.insert("rollback".into(), true.into());
    let changed = breaker != was;
    configuration.insert("deploymentCircuitBreaker".into(), breaker.into());
    changed.then(|| configuration.into())
}

fn before(request: &DeployServiceUpdate, raw: &Value, service: &Service) -> Before {
    let habits = habits(raw);
    Before {
        ids: service.deployments.iter().map(|deployment| deployment.id.clone()).collect(),
        definitions: service.deployments.iter().map(|deployment| deployment.task_definition.clone()).collect(),
        newest_event: service.events.first().map(|event| event.id.clone()),
        rollback: request.enable_circuit_breaker || habits.rollback,
        unproven: !service.deployments.is_empty() && !service.deployments.iter().any(Deployment::may_be_good),
        ..habits
    }
}

/// How the service deploys, whatever is deployed.
pub fn habits(raw: &Value) -> Before {
    let configuration = &raw["deploymentConfiguration"];
    let on = |what: &Value| what["enable"] == true && what["rollback"] == true;
    let rolling = configuration["strategy"].as_str().is_none_or(|strategy| strategy == "ROLLING");
    let rollback = on(&configuration["deploymentCircuitBreaker"]) || on(&configuration["alarms"]) || !rolling;
    let record = raw["currentServiceDeployment"].as_str().map(str::to_owned);
    Before { rollback, rolling, record, ..Before::default() }
}

/// A service that is not there yet.
pub fn plan_creation(plan: &mut Plan, request: &DeployServiceUpdate, described: &Value) -> Result<(), Error> {
    let create = request.create.as_ref().expect("observe refuses a missing service otherwise");
    check_container(plan, create)?;
    check_network(create, described)?;
    let mut body = Map::new();
    body.insert("cluster".into(), request.cluster.clone().into());
    body.insert("serviceName".into(), name_in_arn(request.service()).into());
    body.insert("taskDefinition".into(), plan.base.clone().into());
    // CreateService demands a count for a replica service.
    body.insert("desiredCount".into(), request.desired_count.unwrap_or(1).into());
    if only_fargate(described) {
        body.insert("launchType".into(), "FARGATE".into());
    }
    if request.enable_circuit_breaker {
        body.insert(
            "deploymentConfiguration".into(),
            json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}}),
        );
    }
    body.extend(network(create));
    body.extend(balancer(create));
    plan.notes.push(format!("the service '{}' is missing and will be created", request.service()));
    // Nothing to go back to: a first deployment that fails stays failed.
    let before = Before { rolling: true, ..Before::default() };
    plan.deploy = Some(deploy(request, Step::Create(body), before));
    Ok(())
}

/// Without a launch type ECS takes the cluster's default, which is EC2 unless someone set another.
fn only_fargate(described: &Value) -> bool {
    let wanted = described["taskDefinition"]["requiresCompatibilities"].as_array();
    wanted.is_some_and(|kinds| kinds.iter().any(|kind| kind == "FARGATE") && !kinds.iter().any(|kind| kind == "EC2"))
}

fn check_container(plan: &Plan, create: &Create) -> Result<(), Error> {
    match &create.container_name {
        Some(name) if !plan.images.iter().any(|(known, _)| known == name) => {
            let known: Vec<&str> = plan.images.iter().map(|(known, _)| known.as_str()).collect();
            let why = format!("there is no container '{name}' in {}", short(&plan.base));
            Err(Error::input("container-name", why, format!("It has {}.", known.join(", "))))
        }
        _ => Ok(()),
    }
}

/// ECS wants to know where tasks with a network interface of their own belong, and refuses to hear it of others.
fn check_network(create: &Create, described: &Value) -> Result<(), Error> {
    let default = if only_fargate(described) { "awsvpc" } else { "bridge" };
    let mode = described["taskDefinition"]["networkMode"].as_str().unwrap_or(default);
    let name = name_of(described);
    match (mode == "awsvpc", create.subnets.is_empty()) {
        (true, true) => {
            let why = format!("{name} has the network mode awsvpc, and nothing says which subnets its tasks belong to");
            Err(Error::input("subnets", why, "Give --subnets, and --security-groups."))
        }
        (false, false) => {
            let why = format!("{name} has the network mode {mode}, whose tasks belong to no subnet of their own");
            Err(Error::input("subnets", why, "Leave --subnets out, or make its networkMode awsvpc."))
        }
        _ => Ok(()),
    }
}

fn network(create: &Create) -> Option<(String, Value)> {
    if create.subnets.is_empty() {
        return None;
    }
    let public_ip = if create.public_ip { "ENABLED" } else { "DISABLED" };
    let mut vpc = json!({"subnets": create.subnets, "assignPublicIp": public_ip});
    if !create.security_groups.is_empty() {
        vpc["securityGroups"] = create.security_groups.clone().into();
    }
    Some(("networkConfiguration".into(), json!({"awsvpcConfiguration": vpc})))
}

fn balancer(create: &Create) -> Option<(String, Value)> {
    let target_group = create.target_group.as_ref()?;
    let balancer = json!([{
        "targetGroupArn": target_group,
        "containerName": create.container_name,
        "containerPort": create.container_port,
    }]);
    Some(("loadBalancers".into(), balancer))
}
