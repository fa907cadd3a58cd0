//! `update-task-definition-from-json`: a new revision of a task definition, from a file that describes all of it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::Job;
use super::edits::{EditArgs, expand};
use super::error::Error;
use super::exit::{Done, Failure};
use super::update_task_definition::ecs;
use crate::deploy::{self, Document};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless update-task-definition-from-json --task-definition-json ecs/shop.json

  With what this build made, and variables in the file replaced:
  dockless update-task-definition-from-json --task-definition-json ecs/shop.json --image web=$IMAGE --substitute

The file is what RegisterTaskDefinition takes or what DescribeTaskDefinition answers. It is registered as it is, less
what only an answer has, and only if it says anything that the family's latest revision does not say.")]
pub struct UpdateTaskDefinitionFromJson {
    /// File with the task definition, e.g. ecs/shop.json
    #[arg(long, value_name = "FILE")]
    pub task_definition_json: PathBuf,
    /// Replace variables in the file's texts, as in flags: $NAME, ${NAME:-default}; $$ is a dollar sign
    #[arg(long)]
    pub substitute: Option<bool>,
    #[command(flatten)]
    pub edits: EditArgs,
}

impl UpdateTaskDefinitionFromJson {
    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let substitute = self.substitute.unwrap_or_default();
        let document = document(&self.task_definition_json, substitute, self.edits, job)?;
        let ecs = ecs(job).await?;
        let latest = deploy::observe_latest(document.family(), &ecs).await?;
        let plan = deploy::plan_document(&document, &latest)?;
        if job.settings.dry_run {
            return Ok(deploy::planned(&plan).into());
        }
        let applied = deploy::apply(&plan, &ecs, &job.clock, &job.events).await?;
        Ok(deploy::report(&plan, &applied, None).into())
    }
}

/// A definition from a file, variables replaced if that is wished for, and edits made.
pub fn document(path: &Path, substitute: bool, edits: EditArgs, job: &Job) -> Result<Document, Failure> {
    let (updates, tags) = edits.into_updates(job)?;
    let mut document = read(path)?;
    if substitute {
        deploy::substitute(&mut document, &|text| expand(job, text))?;
    }
    Ok(Document::read(&document, &updates, &tags)?)
}

/// Editors on Windows begin a file with a mark of its encoding.
pub fn read(path: &Path) -> Result<Value, Error> {
    let bytes = std::fs::read(path).map_err(|why| Error::File { path: path.to_owned(), why })?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    serde_json::from_slice(bytes).map_err(|why| {
        let comment = begins_comment(bytes, &why);
        Error::Document { path: path.to_owned(), why, comment }
    })
}

/// Whether what stands where the parser stopped is a comment, which JSON has none of.
fn begins_comment(bytes: &[u8], why: &serde_json::Error) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').nth(why.line().saturating_sub(1)).unwrap_or_default();
    let rest = &line[why.column().saturating_sub(1).min(line.len())..];
    [&b"//"[..], b"/*", b"#"].iter().any(|mark| rest.starts_with(mark))
}
