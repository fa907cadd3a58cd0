//! `ecr-login`: credentials for ECR registries, written where Docker and its kin look for them. One call to AWS per
//! region; its answer is good for every account's registry there. No credential helper is installed or needed:
//! dockless itself logs in wherever it pushes.

mod login;

use std::path::PathBuf;

use clap::Args;

use self::login::{Hosts, Issuer, Login};
use super::error::Error;
use super::exit::{Done, Failure};
use super::job::Job;
use super::session;
use super::target::{RegistryArgs, account_id, host, is_here};
use crate::config::Settings;
use crate::image::EcrHost;

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

impl EcrLogin {
    pub fn into_request(self, settings: &Settings) -> Result<Request, Error> {
        let password_stdout = self.password_stdout.unwrap_or_default();
        let domain = self.registry.aws_domain.clone();
        let logins = logins(self.registry, settings)?;
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
        let request = self.into_request(&job.settings)?;
        if job.settings.dry_run {
            return Ok(request.planned().into());
        }
        let session = session::open(&job.settings, request.region(), &job.events).await?;
        Ok(request.apply(&session, &job.events).await?.into())
    }
}

fn logins(args: RegistryArgs, settings: &Settings) -> Result<Vec<Login>, Error> {
    if args.public_registry == Some(true) {
        return Ok(vec![Login { issuer: Issuer::Public, hosts: Hosts::Own }]);
    }
    let variables = (&settings.account_id, &settings.account_url);
    let hosts = match (args.account_id, args.account_url, variables) {
        (_, Some(url), _) => Hosts::Named(host("--account-url", &url)?),
        (ids, None, _) if !ids.is_empty() => {
            Hosts::Accounts(ids.into_iter().map(|id| account_id("--account-id", id)).collect::<Result<_, _>>()?)
        }
        (_, None, (Some(id), _)) if !is_here(settings) => {
            Hosts::Accounts(vec![account_id("AWS_ACCOUNT_ID", id.value.clone())?])
        }
        (_, None, (_, Some(url))) => Hosts::Named(host("AWS_ECR_ACCOUNT_URL", &url.value)?),
        (_, None, (_, None)) => Hosts::Own,
    };
    // A password works where it was issued, so a host's own region decides over all others.
    if let Hosts::Named(name) = &hosts
        && let Some(host) = EcrHost::parse(name)
    {
        return Ok(vec![Login { issuer: Issuer::Private(Some(host.region)), hosts }]);
    }
    let login = |region: Option<String>| Login { issuer: Issuer::Private(region), hosts: hosts.clone() };
    let mut logins: Vec<Login> = settings.regions.iter().map(|region| login(Some(region.value.clone()))).collect();
    logins.dedup();
    Ok(if logins.is_empty() { vec![login(None)] } else { logins })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Env, Given};

    fn args() -> EcrLogin {
        let registry = RegistryArgs { account_id: vec![], account_url: None, public_registry: None, aws_domain: None };
        EcrLogin { registry, password_stdout: None, use_credentials_helper: None }
    }

    fn request(args: EcrLogin, variables: &[(&str, &str)], regions: &[&str]) -> Result<Request, Error> {
        let given = Given { regions: regions.iter().map(|region| region.to_string()).collect(), ..Given::default() };
        args.into_request(&Settings::resolve(given, &variables.iter().copied().collect::<Env>()).unwrap())
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
            logins(&[region, ("AWS_ACCOUNT_ID", ONE), ("AWS_ECR_ACCOUNT_URL", "localhost:4711")]),
            [private(Some("eu-west-1"), Hosts::Named("localhost:4711".into()))]
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
}
