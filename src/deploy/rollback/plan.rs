//! The calls of a rollback. Pure. One of three: StopServiceDeployment while ECS can still take the deployment back,
//! ContinueServiceDeployment where a PAUSE hook holds it, UpdateService when it is over.

use serde_json::{Map, Value, json};

use super::{Candidate, Rollback, Seen, Way};
use crate::deploy::Error;
use crate::deploy::ecs::Operation;
use crate::deploy::edit::{registrable, short};
use crate::deploy::history::Revision;
use crate::deploy::image::take_apart;
use crate::deploy::plan::{Before, Deploy, Order, Plan, Step, habits, images};
use crate::deploy::snapshot::{Record, Service};

pub fn plan_rollback(request: &Rollback, seen: &Seen) -> Result<Plan, Error> {
    let service = Service::read(&seen.raw);
    match &seen.way {
        Way::Elsewhere => Ok(elsewhere(request, &seen.raw, &service)),
        Way::Undone(undone) => Ok(already(request, &seen.raw, &service, undone)),
        Way::Ongoing { record, target, source } => Ok(take_back(request, &seen.raw, record, target, source)),
        Way::Returning { record, target } => {
            let note = format!("ECS rolls {} back already", short(&target.definition));
            let follow = back(Operation::StopServiceDeployment, Vec::new(), record, None);
            Ok(order(request, &seen.raw, target, follow, note))
        }
        Way::To(candidate) => update(request, &seen.raw, &service, candidate),
    }
}

fn elsewhere(request: &Rollback, raw: &Value, service: &Service) -> Plan {
    let leads = service.primary().map_or(&service.task_definition, |primary| &primary.task_definition);
    let from = request.from.as_deref().unwrap_or_default();
    let note = format!("the service runs {}, not {}: nothing to undo", short(leads), short(from));
    plan(request, leads, None, Step::Nothing, before(raw, service), note)
}

/// Going one further without being asked to would surprise.
fn already(request: &Rollback, raw: &Value, service: &Service, undone: &str) -> Plan {
    let leads = service.primary().map_or(&service.task_definition, |primary| &primary.task_definition);
    let (undone, runs) = (short(undone), short(leads));
    let note = format!(
        "the last deployment, of {undone}, was rolled back before: {runs} runs, and nothing is undone; to go back further, \
         give --from {runs}, or --to with a revision"
    );
    plan(request, leads, None, Step::Nothing, before(raw, service), note)
}

fn take_back(request: &Rollback, raw: &Value, record: &Value, target: &Revision, source: &Revision) -> Plan {
    let (target_name, source_name) = (short(&target.definition), short(&source.definition));
    let note = format!("the deployment of {target_name} still goes on: ECS takes it back to {source_name}");
    let arn = &record["serviceDeploymentArn"];
    let (operation, body) = match Record::read(record).pauses.first() {
        Some(pause) => {
            let answer = json!({"serviceDeploymentArn": arn, "hookId": pause.hook, "action": "ROLLBACK"});
            (Operation::ContinueServiceDeployment, answer)
        }
        None => {
            let stop = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
            (Operation::StopServiceDeployment, stop)
        }
    };
    order(request, raw, target, back(operation, vec![body], record, Some(source.definition.clone())), note)
}

fn back(operation: Operation, bodies: Vec<Value>, record: &Value, to: Option<String>) -> Order {
    let record = record["serviceDeploymentArn"].as_str().unwrap_or_default().to_owned();
    Order { operation, bodies, record, deployment: None, back: true, to }
}

fn order(request: &Rollback, raw: &Value, target: &Revision, mut order: Order, note: String) -> Plan {
    let service = Service::read(raw);
    let ours = service.deployments.iter().find(|one| one.task_definition == target.definition);
    order.deployment = ours.map(|ours| ours.id.clone());
    let others = service.deployments.iter().filter(|one| Some(&one.id) != order.deployment.as_ref());
    let (ids, definitions) = others.map(|one| (one.id.clone(), one.task_definition.clone())).unzip();
    let newest_event = service.events.first().map(|event| event.id.clone());
    let before = Before { ids, definitions, newest_event, rollback: true, ..habits(raw) };
    plan(request, &target.definition, None, Step::Order(Box::new(order)), before, note)
}

fn update(request: &Rollback, raw: &Value, service: &Service, candidate: &Candidate) -> Result<Plan, Error> {
    let described = &candidate.described["taskDefinition"];
    let base = described["taskDefinitionArn"].as_str().unwrap_or_default();
    let mut body = registrable(&candidate.described)?;
    let changed = pin(&mut body, &candidate.pinned);
    // A deregistered revision can be read and copied, but not deployed.
    let gone = described["status"].as_str().is_some_and(|status| status != "ACTIVE");
    let failed = service.primary().is_some_and(|primary| primary.is("FAILED"));
    let register = (changed || gone).then(|| Value::Object(body.clone()));
    let leads = service.primary().is_some_and(|primary| primary.task_definition == base) && register.is_none();
    let step = match leads && !failed {
        true => Step::Nothing,
        false => {
            let mut call = Map::new();
            call.insert("cluster".into(), request.cluster.clone().into());
            call.insert("service".into(), request.service.clone().into());
            call.insert("taskDefinition".into(), base.into());
            if service.task_definition == base && register.is_none() {
                call.insert("forceNewDeployment".into(), true.into());
            }
            Step::Update(call)
        }
    };
    let mut plan = plan(request, base, register, step, before(raw, service), candidate.why.clone());
    plan.images = images(&body);
    plan.notes.extend(candidate.skipped.iter().map(|skipped| format!("passed over: {skipped}")));
    if changed {
        plan.notes.push(format!("{} named its images by tag: a copy names those that ran, by digest", short(base)));
    } else if gone {
        plan.notes.push(format!("{} was deregistered: a copy of it is registered", short(base)));
    }
    Ok(plan)
}

/// Names each image by the digest that it ran with. Whether anything changed.
fn pin(body: &mut Map<String, Value>, digests: &[(String, String)]) -> bool {
    let mut changed = false;
    let containers = body.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        let digest = digests.iter().find(|(name, _)| container["name"] == name.as_str()).map(|(_, digest)| digest);
        let image = container["image"].as_str().unwrap_or_default();
        if let (Some(digest), None) = (digest, take_apart(image).digest) {
            container["image"] = format!("{image}@{digest}").into();
            changed = true;
        }
    }
    changed
}

fn before(raw: &Value, service: &Service) -> Before {
    Before {
        ids: service.deployments.iter().map(|deployment| deployment.id.clone()).collect(),
        definitions: service.deployments.iter().map(|deployment| deployment.task_definition.clone()).collect(),
        newest_event: service.events.first().map(|event| event.id.clone()),
        ..habits(raw)
    }
}

fn plan(request: &Rollback, base: &str, register: Option<Value>, step: Step, before: Before, note: String) -> Plan {
    let (cluster, service) = (request.cluster.clone(), request.service.clone());
    Plan {
        base: base.to_owned(),
        register,
        deploy: Some(Deploy { cluster, service, step, before, wait: request.wait }),
        changes: Vec::new(),
        notes: vec![note],
        warnings: Vec::new(),
        images: Vec::new(),
    }
}
