//! ListTaskDefinitions and ListTaskDefinitionFamilies.

use serde_json::Value;

use super::{Definition, Family};
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
        let families: Vec<&Family> = match family {
            Some(family) => self.families.get(family).into_iter().collect(),
            None => self.families.values().collect(),
        };
        let all = families.into_iter().flat_map(|family| family.revisions.values());
        let arn = |definition: &Definition| (definition.status() == status).then(|| definition.arn().to_owned());
        match text(body, "sort")? {
            Some("DESC") => {
                let newest_first: Vec<_> = all.collect();
                page(body, "taskDefinitionArns", newest_first.into_iter().rev().filter_map(arn), PAGE)
            }
            _ => page(body, "taskDefinitionArns", all.filter_map(arn), PAGE),
        }
    }

    /// Here `familyPrefix` really is a prefix. Without `status`, ECS lists ACTIVE families and INACTIVE ones.
    pub(in crate::sandbox::ecs) fn list_task_definition_families(&self, body: &Value) -> Result<Value, ApiError> {
        one_of(body, "status", &["ACTIVE", "INACTIVE", "ALL"])?;
        let prefix = text(body, "familyPrefix")?.unwrap_or_default();
        let status = text(body, "status")?.unwrap_or("ALL");
        let shown = self.families.iter().filter(|(name, family)| {
            let active = family.newest_active().is_some();
            let fits = status == "ALL" || active == (status == "ACTIVE");
            name.starts_with(prefix) && !family.revisions.is_empty() && fits
        });
        page(body, "families", shown.map(|(name, _)| name.clone()), PAGE)
    }
}
