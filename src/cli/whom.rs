//! The service that a command is about: by name and cluster, or by its ARN, which names cluster and region as well.

use clap::Args;

use super::Job;
use super::exit::Failure;
use super::update_task_definition::ecs_of;
use crate::aws;
use crate::deploy;

#[derive(Debug, Args)]
pub struct WhomArgs {
    /// Cluster, by name or ARN, e.g. production [default: the one in the service's ARN]
    #[arg(long, value_name = "CLUSTER", alias = "cluster-name")]
    pub cluster: Option<String>,
    /// Service, by name or ARN, e.g. shop-web
    #[arg(long, value_name = "SERVICE", alias = "service")]
    pub service_name: String,
}

impl WhomArgs {
    /// Cluster and service, and the ECS that has them.
    pub async fn find(self, job: &Job) -> Result<(String, String, aws::Ecs), Failure> {
        let cluster = deploy::cluster(self.cluster, &self.service_name)?;
        let ecs = ecs_of(job, &self.service_name).await?;
        Ok((cluster, self.service_name, ecs))
    }
}
