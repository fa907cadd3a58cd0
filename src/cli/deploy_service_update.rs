//! `deploy-service-update`: a new revision of a task definition, brought to a service, and watched until it runs.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Job;
use super::error::Error;
use super::exit::{Done, Failure};
use super::revision::RevisionArgs;
use super::values::period;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless deploy-service-update --cluster production --family shop \\
    --container-image-name-updates 'container=web,image-and-tag=$IMAGE'

  Bring the latest revision out again, without a new one:
  dockless deploy-service-update --cluster production --family shop \\
    --skip-task-definition-registration --force-new-deployment

Exit codes: 0 it runs, 3 it failed, 4 it failed and was rolled back, 5 a newer deployment replaced it, 6 time ran out.")]
pub struct DeployServiceUpdate {
    #[command(flatten)]
    pub service: ServiceArgs,
    #[command(flatten)]
    pub revision: RevisionArgs,
    #[command(flatten)]
    pub watch: WatchArgs,
    #[command(flatten)]
    pub creation: CreationArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The service")]
pub struct ServiceArgs {
    /// Cluster, by name or ARN, e.g. production
    #[arg(long, value_name = "CLUSTER", alias = "cluster-name")]
    pub cluster: String,
    /// Service, by name or ARN, e.g. shop-web [default: the family's name]
    #[arg(long, value_name = "SERVICE", alias = "service")]
    pub service_name: Option<String>,
    /// How the service is deployed [default: ECS]
    #[arg(long, value_name = "CONTROLLER", ignore_case = true)]
    pub deployment_controller: Option<Controller>,
    /// Deploy the latest revision as it is
    #[arg(long)]
    pub skip_task_definition_registration: Option<bool>,
    /// Start new tasks even if nothing changed
    #[arg(long)]
    pub force_new_deployment: Option<bool>,
    /// Number of tasks, e.g. 2 [default: as it is]
    #[arg(long, value_name = "COUNT")]
    pub desired_count: Option<u32>,
    /// Let ECS stop a failing deployment and go back to the one before
    #[arg(long)]
    pub enable_circuit_breaker: Option<bool>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Waiting for it")]
pub struct WatchArgs {
    /// Wait until the revision runs [default: true]
    #[arg(long, visible_alias = "wait")]
    pub verify_revision_is_deployed: Option<bool>,
    /// How often to look [default: 50]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_poll_attempts: Option<u32>,
    /// Time between two looks, e.g. 20 or 20s [default: 20]
    #[arg(long, value_name = "TIME", value_parser = period)]
    pub poll_interval: Option<Duration>,
    /// How long to wait, e.g. 10m [default: attempts times interval]
    #[arg(long, value_name = "TIME", value_parser = period)]
    pub verification_timeout: Option<Duration>,
    /// End with exit code 6 when time runs out, else with 0 [default: true]
    #[arg(long)]
    pub fail_on_verification_timeout: Option<bool>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "A new service")]
pub struct CreationArgs {
    /// Make the service if it is missing
    #[arg(long)]
    pub create_service: Option<bool>,
    /// New service: subnets, e.g. subnet-0a1,subnet-0b2
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub subnets: Vec<String>,
    /// New service: security groups, e.g. sg-0c3
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub security_groups: Vec<String>,
    /// New service: whether tasks get a public address [default: DISABLED]
    #[arg(long, value_name = "STATE", ignore_case = true)]
    pub public_ip: Option<PublicIp>,
    /// New service: target group of its load balancer, by ARN
    #[arg(long, value_name = "ARN", requires_all = ["container_name", "container_port"])]
    pub target_group: Option<String>,
    /// New service: container behind the load balancer, e.g. web
    #[arg(long, value_name = "CONTAINER")]
    pub container_name: Option<String>,
    /// New service: its port, e.g. 8080
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub container_port: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Controller {
    #[default]
    #[value(name = "ECS")]
    Ecs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PublicIp {
    #[value(name = "ENABLED")]
    Enabled,
    #[default]
    #[value(name = "DISABLED")]
    Disabled,
}

/// How to wait for a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// Between two looks.
    pub interval: Duration,
    /// In all.
    pub limit: Duration,
    /// Whether running out of time is a failure.
    pub strict: bool,
}

/// A service to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewService {
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
    pub public_ip: PublicIp,
    pub load_balancer: Option<LoadBalancer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBalancer {
    pub target_group: String,
    pub container: String,
    pub port: u16,
}

/// A deployment as the user means it.
#[derive(Debug)]
#[expect(dead_code, reason = "its working parts are not connected yet")]
pub struct Request {
    pub cluster: String,
    pub service: String,
    pub revision: RevisionArgs,
    pub register: bool,
    pub force: bool,
    pub desired_count: Option<u32>,
    pub circuit_breaker: bool,
    /// None: do not wait.
    pub watch: Option<Watch>,
    pub create: Option<NewService>,
}

impl DeployServiceUpdate {
    pub fn into_request(self) -> Result<Request, Error> {
        let DeployServiceUpdate { service, revision, watch, creation } = self;
        let skip = service.skip_task_definition_registration.unwrap_or_default();
        if skip && revision.changes() {
            return Err(Error::Conflict(
                "--skip-task-definition-registration leaves no place for changes to the task definition".into(),
            ));
        }
        Ok(Request {
            cluster: service.cluster,
            service: service.service_name.unwrap_or_else(|| revision.family.clone()),
            revision,
            register: !skip,
            force: service.force_new_deployment.unwrap_or_default(),
            desired_count: service.desired_count,
            circuit_breaker: service.enable_circuit_breaker.unwrap_or_default(),
            watch: watch.into_watch(),
            create: creation.into_service()?,
        })
    }

    pub async fn run(self, _job: &Job) -> Result<Done, Failure> {
        self.into_request()?;
        Err(Error::Unconnected("deploy-service-update").into())
    }
}

impl WatchArgs {
    fn into_watch(self) -> Option<Watch> {
        let interval = self.poll_interval.unwrap_or(Duration::from_secs(20));
        let attempts = self.max_poll_attempts.unwrap_or(50);
        let watch = Watch {
            interval,
            limit: self.verification_timeout.unwrap_or_else(|| interval.saturating_mul(attempts)),
            strict: self.fail_on_verification_timeout.unwrap_or(true),
        };
        self.verify_revision_is_deployed.unwrap_or(true).then_some(watch)
    }
}

impl CreationArgs {
    fn into_service(self) -> Result<Option<NewService>, Error> {
        if !self.create_service.unwrap_or_default() {
            return Ok(None);
        }
        if self.subnets.is_empty() && !self.security_groups.is_empty() {
            return Err(Error::Conflict("--security-groups needs --subnets".into()));
        }
        let load_balancer = match (self.target_group, self.container_name, self.container_port) {
            (Some(target_group), Some(container), Some(port)) => Some(LoadBalancer { target_group, container, port }),
            _ => None,
        };
        Ok(Some(NewService {
            subnets: self.subnets,
            security_groups: self.security_groups,
            public_ip: self.public_ip.unwrap_or_default(),
            load_balancer,
        }))
    }
}

#[cfg(test)]
mod tests {
    use clap::{FromArgMatches, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Tool {
        #[command(flatten)]
        deploy: DeployServiceUpdate,
    }

    fn request(words: &[&str]) -> Result<Request, Error> {
        let words = ["tool", "--cluster=c", "--family=shop"].iter().chain(words);
        let matches = super::super::argv::parser(<Tool as clap::CommandFactory>::command()).get_matches_from(words);
        Tool::from_arg_matches(&matches).unwrap().deploy.into_request()
    }

    #[test]
    fn deploy_takes_the_orbs_defaults_but_waits() {
        let request = request(&[]).unwrap();
        assert_eq!((request.service.as_str(), request.register, request.force), ("shop", true, false));
        let watch = request.watch.unwrap();
        assert_eq!((watch.interval.as_secs(), watch.limit.as_secs(), watch.strict), (20, 1000, true));
        assert_eq!((request.create, request.desired_count, request.circuit_breaker), (None, None, false));
    }

    #[test]
    fn deploy_waits_as_long_as_it_was_told() {
        let watch = |words: &[&str]| request(words).unwrap().watch.map(|watch| watch.limit.as_secs());
        assert_eq!(watch(&["--max-poll-attempts=3", "--poll-interval=10s"]), Some(30));
        assert_eq!(watch(&["--max-poll-attempts=3", "--verification-timeout=10m"]), Some(600));
        assert_eq!(watch(&["--wait=false"]), None);
    }

    #[test]
    fn deploy_without_registration_takes_no_changes() {
        let skip = "--skip-task-definition-registration";
        assert!(request(&[skip, "--container-env-var-updates=container=a,name=A,value=1"]).is_err());
        assert!(!request(&[skip]).unwrap().register);
        assert!(
            request(&["--skip-task-definition-registration=false", "--task-definition-tags=key=a,value=b"])
                .unwrap()
                .register
        );
    }

    #[test]
    fn deploy_new_service() {
        let load_balancer = ["--target-group=arn", "--container-name=web", "--container-port=8080"];
        let create = |words: &[&str]| request(&[words, &load_balancer].concat()).unwrap().create;
        assert_eq!(create(&[]), None);
        let new = create(&["--create-service", "--subnets=a", "--subnets=b", "--public-ip=enabled"]).unwrap();
        assert_eq!((new.subnets.len(), new.public_ip), (2, PublicIp::Enabled));
        assert_eq!(new.load_balancer.unwrap().port, 8080);
        assert!(request(&["--create-service", "--security-groups=sg"]).is_err());
    }
}
