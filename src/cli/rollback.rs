//! `rollback`: a service goes back to the last revision that reached success.

use clap::Args;

use super::Job;
use super::codedeploy;
use super::exit::{Done, Failure};
use super::job::untouched;
use super::patience::{PatienceArgs, carry_out};
use super::whom::WhomArgs;
use crate::deploy::{self, Rescue};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  What would be gone back to, and why:
  dockless rollback --cluster production --service-name shop-web --dry-run

  Undo shop:42, and do nothing where shop:42 does not run any more:
  dockless rollback --cluster production --service-name shop-web --from shop:42

  Where ECS has rolled shop:42 back to shop:41 by itself, go back further still:
  dockless rollback --cluster production --service-name shop-web --from shop:41

While a deployment goes on, ECS is asked to take it back. Else ECS's record of the last ninety days tells which
revision reached success last; it is deployed again, by digest where its tag may have moved. That brings back the task
definition; what else was changed of the service stays. Of a service that CodeDeploy deploys, CodeDeploy's own record
tells, and the AppSpec of that time is handed over once more. What was rolled back before is not gone back from once
more, unless --from or --to says so.

Exit codes: 0 it is back, or there is nothing to undo, 2 nothing is known to have reached success before, 3 the
rollback failed, 6 time ran out.")]
pub struct Rollback {
    #[command(flatten)]
    pub whom: WhomArgs,
    /// Revision to go back to, e.g. shop:41, 41 or an ARN [default: the last that reached success]
    #[arg(long, value_name = "REVISION")]
    pub to: Option<String>,
    /// Go back only from this revision, so that a second run undoes nothing more, e.g. shop:42
    #[arg(long, value_name = "REVISION")]
    pub from: Option<String>,
    /// Wait until it is back [default: true]
    #[arg(long)]
    pub wait: Option<bool>,
    #[command(flatten)]
    pub patience: PatienceArgs,
}

impl Rollback {
    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        untouched("nothing was rolled back");
        let watch = self.patience.into_watch(job.settings.timeout);
        let wait = self.wait.unwrap_or(true).then_some(watch.wait);
        let (cluster, service, ecs) = self.whom.find(job).await?;
        let request = deploy::Rollback { cluster, service, to: self.to, from: self.from, known_good: None, wait };
        let seen = match deploy::observe_rollback(&request, &ecs).await {
            Err(why) if codedeploy::is_meant(&why) => {
                return Ok(watch.forgive(codedeploy::roll_back(&request, &ecs, job).await?));
            }
            seen => seen?,
        };
        let plan = deploy::plan_rollback(&request, &seen)?;
        if job.settings.dry_run {
            return Ok(deploy::intended(&plan).into());
        }
        Ok(watch.forgive(carry_out(&plan, Rescue::default(), &ecs, job).await?))
    }
}
