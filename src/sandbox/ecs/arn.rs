//! Making ARNs and reading them. Clients name a resource by its short name or by its ARN, in the long form
//! that carries the cluster; both lead to the same short names in here.

use super::error::{ApiError, invalid};
use super::timers::ServiceKey;

/// Whose resources these are.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    pub account: String,
    pub region: String,
}

impl Owner {
    /// The partition follows the region: aws, aws-cn, aws-us-gov.
    fn partition(&self) -> &'static str {
        match &self.region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    pub fn of(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.account)
    }

    pub fn cluster(&self, name: &str) -> String {
        self.of("ecs", &format!("cluster/{name}"))
    }

    pub fn definition(&self, family: &str, revision: u32) -> String {
        self.of("ecs", &format!("task-definition/{family}:{revision}"))
    }

    pub fn service(&self, key: &ServiceKey) -> String {
        self.of("ecs", &format!("service/{}/{}", key.cluster, key.name))
    }

    pub fn task(&self, cluster: &str, id: &str) -> String {
        self.of("ecs", &format!("task/{cluster}/{id}"))
    }

    pub fn service_deployment(&self, key: &ServiceKey, id: &str) -> String {
        self.of("ecs", &format!("service-deployment/{}/{}/{id}", key.cluster, key.name))
    }

    pub fn service_revision(&self, key: &ServiceKey, id: &str) -> String {
        self.of("ecs", &format!("service-revision/{}/{}/{id}", key.cluster, key.name))
    }

    /// Who called: the sandbox has one caller.
    pub fn caller(&self) -> String {
        format!("arn:{}:iam::{}:root", self.partition(), self.account)
    }
}

/// The parts after the kind: `["default", "web"]` of `arn:…:service/default/web`. None if it is no such ARN.
pub fn parts<'a>(arn: &'a str, kind: &str) -> Option<Vec<&'a str>> {
    let resource = arn.strip_prefix("arn:")?.splitn(5, ':').nth(4)?;
    let rest = resource.strip_prefix(kind)?.strip_prefix('/')?;
    Some(rest.split('/').collect())
}

/// The last part of an ARN, or the short name itself.
pub fn short<'a>(name: &'a str, kind: &str) -> Result<&'a str, ApiError> {
    if !name.starts_with("arn:") {
        return Ok(name);
    }
    let part = parts(name, kind).and_then(|parts| parts.last().copied());
    part.ok_or_else(|| invalid(format!("Invalid identifier: Unexpected ARN, a {kind} was expected. Got: {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arn_and_short_name_lead_to_the_same() {
        assert_eq!(short("web", "service").unwrap(), "web");
        assert_eq!(short("arn:aws:ecs:eu-west-1:1:service/prod/web", "service").unwrap(), "web");
        assert_eq!(short("arn:aws:ecs:eu-west-1:1:service/web", "service").unwrap(), "web");
        assert!(short("arn:aws:ecs:eu-west-1:1:cluster/web", "service").is_err());
    }

    #[test]
    fn partition_follows_the_region() {
        let owner = Owner { account: "1".into(), region: "cn-north-1".into() };
        assert_eq!(owner.cluster("c"), "arn:aws-cn:ecs:cn-north-1:1:cluster/c");
    }
}
