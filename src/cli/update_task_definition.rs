//! `update-task-definition`: a new revision of a task definition, with images, variables, secrets or labels changed.

use clap::Args;

use super::error::Error;
use super::exit::{Done, Failure};
use super::revision::{Revision, RevisionArgs};
use super::{Job, session};
use crate::aws;
use crate::deploy;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  dockless update-task-definition --family shop \\
    --container-image-name-updates 'container=web,tag=${CIRCLE_SHA1:0:7}'

  The same, and more, one change a flag:
  dockless update-task-definition --family shop --image 'web=:${CIRCLE_SHA1:0:7}' --env web:COLOURS=red,green \\
    --remove-env web:OLD --label web:team=shop --cpu 512 --memory 1024")]
pub struct UpdateTaskDefinition {
    #[command(flatten)]
    pub revision: RevisionArgs,
}

impl UpdateTaskDefinition {
    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let Revision { family, updates, tags } = self.revision.into_revision(job)?;
        let request = deploy::UpdateTaskDefinition { family, updates, tags };
        let ecs = ecs(job).await?;
        let described = deploy::observe_definition(&request, &ecs).await?;
        let plan = deploy::plan_definition(&request, &described)?;
        if job.settings.dry_run {
            return Ok(deploy::planned(&plan).into());
        }
        let applied = deploy::apply(&plan, &ecs, &job.clock, &job.events).await?;
        Ok(deploy::report(&plan, &applied, None).into())
    }
}

/// ECS in the region that was given.
pub async fn ecs(job: &Job) -> Result<aws::Ecs, Failure> {
    ecs_of(job, "").await
}

/// ECS in the region that was given, or else where this ARN is.
pub async fn ecs_of(job: &Job, arn: &str) -> Result<aws::Ecs, Failure> {
    Ok(connect(job, arn).await?.ecs())
}

/// AWS in the region that was given, or else where this ARN is.
pub async fn connect(job: &Job, arn: &str) -> Result<aws::Session, Failure> {
    let region = job.settings.region().map_err(|why| Error::Setting { flag: "--region".into(), why })?;
    let region = region.map(|region| region.value.as_str()).or_else(|| deploy::region_in_arn(arn));
    Ok(session::open(&job.settings, region, &job.events).await?)
}
