//! Applications: a name around deployment groups, and the revisions that were deployed to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::CodeDeploy;
use super::group::Group;
use super::request::{Answer, application, page, text};
use super::revision::Registered;
use crate::sandbox::Refusal;
use crate::sandbox::ecs::Now;

#[derive(Debug, Serialize, Deserialize)]
pub struct Application {
    pub name: String,
    id: String,
    created: Now,
    pub groups: BTreeMap<String, Group>,
    pub revisions: Vec<Registered>,
}

impl Application {
    pub fn show(&self) -> Value {
        json!({
            "applicationId": self.id,
            "applicationName": self.name,
            "createTime": self.created.stamp(),
            "linkedToGitHub": false,
            "computePlatform": "ECS",
        })
    }
}

impl CodeDeploy {
    /// The application of a request.
    pub(super) fn application(&self, body: &Value) -> Result<&Application, Refusal> {
        let name = application(body)?;
        self.applications.get(name).ok_or_else(|| no_application(name))
    }

    pub(super) fn application_mut(&mut self, body: &Value) -> Result<&mut Application, Refusal> {
        let name = application(body)?;
        self.applications.get_mut(name).ok_or_else(|| no_application(name))
    }

    pub(super) fn create_application(&mut self, body: &Value, now: Now) -> Answer {
        let name = application(body)?.to_owned();
        // The real one takes Server without being told; here are no instances and no functions.
        if text(body, "computePlatform") != Some("ECS") {
            return Err(Refusal::new(
                "InvalidComputePlatformException",
                "The sandbox deploys to ECS only: give computePlatform=ECS.",
            ));
        }
        if self.applications.contains_key(&name) {
            let message = format!("Application already exists with name {name}");
            return Err(Refusal::new("ApplicationAlreadyExistsException", message));
        }
        let id = self.world.ids.uuid();
        let made = Application { name: name.clone(), id, created: now, groups: BTreeMap::new(), revisions: Vec::new() };
        let answer = json!({ "applicationId": made.id });
        self.touch(format!("application/{name}"));
        self.applications.insert(name, made);
        Ok(answer)
    }

    pub(super) fn get_application(&self, body: &Value) -> Answer {
        Ok(json!({ "application": self.application(body)?.show() }))
    }

    pub(super) fn list_applications(&self, body: &Value) -> Answer {
        page(body, "applications", self.applications.keys().cloned().collect())
    }

    /// Deleting what is not there is fine.
    pub(super) fn delete_application(&mut self, body: &Value) -> Answer {
        let name = application(body)?.to_owned();
        if self.applications.remove(&name).is_some() {
            self.touch(format!("application/{name}"));
        }
        Ok(json!({}))
    }
}

pub fn no_application(name: &str) -> Refusal {
    Refusal::new("ApplicationDoesNotExistException", format!("No application found for name: {name}"))
}
