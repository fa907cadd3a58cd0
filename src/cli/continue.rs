//! `continue`: the answer to a deployment that a PAUSE hook holds, or that CodeDeploy holds before or after the traffic
//! goes over. A pipeline's approval step needs no more than this.

use clap::Args;

use super::Job;
use super::codedeploy;
use super::exit::{Done, Failure};
use super::job::untouched;
use super::patience::{PatienceArgs, RescueArgs, carry_out};
use super::whom::WhomArgs;
use crate::deploy;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  One job deploys until the hook and ends well, another one goes on when somebody has approved:
  dockless deploy-service-update --cluster production --family shop --on-pause leave
  dockless continue --cluster production --service-name shop

  Or goes back:
  dockless continue --cluster production --service-name shop --rollback

Where CodeDeploy deploys the service, the traffic goes over; once it has, the old tasks are not kept any longer.

Exit codes: 0 it runs, or is back where --rollback was asked for, 1 nothing is paused, 3 it failed, 4 it failed and was
rolled back, 5 a newer deployment replaced it, 6 time ran out.")]
pub struct Continue {
    #[command(flatten)]
    pub whom: WhomArgs,
    /// Go back instead of on
    #[arg(long)]
    pub rollback: Option<bool>,
    /// Wait for what comes of it [default: true]
    #[arg(long)]
    pub wait: Option<bool>,
    #[command(flatten)]
    pub patience: PatienceArgs,
    #[command(flatten)]
    pub rescue: RescueArgs,
}

impl Continue {
    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        untouched("nothing was answered");
        let watch = self.patience.into_watch(job.settings.timeout);
        let wait = self.wait.unwrap_or(true).then_some(watch.wait);
        let rescue = self.rescue.into_rescue(wait.is_some())?;
        let (cluster, service, ecs) = self.whom.find(job).await?;
        let request = deploy::Continue { cluster, service, back: self.rollback.unwrap_or_default(), wait };
        let plan = match deploy::observe_continue(&request, &ecs).await {
            Err(why) if codedeploy::is_meant(&why) => {
                return Ok(watch.forgive(codedeploy::answer(&request, rescue, &ecs, job).await?));
            }
            plan => plan?,
        };
        if job.settings.dry_run {
            return Ok(deploy::intended(&plan).into());
        }
        Ok(watch.forgive(carry_out(&plan, rescue, &ecs, job).await?))
    }
}
