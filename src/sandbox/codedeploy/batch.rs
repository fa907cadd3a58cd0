//! The operations that answer for many at once.

use serde_json::{Value, json};

use super::CodeDeploy;
use super::application::no_application;
use super::deployment::no_deployment;
use super::request::{Answer, texts};
use crate::sandbox::Refusal;

impl CodeDeploy {
    pub(super) fn batch_get_applications(&self, body: &Value) -> Answer {
        let find = |name: &&str| self.applications.get(*name).ok_or_else(|| no_application(name));
        let all: Result<Vec<Value>, Refusal> =
            few(body, "applicationNames")?.iter().map(|name| Ok(find(name)?.show())).collect();
        Ok(json!({ "applicationsInfo": all? }))
    }

    /// Groups that are not there are left out, and named in `errorMessage`.
    pub(super) fn batch_get_groups(&self, body: &Value) -> Answer {
        let application = self.application(body)?;
        let names = few(body, "deploymentGroupNames")?;
        let found = names.iter().filter_map(|name| application.groups.get(*name));
        let shown: Vec<Value> = found.map(|group| self.show_group(application, group)).collect();
        let missing: Vec<&&str> = names.iter().filter(|name| !application.groups.contains_key(**name)).collect();
        let mut answer = json!({ "deploymentGroupsInfo": shown });
        if let Some(name) = missing.first() {
            answer["errorMessage"] = json!(format!("No Deployment Group found for name: {name}"));
        }
        Ok(answer)
    }

    pub(super) fn batch_get_deployments(&self, body: &Value) -> Answer {
        let find = |id: &&str| self.deployments.get(*id).ok_or_else(|| no_deployment(id));
        let all: Result<Vec<Value>, Refusal> =
            few(body, "deploymentIds")?.iter().map(|id| Ok(find(id)?.show())).collect();
        Ok(json!({ "deploymentsInfo": all? }))
    }
}

/// "The maximum number of names or IDs allowed for this request (100) was exceeded" (the service model).
fn few<'a>(body: &'a Value, member: &str) -> Result<Vec<&'a str>, Refusal> {
    let names = texts(body, member);
    match names.len() {
        0..=100 => Ok(names),
        _ => Err(Refusal::new("BatchLimitExceededException", format!("There can be 100 {member} at most."))),
    }
}
