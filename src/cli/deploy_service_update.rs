//! `deploy-service-update`: a new revision of a task definition, brought to a service, and watched until it runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::codedeploy::{self, CodeDeployArgs};
use super::edits::EditArgs;
use super::error::Error;
use super::exit::{Done, Failure};
use super::job::untouched;
use super::patience::{PatienceArgs, RescueArgs, Watch, carry_out};
use super::release::{self, Meant};
use super::update_task_definition::connect;
use super::{Job, steps};
use crate::deploy::codedeploy::{CONTROLLER, Options};
use crate::deploy::{self, Create, Family, Rescue};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless deploy-service-update --cluster production --family shop \\
    --container-image-name-updates 'container=web,image-and-tag=$IMAGE'

  The service by its ARN, one change a flag, and a variable that goes:
  dockless deploy-service-update --family shop --image web=$IMAGE --env web:COLOURS=red,green --remove-env web:OLD \\
    --service-name arn:aws:ecs:eu-west-1:123456789012:service/production/shop

  Back to a revision that is there, as it is:
  dockless deploy-service-update --cluster production --family shop --revision 41

  Several at once, each with its own family; and a migration before them, in steps:
  dockless deploy-service-update --cluster production --service-name shop-web,shop-worker --image $IMAGE
  dockless deploy-service-update --steps ecs/release.json

  Bring the latest revision out again, without a new one:
  dockless deploy-service-update --cluster production --family shop \\
    --skip-task-definition-registration --force-new-deployment

Exit codes: 0 it runs, 3 it failed, 4 it failed and was rolled back, 5 a newer deployment replaced it, 6 time ran out.")]
pub struct DeployServiceUpdate {
    #[command(flatten)]
    pub service: ServiceArgs,
    #[command(flatten)]
    pub several: SeveralArgs,
    #[command(flatten)]
    pub base: BaseArgs,
    #[command(flatten)]
    pub edits: EditArgs,
    #[command(flatten)]
    pub watch: WatchArgs,
    #[command(flatten)]
    pub creation: CreationArgs,
    #[command(flatten)]
    pub codedeploy: CodeDeployArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The service")]
pub struct ServiceArgs {
    /// Cluster, by name or ARN, e.g. production; needed unless the service's ARN names it
    #[arg(long, value_name = "CLUSTER", alias = "cluster-name", required_unless_present_any = ["service_name", "steps"])]
    pub cluster: Option<String>,
    /// Service, by name or ARN, e.g. shop-web; several are deployed at once [default: the family's name]
    #[arg(long, value_name = "SERVICE", alias = "service", value_delimiter = ',')]
    pub service_name: Vec<String>,
    /// Who deploys the service; it is refused if the service says otherwise [default: what the service says]
    #[arg(long, value_name = "CONTROLLER", ignore_case = true)]
    pub deployment_controller: Option<Controller>,
    /// Deploy this revision as it is, by number, name or ARN, e.g. 41 or shop:41
    #[arg(
        long,
        value_name = "REVISION",
        visible_alias = "task-definition-arn",
        conflicts_with = "previous_revision_number"
    )]
    pub revision: Option<String>,
    /// Deploy the latest revision as it is, or --previous-revision-number
    #[arg(long)]
    pub skip_task_definition_registration: Option<bool>,
    /// Start new tasks even if nothing changed
    #[arg(long)]
    pub force_new_deployment: Option<bool>,
    /// Number of tasks, e.g. 2 [default: as it is]
    #[arg(long, value_name = "COUNT")]
    pub desired_count: Option<u32>,
    /// Let ECS stop a failing deployment and go back to the one before; CodeDeploy is told to go back if one fails
    /// [default: as the service has it; false changes nothing]
    #[arg(long)]
    pub enable_circuit_breaker: Option<bool>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Several services")]
pub struct SeveralArgs {
    /// File of steps (migrate, then worker, then web), e.g. ecs/release.json
    ///
    /// {"cluster": "production", "steps": [{"run-task": {…}}, {"deploy": {"service-name": "worker", "image": "$IMAGE"}},
    /// {"deploy": [{…}, {…}]}]}: a step is deploy, register (update-task-definition) or run-task, with the flags of that
    /// command as members. A step's services are deployed at once; unless all of them succeed, the later steps do not
    /// begin. Besides --steps there are only --cluster, which goes before the file's, and the global flags.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["service_name", "deployment_controller", "revision", "skip_task_definition_registration",
            "force_new_deployment", "desired_count", "enable_circuit_breaker", "verify_revision_is_deployed",
            "BaseArgs", "StringArgs", "NameArgs", "TaskArgs", "PatienceArgs", "RescueArgs", "CreationArgs",
            "CodeDeployArgs"]
    )]
    pub steps: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The task definition")]
pub struct BaseArgs {
    /// Family of the task definition, e.g. shop [default: the one that the service runs]
    #[arg(long, value_name = "FAMILY", required_unless_present_any = ["service_name", "steps"])]
    pub family: Option<String>,
    /// Revision to start from, e.g. 41 [default: the latest active one]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub previous_revision_number: Option<u32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Waiting for it")]
pub struct WatchArgs {
    /// Wait until the revision runs [default: true]
    #[arg(long, visible_alias = "wait")]
    pub verify_revision_is_deployed: Option<bool>,
    #[command(flatten)]
    pub patience: PatienceArgs,
    #[command(flatten)]
    pub rescue: RescueArgs,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Controller {
    #[value(name = "ECS")]
    Ecs,
    #[value(name = "CODE_DEPLOY")]
    CodeDeploy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PublicIp {
    #[value(name = "ENABLED")]
    Enabled,
    #[default]
    #[value(name = "DISABLED")]
    Disabled,
}

/// What is meant for one service.
pub struct Wish {
    pub request: deploy::DeployServiceUpdate,
    pub controller: Option<Controller>,
    pub options: Options,
    pub watch: Option<Watch>,
    pub rescue: Rescue,
}

impl DeployServiceUpdate {
    /// One for each service that is named.
    pub fn into_wishes(self, job: &Job) -> Result<Vec<Wish>, Failure> {
        let DeployServiceUpdate { service, base, edits, mut watch, creation, codedeploy, .. } = self;
        let waits = watch.verify_revision_is_deployed.unwrap_or(true);
        let rescue = std::mem::take(&mut watch.rescue).into_rescue(waits)?;
        let watch = watch.into_watch(job.settings.timeout);
        let (updates, tags) = edits.into_updates(job)?;
        let family = base.into_family()?;
        let as_it_is = service.revision.as_ref().map(|revision| family.at(revision)).transpose()?;
        let request = deploy::DeployServiceUpdate {
            skip_registration: as_it_is.is_some() || service.skip_task_definition_registration.unwrap_or_default(),
            family: as_it_is.unwrap_or(family),
            cluster: String::new(),
            service: String::new(),
            updates,
            tags,
            desired_count: service.desired_count,
            force_new_deployment: service.force_new_deployment.unwrap_or_default(),
            enable_circuit_breaker: service.enable_circuit_breaker.unwrap_or_default(),
            create: creation.into_service(),
            wait: watch.map(|watch| watch.wait),
        };
        let (cluster, controller, options) =
            (service.cluster, service.deployment_controller, codedeploy.into_options(rescue));
        let names = if service.service_name.is_empty() { vec![String::new()] } else { service.service_name };
        let wish = |name: String| {
            let cluster = deploy::cluster(cluster.clone(), &name)?;
            let request = deploy::DeployServiceUpdate { cluster, service: name, ..request.clone() };
            request.check()?;
            Ok(Wish { request, controller, options: options.clone(), watch, rescue })
        };
        names.into_iter().map(wish).collect()
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        untouched("nothing was registered or deployed");
        if let Some(file) = &self.several.steps {
            return release::run(steps::read(file, self.service.cluster.as_deref(), job)?, job).await;
        }
        let mut wishes = self.into_wishes(job)?;
        match (wishes.pop(), wishes.is_empty()) {
            (Some(wish), true) => wish.run(job).await,
            (last, _) => {
                wishes.extend(last);
                release::run(vec![Meant::Deploy(wishes)], job).await
            }
        }
    }
}

impl Wish {
    async fn run(self, job: &Job) -> Result<Done, Failure> {
        let Wish { request, options, watch, rescue, .. } = &self;
        let session = connect(job, &request.service).await?;
        let ecs = session.ecs();
        let observed = deploy::observe_service(request, &ecs).await?;
        self.check_controller(&observed)?;
        let done = match observed.controller() {
            Some(CONTROLLER) => codedeploy::deploy(request, options, *rescue, &observed, &session, job).await?,
            _ => {
                let plan = deploy::plan_service(request, &observed)?;
                if job.settings.dry_run {
                    return Ok(deploy::planned(&plan).into());
                }
                carry_out(&plan, *rescue, &ecs, job).await?
            }
        };
        Ok(match watch {
            Some(watch) => watch.forgive(done),
            None => done,
        })
    }

    /// What was said of the controller has to be so: a pipeline that is wrong about it is wrong about more.
    pub fn check_controller(&self, observed: &deploy::Observed) -> Result<(), Error> {
        check_controller(self.controller, &self.options, &self.request, observed)
    }
}

impl BaseArgs {
    fn into_family(self) -> Result<Family, deploy::Error> {
        let revision = self.previous_revision_number.map(u64::from);
        match self.family {
            Some(family) => Family::parse(&family, revision),
            None => Ok(Family { name: String::new(), revision }),
        }
    }
}

const LEAVE_IT_OUT: &str = "Leave --deployment-controller out: the service itself says who deploys it.";

fn check_controller(
    wanted: Option<Controller>,
    options: &Options,
    request: &deploy::DeployServiceUpdate,
    observed: &deploy::Observed,
) -> Result<(), Error> {
    let controller = observed.controller().unwrap_or("ECS");
    let (service, is) = (request.service(), controller == CONTROLLER);
    let given = Options { go_back: false, ..options.clone() } != Options::default();
    match wanted {
        Some(Controller::CodeDeploy) if observed.service.is_err() => Err(Error::Conflict(format!(
            "'{service}' is missing, and --create-service makes services that ECS deploys"
        ))),
        Some(Controller::CodeDeploy) if !is => Err(Error::Missing {
            what: format!("--deployment-controller says CODE_DEPLOY, but {controller} deploys '{service}'"),
            hint: LEAVE_IT_OUT,
        }),
        Some(Controller::Ecs) if is => Err(Error::Missing {
            what: format!("--deployment-controller says ECS, but CODE_DEPLOY deploys '{service}'"),
            hint: LEAVE_IT_OUT,
        }),
        None if given && !is => Err(Error::Missing {
            what: format!("there are flags for CodeDeploy, but {controller} deploys '{service}'"),
            hint: "Leave --codedeploy-… and --deployment-config-name out, or name the service that they are meant for.",
        }),
        _ => Ok(()),
    }
}

impl WatchArgs {
    fn into_watch(self, timeout: Option<Duration>) -> Option<Watch> {
        let watch = self.patience.into_watch(timeout);
        self.verify_revision_is_deployed.unwrap_or(true).then_some(watch)
    }
}

impl CreationArgs {
    fn into_service(self) -> Option<Create> {
        self.create_service.unwrap_or_default().then(|| Create {
            subnets: self.subnets,
            security_groups: self.security_groups,
            public_ip: self.public_ip == Some(PublicIp::Enabled),
            target_group: self.target_group,
            container_name: self.container_name,
            container_port: self.container_port,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use clap::{FromArgMatches, Parser};

    use super::*;
    use crate::clock::Clock;
    use crate::config::{Env, Given, Settings};
    use crate::report::Events;

    #[derive(Debug, Parser)]
    struct Tool {
        #[command(flatten)]
        deploy: DeployServiceUpdate,
    }

    fn request(words: &[&str]) -> Result<(deploy::DeployServiceUpdate, Option<Watch>), Failure> {
        request_within(None, words)
    }

    fn request_within(
        timeout: Option<Duration>,
        words: &[&str],
    ) -> Result<(deploy::DeployServiceUpdate, Option<Watch>), Failure> {
        let env = Env::from_iter([("BRANCH", "x,container=web,name=EVIL,value=1")]);
        let settings = Settings::resolve(Given { timeout, ..Given::default() }, &env).unwrap();
        let job = Job { settings, env, events: Events::none(), clock: Clock::fake(SystemTime::UNIX_EPOCH) };
        let words = ["tool", "--cluster=c", "--family=shop"].iter().chain(words);
        let matches = super::super::argv::parser(<Tool as clap::CommandFactory>::command()).get_matches_from(words);
        let wish = Tool::from_arg_matches(&matches).unwrap().deploy.into_wishes(&job)?.remove(0);
        Ok((wish.request, wish.watch))
    }

    #[test]
    fn deploy_takes_the_orbs_defaults_but_waits() {
        let (request, watch) = request(&[]).unwrap();
        assert_eq!(
            (request.service(), request.skip_registration, request.force_new_deployment),
            ("shop", false, false)
        );
        let watch = watch.unwrap();
        assert_eq!((watch.wait.limit.as_secs(), watch.strict), (1000, true));
        assert_eq!((request.desired_count, request.enable_circuit_breaker), (None, false));
        assert!(request.create.is_none());
    }

    #[test]
    fn deploy_waits_as_long_as_it_was_told() {
        let limit = |words: &[&str]| request(words).unwrap().1.map(|watch| watch.wait.limit.as_secs());
        assert_eq!(limit(&["--max-poll-attempts=3", "--poll-interval=10s"]), Some(30));
        assert_eq!(limit(&["--max-poll-attempts=3", "--verification-timeout=10m"]), Some(600));
        assert_eq!(limit(&["--wait=false"]), None);
        let within = request_within(Some(Duration::from_secs(3600)), &[]).unwrap().1.unwrap();
        assert_eq!(within.wait.limit.as_secs(), 3600, "--timeout decides over the default");
    }

    #[test]
    fn deploy_without_registration_takes_no_changes() {
        let skip = "--skip-task-definition-registration";
        assert!(request(&[skip, "--container-env-var-updates=container=a,name=A,value=1"]).is_err());
        assert!(request(&[skip]).unwrap().0.skip_registration);
    }

    #[test]
    fn deploy_a_variables_content_never_becomes_syntax() {
        let (request, _) = request(&["--container-env-var-updates=container=web,name=BRANCH,value=${BRANCH}"]).unwrap();
        assert_eq!(request.updates.env.len(), 1);
        assert_eq!(request.updates.env[0].value, "x,container=web,name=EVIL,value=1");
    }

    #[test]
    fn deploy_new_service_behind_a_load_balancer() {
        let words = ["--create-service", "--target-group=arn", "--container-name=web", "--container-port=8080"];
        let create = request(&words).unwrap().0.create.unwrap();
        assert_eq!((create.target_group.as_deref(), create.container_port), (Some("arn"), Some(8080)));
        assert!(request(&["--create-service", "--security-groups=sg-1"]).is_err(), "security groups without subnets");
    }
}
