//! CodeDeploy for ECS as a pure state machine: it works on ECS by ECS's own API, as the real one does. A deployment
//! makes a second task set, shifts the traffic to it, and deletes the first; one that fails is followed by
//! another that goes back. Where AWS's texts are silent, the code says so at the spot.

mod application;
mod appspec;
mod batch;
mod config;
mod course;
mod deployment;
mod group;
mod keep;
mod request;
mod revision;

#[cfg(test)]
mod stories;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Refusal;
use super::ecs::{Ids, Now, Plane};
use application::Application;
use deployment::Deployment;

/// All state, besides that of the services, which is ECS's.
#[derive(Debug, Default)]
pub struct CodeDeploy {
    world: World,
    applications: BTreeMap<String, Application>,
    deployments: BTreeMap<String, Deployment>,
    /// Deployments that are not over.
    going: BTreeSet<String>,
    touched: BTreeSet<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct World {
    ids: Ids,
    /// Deployments so far.
    count: u64,
}

impl CodeDeploy {
    /// Answers one request; ECS has made up for the time that passed.
    pub fn call(&mut self, operation: &str, body: &Value, now: Now, ecs: &mut Plane) -> Result<Value, Refusal> {
        match operation {
            "CreateApplication" => self.create_application(body, now),
            "GetApplication" => self.get_application(body),
            "BatchGetApplications" => self.batch_get_applications(body),
            "ListApplications" => self.list_applications(body),
            "DeleteApplication" => self.delete_application(body),
            "CreateDeploymentGroup" => self.create_group(body, ecs, now),
            "GetDeploymentGroup" => self.get_group(body),
            "BatchGetDeploymentGroups" => self.batch_get_groups(body),
            "UpdateDeploymentGroup" => self.update_group(body, ecs, now),
            "ListDeploymentGroups" => self.list_groups(body),
            "DeleteDeploymentGroup" => self.delete_group(body),
            "RegisterApplicationRevision" => self.register_revision(body, now),
            "GetApplicationRevision" => self.get_revision(body),
            "GetDeploymentConfig" => config::get(body),
            "ListDeploymentConfigs" => config::list(body),
            "CreateDeployment" => self.create_deployment(body, now),
            "GetDeployment" => self.get_deployment(body),
            "BatchGetDeployments" => self.batch_get_deployments(body),
            "ListDeployments" => self.list_deployments(body),
            "StopDeployment" => self.stop_deployment(body, now, ecs),
            "ContinueDeployment" => self.continue_deployment(body),
            "GetDeploymentTarget" => self.get_target(body, now, ecs),
            "BatchGetDeploymentTargets" => self.batch_get_targets(body, now, ecs),
            "ListDeploymentTargets" => self.list_targets(body),
            _ => Err(Refusal::unknown_operation()),
        }
    }

    /// Looks after the deployments that are under way: to be called whenever ECS has moved, and when it is time.
    pub fn look(&mut self, now: Now, ecs: &mut Plane) {
        for id in self.going.clone() {
            let Some(mut deployment) = self.deployments.remove(&id) else { continue };
            let mut moved = false;
            while deployment.advance(now, ecs) {
                moved = true;
            }
            if moved {
                self.touch(format!("deployment/{id}"));
            }
            if deployment.is_over() {
                self.going.remove(&id);
                self.conclude(&mut deployment, now);
            }
            self.deployments.insert(id, deployment);
        }
    }

    /// When it wants to look again, if nothing moves before.
    pub fn next_wake(&self) -> Option<Now> {
        self.going.iter().filter_map(|id| self.deployments.get(id)?.wake).min()
    }

    fn touch(&mut self, document: String) {
        self.touched.insert(format!("codedeploy/{document}"));
        self.touched.insert("codedeploy/world".into());
    }
}
