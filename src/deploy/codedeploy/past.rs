//! What CodeDeploy remembers: a deployment, the AppSpec that it had, and which of a group's deployments reached
//! success. It keeps no digests of images: a deployment ran what its tags named at that time.

use serde_json::{Value, json};

use super::appspec::definition_in;
use super::client::CodeDeploy;
use super::observe::Found;
use crate::deploy::ecs::CallError;
use crate::deploy::edit::short;

/// As many as BatchGetDeployments takes.
const BATCH: usize = 25;

/// Deployments whose AppSpec is read, which is a call each.
const READ: usize = 20;

/// A deployment that reached success.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Success {
    pub id: String,
    /// FAMILY:REVISION.
    pub definition: String,
    /// The AppSpec, in JSON or YAML.
    pub text: String,
    /// Seconds since 1970.
    pub finished_at: Option<f64>,
}

/// `deploymentInfo`
pub async fn deployment(id: &str, api: &dyn CodeDeploy) -> Result<Value, CallError> {
    Ok(api.call("GetDeployment", json!({"deploymentId": id})).await?.body["deploymentInfo"].take())
}

/// The AppSpec of a deployment, if CodeDeploy keeps it: one that came from S3 is not kept. Deployments name it by its
/// SHA-256 alone (AWS CLI reference, get-deployment).
pub async fn appspec(info: &Value, api: &dyn CodeDeploy) -> Result<Option<String>, CallError> {
    let revision = &info["revision"];
    if !revision["appSpecContent"].is_object() && !revision["string"].is_object() {
        return Ok(None);
    }
    let asked = json!({"applicationName": info["applicationName"], "revision": revision});
    let answer = api.call("GetApplicationRevision", asked).await?.body;
    let held = |member: &str| answer["revision"][member]["content"].as_str().map(str::to_owned);
    Ok(held("appSpecContent").or_else(|| held("string")))
}

/// The last successes of a group, the newest first. A rollback that succeeded is one as well: its revision serves.
pub async fn successes(found: &Found, api: &dyn CodeDeploy) -> Result<Vec<Success>, CallError> {
    let asked = json!({
        "applicationName": found.application,
        "deploymentGroupName": found.group,
        "includeOnlyStatuses": ["Succeeded"],
    });
    let listed = api.call("ListDeployments", asked).await?.body;
    let ids: Vec<&str> = listed["deployments"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut infos = Vec::new();
    for batch in ids.chunks(BATCH) {
        let mut answer = api.call("BatchGetDeployments", json!({"deploymentIds": batch})).await?.body;
        infos.extend(answer["deploymentsInfo"].as_array_mut().map(std::mem::take).unwrap_or_default());
    }
    // The order of neither answer is documented.
    let created = |info: &Value| info["createTime"].as_f64().unwrap_or_default();
    infos.sort_by(|a, b| created(b).total_cmp(&created(a)));
    let mut found = Vec::new();
    for info in infos.iter().take(READ) {
        let Some(text) = appspec(info, api).await? else { continue };
        let Some(named) = definition_in(&text) else { continue };
        let definition = short(&text[named]).to_owned();
        let id = info["deploymentId"].as_str().unwrap_or_default().to_owned();
        found.push(Success { id, definition, finished_at: info["completeTime"].as_f64(), text });
    }
    Ok(found)
}
