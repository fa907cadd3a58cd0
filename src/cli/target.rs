//! Where to push: the orb's parameters, which name an ECR repository by its parts, or whole references.

use clap::Args;

use super::error::Error;
use super::place::Place;
use crate::aws::host::PUBLIC_REGISTRY;
use crate::config::{Setting, Settings};
use crate::image::{Repository, validate_tag};

#[derive(Debug, Args)]
#[command(next_help_heading = "Registry")]
pub struct RegistryArgs {
    /// AWS account of the registry, e.g. 123456789012 [default: $AWS_ACCOUNT_ID, else the caller's]
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with = "account_url")]
    pub account_id: Vec<String>,
    /// Host of the registry, e.g. 123456789012.dkr.ecr.eu-central-1.amazonaws.com [default: $AWS_ECR_ACCOUNT_URL]
    #[arg(long, value_name = "HOST")]
    pub account_url: Option<String>,
    /// Use the public registry, public.ecr.aws
    #[arg(long)]
    pub public_registry: Option<bool>,
    /// Domain of the registry's name, e.g. amazonaws.com.cn [default: what the region's partition has]
    #[arg(long, value_name = "DOMAIN")]
    pub aws_domain: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Where to")]
pub struct TargetArgs {
    /// Repository in the registry, e.g. team/shop
    #[arg(long, value_name = "NAME")]
    pub repo: Option<String>,
    /// Tags, e.g. latest,${CIRCLE_SHA1:0:7} [default: latest]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub tag: Vec<String>,
    /// Whole references, or oci:DIR[:TAG], or docker-archive:FILE, instead of --repo and --tag
    #[arg(long, value_name = "IMAGE", value_delimiter = ',', conflicts_with_all = ["repo", "tag"])]
    pub to: Vec<String>,
    /// Alias of the public registry, e.g. a1b2c3d4 [default: $AWS_ECR_PUBLIC_REGISTRY_ALIAS]
    #[arg(long, value_name = "ALIAS")]
    pub public_registry_alias: Option<String>,
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// A registry as far as it is known before anybody is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registry {
    Private {
        /// Twelve digits; none means the caller's own.
        account: Option<String>,
        /// None means the profile's.
        region: Option<String>,
        /// None means the region's.
        domain: Option<String>,
    },
    /// `public.ecr.aws`
    Public,
    /// Named in full.
    Host(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Places(Vec<Place>),
    Repository {
        registry: Registry,
        /// With the alias before it in the public registry.
        name: String,
        /// At least one.
        tags: Vec<String>,
    },
}

impl Target {
    /// Whether any of it is in the public registry.
    pub fn is_public(&self) -> bool {
        let public = |place: &Place| matches!(place, Place::Registry(reference) if reference.repository.registry == PUBLIC_REGISTRY);
        match self {
            Target::Places(places) => places.iter().any(public),
            Target::Repository { registry, .. } => *registry == Registry::Public,
        }
    }

    /// The account that was named, if any.
    pub fn account(&self) -> Option<String> {
        match self {
            Target::Repository { registry: Registry::Private { account, .. }, .. } => account.clone(),
            _ => None,
        }
    }

    /// Tags of one repository of ECR; `flag` is the one that named them.
    pub fn repository(
        repo: String,
        alias: Option<String>,
        registry: Registry,
        (flag, tags): (&'static str, Vec<String>),
        settings: &Settings,
    ) -> Result<Target, Error> {
        let alias = alias.or_else(|| value(&settings.public_registry_alias));
        let name = match (&registry, alias) {
            (Registry::Public, Some(alias)) => format!("{alias}/{repo}"),
            (Registry::Public, None) => {
                return Err(Error::Missing {
                    what: "the public registry has no alias".into(),
                    hint: "Give --public-registry-alias, or set AWS_ECR_PUBLIC_REGISTRY_ALIAS.",
                });
            }
            _ => repo,
        };
        check_repository(&name)?;
        let tags = if tags.is_empty() { vec!["latest".into()] } else { distinct(tags) };
        tags.iter().try_for_each(|tag| validate_tag(tag)).map_err(|why| Error::Image { flag, why })?;
        Ok(Target::Repository { registry, name, tags })
    }
}

/// The name of a repository without its registry, whichever that turns out to be.
pub fn check_repository(name: &str) -> Result<(), Error> {
    match Repository::new("registry", name) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::Repository(name.to_owned())),
    }
}

impl TargetArgs {
    pub fn into_target(self, settings: &Settings) -> Result<Target, Error> {
        if !self.to.is_empty() {
            let places = self.to.iter().map(|text| Place::parse("--to", text));
            return Ok(Target::Places(places.collect::<Result<_, _>>()?));
        }
        let Some(repo) = self.repo else {
            return Err(Error::Missing {
                what: "nothing says where to push".into(),
                hint: "Give --repo and --tag for ECR, or --to with a whole reference.",
            });
        };
        let registry = self.registry.into_registry(settings)?;
        Target::repository(repo, self.public_registry_alias, registry, ("--tag", self.tag), settings)
    }
}

/// Whether the variable for the registry's host names one on this machine.
pub fn is_here(settings: &Settings) -> bool {
    let host = settings.account_url.as_ref().map(|url| url.value.trim_start_matches("http://"));
    host.is_some_and(|host| ["127.0.0.1", "localhost"].contains(&host.split([':', '/']).next().unwrap_or_default()))
}

impl RegistryArgs {
    /// For commands that work with one registry. A flag wins over a variable, and of the variables the account's
    /// number over the host, unless that is on this machine: a sandbox has both, and ECR is never here.
    pub fn into_registry(self, settings: &Settings) -> Result<Registry, Error> {
        if self.public_registry == Some(true) {
            return Ok(Registry::Public);
        }
        if let Some(url) = &self.account_url {
            return host("--account-url", url).map(Registry::Host);
        }
        let account = match self.account_id.as_slice() {
            [] if is_here(settings) => None,
            [] => value(&settings.account_id).map(|id| account_id("AWS_ACCOUNT_ID", id)),
            [one] => Some(account_id("--account-id", one.clone())),
            _ => return Err(Error::Conflict("--account-id: one account is wanted here".into())),
        };
        let account = account.transpose()?;
        if let (None, Some(url)) = (&account, &settings.account_url) {
            return host("AWS_ECR_ACCOUNT_URL", &url.value).map(Registry::Host);
        }
        let region = settings.region().map_err(|why| Error::Setting { flag: "--region".into(), why })?;
        Ok(Registry::Private { account, region: region.map(|region| region.value.clone()), domain: self.aws_domain })
    }
}

/// Twelve digits, nothing else: the number becomes part of a host's name.
pub fn account_id(flag: &'static str, text: String) -> Result<String, Error> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(text);
    }
    Err(Error::Value { flag, value: text, wanted: "an AWS account (twelve digits)" })
}

/// The host of an address that may come with a scheme or a slash at its end.
pub fn host(flag: &'static str, text: &str) -> Result<String, Error> {
    let host = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
    match Repository::new(host, "x") {
        Ok(repository) if repository.registry == host => Ok(host.into()),
        _ => Err(Error::Value { flag, value: text.into(), wanted: "the host of a registry" }),
    }
}

fn value(setting: &Option<Setting<String>>) -> Option<String> {
    setting.as_ref().map(|setting| setting.value.clone())
}

/// In the order given, each once.
fn distinct(mut list: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    list.retain(|item| seen.insert(item.clone()));
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Env, Given};

    fn args() -> TargetArgs {
        let registry = RegistryArgs { account_id: vec![], account_url: None, public_registry: None, aws_domain: None };
        TargetArgs { repo: Some("team/shop".into()), tag: vec![], to: vec![], public_registry_alias: None, registry }
    }

    fn target(args: TargetArgs, variables: &[(&str, &str)]) -> Result<Target, Error> {
        let env: Env = variables.iter().copied().collect();
        args.into_target(&Settings::resolve(Given::default(), &env).unwrap())
    }

    fn registry(args: TargetArgs, variables: &[(&str, &str)]) -> Registry {
        match target(args, variables).unwrap() {
            Target::Repository { registry, .. } => registry,
            other => panic!("{other:?}"),
        }
    }

    const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

    #[test]
    fn target_account_comes_from_flag_then_variable() {
        let private = |account: &str| Registry::Private {
            account: Some(account.into()),
            region: Some("eu-west-1".into()),
            domain: None,
        };
        let variables =
            [("AWS_REGION", "eu-west-1"), ("AWS_ACCOUNT_ID", "123456789012"), ("AWS_ECR_ACCOUNT_URL", HOST)];
        assert_eq!(registry(args(), &variables), private("123456789012"));
        let mut flagged = args();
        flagged.registry.account_id = vec!["999999999999".into()];
        assert_eq!(registry(flagged, &variables), private("999999999999"));
        assert_eq!(registry(args(), &variables[2..]), Registry::Host(HOST.into()));
        let here = [variables[0], variables[1], ("AWS_ECR_ACCOUNT_URL", "127.0.0.1:4711")];
        assert_eq!(registry(args(), &here), Registry::Host("127.0.0.1:4711".into()));
        assert_eq!(registry(args(), &[]), Registry::Private { account: None, region: None, domain: None });
    }

    #[test]
    fn target_host_may_be_written_as_an_address() {
        let mut args = args();
        args.registry.account_url = Some(format!("https://{HOST}/"));
        assert_eq!(registry(args, &[]), Registry::Host(HOST.into()));
        for wrong in ["http://x", "a b", "user@host.example", "host.example/path"] {
            assert!(host("--account-url", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn target_public_registry_needs_its_alias() {
        let public =
            || TargetArgs { registry: RegistryArgs { public_registry: Some(true), ..args().registry }, ..args() };
        assert!(target(public(), &[]).is_err());
        let Target::Repository { name, .. } = target(public(), &[("AWS_ECR_PUBLIC_REGISTRY_ALIAS", "a1")]).unwrap()
        else {
            panic!()
        };
        assert_eq!(name, "a1/team/shop");
    }

    #[test]
    fn target_tags_are_checked_and_taken_once() {
        let tagged =
            |tags: &[&str]| target(TargetArgs { tag: tags.iter().map(|tag| tag.to_string()).collect(), ..args() }, &[]);
        let Target::Repository { tags, .. } = tagged(&["v1", "latest", "v1"]).unwrap() else { panic!() };
        assert_eq!(tags, ["v1", "latest"]);
        assert_eq!(tagged(&["feature/x"]).unwrap_err().to_string(), "--tag: 'feature/x' is not a tag");
    }

    #[test]
    fn target_account_that_is_none_is_refused() {
        let error = target(args(), &[("AWS_ACCOUNT_ID", "$(aws sts)")]).unwrap_err().to_string();
        assert_eq!(error, "AWS_ACCOUNT_ID: '$(aws sts)' is not an AWS account (twelve digits)");
    }

    #[test]
    fn target_without_repository_is_refused() {
        assert!(target(TargetArgs { repo: None, ..args() }, &[]).unwrap_err().to_string().contains("where to push"));
        let bad = TargetArgs { repo: Some("Team/Shop".into()), ..args() };
        assert!(target(bad, &[]).unwrap_err().to_string().starts_with("--repo: "));
    }
}
