//! `diff`: how a file or edits differ from the task definition that is live.

use std::path::PathBuf;

use clap::Args;

use super::Job;
use super::edits::EditArgs;
use super::exit::{Done, Failure, kind_code};
use super::update_task_definition::ecs_of;
use super::update_task_definition_from_json::document;
use crate::deploy::{self, Base, Family, Live, Wanted};
use crate::report::Kind;

/// What diff(1) says of files that differ.
const DIFFERS: u8 = 1;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  Does the service run what the file says?
  dockless diff --cluster production --service-name shop-web --task-definition-json ecs/shop.json --exit-code

  What would a deploy of this build change?
  dockless diff --cluster production --service-name shop-web --image web=$IMAGE --env web:COLOURS=red

  The same against the family's latest revision:
  dockless diff --family shop --image web=$IMAGE

What ECS fills in by itself is no difference. Nothing is changed.

Exit codes: 0, also if there are differences. With --exit-code those of diff(1): 0 no difference, 1 differences, 2 it
could not be found out.")]
pub struct Diff {
    /// Cluster, by name or ARN, e.g. production [default: the one in the service's ARN]
    #[arg(long, value_name = "CLUSTER", alias = "cluster-name", requires = "service_name")]
    pub cluster: Option<String>,
    /// Service whose running revision is the live one, by name or ARN [default: none; the family's latest is live]
    #[arg(long, value_name = "SERVICE", alias = "service")]
    pub service_name: Option<String>,
    /// File with a task definition to compare with what is live, e.g. ecs/shop.json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["family", "previous_revision_number"])]
    pub task_definition_json: Option<PathBuf>,
    /// Replace variables in the file's texts, as in flags: $NAME, ${NAME:-default}; $$ is a dollar sign
    #[arg(long, requires = "task_definition_json")]
    pub substitute: Option<bool>,
    /// Family that a deploy would start from, e.g. shop [default: the one that the service runs]
    #[arg(long, value_name = "FAMILY")]
    pub family: Option<String>,
    /// Revision that a deploy would start from, e.g. 41 [default: the latest active one]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub previous_revision_number: Option<u32>,
    /// End with 1 if there are differences, and with 2 if that could not be found out
    #[arg(long)]
    pub exit_code: Option<bool>,
    #[command(flatten)]
    pub edits: EditArgs,
}

impl Diff {
    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let strict = self.exit_code.unwrap_or_default();
        match self.compared(job).await {
            Ok(difference) => {
                let done = Done::from(deploy::report_diff(&difference));
                let code = if strict && !difference.changes.is_empty() { DIFFERS } else { done.code };
                Ok(Done { code, ..done })
            }
            Err(failure) if strict => Err(Failure { code: kind_code(Kind::Input), ..failure }),
            Err(failure) => Err(failure),
        }
    }

    async fn compared(self, job: &Job) -> Result<deploy::Difference, Failure> {
        let service = self.service_name.clone().unwrap_or_default();
        let request = self.into_request(job)?;
        let sides = deploy::observe_diff(&request, &ecs_of(job, &service).await?).await?;
        Ok(deploy::compare(&request, &sides)?)
    }

    fn into_request(self, job: &Job) -> Result<deploy::Diff, Failure> {
        let live = match self.service_name {
            Some(service) => Live::Service { cluster: deploy::cluster(self.cluster, &service)?, service },
            None => Live::Latest,
        };
        let revision = self.previous_revision_number.map(u64::from);
        let wanted = match (self.task_definition_json, self.family) {
            (Some(path), _) => Wanted::Document(document(&path, self.substitute.unwrap_or_default(), self.edits, job)?),
            (None, family) => {
                let family = match family {
                    Some(family) => Base::Family(Family::parse(&family, revision)?),
                    None => Base::Live { revision },
                };
                let (updates, tags) = self.edits.into_updates(job)?;
                Wanted::Edited { family, updates: Box::new(updates), tags }
            }
        };
        Ok(deploy::Diff { wanted, live })
    }
}
