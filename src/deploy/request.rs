//! What is meant: the two requests of this room, and the small readers that turn typed text into their
//! fields. Empty text means not given.

use std::time::Duration;

use super::Error;
use super::tags::Tag;
use super::updates::Updates;

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
#[derive(Debug)]
pub struct DeployServiceUpdate {
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

#[derive(Debug, Clone, Copy)]
pub struct Wait {
    pub limit: Duration,
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

    /// Refuses what contradicts itself, before anything is read.
    pub fn check(&self) -> Result<(), Error> {
        if self.cluster.trim().is_empty() {
            return Err(Error::input("cluster", "it is empty", "Give the cluster's name or ARN."));
        }
        if self.skip_registration && !(self.updates.is_empty() && self.tags.is_empty()) {
            let why = "updates are given, but nothing is to be registered";
            return Err(Error::input("skip-task-definition-registration", why, "Drop the updates or this flag."));
        }
        self.check_same_cluster()?;
        self.create.as_ref().map_or(Ok(()), Create::check)
    }

    /// A service's ARN names its cluster, except in its oldest form.
    fn check_same_cluster(&self) -> Result<(), Error> {
        let Some((_, path)) = self.service.split_once(":service/") else { return Ok(()) };
        let cluster = name_in_arn(&self.cluster);
        match path.split_once('/') {
            Some((named, _)) if named != cluster => {
                let why = format!("its ARN names cluster '{named}', but the cluster is '{cluster}'");
                Err(Error::input("service-name", why, "Give the cluster that the service lives in."))
            }
            _ => Ok(()),
        }
    }
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
    fn count_is_a_whole_number_or_nothing() {
        assert_eq!(count("desired-count", " ").unwrap(), None);
        assert_eq!(count("desired-count", "0").unwrap(), Some(0));
        for text in ["-1", "+1", "2.5", "two", "99999999999"] {
            assert!(count("desired-count", text).is_err(), "{text}");
        }
    }
}
