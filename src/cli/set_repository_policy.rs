//! `set-repository-policy`: who else may use an ECR repository. A policy that says the same already is left alone.

use std::path::PathBuf;

use clap::Args;

use super::Job;
use super::create_repo::settle;
use super::exit::{Done, Failure};
use super::repository::{Repository, policy};
use super::subject::{Subject, SubjectArgs};
use crate::repository::Request;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  dockless set-repository-policy --repo team/shop --repo-policy-path ecr/policy.json

The file is checked before anything is sent; a policy that says the same already, in whatever form, is not sent.")]
pub struct SetRepositoryPolicy {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Repository policy, e.g. ecr/policy.json
    #[arg(long, value_name = "FILE", help_heading = "The repository")]
    pub repo_policy_path: PathBuf,
}

impl SetRepositoryPolicy {
    fn into_request(self, job: &Job) -> Result<(Subject, Request), Failure> {
        let wanted = Repository { policy: Some(policy(&self.repo_policy_path)?), ..Repository::default() };
        let subject = self.subject.into_subject(&job.settings)?;
        let request = wanted.request(&subject.name, subject.account.clone(), subject.public);
        Ok((subject, request))
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let (subject, request) = self.into_request(job)?;
        settle(&subject, &request, job).await
    }
}
