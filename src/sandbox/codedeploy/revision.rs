//! Application revisions. CodeDeploy keeps the AppSpec of every deployment; deployments name it by its SHA-256 alone,
//! and `GetApplicationRevision` gives the text back (AWS CLI reference, get-deployment).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::CodeDeploy;
use super::application::Application;
use super::request::{Answer, text};
use crate::sandbox::Refusal;
use crate::sandbox::ecs::Now;

/// An AppSpec that was given in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// AppSpecContent, or String, its deprecated name.
    pub kind: String,
    pub content: String,
    pub sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Registered {
    revision: Revision,
    description: Option<String>,
    at: Now,
    first_used: Option<Now>,
    last_used: Option<Now>,
    groups: BTreeSet<String>,
}

impl Revision {
    pub fn read(body: &Value) -> Result<Self, Refusal> {
        let given = &body["revision"];
        let invalid = |why: &str| Refusal::new("InvalidRevisionException", why);
        let required = || Refusal::new("RevisionRequiredException", "Revision must be specified.");
        let kind = text(given, "revisionType").ok_or_else(required)?;
        let held = match kind {
            "AppSpecContent" => &given["appSpecContent"],
            "String" => &given["string"],
            "S3" | "GitHub" => return Err(invalid("The sandbox holds no S3 and no GitHub: give the AppSpecContent.")),
            _ => return Err(invalid("The revision type is not valid.")),
        };
        let content = held["content"].as_str().unwrap_or_default().to_owned();
        let sha256 = hex::encode(Sha256::digest(content.as_bytes()));
        match (text(held, "sha256"), content.is_empty()) {
            (None, true) => Err(invalid("The content of the revision is missing.")),
            (Some(given), false) if given != sha256 => Err(invalid("The SHA-256 is not that of the content.")),
            (Some(given), true) => Ok(Revision { kind: kind.into(), content, sha256: given.into() }),
            _ => Ok(Revision { kind: kind.into(), content, sha256 }),
        }
    }

    /// Where the AppSpec is kept. `content` is shown by GetApplicationRevision only.
    pub fn show(&self, whole: bool) -> Value {
        let mut held = json!({ "sha256": self.sha256 });
        if whole {
            held["content"] = json!(self.content);
        }
        let member = if self.kind == "String" { "string" } else { "appSpecContent" };
        json!({ "revisionType": self.kind, member: held })
    }
}

impl Application {
    /// A revision that came with only its SHA-256 is one that was registered before.
    pub fn whole(&self, revision: Revision) -> Result<Revision, Refusal> {
        if !revision.content.is_empty() {
            return Ok(revision);
        }
        let known = self.revisions.iter().find(|known| known.revision.sha256 == revision.sha256);
        known.map(|known| known.revision.clone()).ok_or_else(no_revision)
    }

    pub fn note(&mut self, revision: &Revision, group: Option<&str>, description: Option<&str>, now: Now) {
        let place = self.revisions.iter().position(|known| known.revision == *revision).unwrap_or_else(|| {
            let revision = revision.clone();
            let (first_used, last_used) = (None, None);
            let description = description.map(str::to_owned);
            let groups = BTreeSet::new();
            self.revisions.push(Registered { revision, description, at: now, first_used, last_used, groups });
            self.revisions.len() - 1
        });
        if let Some(group) = group {
            let known = &mut self.revisions[place];
            known.first_used.get_or_insert(now);
            known.last_used = Some(now);
            known.groups.insert(group.to_owned());
        }
    }
}

impl CodeDeploy {
    pub(super) fn register_revision(&mut self, body: &Value, now: Now) -> Answer {
        let revision = Revision::read(body)?;
        let application = self.application_mut(body)?;
        let revision = application.whole(revision)?;
        application.note(&revision, None, text(body, "description"), now);
        let name = application.name.clone();
        self.touch(format!("application/{name}"));
        Ok(json!({}))
    }

    pub(super) fn get_revision(&self, body: &Value) -> Answer {
        let application = self.application(body)?;
        let asked = Revision::read(body)?;
        let known = application.revisions.iter().find(|known| known.revision.sha256 == asked.sha256);
        let known = known.ok_or_else(no_revision)?;
        let mut info = json!({ "deploymentGroups": known.groups, "registerTime": known.at.stamp() });
        let told = [("firstUsedTime", known.first_used), ("lastUsedTime", known.last_used)];
        for (member, at) in told.into_iter().filter_map(|(member, at)| Some((member, at?))) {
            info[member] = at.stamp();
        }
        if let Some(description) = &known.description {
            info["description"] = json!(description);
        }
        let revision = known.revision.show(true);
        Ok(json!({ "applicationName": application.name, "revision": revision, "revisionInfo": info }))
    }
}

fn no_revision() -> Refusal {
    Refusal::new("RevisionDoesNotExistException", "The specified revision does not exist.")
}
