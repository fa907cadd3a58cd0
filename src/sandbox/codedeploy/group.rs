//! Deployment groups: one ECS service, its two target groups, and how its deployments go. What was given is kept as it
//! came, so a member that nobody here knows is shown again.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::application::Application;
use super::config::{Shift, USUAL};
use super::request::{Answer, application, name, page, text};
use super::{CodeDeploy, deployment::Deployment};
use crate::sandbox::Refusal;
use crate::sandbox::ecs::{Now, Plane};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    id: String,
    /// The members of the requests.
    pub settings: Value,
    /// Ids of deployments.
    pub last_successful: Option<String>,
    pub last_attempted: Option<String>,
}

/// Members of a request that are no settings.
const NO_SETTINGS: &[&str] =
    &["applicationName", "deploymentGroupName", "currentDeploymentGroupName", "newDeploymentGroupName", "tags"];

impl Group {
    /// Cluster and service.
    pub fn service(&self) -> (&str, &str) {
        let service = &self.settings["ecsServices"][0];
        (service["clusterName"].as_str().unwrap_or("default"), service["serviceName"].as_str().unwrap_or_default())
    }

    pub fn config(&self) -> &str {
        text(&self.settings, "deploymentConfigName").unwrap_or(USUAL)
    }
}

impl CodeDeploy {
    /// The application and the deployment group of a request.
    pub(super) fn group(&self, body: &Value) -> Result<(&Application, &Group), Refusal> {
        let application = self.application(body)?;
        let name = group_name(body, "deploymentGroupName")?;
        Ok((application, application.groups.get(name).ok_or_else(|| no_group(name))?))
    }

    pub(super) fn create_group(&mut self, body: &Value, ecs: &mut Plane, now: Now) -> Answer {
        let name = group_name(body, "deploymentGroupName")?.to_owned();
        let application = self.application(body)?;
        if application.groups.contains_key(&name) {
            let message = format!("Deployment group name already exists: {name}"); // our wording
            return Err(Refusal::new("DeploymentGroupAlreadyExistsException", message));
        }
        if text(body, "serviceRoleArn").is_none() {
            return Err(Refusal::new("RoleRequiredException", "Role ARN is required."));
        }
        let settings = settings(body);
        self.check(&settings, None, ecs, now)?;
        let id = self.world.ids.uuid();
        let answer = json!({ "deploymentGroupId": id });
        let group = Group { name: name.clone(), id, settings, last_successful: None, last_attempted: None };
        self.put_group(body, group)?;
        Ok(answer)
    }

    pub(super) fn update_group(&mut self, body: &Value, ecs: &mut Plane, now: Now) -> Answer {
        let name = group_name(body, "currentDeploymentGroupName")?;
        let known = self.application(body)?.groups.get(name).ok_or_else(|| no_group(name))?;
        let mut group = known.clone();
        if let (Some(members), Value::Object(given)) = (group.settings.as_object_mut(), settings(body)) {
            members.extend(given);
        }
        self.check(&group.settings, Some(&group.name), ecs, now)?;
        let renamed = body.get("newDeploymentGroupName").is_some();
        if renamed {
            group.name = group_name(body, "newDeploymentGroupName")?.to_owned();
            self.application_mut(body)?.groups.remove(name);
        }
        self.put_group(body, group)?;
        Ok(json!({ "hooksNotCleanedUp": [] }))
    }

    fn put_group(&mut self, body: &Value, group: Group) -> Result<(), Refusal> {
        let application = self.application_mut(body)?;
        application.groups.insert(group.name.clone(), group);
        let name = application.name.clone();
        self.touch(format!("application/{name}"));
        Ok(())
    }

    /// What the group's settings are refused for. The messages are ours.
    fn check(&self, settings: &Value, own: Option<&str>, ecs: &mut Plane, now: Now) -> Result<(), Refusal> {
        let refuse = |code: &'static str, why: String| Err(Refusal::new(code, why));
        let style = &settings["deploymentStyle"];
        if style["deploymentType"] != "BLUE_GREEN" || style["deploymentOption"] != "WITH_TRAFFIC_CONTROL" {
            let why = "For ECS deployment group, deployment style must be BLUE_GREEN, WITH_TRAFFIC_CONTROL.";
            return refuse("InvalidDeploymentStyleException", why.into());
        }
        let end = &settings["blueGreenDeploymentConfiguration"]["terminateBlueInstancesOnDeploymentSuccess"];
        if !end.is_object() {
            let why = "For ECS deployment group, terminateBlueInstancesOnDeploymentSuccess must be specified.";
            return refuse("InvalidBlueGreenDeploymentConfigurationException", why.into());
        }
        let pair = settings["loadBalancerInfo"]["targetGroupPairInfoList"][0]["targetGroups"].as_array();
        if pair.is_none_or(|pair| pair.len() != 2) {
            let why = "For ECS deployment group, a pair of target groups must be specified.";
            return refuse("InvalidTargetGroupPairException", why.into());
        }
        Shift::named(text(settings, "deploymentConfigName").unwrap_or(USUAL))?;
        self.check_service(settings, own, ecs, now)
    }

    fn check_service(&self, settings: &Value, own: Option<&str>, ecs: &mut Plane, now: Now) -> Result<(), Refusal> {
        let wanted = &settings["ecsServices"][0];
        let service = ecs
            .call(
                "DescribeServices",
                json!({ "cluster": wanted["clusterName"], "services": [wanted["serviceName"]] }),
                now,
            )
            .map(|answer| answer["services"][0].clone())
            .unwrap_or_default();
        if service["status"] != "ACTIVE" || service["deploymentController"]["type"] != "CODE_DEPLOY" {
            let why = "The ECS service must exist and have the deployment controller CODE_DEPLOY.";
            return Err(Refusal::new("InvalidECSServiceException", why));
        }
        let groups = self.applications.values().flat_map(|application| application.groups.values());
        let mut others = groups.filter(|group| Some(group.name.as_str()) != own);
        match others.find(|group| group.settings["ecsServices"][0] == *wanted) {
            Some(other) => {
                let why = format!("The ECS service belongs to the deployment group {} already.", other.name);
                Err(Refusal::new("ECSServiceMappingLimitExceededException", why))
            }
            None => Ok(()),
        }
    }

    pub(super) fn get_group(&self, body: &Value) -> Answer {
        let (application, group) = self.group(body)?;
        Ok(json!({ "deploymentGroupInfo": self.show_group(application, group) }))
    }

    pub(super) fn list_groups(&self, body: &Value) -> Answer {
        let application = self.application(body)?;
        let mut answer = page(body, "deploymentGroups", application.groups.keys().cloned().collect())?;
        answer["applicationName"] = json!(application.name);
        Ok(answer)
    }

    pub(super) fn delete_group(&mut self, body: &Value) -> Answer {
        let name = group_name(body, "deploymentGroupName")?;
        if let Some(application) = self.applications.get_mut(application(body)?) {
            application.groups.remove(name);
            let name = application.name.clone();
            self.touch(format!("application/{name}"));
        }
        Ok(json!({ "hooksNotCleanedUp": [] }))
    }

    pub(super) fn show_group(&self, application: &Application, group: &Group) -> Value {
        let mut shown = json!({
            "applicationName": application.name,
            "deploymentGroupId": group.id,
            "deploymentGroupName": group.name,
            "deploymentConfigName": group.config(),
            "autoScalingGroups": [],
            "triggerConfigurations": [],
            "computePlatform": "ECS",
        });
        for (member, value) in group.settings.as_object().into_iter().flatten() {
            shown[member.as_str()] = value.clone();
        }
        let last = |id: &Option<String>| self.deployments.get(id.as_ref()?).map(Deployment::show_last);
        let told = [
            ("lastSuccessfulDeployment", last(&group.last_successful)),
            ("lastAttemptedDeployment", last(&group.last_attempted)),
        ];
        for (member, value) in told.into_iter().filter_map(|(member, value)| Some((member, value?))) {
            shown[member] = value;
        }
        shown
    }
}

fn settings(body: &Value) -> Value {
    let members = body.as_object().into_iter().flatten();
    let kept = members.filter(|(member, _)| !NO_SETTINGS.contains(&member.as_str()));
    Value::Object(kept.map(|(member, value)| (member.clone(), value.clone())).collect::<Map<_, _>>())
}

fn group_name<'a>(body: &'a Value, member: &str) -> Result<&'a str, Refusal> {
    name(body, member, "DeploymentGroupName")
}

fn no_group(name: &str) -> Refusal {
    Refusal::new("DeploymentGroupDoesNotExistException", format!("No Deployment Group found for name: {name}"))
}
