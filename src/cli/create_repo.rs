//! `create-repo`: an ECR repository, made if it is missing.

use std::path::PathBuf;

use clap::{Arg, Args};

use super::Job;
use super::edits::expand;
use super::exit::{Done, Failure};
use super::repository::{Repository, SettingArgs, lifecycle_policy, policy};
use super::subject::{Subject, SubjectArgs};
use crate::repository::{self, Request};

#[derive(Debug, Args)]
#[command(mut_args(as_the_orb_names_it))]
#[command(after_help = "Examples:
  dockless create-repo --repo team/shop --image-tag-mutability IMMUTABLE --repo-tag 'Key=team,Value=web shop'
  dockless create-repo --repo team/shop --image-tag-mutability IMMUTABLE_WITH_EXCLUSION \\
    --image-tag-exclusion-filters 'latest,dev-*' --lifecycle-policy-path ecr/lifecycle.json --repo-policy-path ecr/policy.json

A repository that exists is success. Settings in which it differs from what was asked for are told, and changed with
--adjust; its policies are set where they differ. Its address is printed.")]
pub struct CreateRepo {
    #[command(flatten)]
    pub subject: SubjectArgs,
    #[command(flatten)]
    pub new: SettingArgs,
    /// Change the settings of a repository that exists, too: its tags' mutability, its scans, its resource tags
    #[arg(long, help_heading = "The repository")]
    pub adjust: Option<bool>,
    /// Lifecycle policy to put on the repository, e.g. ecr/lifecycle.json
    #[arg(long, value_name = "FILE", help_heading = "The repository")]
    pub lifecycle_policy_path: Option<PathBuf>,
    /// Repository policy to put on it, e.g. ecr/policy.json
    #[arg(long, value_name = "FILE", help_heading = "The repository")]
    pub repo_policy_path: Option<PathBuf>,
}

/// Here three parameters lack the `repo` that `build_and_push_image` has before them.
fn as_the_orb_names_it(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "repo_encryption_kms_key" => arg.long("encryption-kms-key").alias("repo-encryption-kms-key"),
        "repo_image_tag_mutability" => arg.long("image-tag-mutability").alias("repo-image-tag-mutability"),
        "repo_image_tag_exclusion_filters" => {
            arg.long("image-tag-exclusion-filters").alias("repo-image-tag-exclusion-filters")
        }
        _ => arg,
    }
}

impl CreateRepo {
    fn into_request(self, job: &Job) -> Result<(Subject, Request), Failure> {
        let subject = self.subject.into_subject(&job.settings)?;
        let wanted = Repository {
            create: Some(self.new.into_settings(&|text| expand(job, text))?),
            lifecycle_policy: self.lifecycle_policy_path.as_deref().map(lifecycle_policy).transpose()?,
            policy: self.repo_policy_path.as_deref().map(policy).transpose()?,
        };
        if subject.public {
            wanted.check_public()?;
        }
        let request = wanted.request(&subject.name, subject.account.clone(), subject.public);
        Ok((subject, Request { adjust: self.adjust.unwrap_or_default(), ..request }))
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let (subject, request) = self.into_request(job)?;
        settle(&subject, &request, job).await
    }
}

/// Makes the repository what it was asked to be, or says what that would take.
pub async fn settle(subject: &Subject, request: &Request, job: &Job) -> Result<Done, Failure> {
    let ecr = subject.ecr(&subject.open(job).await?);
    let snapshot = repository::observe(&ecr, request).await?;
    let plan = repository::plan(request, &snapshot);
    if job.settings.dry_run {
        return Ok(repository::planned(&plan).into());
    }
    let applied = repository::apply(&ecr, &plan, &job.events).await?;
    Ok(repository::report(&plan, &applied).into())
}
