//! `status`: what services run, and how their last deployments ended.

use clap::Args;

use super::Job;
use super::exit::{Done, Failure};
use super::update_task_definition::ecs_of;
use crate::deploy;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless status --cluster production
  dockless status --cluster production --service-name shop-web,shop-worker
  dockless status --cluster production --service-name shop-web --output json | jq '.services[0].deployments'

Nothing is changed. What may not be read is shown as unknown, with the action to grant.")]
pub struct Status {
    /// Cluster, by name or ARN, e.g. production [default: the one in the service's ARN]
    #[arg(long, value_name = "CLUSTER", alias = "cluster-name")]
    pub cluster: Option<String>,
    /// Services to tell everything of, by name or ARN, e.g. shop-web [default: all of the cluster, in brief]
    #[arg(long, value_name = "SERVICES", alias = "service", value_delimiter = ',')]
    pub service_name: Vec<String>,
}

impl Status {
    fn into_request(self) -> Result<deploy::Status, Failure> {
        let first = self.service_name.first().map(String::as_str).unwrap_or_default();
        let cluster = deploy::cluster(self.cluster, first)?;
        Ok(deploy::Status { cluster, services: self.service_name })
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let request = self.into_request()?;
        let first = request.services.first().map(String::as_str).unwrap_or(&request.cluster);
        let ecs = ecs_of(job, first).await?;
        let seen = deploy::observe_status(&request, &ecs).await?;
        let states = deploy::read_status(&seen);
        Ok(deploy::report_status(&request, &states, ecs.session().now()).into())
    }
}
