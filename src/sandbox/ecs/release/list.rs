//! ListServiceDeployments, DescribeServiceDeployments and DescribeServiceRevisions.

use serde_json::{Value, json};

use super::Release;
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::arn::parts;
use crate::sandbox::ecs::error::{ApiError, invalid, no_service, unsupported, wrong_type};
use crate::sandbox::ecs::input::texts;
use crate::sandbox::ecs::page::{Limit, cut};
use crate::sandbox::ecs::service::{Controller, Service};
use crate::sandbox::ecs::time::Now;
use crate::sandbox::ecs::timers::ServiceKey;

const PAGE: Limit = Limit { usual: 20, most: 100 };

/// The request's window of time and its statuses.
struct Filter<'a> {
    before: f64,
    after: f64,
    statuses: Vec<&'a str>,
}

impl<'a> Filter<'a> {
    fn read(body: &'a Value) -> Result<Self, ApiError> {
        let bound = |member: &str, otherwise: f64| match body["createdAt"].get(member) {
            None => Ok(otherwise),
            Some(moment) => moment.as_f64().ok_or_else(|| wrong_type("createdAt", "a timestamp")),
        };
        Ok(Filter { before: bound("before", f64::MAX)?, after: bound("after", 0.0)?, statuses: texts(body, "status")? })
    }

    fn fits(&self, release: &Release) -> bool {
        let created = release.created.seconds();
        let status = self.statuses.is_empty() || self.statuses.contains(&release.status.word());
        status && created >= self.after && created <= self.before
    }
}

impl Plane {
    pub(in crate::sandbox::ecs) fn list_service_deployments(&self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let key = self.service_key(body)?;
        let service = self.services.get(&key).ok_or_else(no_service)?;
        if service.controller() != Controller::Ecs {
            return Err(unsupported("Service deployments are supported for the ECS deployment controller only.")); // our wording
        }
        let (filter, cluster) = (Filter::read(body)?, self.world.owner.cluster(&key.cluster));
        let shown = service.releases.iter().filter(|release| self.is_listed(release, now) && filter.fits(release));
        let items = shown.map(|release| (release.arn.clone(), release.brief(&service.arn, &cluster)));
        let (items, token) = cut(body, items, PAGE)?;
        let mut answer = json!({ "serviceDeployments": items });
        if let Some(token) = token {
            answer["nextToken"] = json!(token);
        }
        Ok(answer)
    }

    /// A new service deployment shows up late; see `Lag`.
    fn is_listed(&self, release: &Release, now: Now) -> bool {
        release.created.after(self.world.lag.service_deployments) <= now
    }

    pub(in crate::sandbox::ecs) fn describe_service_deployments(
        &self,
        body: &Value,
        now: Now,
    ) -> Result<Value, ApiError> {
        let show = |arn: &str| {
            let service = self.service_of(arn, "service-deployment")?;
            let release = service.releases.iter().find(|release| release.arn == arn && self.is_listed(release, now))?;
            Some(self.show_release(service, release))
        };
        found(&arns(body, "serviceDeploymentArns")?, "serviceDeployments", show)
    }

    pub(in crate::sandbox::ecs) fn describe_service_revisions(&self, body: &Value) -> Result<Value, ApiError> {
        let show = |arn: &str| {
            let service = self.service_of(arn, "service-revision")?;
            Some(service.revision(arn)?.show(&service.arn, &self.world.owner.cluster(&service.key.cluster)))
        };
        found(&arns(body, "serviceRevisionArns")?, "serviceRevisions", show)
    }

    /// The service that an ARN `…:kind/cluster/service/id` belongs to.
    pub(super) fn service_of(&self, arn: &str, kind: &str) -> Option<&Service> {
        self.services.get(&key_in(arn, kind)?)
    }
}

pub fn key_in(arn: &str, kind: &str) -> Option<ServiceKey> {
    match parts(arn, kind)?.as_slice() {
        [cluster, name, _] => Some(ServiceKey { cluster: cluster.to_string(), name: name.to_string() }),
        _ => None,
    }
}

fn arns<'a>(body: &'a Value, member: &str) -> Result<Vec<&'a str>, ApiError> {
    let arns = texts(body, member)?;
    match arns.len() {
        1..=20 => Ok(arns),
        _ => Err(invalid(format!("{member} must have between 1 and 20 elements."))), // our wording
    }
}

fn found(arns: &[&str], member: &str, show: impl Fn(&str) -> Option<Value>) -> Result<Value, ApiError> {
    let (mut shown, mut failures) = (Vec::new(), Vec::new());
    for arn in arns {
        match show(arn) {
            Some(item) => shown.push(item),
            None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
        }
    }
    Ok(json!({ member: shown, "failures": failures }))
}
