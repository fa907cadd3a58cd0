//! How far a rollout is, in one line.

use crate::deploy::edit::short;
use crate::deploy::snapshot::{Deployment, Service};

/// `web:8 1 of 3 running, 2 pending; web:7 3 running`
pub fn progress(service: &Service, remark: Option<&str>) -> String {
    let mut parts: Vec<String> = service.deployments.iter().map(one).filter(|part| !part.is_empty()).collect();
    parts.extend(remark.map(str::to_owned));
    parts.join("; ")
}

fn one(deployment: &Deployment) -> String {
    let Deployment { running, desired, pending, failed, .. } = deployment;
    let name = short(&deployment.task_definition);
    if deployment.status != "PRIMARY" {
        return if running + pending > 0 { format!("{name} {running} running") } else { String::new() };
    }
    let mut text = format!("{name} {running} of {desired} running");
    if *pending > 0 {
        text.push_str(&format!(", {pending} pending"));
    }
    if *failed > 0 {
        text.push_str(&format!(", {failed} failed"));
    }
    text
}
