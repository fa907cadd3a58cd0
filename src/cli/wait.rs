//! `wait`: the verdict on whatever is being deployed to a service, whoever began it.

use clap::Args;

use super::Job;
use super::codedeploy;
use super::exit::{Done, Failure};
use super::patience::{PatienceArgs, carry_out};
use super::whom::WhomArgs;
use crate::deploy::{self, Rescue};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless wait --cluster production --service-name shop-web
  dockless wait --cluster production --service-name shop-web --task-definition-arn shop:42 --timeout 20m

What came to its end before is told as well: where the last deployment failed, that is what `wait` ends with.

Exit codes: 0 it runs, or nothing is in progress and the last deployment succeeded, 3 it failed, 4 it failed and was
rolled back, 5 a newer deployment replaced it, 6 time ran out.")]
pub struct Wait {
    #[command(flatten)]
    pub whom: WhomArgs,
    /// Revision to wait for, by ARN or as FAMILY:REVISION [default: whichever is in progress, or was last]
    #[arg(long, value_name = "ARN", alias = "revision")]
    pub task_definition_arn: Option<String>,
    #[command(flatten)]
    pub patience: PatienceArgs,
}

impl Wait {
    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let watch = self.patience.into_watch(job.settings.timeout);
        let (cluster, service, ecs) = self.whom.find(job).await?;
        let wait = watch.wait;
        let plan = match self.task_definition_arn {
            Some(task_definition) => {
                let request = deploy::VerifyRevision { cluster, service, task_definition, wait };
                match deploy::observe_verification(&request, &ecs, &job.clock).await {
                    Err(why) if codedeploy::is_meant(&why) => {
                        return Ok(watch.forgive(codedeploy::verify(&request, ecs.session(), job).await?));
                    }
                    plan => plan?,
                }
            }
            None => {
                let request = deploy::Follow { cluster, service, wait };
                match deploy::observe_follow(&request, &ecs).await {
                    Err(why) if codedeploy::is_meant(&why) => {
                        return Ok(watch.forgive(codedeploy::follow(&request, &ecs, job).await?));
                    }
                    plan => plan?,
                }
            }
        };
        if job.settings.dry_run {
            return Ok(deploy::intended(&plan).into());
        }
        Ok(watch.forgive(carry_out(&plan, Rescue::default(), &ecs, job).await?))
    }
}
