//! ListServices and DescribeServices.

use serde_json::{Value, json};

use super::{Service, short_service};
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::error::{ApiError, invalid};
use crate::sandbox::ecs::input::{includes, one_of, text, texts};
use crate::sandbox::ecs::page::{Limit, page};
use crate::sandbox::ecs::time::Now;
use crate::sandbox::ecs::timers::ServiceKey;

const PAGE: Limit = Limit { usual: 10, most: 100 };

impl Plane {
    /// ACTIVE services only: one that drains is gone from here at once.
    pub(in crate::sandbox::ecs) fn list_services(&self, body: &Value) -> Result<Value, ApiError> {
        let cluster = self.cluster_of(body)?;
        one_of(body, "schedulingStrategy", &["REPLICA", "DAEMON"])?;
        one_of(body, "launchType", &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"])?;
        let fits = |service: &Service, member: &str| -> Result<bool, ApiError> {
            Ok(text(body, member)?.is_none_or(|wanted| service.settings[member] == wanted))
        };
        let from = ServiceKey { cluster: cluster.clone(), name: String::new() };
        let here = self.services.range(from..).take_while(|(key, _)| key.cluster == cluster);
        let shown = here.filter(|(_, service)| {
            service.is_active()
                && fits(service, "launchType").unwrap_or(true)
                && fits(service, "schedulingStrategy").unwrap_or(true)
                && text(body, "resourceManagementType").ok().flatten() != Some("ECS")
        });
        page(body, "serviceArns", shown.map(|(_, service)| service.arn.clone()), PAGE)
    }

    /// Up to ten, each found or a failure with reason MISSING.
    pub(in crate::sandbox::ecs) fn describe_services(&self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let cluster = self.cluster_of(body)?;
        let names = texts(body, "services")?;
        if names.is_empty() {
            return Err(invalid("Services cannot be empty."));
        }
        if names.len() > 10 {
            return Err(invalid("Services cannot have more than 10 elements.")); // our wording
        }
        let tags = includes(body, "TAGS")?;
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            let key = ServiceKey { cluster: cluster.clone(), name: short_service(name)?.to_owned() };
            let known = |service: &&Service| service.created.after(self.world.lag.new_service) <= now;
            match self.services.get(&key).filter(known) {
                Some(service) => services.push(self.show_service(service, tags, now)),
                None => failures.push(json!({ "arn": self.world.owner.service(&key), "reason": "MISSING" })),
            }
        }
        Ok(json!({ "services": services, "failures": failures }))
    }
}
