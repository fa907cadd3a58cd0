//! `update-task-definition`: a new revision of a task definition, with images, variables, secrets or labels changed.

use clap::Args;

use super::Job;
use super::error::Error;
use super::exit::{Done, Failure};
use super::revision::RevisionArgs;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  dockless update-task-definition --family shop \\
    --container-image-name-updates 'container=web,tag=${CIRCLE_SHA1:0:7}'")]
pub struct UpdateTaskDefinition {
    #[command(flatten)]
    pub revision: RevisionArgs,
}

impl UpdateTaskDefinition {
    pub async fn run(self, _job: &Job) -> Result<Done, Failure> {
        Err(Error::Unconnected("update-task-definition").into())
    }
}
