//! The load balancer's view: which tasks are in a target group, and how they are. For whoever plays the load
//! balancer, or answers DescribeTargetHealth.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Plane;
use super::deployment::Deployment;
use super::fate::Fate;
use super::pace::Pace;
use super::service::Controller;
use super::task::{Target, Task};
use super::time::Now;

/// A target, in the words of DescribeTargetHealth: initial, healthy, unhealthy, draining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetHealth {
    pub task_arn: String,
    pub address: String,
    pub port: i64,
    pub state: &'static str,
    /// Why it is not healthy: a code like `Target.Timeout`, and a sentence.
    pub reason: Option<(&'static str, String)>,
    /// The share of production traffic, in percent, of the revision that the task belongs to.
    pub weight: u32,
}

/// A target group, as far as a service that names it says what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetGroup {
    pub arn: String,
    pub port: i64,
    /// Its targets are addresses of tasks; otherwise instances.
    pub of_addresses: bool,
    /// The rule or listener that leads to it, of services that shift traffic.
    pub rule: Option<String>,
}

impl Plane {
    /// The target groups that services name, by ARN. Nobody creates them here.
    pub fn target_groups(&self) -> BTreeMap<String, TargetGroup> {
        let live = self.services.values().filter(|service| service.is_live());
        live.flat_map(|service| groups(&service.settings)).map(|group| (group.arn.clone(), group)).collect()
    }

    /// The targets of a group. Traffic of a staged deployment is shared out between its two groups by weight.
    pub fn targets(&self, group: &str) -> Vec<TargetHealth> {
        let mut targets = Vec::new();
        for service in self.services.values() {
            for deployment in &service.deployments {
                let Some(revision) = service.revision(&deployment.revision) else { continue };
                let Some(balancer) = revision.balancers.iter().find(|balancer| balancer.group == group) else {
                    continue;
                };
                let tasks = deployment.tasks.iter().filter_map(|id| self.tasks.get(id));
                let weight = service.weight(deployment);
                targets.extend(tasks.filter(|task| task.noted.registered).filter_map(|task| {
                    let (state, reason) = self.health_of(task)?;
                    Some(TargetHealth {
                        task_arn: task.arn.clone(),
                        address: task.interface.as_ref()?.address.clone(),
                        port: balancer.port,
                        state,
                        reason,
                        weight,
                    })
                }));
            }
        }
        targets
    }
}

type Reason = Option<(&'static str, String)>;

fn groups(settings: &Value) -> Vec<TargetGroup> {
    let of_addresses = settings.get("networkConfiguration").is_some();
    let balancers = settings["loadBalancers"].as_array().into_iter().flatten();
    let both = balancers.flat_map(|balancer| {
        let advanced = &balancer["advancedConfiguration"];
        let rule = advanced["productionListenerRule"].as_str().map(String::from);
        let named = [&balancer["targetGroupArn"], &advanced["alternateTargetGroupArn"]];
        let group = move |arn: &str| TargetGroup {
            arn: arn.to_owned(),
            port: balancer["containerPort"].as_i64().unwrap_or(80),
            of_addresses,
            rule: rule.clone(),
        };
        named.into_iter().filter_map(Value::as_str).map(group).collect::<Vec<_>>()
    });
    both.collect()
}

impl Plane {
    /// A load balancer calls a target unhealthy as soon as its checks have failed; ECS heeds that only when the
    /// service's grace period is over, which is when `Target::Unhealthy` is set.
    fn health_of(&self, task: &Task) -> Option<(&'static str, Reason)> {
        let (now, pace) = (self.world.now, &self.world.pace);
        Some(match task.target {
            Target::None => return None,
            Target::Initial if has_failed(task, now, pace) => ("unhealthy", failure(&task.fate)),
            Target::Initial => ("initial", Some(beginning(task, now, pace))),
            Target::Healthy => ("healthy", None),
            Target::Unhealthy => ("unhealthy", failure(&task.fate)),
            Target::Draining => {
                let words = "Target deregistration is in progress".to_owned();
                ("draining", Some(("Target.DeregistrationInProgress", words)))
            }
        })
    }
}

fn has_failed(task: &Task, now: Now, pace: &Pace) -> bool {
    let fails = task.fails_at_target();
    fails && task.times.started.is_some_and(|started| started.after(pace.unhealthy) <= now)
}

fn beginning(task: &Task, now: Now, pace: &Pace) -> (&'static str, String) {
    match task.times.started {
        Some(started) if started.after(pace.target_health / 2.0) <= now => {
            ("Elb.InitialHealthChecking", "Initial health checks in progress".into())
        }
        _ => ("Elb.RegistrationInProgress", "Target registration is in progress".into()),
    }
}

/// The load balancer's sentence is the one that ECS repeats in its event; the code goes with it.
fn failure(fate: &Fate) -> Reason {
    let said = match fate {
        Fate::ElbHealthCheckFails { reason: Some(reason) } => reason.as_str(),
        _ => "Health checks failed",
    };
    let code = match said {
        _ if said.contains("codes") => "Target.ResponseCodeMismatch",
        _ if said.contains("timed out") => "Target.Timeout",
        _ => "Target.FailedHealthChecks",
    };
    Some((code, said.to_owned()))
}

impl super::service::Service {
    fn weight(&self, deployment: &Deployment) -> u32 {
        match self.releases.first() {
            _ if self.controller() != Controller::Ecs => deployment.set.weight(deployment.primary),
            Some(release) if release.is_staged() && !release.is_over() => {
                let share = release.traffic.production;
                if release.target == deployment.revision { share as u32 } else { (100.0 - share) as u32 }
            }
            _ => 100,
        }
    }
}
