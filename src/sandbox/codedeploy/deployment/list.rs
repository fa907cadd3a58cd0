//! GetDeployment and ListDeployments.

use serde_json::{Value, json};

use super::{Deployment, no_deployment};
use crate::sandbox::Refusal;
use crate::sandbox::codedeploy::CodeDeploy;
use crate::sandbox::codedeploy::request::{self, Answer, page, text, texts};

const STATUSES: &[&str] = &["Created", "Queued", "InProgress", "Baking", "Succeeded", "Failed", "Stopped", "Ready"];

impl CodeDeploy {
    pub(in crate::sandbox::codedeploy) fn get_deployment(&self, body: &Value) -> Answer {
        let id = request::deployment(body)?;
        let found = self.deployments.get(id).ok_or_else(|| no_deployment(id))?;
        Ok(json!({ "deploymentInfo": found.show() }))
    }

    /// Newest first. An application and a group go together.
    pub(in crate::sandbox::codedeploy) fn list_deployments(&self, body: &Value) -> Answer {
        let named = (text(body, "applicationName").is_some(), text(body, "deploymentGroupName").is_some());
        let of = match named {
            (false, false) => None,
            (true, false) => {
                let message = "A deployment group name is required along with an application name.";
                return Err(Refusal::new("DeploymentGroupNameRequiredException", message));
            }
            _ => Some(self.group(body)?),
        };
        let statuses = texts(body, "includeOnlyStatuses");
        if let Some(unknown) = statuses.iter().find(|status| !STATUSES.contains(status)) {
            let message = format!("The deployment status '{unknown}' is not valid.");
            return Err(Refusal::new("InvalidDeploymentStatusException", message));
        }
        let fits = |one: &&Deployment| {
            of.as_ref().is_none_or(|(app, group)| one.application == app.name && one.group == group.name)
                && (statuses.is_empty() || statuses.contains(&one.status.word()))
                && is_within(one, &body["createTimeRange"])
        };
        let mut found: Vec<&Deployment> = self.deployments.values().filter(fits).collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.number));
        page(body, "deployments", found.into_iter().map(|one| one.id.clone()).collect())
    }
}

fn is_within(one: &Deployment, range: &Value) -> bool {
    let created = one.created.seconds();
    range["start"].as_f64().is_none_or(|start| created >= start)
        && range["end"].as_f64().is_none_or(|end| created <= end)
}
