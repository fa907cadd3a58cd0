//! `update-task-definition-from-json`: a new revision of a task definition, from a file that describes all of it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::Job;
use super::error::Error;
use super::exit::{Done, Failure};
use super::update_task_definition::ecs;
use crate::deploy;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  dockless update-task-definition-from-json --task-definition-json ecs/shop.json

The file is what RegisterTaskDefinition takes or what DescribeTaskDefinition answers. It is registered as it is, less
what only an answer has; variables in it are not replaced.")]
pub struct UpdateTaskDefinitionFromJson {
    /// File with the task definition, e.g. ecs/shop.json
    #[arg(long, value_name = "FILE")]
    pub task_definition_json: PathBuf,
}

impl UpdateTaskDefinitionFromJson {
    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let plan = deploy::plan_document(&read(&self.task_definition_json)?)?;
        if job.settings.dry_run {
            return Ok(deploy::planned(&plan).into());
        }
        let ecs = ecs(job).await?;
        let applied = deploy::apply(&plan, &ecs, &job.clock, &job.events).await?;
        Ok(deploy::report(&plan, &applied, None).into())
    }
}

fn read(path: &Path) -> Result<Value, Error> {
    let bytes = std::fs::read(path).map_err(|why| Error::File { path: path.to_owned(), why })?;
    serde_json::from_slice(&bytes).map_err(|why| Error::Document { path: path.to_owned(), why })
}
