//! `tag-repo`: resource tags of an ECR repository. Tags that are so already are not sent; others of its tags stay.

use clap::Args;

use super::Job;
use super::edits::expand;
use super::error::Error;
use super::exit::{Done, Failure};
use super::repository::tags;
use super::subject::{Subject, SubjectArgs};
use super::values::Template;
use crate::repository;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless tag-repo --repo team/shop --tag 'Key=team,Value=web shop Key=stage,Value=prod'
  dockless tag-repo --repo team/shop --tag '{\"team\": \"web shop\", \"commit\": \"$CIRCLE_SHA1\"}'")]
pub struct TagRepo {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Resource tags, e.g. "Key=team,Value=web Key=stage,Value=prod", or as JSON
    #[arg(long, value_name = "TAGS", alias = "repo-tag", help_heading = "The repository")]
    pub tag: Template,
}

impl TagRepo {
    fn into_request(self, job: &Job) -> Result<(Subject, repository::Tags), Failure> {
        let tags = tags("--tag", Some(self.tag), &|text| expand(job, text))?;
        if tags.is_empty() {
            let hint = "Write --tag 'Key=team,Value=web', or JSON.";
            return Err(Error::Missing { what: "--tag has no tags".into(), hint }.into());
        }
        Ok((self.subject.into_subject(&job.settings)?, tags))
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let (subject, tags) = self.into_request(job)?;
        let session = subject.open(job).await?;
        let (ecr, arn) = (subject.ecr(&session), subject.arn(&session).await?);
        let seen = repository::observe_tags(&ecr, &arn, &subject.name).await?;
        let plan = repository::plan_tags(&arn, &subject.name, &tags, &seen);
        if job.settings.dry_run {
            return Ok(repository::planned(&plan).into());
        }
        let applied = repository::apply(&ecr, &plan, &job.events).await?;
        Ok(repository::report(&plan, &applied).into())
    }
}
