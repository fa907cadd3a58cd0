//! ListTaskDefinitions and ListTaskDefinitionFamilies.

use serde_json::Value;

use super::Family;
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::error::ApiError;
use crate::sandbox::ecs::input::{one_of, text};
use crate::sandbox::ecs::page::{Limit, page};

const PAGE: Limit = Limit { usual: 100, most: 100 };

impl Plane {
    /// By family and number, the newest last; `familyPrefix` is a whole family name, whatever it is called.
    pub(in crate::sandbox::ecs) fn list_task_definitions(&self, body: &Value) -> Result<Value, ApiError> {
        one_of(body, "status", &["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"])?;
        one_of(body, "sort", &["ASC", "DESC"])?;
        let status = text(body, "status")?.unwrap_or("ACTIVE");
        let family = text(body, "familyPrefix")?;
        let families: Vec<(&String, &Family)> = match family {
            Some(family) => self.families.get_key_value(family).into_iter().collect(),
            None => self.families.iter().collect(),
        };
        let all = families.into_iter().flat_map(|(name, family)| {
            let arn = |revision: &u32| self.world.owner.definition(name, *revision);
            let listed = family.revisions.iter().filter(|(_, kept)| kept.status() == status);
            listed.map(move |(revision, _)| arn(revision))
        });
        match text(body, "sort")? {
            Some("DESC") => page(body, "taskDefinitionArns", all.rev(), PAGE),
            _ => page(body, "taskDefinitionArns", all, PAGE),
        }
    }

    /// Here `familyPrefix` really is a prefix. Without `status`, ECS lists ACTIVE families and INACTIVE ones.
    pub(in crate::sandbox::ecs) fn list_task_definition_families(&self, body: &Value) -> Result<Value, ApiError> {
        one_of(body, "status", &["ACTIVE", "INACTIVE", "ALL"])?;
        let prefix = text(body, "familyPrefix")?.unwrap_or_default();
        let status = text(body, "status")?.unwrap_or("ALL");
        let shown = self.families.iter().filter(|(name, family)| {
            let active = family.has_active();
            let fits = status == "ALL" || active == (status == "ACTIVE");
            name.starts_with(prefix) && !family.revisions.is_empty() && fits
        });
        page(body, "families", shown.map(|(name, _)| name.clone()), PAGE)
    }
}
