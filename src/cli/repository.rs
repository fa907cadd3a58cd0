//! Flags that say how an ECR repository is to be: made if it is missing, with which scans, encryption, policies.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::error::Error;
use super::exit::Failure;
use super::values::Template;
use crate::deploy::{self, Subst, parse_tags};
use crate::report::Explain;
use crate::repository::{self, Mutability, Settings};

#[derive(Debug, Args)]
#[command(next_help_heading = "The repository")]
pub struct RepositoryArgs {
    /// Make the repository if it is missing
    #[arg(long)]
    pub create_repo: Option<bool>,
    #[command(flatten)]
    pub new: SettingArgs,
    /// Lifecycle policy to put on the repository, e.g. ecr/lifecycle.json
    #[arg(long, value_name = "FILE")]
    pub lifecycle_policy_path: Option<PathBuf>,
    /// Put the policy of --repo-policy-path on the repository
    #[arg(long)]
    pub set_repo_policy: Option<bool>,
    /// Repository policy, e.g. ecr/policy.json
    #[arg(long, value_name = "FILE")]
    pub repo_policy_path: Option<PathBuf>,
}

/// How a repository is made.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "The repository")]
pub struct SettingArgs {
    /// New repository: scan images when they are pushed [default: true]
    #[arg(long)]
    pub repo_scan_on_push: Option<bool>,
    /// New repository: encryption [default: AES256]
    #[arg(long, value_name = "TYPE", ignore_case = true)]
    pub repo_encryption_type: Option<Encryption>,
    /// New repository: KMS key, by id, alias or ARN, e.g. alias/images
    #[arg(long, value_name = "KEY")]
    pub repo_encryption_kms_key: Option<String>,
    /// New repository: whether tags may move [default: MUTABLE]
    #[arg(long, value_name = "MUTABILITY", ignore_case = true)]
    pub repo_image_tag_mutability: Option<TagMutability>,
    /// New repository: tags that are excepted from that, e.g. latest,dev-*
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub repo_image_tag_exclusion_filters: Vec<String>,
    /// New repository: its resource tags, e.g. "Key=team,Value=web Key=stage,Value=prod", or as JSON
    #[arg(long, value_name = "TAGS")]
    pub repo_tag: Option<Template>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Encryption {
    #[default]
    #[value(name = "AES256")]
    Aes256,
    #[value(name = "KMS")]
    Kms,
    #[value(name = "KMS_DSSE")]
    KmsDsse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TagMutability {
    #[default]
    #[value(name = "MUTABLE")]
    Mutable,
    #[value(name = "IMMUTABLE")]
    Immutable,
    #[value(name = "IMMUTABLE_WITH_EXCLUSION")]
    ImmutableWithExclusion,
    #[value(name = "MUTABLE_WITH_EXCLUSION")]
    MutableWithExclusion,
}

/// What is wanted of the repository, its files read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Repository {
    pub create: Option<Settings>,
    pub lifecycle_policy: Option<String>,
    pub policy: Option<String>,
}

impl Repository {
    /// Whether anything is to be seen to before the push.
    pub fn is_asked_for(&self) -> bool {
        self.create.is_some() || self.lifecycle_policy.is_some() || self.policy.is_some()
    }

    pub fn request(&self, name: &str, account: Option<String>, public: bool) -> repository::Request {
        let Repository { create, lifecycle_policy, policy } = self.clone();
        repository::Request { name: name.to_owned(), account, public, create, adjust: false, lifecycle_policy, policy }
    }

    /// The public gallery has neither of these.
    pub fn check_public(&self) -> Result<(), Error> {
        let settings = self.create.clone().unwrap_or_default();
        let asked = [
            ("lifecycle policy", self.lifecycle_policy.is_some()),
            ("encryption of one's own", settings.encryption.is_some_and(|encryption| encryption.kind != "AES256")),
            ("immutable tags", settings.mutability.is_some_and(|mutability| mutability.to_string() != "MUTABLE")),
        ];
        match asked.iter().find(|(_, asked)| *asked) {
            Some((what, _)) => Err(Error::Missing {
                what: format!("a repository of the public registry has no {what}"),
                hint: "It has resource tags and a policy: leave out what else was asked for.",
            }),
            None => Ok(()),
        }
    }
}

/// A repository's policy, read and looked through.
pub fn policy(path: &Path) -> Result<String, Error> {
    document(path, "a repository policy", repository::check_policy)
}

pub fn lifecycle_policy(path: &Path) -> Result<String, Error> {
    document(path, "a lifecycle policy", repository::check_lifecycle)
}

fn document(path: &Path, what: &'static str, check: fn(&str) -> Result<(), String>) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|why| Error::File { path: path.to_owned(), why })?;
    check(&text).map_err(|why| Error::Policy { path: path.to_owned(), what, why })?;
    Ok(text)
}

impl RepositoryArgs {
    /// The parameters of a new repository are checked even when none is to be made, as they are meant for one.
    pub fn into_repository(self, subst: Subst<'_>) -> Result<Repository, Failure> {
        let settings = self.new.into_settings(subst)?;
        let wanted = match (self.set_repo_policy, self.repo_policy_path) {
            (Some(true), None) => {
                let what = "--set-repo-policy has no policy to set".into();
                return Err(Error::Missing { what, hint: "Give the policy's file with --repo-policy-path." }.into());
            }
            (Some(true), path) => path,
            _ => None,
        };
        Ok(Repository {
            create: self.create_repo.unwrap_or_default().then_some(settings),
            lifecycle_policy: self.lifecycle_policy_path.as_deref().map(lifecycle_policy).transpose()?,
            policy: wanted.as_deref().map(policy).transpose()?,
        })
    }
}

impl SettingArgs {
    pub fn into_settings(self, subst: Subst<'_>) -> Result<Settings, Failure> {
        let (kind, key) = (self.repo_encryption_type, self.repo_encryption_kms_key);
        let encryption = match (kind, key) {
            (None, None) => None,
            (kind, key) => Some(repository::Encryption::new(&word(kind.unwrap_or_default()), key)?),
        };
        let mutability = match (self.repo_image_tag_mutability, self.repo_image_tag_exclusion_filters) {
            (None, filters) if filters.is_empty() => None,
            (mutability, filters) => Some(Mutability::new(&word(mutability.unwrap_or_default()), filters)?),
        };
        let tags = tags("--repo-tag", self.repo_tag, subst)?;
        Ok(Settings { scan_on_push: self.repo_scan_on_push, encryption, mutability, tags })
    }
}

/// Resource tags in either form; variables are replaced after the text has been taken apart.
pub fn tags(flag: &'static str, text: Option<Template>, subst: Subst<'_>) -> Result<Vec<(String, String)>, Error> {
    let parsed = text.map(|text| parse_tags(&text.0, subst)).transpose();
    let tags = parsed.map_err(|error| match error {
        deploy::Error::Tags { why, hint } => Error::Tags { flag, why, hint },
        other => Error::Tags { flag, why: other.to_string(), hint: other.hint() },
    })?;
    Ok(tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// As ECR writes it.
fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> RepositoryArgs {
        RepositoryArgs {
            create_repo: Some(true),
            new: SettingArgs::default(),
            lifecycle_policy_path: None,
            set_repo_policy: None,
            repo_policy_path: Some("policy.json".into()),
        }
    }

    fn plain(text: &str) -> Result<String, crate::deploy::SubstError> {
        Ok(text.to_owned())
    }

    #[test]
    fn repository_says_only_what_was_said() {
        let repository = args().into_repository(&plain).unwrap();
        assert_eq!(repository.create, Some(Settings::default()));
        assert_eq!(repository.policy, None, "a policy's path alone sets no policy");
        let none = RepositoryArgs { create_repo: None, ..args() };
        assert_eq!(none.into_repository(&plain).unwrap().create, None);
    }

    #[test]
    fn repository_settings_go_by_ecrs_names() {
        let new = SettingArgs {
            repo_encryption_type: Some(Encryption::KmsDsse),
            repo_image_tag_mutability: Some(TagMutability::ImmutableWithExclusion),
            repo_image_tag_exclusion_filters: vec!["dev-*".into()],
            ..SettingArgs::default()
        };
        let settings = new.into_settings(&plain).unwrap();
        assert_eq!(settings.encryption.unwrap().kind, "KMS_DSSE");
        assert_eq!(settings.mutability.unwrap().to_string(), "IMMUTABLE_WITH_EXCLUSION of dev-*");
    }

    #[test]
    fn repository_contradictions_are_refused() {
        let new = |new: SettingArgs| RepositoryArgs { new, ..args() };
        let filters = vec!["dev-*".to_owned()];
        for wrong in [
            RepositoryArgs { set_repo_policy: Some(true), repo_policy_path: None, ..args() },
            new(SettingArgs { repo_encryption_kms_key: Some("alias/x".into()), ..SettingArgs::default() }),
            new(SettingArgs {
                repo_image_tag_mutability: Some(TagMutability::ImmutableWithExclusion),
                ..SettingArgs::default()
            }),
            new(SettingArgs { repo_image_tag_exclusion_filters: filters, ..SettingArgs::default() }),
        ] {
            assert!(wrong.into_repository(&plain).is_err());
        }
    }

    #[test]
    fn repository_of_the_public_registry_has_few_settings() {
        let mutability = Some(Mutability::new("IMMUTABLE", vec![]).unwrap());
        let immutable = Settings { mutability, ..Settings::default() };
        let of = |settings| Repository { create: Some(settings), ..Repository::default() };
        let aes = Some(repository::Encryption::new("AES256", None).unwrap());
        let orbs = Settings { scan_on_push: Some(true), encryption: aes, ..Settings::default() };
        assert!(of(orbs).check_public().is_ok(), "the orb's defaults ask for nothing");
        assert!(of(immutable).check_public().is_err());
        let expiring = Repository { lifecycle_policy: Some("{}".into()), ..Repository::default() };
        assert!(expiring.check_public().unwrap_err().to_string().contains("lifecycle policy"));
    }
}
