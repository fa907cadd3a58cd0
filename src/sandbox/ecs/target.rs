//! The load balancer's view: which tasks are in a target group, and how they are. For whoever plays the load
//! balancer, or answers DescribeTargetHealth.

use super::Plane;
use super::task::Target;

/// A target, in the words of DescribeTargetHealth: initial, healthy, unhealthy, draining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetHealth {
    pub task_arn: String,
    pub address: String,
    pub port: i64,
    pub state: &'static str,
    /// The share of production traffic, in percent, of the revision that the task belongs to.
    pub weight: u32,
}

impl Plane {
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
                let weight = service.weight(&deployment.revision);
                targets.extend(tasks.filter(|task| task.noted.registered).filter_map(|task| {
                    Some(TargetHealth {
                        task_arn: task.arn.clone(),
                        address: task.interface.as_ref()?.address.clone(),
                        port: balancer.port,
                        state: word(task.target)?,
                        weight,
                    })
                }));
            }
        }
        targets
    }
}

fn word(target: Target) -> Option<&'static str> {
    match target {
        Target::None => None,
        Target::Initial => Some("initial"),
        Target::Healthy => Some("healthy"),
        Target::Unhealthy => Some("unhealthy"),
        Target::Draining => Some("draining"),
    }
}

impl super::service::Service {
    fn weight(&self, revision: &str) -> u32 {
        match self.releases.first() {
            Some(release) if release.is_staged() && !release.is_over() => {
                let share = release.traffic.production;
                if release.target == revision { share as u32 } else { (100.0 - share) as u32 }
            }
            _ => 100,
        }
    }
}
