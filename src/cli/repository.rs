//! Flags that say how an ECR repository is to be: made if it is missing, with which scans, encryption, policies.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::error::Error;
use super::exit::Failure;
use super::values::Template;
use crate::deploy::{Subst, parse_tags};
use crate::repository;

#[derive(Debug, Args)]
#[command(next_help_heading = "The repository")]
pub struct RepositoryArgs {
    /// Make the repository if it is missing
    #[arg(long)]
    pub create_repo: Option<bool>,
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
    pub repo_image_tag_mutability: Option<Mutability>,
    /// New repository: tags that are excepted from that, e.g. latest,dev-*
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub repo_image_tag_exclusion_filters: Vec<String>,
    /// New repository: its resource tags, e.g. "Key=team,Value=web Key=stage,Value=prod", or as JSON
    #[arg(long, value_name = "TAGS")]
    pub repo_tag: Option<Template>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Encryption {
    #[default]
    #[value(name = "AES256")]
    Aes256,
    #[value(name = "KMS")]
    Kms,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Mutability {
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

/// What is wanted of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    pub create: Option<NewRepository>,
    pub lifecycle_policy: Option<PathBuf>,
    pub policy: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRepository {
    pub scan_on_push: bool,
    pub encryption: Encryption,
    /// None with KMS is the account's own key for ECR.
    pub kms_key: Option<String>,
    pub mutability: Mutability,
    pub exclusion_filters: Vec<String>,
    pub tags: Vec<(String, String)>,
}

impl Repository {
    /// Whether anything is to be seen to before the push.
    pub fn is_asked_for(&self) -> bool {
        self.create.is_some() || self.lifecycle_policy.is_some() || self.policy.is_some()
    }

    pub fn request(&self, name: &str, account: Option<String>) -> Result<repository::Request, Error> {
        Ok(repository::Request {
            name: name.to_owned(),
            account,
            create: self.create.as_ref().map(NewRepository::settings),
            lifecycle_policy: self.lifecycle_policy.as_deref().map(read).transpose()?,
            policy: self.policy.as_deref().map(read).transpose()?,
        })
    }
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|why| Error::File { path: path.to_owned(), why })
}

impl RepositoryArgs {
    /// The parameters of a new repository are checked even when none is to be made, as they are meant for one.
    pub fn into_repository(self, subst: Subst<'_>) -> Result<Repository, Failure> {
        let tags = self.repo_tag.map(|text| parse_tags(&text.0, subst)).transpose()?.unwrap_or_default();
        let new = NewRepository {
            scan_on_push: self.repo_scan_on_push.unwrap_or(true),
            encryption: self.repo_encryption_type.unwrap_or_default(),
            kms_key: self.repo_encryption_kms_key,
            mutability: self.repo_image_tag_mutability.unwrap_or_default(),
            exclusion_filters: self.repo_image_tag_exclusion_filters,
            tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        };
        new.check()?;
        let policy = match (self.set_repo_policy, self.repo_policy_path) {
            (Some(true), None) => {
                let what = "--set-repo-policy has no policy to set".into();
                return Err(Error::Missing { what, hint: "Give the policy's file with --repo-policy-path." }.into());
            }
            (Some(true), path) => path,
            _ => None,
        };
        let create = self.create_repo.unwrap_or_default().then_some(new);
        Ok(Repository { create, lifecycle_policy: self.lifecycle_policy_path, policy })
    }
}

impl NewRepository {
    fn settings(&self) -> repository::Settings {
        let kms_key = self.kms_key.clone().unwrap_or_default();
        let mutability = self.mutability.to_possible_value().map(|value| value.get_name().to_owned());
        repository::Settings {
            scan_on_push: self.scan_on_push,
            kms_key: (self.encryption == Encryption::Kms).then_some(kms_key),
            mutability: mutability.unwrap_or_default(),
            exclusion_filters: self.exclusion_filters.clone(),
            tags: self.tags.clone(),
        }
    }

    fn check(&self) -> Result<(), Error> {
        let excepting =
            matches!(self.mutability, Mutability::ImmutableWithExclusion | Mutability::MutableWithExclusion);
        let conflict = |text: &str| Err(Error::Conflict(text.into()));
        if self.kms_key.is_some() && self.encryption != Encryption::Kms {
            return conflict("--repo-encryption-kms-key needs --repo-encryption-type KMS");
        }
        if excepting && self.exclusion_filters.is_empty() {
            return conflict("--repo-image-tag-mutability with exclusion needs --repo-image-tag-exclusion-filters");
        }
        if !excepting && !self.exclusion_filters.is_empty() {
            return conflict("--repo-image-tag-exclusion-filters needs a --repo-image-tag-mutability with exclusion");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> RepositoryArgs {
        RepositoryArgs {
            create_repo: Some(true),
            repo_scan_on_push: None,
            repo_encryption_type: None,
            repo_encryption_kms_key: None,
            repo_image_tag_mutability: None,
            repo_image_tag_exclusion_filters: vec![],
            repo_tag: None,
            lifecycle_policy_path: None,
            set_repo_policy: None,
            repo_policy_path: Some("policy.json".into()),
        }
    }

    #[test]
    fn repository_takes_the_orbs_defaults() {
        let repository = args().into_repository(&|text| Ok(text.to_owned())).unwrap();
        let new = repository.create.unwrap();
        assert!(new.scan_on_push && new.encryption == Encryption::Aes256 && new.mutability == Mutability::Mutable);
        assert_eq!(repository.policy, None, "a policy's path alone sets no policy");
        let none = RepositoryArgs { create_repo: None, ..args() };
        assert_eq!(none.into_repository(&|text| Ok(text.to_owned())).unwrap().create, None);
    }

    #[test]
    fn repository_contradictions_are_refused() {
        for wrong in [
            RepositoryArgs { set_repo_policy: Some(true), repo_policy_path: None, ..args() },
            RepositoryArgs { repo_encryption_kms_key: Some("alias/x".into()), ..args() },
            RepositoryArgs { repo_image_tag_mutability: Some(Mutability::ImmutableWithExclusion), ..args() },
            RepositoryArgs { repo_image_tag_exclusion_filters: vec!["dev-*".into()], ..args() },
        ] {
            assert!(wrong.into_repository(&|text| Ok(text.to_owned())).is_err());
        }
    }
}
