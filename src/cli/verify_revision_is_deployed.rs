//! `verify-revision-is-deployed`: waits until a service runs a revision that an earlier step, or somebody else,
//! deploys to it.

use clap::Args;

use super::Job;
use super::codedeploy;
use super::exit::{Done, Failure};
use super::patience::{PatienceArgs, Watch, carry_out};
use super::update_task_definition::connect;
use crate::deploy::{self, Family, Rescue};

#[derive(Debug, Args)]
#[command(after_help = "Example:
  dockless verify-revision-is-deployed --cluster production --family shop \\
    --task-definition-arn '$CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN'

Exit codes: 0 it runs, 3 it failed, 4 it failed and was rolled back, 5 a newer deployment replaced it, 6 time ran out.")]
pub struct VerifyRevisionIsDeployed {
    /// Cluster, by name or ARN, e.g. production [default: the one in the service's ARN]
    #[arg(long, value_name = "CLUSTER", alias = "cluster-name", required_unless_present = "service_name")]
    pub cluster: Option<String>,
    /// Family of the task definition, e.g. shop; needed only where it names the service
    #[arg(long, value_name = "FAMILY", required_unless_present = "service_name")]
    pub family: Option<String>,
    /// Service, by name or ARN, e.g. shop-web [default: the family's name]
    #[arg(long, value_name = "SERVICE", alias = "service")]
    pub service_name: Option<String>,
    /// Revision to wait for, by ARN or as FAMILY:REVISION, e.g. shop:42
    #[arg(long, value_name = "ARN")]
    pub task_definition_arn: String,
    #[command(flatten)]
    pub patience: PatienceArgs,
}

impl VerifyRevisionIsDeployed {
    fn into_request(self, job: &Job) -> Result<(deploy::VerifyRevision, Watch), Failure> {
        let watch = self.patience.into_watch(job.settings.timeout);
        let service = match (self.service_name, self.family) {
            (Some(service), _) => service,
            (None, family) => Family::parse(&family.unwrap_or_default(), None)?.name,
        };
        let (cluster, task_definition) = (deploy::cluster(self.cluster, &service)?, self.task_definition_arn);
        Ok((deploy::VerifyRevision { cluster, service, task_definition, wait: watch.wait }, watch))
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let (request, watch) = self.into_request(job)?;
        let session = connect(job, &request.service).await?;
        let ecs = session.ecs();
        let plan = match deploy::observe_verification(&request, &ecs, &job.clock).await {
            Err(why) if codedeploy::is_meant(&why) => {
                return Ok(watch.forgive(codedeploy::verify(&request, &session, job).await?));
            }
            plan => plan?,
        };
        if job.settings.dry_run {
            return Ok(deploy::intended(&plan).into());
        }
        Ok(watch.forgive(carry_out(&plan, Rescue::default(), &ecs, job).await?))
    }
}
