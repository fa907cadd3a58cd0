//! The logins of a request, made: each issuer asked once, its password put where it belongs.

use std::path::Path;
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::super::exit::Failure;
use super::{Destination, Request};
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

/// What an issuer answers.
#[derive(Debug, Clone)]
pub struct Authorization {
    pub username: String,
    pub password: SecretString,
    /// Host of the caller's own registry, perhaps with `https://` before it.
    pub endpoint: String,
    pub expires_at: Option<SystemTime>,
}

/// Asks an issuer.
pub type Authorize<'a> = dyn Fn(Issuer) -> BoxFuture<'a, Result<Authorization, Failure>> + Send + Sync + 'a;

/// Writes into Docker's configuration: directory, host, user, password.
pub type Store<'a> = dyn Fn(&Path, &str, &str, &SecretString) -> Result<(), Failure> + Send + Sync + 'a;

/// What this subcommand needs of other rooms.
pub struct Doors<'a> {
    /// The region that an ECR host's name holds.
    pub region_of: fn(&str) -> Option<String>,
    /// Account, region, domain.
    pub registry_host: fn(&str, &str, Option<&str>) -> String,
    pub authorize: &'a Authorize<'a>,
    pub store: &'a Store<'a>,
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

    /// Fetches each password and puts it where it belongs.
    pub async fn apply(self, doors: &Doors<'_>, events: &Events) -> Result<Report, Failure> {
        let mut done = Vec::new();
        for login in &self.logins {
            events.step(format!("Logging in to {login}"));
            let authorization = (doors.authorize)(login.issuer.clone()).await?;
            for host in login.resolve(&authorization.endpoint, self.domain.as_deref(), doors.registry_host) {
                if let Destination::DockerConfig(directory) = &self.destination {
                    (doors.store)(directory, &host, &authorization.username, &authorization.password)?;
                }
                done.push((host, authorization.clone()));
            }
        }
        Ok(report(&self.destination, &done))
    }
}

impl Login {
    /// The hosts' names, now that the issuer has named its caller's.
    fn resolve(
        &self,
        endpoint: &str,
        domain: Option<&str>,
        name: fn(&str, &str, Option<&str>) -> String,
    ) -> Vec<String> {
        let own = endpoint.strip_prefix("https://").unwrap_or(endpoint).trim_end_matches('/');
        let of = |account: &str| match &self.issuer {
            Issuer::Private(Some(region)) => name(account, region, domain),
            // Only the account differs between the registries of one region.
            _ => own.split_once('.').map_or(own.to_owned(), |(_, rest)| format!("{account}.{rest}")),
        };
        match (&self.issuer, &self.hosts) {
            (Issuer::Public, _) => vec!["public.ecr.aws".into()],
            (_, Hosts::Own) => vec![own.into()],
            (_, Hosts::Accounts(accounts)) => accounts.iter().map(|account| of(account)).collect(),
            (_, Hosts::Named(host)) => vec![host.clone()],
        }
    }
}

impl std::fmt::Display for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = match &self.issuer {
            Issuer::Public => return f.write_str("public.ecr.aws"),
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

fn report(destination: &Destination, done: &[(String, Authorization)]) -> Report {
    let until = |authorization: &Authorization| {
        Timestamp::try_from(authorization.expires_at?).ok().map(|at| format!("{at:.0}"))
    };
    let registry = |(host, authorization): &(String, Authorization)| json!({"registry": host, "username": authorization.username, "expires_at": until(authorization)});
    let line = |(host, authorization): &(String, Authorization)| {
        let until = until(authorization).map(|at| format!(" until {at}")).unwrap_or_default();
        format!("Logged in to {host}{until}.")
    };
    let mut document = json!({"registries": done.iter().map(registry).collect::<Vec<Value>>()});
    let mut lines = Vec::new();
    if let (Destination::Stdout, Some((_, authorization))) = (destination, done.first()) {
        let password = authorization.password.expose_secret();
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
    use std::path::PathBuf;
    use std::sync::Mutex;

    use super::*;

    const ONE: &str = "123456789012";
    const TWO: &str = "210987654321";

    fn request(region: Option<&str>, hosts: Hosts) -> Request {
        let logins = vec![Login { issuer: Issuer::Private(region.map(str::to_owned)), hosts }];
        Request { logins, domain: None, destination: Destination::DockerConfig(PathBuf::from("/home/ci/.docker")) }
    }

    /// Applies against doors that answer and remember.
    async fn apply(request: Request) -> (Report, Vec<String>) {
        let stored = Mutex::new(Vec::new());
        let authorize = |issuer: Issuer| -> BoxFuture<'_, Result<Authorization, Failure>> {
            let region = match issuer {
                Issuer::Private(region) => region.unwrap_or("eu-west-3".into()),
                Issuer::Public => "us-east-1".into(),
            };
            Box::pin(async move {
                Ok(Authorization {
                    username: "AWS".into(),
                    password: format!("geheim-{region}").into(),
                    endpoint: format!("https://{ONE}.dkr.ecr.{region}.amazonaws.com"),
                    expires_at: Some(SystemTime::UNIX_EPOCH),
                })
            })
        };
        let store = |directory: &Path, host: &str, user: &str, password: &SecretString| {
            let line = format!("{} {host} {user} {}", directory.display(), password.expose_secret());
            stored.lock().unwrap().push(line);
            Ok(())
        };
        let registry_host = |account: &str, region: &str, domain: Option<&str>| {
            format!("{account}.dkr.ecr.{region}.{}", domain.unwrap_or("amazonaws.com"))
        };
        let doors = Doors { region_of: |_| None, registry_host, authorize: &authorize, store: &store };
        let report = request.apply(&doors, &Events::none()).await.unwrap();
        (report, stored.into_inner().unwrap())
    }

    #[tokio::test]
    async fn apply_stores_each_hosts_credentials() {
        let accounts = Hosts::Accounts(vec![ONE.into(), TWO.into()]);
        let (report, stored) = apply(request(Some("eu-west-1"), accounts)).await;
        let host = |account: &str| format!("{account}.dkr.ecr.eu-west-1.amazonaws.com");
        assert_eq!(
            stored,
            [ONE, TWO].map(|account| format!("/home/ci/.docker {} AWS geheim-eu-west-1", host(account)))
        );
        assert!(report.summary.starts_with(&format!("Logged in to {} until 1970-01-01T00:00:00Z.", host(ONE))));
        assert!(!format!("{report:?}").contains("geheim"), "{report:?}");
    }

    #[tokio::test]
    async fn apply_names_hosts_after_the_issuer_where_no_region_is_given() {
        let (_, stored) = apply(request(None, Hosts::Accounts(vec![TWO.into()]))).await;
        assert_eq!(stored, [format!("/home/ci/.docker {TWO}.dkr.ecr.eu-west-3.amazonaws.com AWS geheim-eu-west-3")]);
        let (report, _) = apply(request(None, Hosts::Own)).await;
        assert_eq!(report.exports[0].value, format!("{ONE}.dkr.ecr.eu-west-3.amazonaws.com"));
    }

    #[tokio::test]
    async fn apply_takes_the_domain_it_was_given() {
        let given = Request {
            domain: Some("example.test".into()),
            ..request(Some("eu-west-1"), Hosts::Accounts(vec![TWO.into()]))
        };
        let (report, _) = apply(given).await;
        assert_eq!(report.exports[0].value, format!("{TWO}.dkr.ecr.eu-west-1.example.test"));
    }

    #[tokio::test]
    async fn apply_public_registry_has_one_name() {
        let logins = vec![Login { issuer: Issuer::Public, hosts: Hosts::Own }];
        let (_, stored) = apply(Request { logins, ..request(None, Hosts::Own) }).await;
        assert_eq!(stored, ["/home/ci/.docker public.ecr.aws AWS geheim-us-east-1"]);
    }

    #[tokio::test]
    async fn apply_password_on_stdout_is_alone_there() {
        let (report, stored) = apply(Request { destination: Destination::Stdout, ..request(None, Hosts::Own) }).await;
        assert_eq!((report.lines, report.summary.as_str(), stored.len()), (vec!["geheim-eu-west-3".to_owned()], "", 0));
    }
}
