//! Flags that say which task definition to start from; `update-task-definition` and `deploy-service-update` have
//! them, and the flags that change something in it.

use clap::Args;

use super::Job;
use super::edits::EditArgs;
use super::exit::Failure;
use crate::deploy::{Family, Tag, Updates};

#[derive(Debug, Args)]
#[command(next_help_heading = "The task definition")]
pub struct RevisionArgs {
    /// Family of the task definition, e.g. shop
    #[arg(long, value_name = "FAMILY")]
    pub family: String,
    /// Revision to start from, e.g. 41 [default: the latest active one]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub previous_revision_number: Option<u32>,
    #[command(flatten)]
    pub edits: EditArgs,
}

/// A revision as the user means it.
pub struct Revision {
    pub family: Family,
    pub updates: Updates,
    pub tags: Vec<Tag>,
}

impl RevisionArgs {
    pub fn into_revision(self, job: &Job) -> Result<Revision, Failure> {
        let family = Family::parse(&self.family, self.previous_revision_number.map(u64::from))?;
        let (updates, tags) = self.edits.into_updates(job)?;
        Ok(Revision { family, updates, tags })
    }
}
