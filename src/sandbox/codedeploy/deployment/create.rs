//! CreateDeployment. What is wrong with the AppSpec is not said here but makes the deployment fail, as with AWS.

use serde_json::{Value, json};

use super::{Deployment, Status};
use crate::sandbox::Refusal;
use crate::sandbox::codedeploy::CodeDeploy;
use crate::sandbox::codedeploy::config::Shift;
use crate::sandbox::codedeploy::course;
use crate::sandbox::codedeploy::group::Group;
use crate::sandbox::codedeploy::request::{Answer, text};
use crate::sandbox::codedeploy::revision::Revision;
use crate::sandbox::ecs::Now;

/// Members that a deployment may set for itself, and the group's that they stand for.
const OWN: &[(&str, &str)] =
    &[("autoRollbackConfiguration", "autoRollbackConfiguration"), ("overrideAlarmConfiguration", "alarmConfiguration")];

impl CodeDeploy {
    pub(in crate::sandbox::codedeploy) fn create_deployment(&mut self, body: &Value, now: Now) -> Answer {
        let (application, group) = self.group(body)?;
        let revision = application.whole(Revision::read(body)?)?;
        let config = text(body, "deploymentConfigName").unwrap_or(group.config()).to_owned();
        Shift::named(&config)?;
        let description = text(body, "description").map(str::to_owned);
        if description.as_ref().is_some_and(|text| text.len() > 512) {
            return Err(Refusal::new("DescriptionTooLongException", "The description is too long.")); // our wording
        }
        self.check_alone(&application.name, &group.name)?;
        let (application, group) = (application.name.clone(), group.clone());
        let mut made = self.blank(&application, &group, now);
        made.stages = course::stages(&made.settings);
        made.revision = Some(revision.clone());
        (made.config, made.description) = (config, description);
        OWN.iter()
            .filter(|(own, _)| body[*own].is_object())
            .for_each(|(own, of)| made.settings[*of] = body[*own].clone());
        let answer = json!({ "deploymentId": made.id });
        self.begin(made);
        if let Some(known) = self.applications.get_mut(&application) {
            known.note(&revision, Some(&group.name), None, now);
        }
        Ok(answer)
    }

    /// One deployment of a group at a time.
    fn check_alone(&self, application: &str, group: &str) -> Result<(), Refusal> {
        let mut going = self.going.iter().filter_map(|id| self.deployments.get(id));
        match going.find(|other| other.application == application && other.group == group) {
            Some(other) => {
                let message = format!("The Deployment Group '{group}' already has an active Deployment '{}'", other.id);
                Err(Refusal::new("DeploymentLimitExceededException", message))
            }
            None => Ok(()),
        }
    }

    pub(super) fn blank(&mut self, application: &str, group: &Group, now: Now) -> Deployment {
        let letters = self.world.ids.letters().to_uppercase();
        self.world.count += 1;
        let (cluster, service) = group.service();
        let last = group.last_successful.as_ref().and_then(|id| self.deployments.get(id));
        Deployment {
            id: format!("d-{}", &letters[..9]),
            number: self.world.count,
            application: application.to_owned(),
            group: group.name.clone(),
            cluster: cluster.to_owned(),
            service: service.to_owned(),
            config: group.config().to_owned(),
            settings: group.settings.clone(),
            description: None,
            revision: None,
            previous: last.and_then(|last| last.revision.clone()),
            status: Status::Created,
            created: now,
            started: None,
            completed: None,
            error: None,
            cause: None,
            go_back: false,
            rollback: None,
            stages: Vec::new(),
            updated: now,
            blue: None,
            green: None,
            share: 0.0,
            next_share: None,
            continued: false,
            wake: Some(now),
        }
    }

    /// Takes a new deployment in; it is looked after from now on.
    pub(super) fn begin(&mut self, made: Deployment) {
        let application = self.applications.get_mut(&made.application);
        if let Some(group) = application.and_then(|application| application.groups.get_mut(&made.group)) {
            group.last_attempted = Some(made.id.clone());
        }
        self.touch(format!("application/{}", made.application));
        self.touch(format!("deployment/{}", made.id));
        self.going.insert(made.id.clone());
        self.deployments.insert(made.id.clone(), made);
    }
}
