//! From what the plane says about services and their targets to what the balancers do.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::front::{Group, Target};
use super::{Error, Held, Runner};
use crate::sandbox::ecs::{TargetHealth, TaskWant, Wish};

impl Runner {
    pub(super) fn route(
        &self,
        wants: &[TaskWant],
        tasks: &HashMap<String, Held>,
        targets: impl Fn(&str) -> Vec<TargetHealth>,
    ) -> Result<(), Error> {
        let mut fronts = self.fronts.lock().expect("fronts lock");
        let services = services(wants);
        let mut names = Vec::new();
        for (service, wants) in &services {
            let balancers = wants[0].load_balancers.as_array().cloned().unwrap_or_default();
            for balancer in &balancers {
                let name = format!("{service}:{}", balancer["containerPort"]);
                let groups = groups_of(balancer).map(|group| group_of(&targets(group), tasks)).collect();
                fronts.set(&name, groups)?;
                names.push(name);
            }
            if let (true, Some(port)) = (balancers.is_empty(), port(&wants[0].definition)) {
                let name = format!("{service}:{port}");
                fronts.set(&name, vec![unbalanced(wants, port, tasks)])?;
                names.push(name);
            }
        }
        fronts.keep_only(&names);
        Ok(())
    }
}

/// Wants by `cluster/service`.
fn services(wants: &[TaskWant]) -> BTreeMap<String, Vec<&TaskWant>> {
    let mut services: BTreeMap<String, Vec<&TaskWant>> = BTreeMap::new();
    for want in wants {
        if let Some(service) = &want.service {
            services.entry(format!("{}/{service}", want.cluster)).or_default().push(want);
        }
    }
    services
}

/// The target groups that a service's load balancer shares its traffic out to.
fn groups_of(balancer: &Value) -> impl Iterator<Item = &str> {
    let other = &balancer["advancedConfiguration"]["alternateTargetGroupArn"];
    [&balancer["targetGroupArn"], other].into_iter().filter_map(Value::as_str)
}

fn group_of(targets: &[TargetHealth], tasks: &HashMap<String, Held>) -> Group {
    let serving = targets.iter().filter(|target| matches!(target.state, "healthy" | "unhealthy"));
    let share = serving.clone().map(|target| target.weight).max().unwrap_or(0);
    let targets = serving.filter_map(|target| {
        let port = u16::try_from(target.port).ok()?;
        reach(tasks, &target.task_arn, port, target.state == "healthy")
    });
    Group { share, targets: targets.collect() }
}

/// A service without a load balancer is given one all the same: any of its tasks that is up serves.
fn unbalanced(wants: &[&TaskWant], port: u16, tasks: &HashMap<String, Held>) -> Group {
    let serving = wants.iter().filter(|want| want.wish == Wish::Run && !want.draining);
    Group { share: 100, targets: serving.filter_map(|want| reach(tasks, &want.task_arn, port, true)).collect() }
}

fn reach(tasks: &HashMap<String, Held>, task: &str, port: u16, healthy: bool) -> Option<Target> {
    let place = &tasks.get(task)?.place;
    let network = Arc::clone(place.network.get()?);
    Some(Target { task: task.to_owned(), port, network, busy: place.busy.clone(), healthy })
}

/// The first port of the first container that has one.
fn port(definition: &Value) -> Option<u16> {
    let containers = definition["containerDefinitions"].as_array()?;
    let mapped = containers.iter().find_map(|container| container["portMappings"][0]["containerPort"].as_u64())?;
    u16::try_from(mapped).ok()
}
