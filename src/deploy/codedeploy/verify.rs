//! Waiting for a revision that CodeDeploy deploys, or has deployed: the task set of the revision names its deployment.
//! If there is no such set any more, the group's last deployment may have been of this revision and failed.

use serde_json::{Value, json};

use super::client::CodeDeploy;
use super::observe::external;
use super::past::{appspec, deployment};
use super::plan::{Handover, before};
use super::{serving, sets};
use crate::deploy::edit::short;
use crate::deploy::plan::{Plan, Step};
use crate::deploy::verify::{existing_service, joining};
use crate::deploy::{Ecs, Error, VerifyRevision};

pub async fn observe_verification(
    request: &VerifyRevision,
    ecs: &dyn Ecs,
    api: &dyn CodeDeploy,
) -> Result<Plan, Error> {
    let service = existing_service(&request.cluster, &request.service, ecs).await?;
    let wanted = |set: &&Value| set["taskDefinition"].as_str().is_some_and(|definition| is_wanted(request, definition));
    match sets(&service).find(wanted) {
        // Without the id of a deployment it came with the service.
        Some(set) => {
            let definition = set["taskDefinition"].as_str().unwrap_or_default();
            Ok(plan(request, &service, definition, external(set).map(str::to_owned)))
        }
        None => match last(request, &service, api).await? {
            Some(id) => Ok(plan(request, &service, &request.task_definition, Some(id))),
            None => Err(nobody(request, &service)),
        },
    }
}

fn is_wanted(request: &VerifyRevision, definition: &str) -> bool {
    definition == request.task_definition || short(definition) == request.task_definition
}

fn plan(request: &VerifyRevision, service: &Value, definition: &str, join: Option<String>) -> Plan {
    let whom = (request.cluster.as_str(), request.service.as_str());
    let serves = serving(service).and_then(|set| set["taskDefinition"].as_str()).unwrap_or_default().to_owned();
    let step = match join {
        None => Step::Nothing,
        Some(id) => Step::CodeDeploy(Box::new(Handover::joining(service, Default::default(), id, serves))),
    };
    joining(whom, definition, step, before(service), Some(request.wait))
}

/// The group's last deployment, if its AppSpec names the revision.
async fn last(request: &VerifyRevision, service: &Value, api: &dyn CodeDeploy) -> Result<Option<String>, Error> {
    let Some(id) = sets(service).find_map(external) else { return Ok(None) };
    let known = deployment(id, api).await?;
    let group = json!({
        "applicationName": known["applicationName"],
        "deploymentGroupName": known["deploymentGroupName"],
    });
    let info = api.call("GetDeploymentGroup", group).await?.body["deploymentGroupInfo"].take();
    let Some(mut id) = info["lastAttemptedDeployment"]["deploymentId"].as_str().map(str::to_owned) else {
        return Ok(None);
    };
    let mut last = deployment(&id, api).await?;
    // A rollback has the revision that it goes back to; it is the deployment before it that is asked about.
    if let Some(of) = last["rollbackInfo"]["rollbackTriggeringDeploymentId"].as_str().map(str::to_owned) {
        last = deployment(&of, api).await?;
        id = of;
    }
    let held = appspec(&last, api).await?;
    Ok(held.is_some_and(|content| names(&content, &request.task_definition)).then_some(id))
}

/// Whether a text names a revision: `web:1` is not in `web:12`, nor in `my-web:1`.
fn names(content: &str, definition: &str) -> bool {
    let name = short(definition);
    content.match_indices(name).any(|(at, _)| {
        let before =
            content[..at].chars().next_back().is_none_or(|letter| !(letter.is_alphanumeric() || "-_".contains(letter)));
        let after = content[at + name.len()..].chars().next().is_none_or(|letter| !letter.is_ascii_digit());
        before && after
    })
}

fn nobody(request: &VerifyRevision, service: &Value) -> Error {
    let runs =
        serving(service).and_then(|set| set["taskDefinition"].as_str()).map(short).unwrap_or_default().to_owned();
    Error::NotDeploying { service: request.service.clone(), wanted: short(&request.task_definition).to_owned(), runs }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn appspec_names_a_revision_as_a_whole() {
        let spec = r#"{"TaskDefinition":"arn:aws:ecs:r:1:task-definition/my-web:12"}"#;
        assert!(names(spec, "my-web:12") && names(spec, "arn:aws:ecs:r:1:task-definition/my-web:12"));
        assert!(!names(spec, "my-web:1") && !names(spec, "web:12"));
    }
}
