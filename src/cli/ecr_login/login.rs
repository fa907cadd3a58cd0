//! The logins of a request, made: each issuer asked once, its password put where it belongs.

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::exit::Failure;
use super::{Destination, Request};
use crate::aws::host::{PUBLIC_REGISTRY, registry_host};
use crate::aws::{self, Session};
use crate::registry::{Credentials, docker_config};
use crate::report::{Events, Export, Outcome, Report};

/// Who gives out a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Issuer {
    /// ECR of a region; none means the profile's.
    Private(Option<String>),
    Public,
}

/// The registries that an issuer's password is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// The caller's own, which the issuer names.
    Own,
    Accounts(Vec<String>),
    Named(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub issuer: Issuer,
    pub hosts: Hosts,
}

impl Request {
    /// What a dry run shows.
    pub fn planned(&self) -> Report {
        let place = match &self.destination {
            Destination::Stdout => "to stdout".into(),
            Destination::DockerConfig(directory) => format!("into {}", directory.join("config.json").display()),
        };
        let lines: Vec<String> =
            self.logins.iter().map(|login| format!("Would write credentials {place} for {login}.")).collect();
        let logins: Vec<String> = self.logins.iter().map(Login::to_string).collect();
        Report {
            outcome: Outcome::Planned,
            lines: vec![],
            document: json!({"registries": logins}),
            exports: vec![],
            summary: lines.join("\n"),
        }
    }

    /// The region to open a session in. The public registry's API is in one place, whatever the caller's region.
    pub fn region(&self) -> Option<&str> {
        match &self.logins.first()?.issuer {
            Issuer::Private(region) => region.as_deref(),
            Issuer::Public => Some("us-east-1"),
        }
    }

    /// Fetches each password and puts it where it belongs.
    pub async fn apply(self, session: &Session, events: &Events) -> Result<Report, Failure> {
        let mut done = Vec::new();
        for login in &self.logins {
            events.step(format!("Logging in to {login}"));
            let answer = login.issuer.authorize(session).await?;
            let credentials = Credentials { username: answer.username.clone(), password: answer.password.clone() };
            for host in login.resolve(&answer.proxy_endpoint, self.domain.as_deref()) {
                if let Destination::DockerConfig(directory) = &self.destination {
                    docker_config::set(directory, &host, &credentials, events)?;
                }
                done.push((host, answer.clone()));
            }
        }
        Ok(report(&self.destination, &done))
    }
}

impl Issuer {
    async fn authorize(&self, session: &Session) -> Result<aws::Login, aws::Error> {
        match self {
            Issuer::Private(None) => session.ecr().authorization(None).await,
            Issuer::Private(Some(region)) => session.in_region(region)?.ecr().authorization(None).await,
            Issuer::Public => session.ecr_public().authorization(None).await,
        }
    }
}

impl Login {
    /// The hosts' names, now that the issuer has named its caller's.
    fn resolve(&self, endpoint: &str, domain: Option<&str>) -> Vec<String> {
        let own = endpoint.strip_prefix("https://").unwrap_or(endpoint).trim_end_matches('/');
        let of = |account: &str| match &self.issuer {
            Issuer::Private(Some(region)) => registry_host(account, region, domain),
            // Only the account differs between the registries of one region.
            _ => own.split_once('.').map_or(own.to_owned(), |(_, rest)| format!("{account}.{rest}")),
        };
        match (&self.issuer, &self.hosts) {
            (Issuer::Public, _) => vec![PUBLIC_REGISTRY.into()],
            (_, Hosts::Own) => vec![own.into()],
            (_, Hosts::Accounts(accounts)) => accounts.iter().map(|account| of(account)).collect(),
            (_, Hosts::Named(host)) => vec![host.clone()],
        }
    }
}

impl std::fmt::Display for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = match &self.issuer {
            Issuer::Public => return f.write_str(PUBLIC_REGISTRY),
            Issuer::Private(Some(region)) => format!("ECR in {region}"),
            Issuer::Private(None) => "ECR in the profile's region".into(),
        };
        match &self.hosts {
            Hosts::Named(host) => f.write_str(host),
            Hosts::Own => write!(f, "{place}"),
            Hosts::Accounts(accounts) => write!(f, "{place} (account {})", accounts.join(", ")),
        }
    }
}

fn report(destination: &Destination, done: &[(String, aws::Login)]) -> Report {
    let until = |answer: &aws::Login| Timestamp::try_from(answer.expires_at?).ok().map(|at| format!("{at:.0}"));
    let registry = |(host, answer): &(String, aws::Login)| json!({"registry": host, "username": answer.username, "expires_at": until(answer)});
    let line = |(host, answer): &(String, aws::Login)| {
        let until = until(answer).map(|at| format!(" until {at}")).unwrap_or_default();
        format!("Logged in to {host}{until}.")
    };
    let mut document = json!({"registries": done.iter().map(registry).collect::<Vec<Value>>()});
    let mut lines = Vec::new();
    if let (Destination::Stdout, Some((_, answer))) = (destination, done.first()) {
        let password = answer.password.expose_secret();
        document["password"] = password.into();
        lines.push(password.to_owned());
    }
    let exports = match done {
        [(host, _)] => vec![Export { name: "registry", variables: &["DOCKLESS_REGISTRY"], value: host.clone() }],
        _ => vec![],
    };
    let summary = match destination {
        Destination::Stdout => String::new(),
        Destination::DockerConfig(_) => done.iter().map(line).collect::<Vec<_>>().join("\n"),
    };
    Report { outcome: Outcome::Succeeded, lines, document, exports, summary }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "123456789012";
    const TWO: &str = "210987654321";

    fn hosts(region: Option<&str>, hosts: Hosts, domain: Option<&str>) -> Vec<String> {
        let login = Login { issuer: Issuer::Private(region.map(str::to_owned)), hosts };
        login.resolve(&format!("https://{ONE}.dkr.ecr.eu-west-3.amazonaws.com"), domain)
    }

    #[test]
    fn hosts_follow_the_region_that_was_given() {
        let accounts = || Hosts::Accounts(vec![ONE.into(), TWO.into()]);
        let wanted = [ONE, TWO].map(|account| format!("{account}.dkr.ecr.eu-west-1.amazonaws.com"));
        assert_eq!(hosts(Some("eu-west-1"), accounts(), None), wanted);
        let wanted = [ONE, TWO].map(|account| format!("{account}.dkr.ecr.eu-west-1.example.test"));
        assert_eq!(hosts(Some("eu-west-1"), accounts(), Some("example.test")), wanted);
    }

    #[test]
    fn hosts_follow_the_issuer_where_no_region_is_given() {
        assert_eq!(hosts(None, Hosts::Own, None), [format!("{ONE}.dkr.ecr.eu-west-3.amazonaws.com")]);
        let other = Hosts::Accounts(vec![TWO.into()]);
        assert_eq!(hosts(None, other, None), [format!("{TWO}.dkr.ecr.eu-west-3.amazonaws.com")]);
    }

    #[test]
    fn hosts_named_in_full_stay_as_they_are() {
        let named = Hosts::Named("registry.example".into());
        assert_eq!(hosts(Some("eu-west-1"), named, None), ["registry.example"]);
        let public = Login { issuer: Issuer::Public, hosts: Hosts::Own };
        assert_eq!(public.resolve("https://public.ecr.aws", None), ["public.ecr.aws"]);
    }
}
