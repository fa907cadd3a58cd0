//! What is meant: the two requests of this room, and the small readers that turn typed text into their
//! fields. Empty text means not given.

use super::Error;
use super::tags::Tag;
use super::updates::Updates;
use super::wait::Wait;

/// A task definition's family, and the revision to start from; without one, the latest ACTIVE revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    pub name: String,
    pub revision: Option<u64>,
}

/// Registers a new revision.
#[derive(Debug)]
pub struct UpdateTaskDefinition {
    pub family: Family,
    pub updates: Updates,
    pub tags: Vec<Tag>,
}

/// Registers a new revision and deploys it to a service.
#[derive(Debug, Clone)]
pub struct DeployServiceUpdate {
    /// Without a name, the one that the service runs.
    pub family: Family,
    /// Name or ARN.
    pub cluster: String,
    /// Name or ARN; empty means named like the family.
    pub service: String,
    pub updates: Updates,
    pub tags: Vec<Tag>,
    /// `None` leaves the service's count alone.
    pub desired_count: Option<u32>,
    pub force_new_deployment: bool,
    /// Deploys the base revision as it is.
    pub skip_registration: bool,
    /// Turns the circuit breaker and its rollback on; `false` leaves them alone.
    pub enable_circuit_breaker: bool,
    /// Creates the service if it is missing.
    pub create: Option<Create>,
    /// Waits for the verdict.
    pub wait: Option<Wait>,
}

#[derive(Debug, Clone, Default)]
pub struct Create {
    /// Given subnets make it an awsvpc service.
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
    pub public_ip: bool,
    pub target_group: Option<String>,
    pub container_name: Option<String>,
    pub container_port: Option<u16>,
}

/// A number of tasks, or nothing.
pub fn count(what: &'static str, text: &str) -> Result<Option<u32>, Error> {
    number(what, text, "a count of tasks")
}

/// A revision number, or nothing.
pub fn revision(what: &'static str, text: &str) -> Result<Option<u64>, Error> {
    match number(what, text, "a revision number")? {
        Some(0) => Err(Error::input(what, "revisions begin with 1", "Give the number behind the colon in FAMILY:7.")),
        revision => Ok(revision),
    }
}

fn number<T: std::str::FromStr>(what: &'static str, text: &str, kind: &str) -> Result<Option<T>, Error> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        _ if text.is_empty() => Ok(None),
        Ok(number) if digits => Ok(Some(number)),
        _ => Err(Error::input(what, format!("'{text}' is not {kind}"), "Write a whole number, or leave it out.")),
    }
}

impl Family {
    /// `FAMILY`, `FAMILY:REVISION` or an ARN; `previous` is the base revision where it was given on its own.
    pub fn parse(text: &str, previous: Option<u64>) -> Result<Family, Error> {
        let text = text.trim();
        let short = super::edit::short(text);
        let (name, written) = match short.split_once(':') {
            Some((name, written)) => (name, revision("family", written)?),
            None => (short, None),
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 255 || !name.chars().all(legal) {
            let hint = "A family has 1 to 255 letters, digits, '-' or '_'; FAMILY:REVISION and an ARN do as well.";
            return Err(Error::input("family", format!("'{text}' is not a task definition family"), hint));
        }
        match (written, previous) {
            (Some(a), Some(b)) if a != b => {
                let why = format!("'{text}' names revision {a}, previous-revision-number {b}");
                Err(Error::input("family", why, "Give one of the two."))
            }
            (written, previous) => Ok(Family { name: name.to_owned(), revision: written.or(previous) }),
        }
    }

    /// An existing revision of this family: `41`, `FAMILY:41` or an ARN.
    pub fn at(&self, revision: &str) -> Result<Family, Error> {
        let text = revision.trim();
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        if digits && self.name.is_empty() {
            let revision = self::revision("revision", text)?;
            return Ok(Family { name: String::new(), revision });
        }
        let text = if digits { format!("{}:{text}", self.name) } else { text.to_owned() };
        let family = Family::parse(&text, None)?;
        if !self.name.is_empty() && family.name != self.name {
            let why = format!("'{text}' is of the family '{}', and --family is '{}'", family.name, self.name);
            return Err(Error::input("revision", why, "Give both of one family; --service-name names the service."));
        }
        match family.revision {
            Some(_) => Ok(family),
            None => Err(Error::input("revision", format!("'{text}' has no number"), "Write 41, shop:41 or its ARN.")),
        }
    }

    /// As the API takes it.
    pub fn reference(&self) -> String {
        match self.revision {
            Some(revision) => format!("{}:{revision}", self.name),
            None => self.name.clone(),
        }
    }
}

impl DeployServiceUpdate {
    /// The service, by the name or ARN that was given.
    pub fn service(&self) -> &str {
        if self.service.is_empty() { &self.family.name } else { &self.service }
    }

    /// Cluster and service by their names alone.
    pub fn whom(&self) -> (&str, &str) {
        (name_in_arn(&self.cluster), name_in_arn(self.service()))
    }

    /// Refuses what contradicts itself, before anything is read.
    pub fn check(&self) -> Result<(), Error> {
        if self.cluster.trim().is_empty() {
            return Err(Error::input("cluster", "it is empty", "Give the cluster's name or ARN."));
        }
        if self.skip_registration && !(self.updates.is_empty() && self.tags.is_empty()) {
            let why = "updates are given, but nothing is to be registered";
            let hint = "Drop the updates; or start from a revision with --previous-revision-number, which registers a new one.";
            return Err(Error::input("--revision or --skip-task-definition-registration", why, hint));
        }
        if self.service().is_empty() {
            return Err(Error::input("service-name", "it is empty", "Give --service-name or --family."));
        }
        self.check_same_cluster()?;
        self.create.as_ref().map_or(Ok(()), Create::check)
    }

    fn check_same_cluster(&self) -> Result<(), Error> {
        let refuse = |why| Error::input("service-name", why, "Give the cluster that the service lives in.");
        let cluster = name_in_arn(&self.cluster);
        if let Some(named) = cluster_in_arn(&self.service).filter(|named| *named != cluster) {
            return Err(refuse(format!("its ARN names cluster '{named}', but the cluster is '{cluster}'")));
        }
        // Partition, region and account.
        let home = |arn: &str| arn.starts_with("arn:").then(|| arn.split(':').take(5).collect::<Vec<_>>().join(":"));
        match (home(&self.service), home(&self.cluster)) {
            (Some(own), Some(other)) if own != other => {
                Err(refuse(format!("it is one of {own}, but the cluster is one of {other}")))
            }
            _ => Ok(()),
        }
    }
}

/// The cluster that was given, or else the one that the service's ARN names.
pub fn cluster(given: Option<String>, service: &str) -> Result<String, Error> {
    given.or_else(|| cluster_in_arn(service).map(str::to_owned)).ok_or_else(|| {
        let hint = "Give --cluster, or the service by its ARN: arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/SERVICE.";
        Error::input("cluster", "nothing says which one", hint)
    })
}

/// A service's ARN names its cluster, except in its oldest form.
fn cluster_in_arn(service: &str) -> Option<&str> {
    let (_, path) = service.strip_prefix("arn:")?.split_once(":service/")?;
    path.split_once('/').map(|(cluster, _)| cluster)
}

/// `eu-central-1` of `arn:aws:ecs:eu-central-1:123456789012:service/main/web`
pub fn region_in_arn(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}

/// `web` of `arn:aws:ecs:eu-central-1:123456789012:service/main/web`
pub fn name_in_arn(name: &str) -> &str {
    if name.starts_with("arn:") { name.rsplit('/').next().unwrap_or(name) } else { name }
}

impl Create {
    fn check(&self) -> Result<(), Error> {
        let balanced = self.target_group.is_some();
        if balanced && (self.container_name.is_none() || self.container_port.is_none()) {
            let why = "a target group needs the container and the port that it sends to";
            return Err(Error::input("target-group", why, "Give container-name and container-port as well."));
        }
        if self.subnets.is_empty() && (!self.security_groups.is_empty() || self.public_ip) {
            let why = "security groups and public IPs go with subnets, and there are none";
            return Err(Error::input("subnets", why, "Give the subnets of the new service."));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn family_by_name_revision_or_arn() {
        let arn = "arn:aws-cn:ecs:cn-north-1:123456789012:task-definition/web_1-a:12";
        for (text, previous, name, revision) in [
            ("web", None, "web", None),
            (" web ", Some(3), "web", Some(3)),
            ("web:7", None, "web", Some(7)),
            ("web:7", Some(7), "web", Some(7)),
            (arn, None, "web_1-a", Some(12)),
        ] {
            let family = Family::parse(text, previous).unwrap();
            assert_eq!((family.name.as_str(), family.revision), (name, revision), "{text}");
        }
        for (text, previous) in [("", None), ("web:x", None), ("web:0", None), ("a b", None), ("web:7", Some(8))] {
            assert!(Family::parse(text, previous).is_err(), "{text}");
        }
    }

    #[test]
    fn family_at_a_revision_by_number_name_or_arn() {
        let family = Family::parse("web", None).unwrap();
        for text in ["7", " web:7 ", "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7"] {
            assert_eq!(family.at(text).unwrap().reference(), "web:7", "{text}");
        }
        for text in ["0", "web", "worker:7", "v7", "-1", ""] {
            assert!(family.at(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cluster_is_given_or_named_by_the_service() {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:service/main/web";
        assert_eq!(cluster(None, arn).unwrap(), "main");
        assert_eq!(cluster(Some("other".into()), arn).unwrap(), "other");
        assert_eq!(region_in_arn(arn), Some("eu-west-1"));
        for service in ["", "web", "main/web", "arn:aws:ecs:eu-west-1:123456789012:service/web"] {
            assert!(cluster(None, service).is_err(), "{service}");
        }
    }

    #[test]
    fn count_is_a_whole_number_or_nothing() {
        assert_eq!(count("desired-count", " ").unwrap(), None);
        assert_eq!(count("desired-count", "0").unwrap(), Some(0));
        for text in ["-1", "+1", "2.5", "two", "99999999999"] {
            assert!(count("desired-count", text).is_err(), "{text}");
        }
    }
}
