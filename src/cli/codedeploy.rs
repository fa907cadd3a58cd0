//! Flags for services whose deployments are CodeDeploy's, and the road that such a deployment takes.

use clap::Args;

use super::Job;
use super::exit::{Done, Failure};
use super::job::Minding;
use crate::aws::{self, CODE_DEPLOY, Session};
use crate::deploy::codedeploy::{self, Options, Provider};
use crate::deploy::{self, DeployServiceUpdate, Error, Observed, Rescue};
use crate::report::Report;

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "CodeDeploy")]
pub struct CodeDeployArgs {
    /// CodeDeploy application, e.g. AppECS-production-shop [default: the one that deployed the service last]
    #[arg(long, value_name = "NAME")]
    pub codedeploy_application_name: Option<String>,
    /// Its deployment group, e.g. DgpECS-production-shop [default: the one that deployed the service last]
    #[arg(long, value_name = "NAME")]
    pub codedeploy_deployment_group_name: Option<String>,
    /// Container that the load balancer sends to, e.g. web [default: the service's]
    #[arg(long, value_name = "CONTAINER")]
    pub codedeploy_load_balanced_container_name: Option<String>,
    /// Its port, e.g. 8080 [default: the service's]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub codedeploy_load_balanced_container_port: Option<u16>,
    /// Capacity provider for the new tasks, e.g. FARGATE_SPOT [default: where the old tasks are]
    #[arg(long, value_name = "NAME")]
    pub codedeploy_capacity_provider_name: Option<String>,
    /// Tasks that the provider has at least, e.g. 1 [default: 0]
    #[arg(long, value_name = "COUNT", requires = "codedeploy_capacity_provider_name")]
    pub codedeploy_capacity_provider_base: Option<u32>,
    /// Its share of the tasks, e.g. 2 [default: 1]
    #[arg(long, value_name = "NUMBER", requires = "codedeploy_capacity_provider_name")]
    pub codedeploy_capacity_provider_weight: Option<u32>,
    /// How the traffic goes over, e.g. CodeDeployDefault.ECSCanary10Percent5Minutes [default: the group's]
    #[arg(long, value_name = "NAME")]
    pub deployment_config_name: Option<String>,
}

impl CodeDeployArgs {
    pub fn into_options(self, rescue: Rescue) -> Options {
        let (base, weight) = (self.codedeploy_capacity_provider_base, self.codedeploy_capacity_provider_weight);
        let provider = self.codedeploy_capacity_provider_name.map(|name| Provider {
            name,
            base: base.unwrap_or(0),
            weight: weight.unwrap_or(1),
        });
        Options {
            application: self.codedeploy_application_name,
            group: self.codedeploy_deployment_group_name,
            container: self.codedeploy_load_balanced_container_name,
            port: self.codedeploy_load_balanced_container_port,
            provider,
            config: self.deployment_config_name,
            go_back: rescue.on_failure,
        }
    }
}

/// Deploys through CodeDeploy.
pub async fn deploy(
    request: &DeployServiceUpdate,
    options: &Options,
    rescue: Rescue,
    observed: &Observed,
    session: &Session,
    job: &Job,
) -> Result<Done, Failure> {
    let plan = plan(request, options, observed, session, job).await?;
    carry_out(&plan, deploy::planned, rescue, session, job).await
}

/// What would be handed over.
pub async fn plan(
    request: &DeployServiceUpdate,
    options: &Options,
    observed: &Observed,
    session: &Session,
    job: &Job,
) -> Result<deploy::Plan, Error> {
    let api = session.service(&CODE_DEPLOY);
    let service = observed.service.as_ref().expect("a service that is there names its controller");
    let found = codedeploy::observe(service, options, &api, &job.events).await?;
    codedeploy::plan(request, options, observed, &found)
}

/// Waits for what CodeDeploy deploys.
pub async fn verify(request: &deploy::VerifyRevision, session: &Session, job: &Job) -> Result<Done, Failure> {
    let plan = codedeploy::observe_verification(request, &session.ecs(), &session.service(&CODE_DEPLOY)).await?;
    carry_out(&plan, deploy::planned, Rescue::default(), session, job).await
}

/// Waits for whatever CodeDeploy has in progress.
pub async fn follow(request: &deploy::Follow, ecs: &aws::Ecs, job: &Job) -> Result<Done, Failure> {
    let plan = codedeploy::observe_follow(request, ecs, &ecs.session().service(&CODE_DEPLOY)).await?;
    carry_out(&plan, deploy::intended, Rescue::default(), ecs.session(), job).await
}

/// Answers a deployment that waits for a word.
pub async fn answer(request: &deploy::Continue, rescue: Rescue, ecs: &aws::Ecs, job: &Job) -> Result<Done, Failure> {
    let plan = codedeploy::observe_continue(request, ecs, &ecs.session().service(&CODE_DEPLOY)).await?;
    carry_out(&plan, deploy::intended, rescue, ecs.session(), job).await
}

/// Takes a service back.
pub async fn roll_back(request: &deploy::Rollback, ecs: &aws::Ecs, job: &Job) -> Result<Done, Failure> {
    let seen = codedeploy::observe_rollback(request, ecs, &ecs.session().service(&CODE_DEPLOY)).await?;
    let plan = codedeploy::plan_rollback(request, &seen)?;
    carry_out(&plan, deploy::intended, Rescue::default(), ecs.session(), job).await
}

/// Whether an error says that it is CodeDeploy's service.
pub fn is_meant(error: &Error) -> bool {
    matches!(error, Error::Controller { controller, .. } if controller == codedeploy::CONTROLLER)
}

async fn carry_out(
    plan: &deploy::Plan,
    shown: fn(&deploy::Plan) -> Report,
    rescue: Rescue,
    session: &Session,
    job: &Job,
) -> Result<Done, Failure> {
    if job.settings.dry_run {
        return Ok(shown(plan).into());
    }
    let minding = Minding::begin();
    let (ecs, api) = (session.ecs(), session.service(&CODE_DEPLOY));
    let report = codedeploy::carry_out(plan, rescue, &ecs, &api, &job.clock, &job.events, &minding.halts()).await?;
    Ok(report.into())
}
