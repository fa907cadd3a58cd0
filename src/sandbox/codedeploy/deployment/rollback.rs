//! The end of a deployment, and the way back. CodeDeploy goes back by a second deployment: it gives the traffic to
//! the task set that served before, which still runs, and deletes the new one. Without that the new one stays as
//! it is until the next deployment; what becomes of it is not documented.

use super::{Deployment, Rollback, Status};
use crate::sandbox::codedeploy::CodeDeploy;
use crate::sandbox::codedeploy::config::USUAL;
use crate::sandbox::codedeploy::course;
use crate::sandbox::ecs::Now;

impl Deployment {
    /// Whether CodeDeploy is to go back by itself.
    fn wants_back(&self) -> bool {
        let configured = &self.settings["autoRollbackConfiguration"];
        let events = configured["events"].as_array().into_iter().flatten();
        let listed = |word: &str| configured["enabled"] == true && events.clone().any(|event| event == word);
        !self.is_rollback() && (self.go_back || self.cause.is_some_and(|cause| listed(cause.word())))
    }
}

impl CodeDeploy {
    /// A deployment is over: its group remembers it, and if it ended badly it may be rolled back.
    pub(in crate::sandbox::codedeploy) fn conclude(&mut self, ended: &mut Deployment, now: Now) {
        let Some(application) = self.applications.get_mut(&ended.application) else { return };
        let name = application.name.clone();
        let Some(group) = application.groups.get_mut(&ended.group) else { return };
        if ended.status == Status::Succeeded && !ended.is_rollback() {
            group.last_successful = Some(ended.id.clone());
            self.touch(format!("application/{name}"));
        } else if ended.wants_back() && ended.blue.is_some() {
            let group = group.clone();
            let mut back = self.blank(&name, &group, now);
            back.stages = course::stages_back();
            back.config = USUAL.to_owned();
            back.revision = back.previous.clone();
            (back.blue, back.green) = (ended.green.clone(), ended.blue.clone());
            let message = format!("Deployment {} rolls back deployment {}.", back.id, ended.id); // our wording
            back.description = Some(message.clone());
            back.rollback = Some(Rollback { by: None, of: Some(ended.id.clone()), message: message.clone() });
            ended.rollback = Some(Rollback { by: Some(back.id.clone()), of: None, message });
            self.begin(back);
        }
    }
}
