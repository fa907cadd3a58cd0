//! `ecr-login`: credentials for ECR registries, written where Docker and its kin look for them. One call to AWS per
//! region; its answer is good for every account's registry there. No credential helper is installed or needed:
//! dockless itself logs in wherever it pushes.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::Job;
use super::error::Error;
use super::exit::{Done, Failure};
use super::target::{RegistryArgs, account_id, host};
use crate::config::Settings;
use crate::report::{Events, Export, Outcome, Report};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless ecr-login
  dockless ecr-login --account-id 123456789012,210987654321 --region eu-central-1,us-east-1
  dockless ecr-login --password-stdout | docker login --username AWS --password-stdin \"$AWS_ECR_ACCOUNT_URL\"")]
pub struct EcrLogin {
    #[command(flatten)]
    pub registry: RegistryArgs,
    /// Print the password to stdout and write no file
    #[arg(long)]
    pub password_stdout: Option<bool>,
    /// Accepted because the orb has it; no helper is needed
    #[arg(long, hide = true)]
    pub use_credentials_helper: Option<bool>,
}

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

/// Where the passwords go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    Stdout,
    /// Directory of Docker's `config.json`.
    DockerConfig(PathBuf),
}

/// What is meant; there is nothing to observe, so it is the plan as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub logins: Vec<Login>,
    /// None means the region's.
    pub domain: Option<String>,
    pub destination: Destination,
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

/// What this subcommand needs of other rooms.
pub struct Doors<'a> {
    /// The region that an ECR host's name holds.
    pub region_of: fn(&str) -> Option<String>,
    /// Account, region, domain.
    pub registry_host: fn(&str, &str, Option<&str>) -> String,
    pub authorize: &'a (dyn Fn(Issuer) -> BoxFuture<'a, Result<Authorization, Failure>> + Send + Sync),
    /// Directory, host, user, password.
    pub store: &'a (dyn Fn(&Path, &str, &str, &SecretString) -> Result<(), Failure> + Send + Sync),
}

impl EcrLogin {
    pub fn into_request(self, settings: &Settings, region_of: fn(&str) -> Option<String>) -> Result<Request, Error> {
        let password_stdout = self.password_stdout.unwrap_or_default();
        let domain = self.registry.aws_domain.clone();
        let logins = logins(self.registry, settings, region_of)?;
        if password_stdout && logins.len() > 1 {
            return Err(Error::Conflict(format!(
                "--password-stdout prints one password, and {} regions have one each",
                logins.len()
            )));
        }
        let destination = match (password_stdout, &settings.docker_config) {
            (true, _) => Destination::Stdout,
            (false, Some(directory)) => Destination::DockerConfig(directory.clone()),
            (false, None) => {
                return Err(Error::Missing {
                    what: "there is no place for Docker's config.json".into(),
                    hint: "Set HOME or DOCKER_CONFIG, or give --password-stdout.",
                });
            }
        };
        Ok(Request { logins, domain, destination })
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        if self.use_credentials_helper == Some(true) {
            job.events.step("No credential helper is installed: the credentials themselves are written.");
        }
        let unconnected = || Error::Unconnected("ecr-login").into();
        let doors = Doors {
            region_of: |_| None,
            registry_host: |account, region, _| format!("{account}.dkr.ecr.{region}.amazonaws.com"),
            authorize: &|_issuer| Box::pin(async move { Err(unconnected()) }),
            store: &|_directory, _host, _user, _password| Err(unconnected()),
        };
        let request = self.into_request(&job.settings, doors.region_of)?;
        if job.settings.dry_run {
            return Ok(request.planned().into());
        }
        Ok(request.apply(&doors, &job.events).await?.into())
    }
}

fn logins(args: RegistryArgs, settings: &Settings, region_of: fn(&str) -> Option<String>) -> Result<Vec<Login>, Error> {
    if args.public_registry == Some(true) {
        return Ok(vec![Login { issuer: Issuer::Public, hosts: Hosts::Own }]);
    }
    let variables = (&settings.account_id, &settings.account_url);
    let hosts = match (args.account_id, args.account_url, variables) {
        (_, Some(url), _) => Hosts::Named(host("--account-url", &url)?),
        (ids, None, _) if !ids.is_empty() => {
            Hosts::Accounts(ids.into_iter().map(|id| account_id("--account-id", id)).collect::<Result<_, _>>()?)
        }
        (_, None, (Some(id), _)) => Hosts::Accounts(vec![account_id("AWS_ACCOUNT_ID", id.value.clone())?]),
        (_, None, (None, Some(url))) => Hosts::Named(host("AWS_ECR_ACCOUNT_URL", &url.value)?),
        (_, None, (None, None)) => Hosts::Own,
    };
    // A password works where it was issued, so a host's own region decides over all others.
    if let Hosts::Named(name) = &hosts
        && let Some(region) = region_of(name)
    {
        return Ok(vec![Login { issuer: Issuer::Private(Some(region)), hosts }]);
    }
    let login = |region: Option<String>| Login { issuer: Issuer::Private(region), hosts: hosts.clone() };
    let mut logins: Vec<Login> = settings.regions.iter().map(|region| login(Some(region.value.clone()))).collect();
    logins.dedup();
    Ok(if logins.is_empty() { vec![login(None)] } else { logins })
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
    use std::sync::Mutex;

    use super::*;
    use crate::config::{Env, Given};

    fn args() -> EcrLogin {
        let registry = RegistryArgs { account_id: vec![], account_url: None, public_registry: None, aws_domain: None };
        EcrLogin { registry, password_stdout: None, use_credentials_helper: None }
    }

    fn region_of(host: &str) -> Option<String> {
        host.split_once(".dkr.ecr.").and_then(|(_, rest)| Some(rest.split_once('.')?.0.to_owned()))
    }

    fn request(args: EcrLogin, variables: &[(&str, &str)], regions: &[&str]) -> Result<Request, Error> {
        let given = Given { regions: regions.iter().map(|region| region.to_string()).collect(), ..Given::default() };
        args.into_request(&Settings::resolve(given, &variables.iter().copied().collect::<Env>()).unwrap(), region_of)
    }

    const HOME: (&str, &str) = ("HOME", "/home/ci");
    const ONE: &str = "123456789012";
    const TWO: &str = "210987654321";

    fn private(region: Option<&str>, hosts: Hosts) -> Login {
        Login { issuer: Issuer::Private(region.map(str::to_owned)), hosts }
    }

    #[test]
    fn login_without_anything_is_the_callers_own() {
        let request = request(args(), &[HOME], &[]).unwrap();
        assert_eq!(request.logins, [private(None, Hosts::Own)]);
        assert_eq!(request.destination, Destination::DockerConfig("/home/ci/.docker".into()));
    }

    #[test]
    fn login_asks_once_per_region() {
        let mut several = args();
        several.registry.account_id = vec![ONE.into(), TWO.into()];
        let accounts = Hosts::Accounts(vec![ONE.into(), TWO.into()]);
        let logins = request(several, &[HOME], &["eu-west-1", "us-east-1"]).unwrap().logins;
        assert_eq!(logins, [private(Some("eu-west-1"), accounts.clone()), private(Some("us-east-1"), accounts)]);
    }

    #[test]
    fn login_takes_a_hosts_region_from_its_name() {
        let mut named = args();
        let name = format!("{ONE}.dkr.ecr.us-east-1.amazonaws.com");
        named.registry.account_url = Some(format!("https://{name}"));
        let logins = request(named, &[HOME, ("AWS_ACCOUNT_ID", TWO)], &["eu-west-1"]).unwrap().logins;
        assert_eq!(logins, [private(Some("us-east-1"), Hosts::Named(name))]);
    }

    #[test]
    fn login_variables_stand_in_for_flags() {
        let logins = |variables: &[_]| request(args(), &[variables, &[HOME]].concat(), &[]).unwrap().logins;
        let region = ("AWS_REGION", "eu-west-1");
        assert_eq!(
            logins(&[region, ("AWS_ACCOUNT_ID", ONE)]),
            [private(Some("eu-west-1"), Hosts::Accounts(vec![ONE.into()]))]
        );
        assert_eq!(
            logins(&[region, ("AWS_ECR_ACCOUNT_URL", "registry.example")]),
            [private(Some("eu-west-1"), Hosts::Named("registry.example".into()))]
        );
    }

    #[test]
    fn login_impossible_requests_are_refused() {
        let stdout = EcrLogin { password_stdout: Some(true), ..args() };
        assert!(request(stdout, &[], &["eu-west-1", "us-east-1"]).is_err(), "two passwords on stdout");
        assert!(request(args(), &[], &[]).is_err(), "no home");
        let mut wrong = args();
        wrong.registry.account_id = vec!["12".into()];
        assert!(request(wrong, &[HOME], &[]).is_err(), "account");
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
        let doors = Doors { region_of, registry_host, authorize: &authorize, store: &store };
        let report = request.apply(&doors, &Events::none()).await.unwrap();
        (report, stored.into_inner().unwrap())
    }

    #[tokio::test]
    async fn apply_stores_each_hosts_credentials() {
        let mut several = args();
        several.registry.account_id = vec![ONE.into(), TWO.into()];
        let (report, stored) = apply(request(several, &[HOME], &["eu-west-1"]).unwrap()).await;
        let line =
            |account: &str| format!("/home/ci/.docker {account}.dkr.ecr.eu-west-1.amazonaws.com AWS geheim-eu-west-1");
        assert_eq!(stored, [line(ONE), line(TWO)]);
        assert!(
            report.summary.starts_with(&format!(
                "Logged in to {ONE}.dkr.ecr.eu-west-1.amazonaws.com until 1970-01-01T00:00:00Z."
            ))
        );
        assert!(!format!("{report:?}").contains("geheim"), "{report:?}");
    }

    #[tokio::test]
    async fn apply_names_hosts_after_the_issuer_where_no_region_is_given() {
        let mut other = args();
        other.registry.account_id = vec![TWO.into()];
        let (_, stored) = apply(request(other, &[HOME], &[]).unwrap()).await;
        assert_eq!(stored, [format!("/home/ci/.docker {TWO}.dkr.ecr.eu-west-3.amazonaws.com AWS geheim-eu-west-3")]);
        let (report, _) = apply(request(args(), &[HOME], &[]).unwrap()).await;
        assert_eq!(report.exports[0].value, format!("{ONE}.dkr.ecr.eu-west-3.amazonaws.com"));
        let mut public = args();
        public.registry.public_registry = Some(true);
        let (_, stored) = apply(request(public, &[HOME], &[]).unwrap()).await;
        assert_eq!(stored, ["/home/ci/.docker public.ecr.aws AWS geheim-us-east-1"]);
    }

    #[tokio::test]
    async fn apply_password_on_stdout_is_alone_there() {
        let stdout = EcrLogin { password_stdout: Some(true), ..args() };
        let (report, stored) = apply(request(stdout, &[], &["eu-west-1"]).unwrap()).await;
        assert_eq!((report.lines, report.summary.as_str(), stored.len()), (vec!["geheim-eu-west-1".to_owned()], "", 0));
    }
}
