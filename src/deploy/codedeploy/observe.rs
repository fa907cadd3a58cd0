//! Which application and deployment group deploy a service, and whether they are free. CodeDeploy leaves the id of its
//! deployment in the task set that it makes, so there is no need to list every application of the account.

use serde_json::{Value, json};

use super::client::CodeDeploy;
use super::options::Options;
use super::{serving, sets};
use crate::deploy::Error;
use crate::deploy::ecs::CallError;
use crate::deploy::request::name_in_arn;
use crate::report::Events;

/// Who deploys the service.
#[derive(Debug, Clone)]
pub struct Found {
    pub application: String,
    pub group: String,
    /// `deploymentGroupInfo`; null if it may not be read.
    pub info: Value,
}

/// A deployment that is not over.
pub struct Active {
    pub id: String,
    pub status: String,
}

impl Found {
    /// The group's last deployment, if that goes on.
    pub fn active(&self) -> Option<Active> {
        let last = &self.info["lastAttemptedDeployment"];
        let (id, status) = (last["deploymentId"].as_str()?, last["status"].as_str()?);
        let over = matches!(status, "Succeeded" | "Failed" | "Stopped");
        (!over).then(|| Active { id: id.to_owned(), status: status.to_owned() })
    }

    /// Events after which CodeDeploy goes back by itself.
    pub fn goes_back_after(&self) -> Vec<&str> {
        let configured = &self.info["autoRollbackConfiguration"];
        let events = configured["events"].as_array().filter(|_| configured["enabled"] == true);
        events.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// Makes two calls at most where everything is as CodeDeploy left it.
pub async fn observe(
    service: &Value,
    options: &Options,
    api: &dyn CodeDeploy,
    events: &Events,
) -> Result<Found, Error> {
    let (application, group) = match (&options.application, &options.group) {
        (Some(application), Some(group)) => (application.clone(), group.clone()),
        (Some(application), None) => (application.clone(), group_of(service, application, api).await?),
        (None, group) => {
            let (application, found) = by_task_sets(service, api).await?.ok_or_else(|| unknown(service))?;
            (application, group.clone().unwrap_or(found))
        }
    };
    let info = describe(&application, &group, api, events).await?;
    check_service(service, &group, &info)?;
    Ok(Found { application, group, info })
}

/// The same where the names cannot be given and the group has to be read. Nothing if CodeDeploy has not deployed the
/// service yet.
pub async fn locate(service: &Value, api: &dyn CodeDeploy) -> Result<Option<Found>, Error> {
    let Some((application, group)) = by_task_sets(service, api).await? else { return Ok(None) };
    let info = api.call("GetDeploymentGroup", named(&application, &group)).await?.body["deploymentGroupInfo"].take();
    Ok(Some(Found { application, group, info }))
}

/// By the deployments that made the task sets, else by the names that AWS's own tools and the ECS console give
/// (`aws ecs deploy`, "AppECS-" and "DgpECS-").
async fn by_task_sets(service: &Value, api: &dyn CodeDeploy) -> Result<Option<(String, String)>, Error> {
    let mut ids: Vec<&str> = serving(service).into_iter().chain(sets(service)).filter_map(external).collect();
    ids.dedup();
    for id in ids {
        match api.call("GetDeployment", json!({"deploymentId": id})).await {
            Ok(answer) => {
                let name = |member: &str| answer.body["deploymentInfo"][member].as_str().map(str::to_owned);
                if let (Some(application), Some(group)) = (name("applicationName"), name("deploymentGroupName")) {
                    return Ok(Some((application, group)));
                }
            }
            Err(why) if is_missing(&why) => {}
            Err(why) => return Err(why.into()),
        }
    }
    let place = format!("{}-{}", cluster_of(service), name_of(service));
    let (application, group) = (format!("AppECS-{place}"), format!("DgpECS-{place}"));
    match api.call("GetDeploymentGroup", named(&application, &group)).await {
        Ok(_) => Ok(Some((application, group))),
        Err(why) if is_missing(&why) => Ok(None),
        Err(why) => Err(why.into()),
    }
}

/// The id of the deployment that made a task set.
pub fn external(set: &Value) -> Option<&str> {
    set["externalId"].as_str().filter(|id| id.starts_with("d-"))
}

/// The only group of the application, or the one for this service.
async fn group_of(service: &Value, application: &str, api: &dyn CodeDeploy) -> Result<String, Error> {
    let listed = api.call("ListDeploymentGroups", json!({"applicationName": application})).await?.body;
    let names: Vec<&str> =
        listed["deploymentGroups"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if let [only] = names.as_slice() {
        return Ok((*only).to_owned());
    }
    let asked =
        json!({"applicationName": application, "deploymentGroupNames": names.iter().take(100).collect::<Vec<_>>()});
    let described = api.call("BatchGetDeploymentGroups", asked).await?.body;
    let groups = described["deploymentGroupsInfo"].as_array().into_iter().flatten();
    let ours = groups.filter(|group| is_for(service, group) == Some(true)).collect::<Vec<_>>();
    match ours.as_slice() {
        [one] => Ok(one["deploymentGroupName"].as_str().unwrap_or_default().to_owned()),
        _ => Err(Error::input(
            "codedeploy-deployment-group-name",
            format!("none of the {} groups of application '{application}' is for this service", names.len()),
            "Give the deployment group by name.",
        )),
    }
}

/// A pipeline that names both needs no right to read the group; it is then only less surely told what is wrong.
async fn describe(application: &str, group: &str, api: &dyn CodeDeploy, events: &Events) -> Result<Value, Error> {
    match api.call("GetDeploymentGroup", named(application, group)).await {
        Ok(answer) => Ok(answer.body["deploymentGroupInfo"].clone()),
        Err(why) if is_missing(&why) => {
            let what = if why.code() == Some("ApplicationDoesNotExistException") { APPLICATION } else { GROUP };
            Err(Error::input(what, said(&why), "Check the names, the region and the account."))
        }
        Err(why) => match why.denied_action() {
            Some(action) => {
                let hint = format!("Grant {action} to have it checked before anything is registered.");
                events.warn(format!("{action} is denied: whether '{group}' is free cannot be seen"), Some(hint));
                Ok(Value::Null)
            }
            None => Err(why.into()),
        },
    }
}

const APPLICATION: &str = "codedeploy-application-name";
const GROUP: &str = "codedeploy-deployment-group-name";

fn check_service(service: &Value, group: &str, info: &Value) -> Result<(), Error> {
    if is_for(service, info) != Some(false) {
        return Ok(());
    }
    let theirs = &info["ecsServices"][0];
    let text = |member: &str| theirs[member].as_str().unwrap_or("default").to_owned();
    let why = format!("'{group}' deploys service '{}' in cluster '{}'", text("serviceName"), text("clusterName"));
    Err(Error::input(GROUP, why, "Give the group of this service, or leave it out to have it found."))
}

/// Whether a group deploys the service, if it says which one it deploys.
fn is_for(service: &Value, info: &Value) -> Option<bool> {
    let theirs = info["ecsServices"].get(0)?;
    let is = |member: &str, ours: &str| theirs[member].as_str().is_none_or(|name| name_in_arn(name) == ours);
    Some(is("serviceName", name_of(service)) && is("clusterName", cluster_of(service)))
}

pub fn unknown(service: &Value) -> Error {
    let why = format!(
        "CodeDeploy has not deployed '{}' yet, so its application and deployment group cannot be found",
        name_of(service)
    );
    Error::input(
        APPLICATION,
        why,
        "Give --codedeploy-application-name and --codedeploy-deployment-group-name to deploy-service-update.",
    )
}

fn named(application: &str, group: &str) -> Value {
    json!({"applicationName": application, "deploymentGroupName": group})
}

fn is_missing(why: &CallError) -> bool {
    why.code().is_some_and(|code| code.ends_with("DoesNotExistException"))
}

fn said(why: &CallError) -> String {
    why.refusal().map_or_else(|| why.to_string(), |refusal| refusal.message.clone())
}

pub fn name_of(service: &Value) -> &str {
    service["serviceName"].as_str().unwrap_or_default()
}

pub fn cluster_of(service: &Value) -> &str {
    name_in_arn(service["clusterArn"].as_str().unwrap_or_default())
}
