//! The ECR repository that a command is about, by its name and registry, and the API that has it.

use clap::Args;

use super::error::Error;
use super::exit::Failure;
use super::logins::is_loopback;
use super::target::{Registry, RegistryArgs, check_repository};
use super::{Job, session};
use crate::aws::{Ecr, Session};
use crate::config::Settings;
use crate::image::EcrHost;
use crate::repository::arn;

#[derive(Debug, Args)]
#[command(mut_arg("aws_domain", |arg| arg.hide(true)))] // of a registry's name, which is not needed here
pub struct SubjectArgs {
    /// Repository in the registry, e.g. team/shop
    #[arg(long, value_name = "NAME", help_heading = "Registry")]
    pub repo: String,
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Whom a command asks about which repository, before anybody was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub name: String,
    /// None means the caller's own.
    pub account: Option<String>,
    /// None means the profile's.
    pub region: Option<String>,
    pub public: bool,
}

impl SubjectArgs {
    pub fn into_subject(self, settings: &Settings) -> Result<Subject, Error> {
        let name = self.repo;
        check_repository(&name)?;
        let given = || -> Result<_, Error> {
            let region = settings.region().map_err(|why| Error::Setting { flag: "--region".into(), why })?;
            Ok(region.map(|region| region.value.clone()))
        };
        let (account, region, public) = match self.registry.into_registry(settings)? {
            Registry::Public => (None, Some("us-east-1".into()), true),
            Registry::Private { account, region, .. } => (account, region, false),
            Registry::Host(host) => match EcrHost::parse(&host) {
                Some(EcrHost { account, region }) => (Some(account), Some(region), false),
                None if is_loopback(&host) => (None, given()?, false),
                None => {
                    let wanted = "the host of a registry of Amazon ECR";
                    return Err(Error::Value { flag: "--account-url", value: host, wanted });
                }
            },
        };
        Ok(Subject { name, account, region, public })
    }
}

impl Subject {
    pub async fn open(&self, job: &Job) -> Result<Session, Failure> {
        Ok(session::open(&job.settings, self.region.as_deref(), &job.events).await?)
    }

    pub fn ecr(&self, session: &Session) -> Ecr {
        if self.public { session.ecr_public() } else { session.ecr() }
    }

    /// Asks who the caller is, if nobody said whose registry it is. Nobody needs a permission for that.
    pub async fn arn(&self, session: &Session) -> Result<String, Failure> {
        let account = match &self.account {
            Some(account) => account.clone(),
            None => session.sts().caller_identity().await?.account,
        };
        let region = (!self.public).then(|| session.region());
        Ok(arn(&account, region, &self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Env, Given};

    fn subject(account_url: Option<&str>, public: bool, variables: &[(&str, &str)]) -> Result<Subject, Error> {
        let registry = RegistryArgs {
            account_id: vec![],
            account_url: account_url.map(str::to_owned),
            public_registry: Some(public),
            aws_domain: None,
        };
        let env: Env = variables.iter().copied().collect();
        let settings = Settings::resolve(Given::default(), &env).unwrap();
        SubjectArgs { repo: "team/shop".into(), registry }.into_subject(&settings)
    }

    const REGION: (&str, &str) = ("AWS_REGION", "eu-west-1");
    const ACCOUNT: (&str, &str) = ("AWS_ACCOUNT_ID", "123456789012");

    #[test]
    fn subject_is_where_the_registry_is() {
        let at = |account: Option<&str>, region: &str, public| Subject {
            name: "team/shop".into(),
            account: account.map(str::to_owned),
            region: Some(region.into()),
            public,
        };
        assert_eq!(subject(None, false, &[REGION, ACCOUNT]).unwrap(), at(Some(ACCOUNT.1), REGION.1, false));
        let host = "210987654321.dkr.ecr.us-east-2.amazonaws.com";
        assert_eq!(subject(Some(host), false, &[REGION]).unwrap(), at(Some("210987654321"), "us-east-2", false));
        assert_eq!(subject(Some("127.0.0.1:5000"), false, &[REGION]).unwrap(), at(None, REGION.1, false));
        assert_eq!(subject(None, true, &[REGION, ACCOUNT]).unwrap(), at(None, "us-east-1", true));
    }

    #[test]
    fn subject_in_somebody_elses_registry_is_refused() {
        let error = subject(Some("registry.example"), false, &[REGION]).unwrap_err().to_string();
        assert_eq!(error, "--account-url: 'registry.example' is not the host of a registry of Amazon ECR");
    }
}
