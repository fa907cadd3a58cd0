//! `run-task`: tasks that run once, with a service's settings if wanted, watched until they have stopped.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::Job;
use super::deploy_service_update::PublicIp;
use super::edits::{NameArgs, TaskArgs, expand, flags};
use super::error::Error;
use super::exit::{Done, Failure};
use super::job::{Minding, untouched};
use super::update_task_definition::ecs_of;
use super::values::Template;
use crate::deploy::one_off::{self, Cancel, Launch, Network};
use crate::deploy::{self, Subst, Texts, Updates, parse_tags};
use crate::report::Outcome;

/// The orb's variable: what its `update_task_definition` registered.
const REGISTERED: &str = "CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  A migration before the deployment, in the service's network, with the revision that this pipeline made:
  revision=$(dockless update-task-definition --family shop --image web=$IMAGE)
  dockless run-task --cluster production --like-service shop-web --task-definition $revision -- rake db:migrate
  dockless deploy-service-update --cluster production --family shop --revision $revision

  All that RunTask takes, as the orb has it:
  dockless run-task --cluster production --task-definition report:7 --subnet-ids subnet-0a1,subnet-0b2 \\
    --capacity-provider-strategy 'capacityProvider=FARGATE_SPOT,weight=1' --overrides overrides.json

  One container's exit code becomes that of the command:
  dockless run-task --cluster production --like-service shop-web --exit-code-from web --propagate-exit-code \\
    --command web='[\"sh\",\"-c\",\"./check\"]' --env web:MODE=strict

Exit codes: 0 every task succeeded, 3 one failed or never started, 6 time ran out while it went on.")]
pub struct RunTask {
    #[command(flatten)]
    pub which: WhichArgs,
    #[command(flatten)]
    pub place: PlaceArgs,
    #[command(flatten)]
    pub overrides: OverrideArgs,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub marks: MarkArgs,
    #[command(flatten)]
    pub watch: WatchArgs,
    /// What the container runs, after --, e.g. -- rake db:migrate; as it is, variables are the shell's
    ///
    /// It is for the container of --exit-code-from, or for the only one.
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "command")]
    pub words: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The task")]
pub struct WhichArgs {
    /// Cluster, by name or ARN, e.g. production; needed unless the service's ARN names it
    #[arg(long, value_name = "CLUSTER", alias = "cluster-name")]
    pub cluster: Option<String>,
    /// Task definition, e.g. shop for its latest revision, shop:41, or an ARN
    /// [default: the service's, else $CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN]
    #[arg(long, value_name = "DEFINITION", alias = "task-definition-arn")]
    pub task_definition: Option<String>,
    /// Run as this service's tasks do, by name or ARN: its network, launch type or capacity providers, platform
    /// version, and task definition, where none are given
    #[arg(long, value_name = "SERVICE", alias = "service-name", alias = "service")]
    pub like_service: Option<String>,
    /// Number of tasks, 1 to 10 [default: 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10))]
    pub count: Option<u32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Where it runs")]
pub struct PlaceArgs {
    /// Launch type; CLUSTER is whatever the cluster does by default
    /// [default: the service's, else FARGATE if the definition is made for it, else CLUSTER]
    #[arg(long, value_name = "TYPE", ignore_case = true, conflicts_with = "capacity_provider_strategy")]
    pub launch_type: Option<LaunchType>,
    /// Capacity providers, e.g. "capacityProvider=FARGATE,base=1 capacityProvider=FARGATE_SPOT,weight=1", or as JSON
    #[arg(long, value_name = "STRATEGY")]
    pub capacity_provider_strategy: Option<Template>,
    /// Version of Fargate's platform, e.g. 1.4.0 [default: the service's, else LATEST]
    #[arg(long, value_name = "VERSION")]
    pub platform_version: Option<String>,
    /// Send subnets and security groups [default: if the definition has the network mode awsvpc]
    #[arg(long)]
    pub awsvpc: Option<bool>,
    /// Subnets, e.g. subnet-0a1,subnet-0b2 [default: the service's]
    #[arg(long, value_name = "LIST", value_delimiter = ',', alias = "subnets")]
    pub subnet_ids: Vec<String>,
    /// Security groups, e.g. sg-0c3 [default: the service's, else the VPC's default one]
    #[arg(long, value_name = "LIST", value_delimiter = ',', alias = "security-groups")]
    pub security_group_ids: Vec<String>,
    /// Whether tasks get a public address [default: the service's, else DISABLED]
    #[arg(long, value_name = "STATE", ignore_case = true, alias = "public-ip")]
    pub assign_public_ip: Option<PublicIp>,
    /// Constraints on instances, e.g. "type=memberOf,expression=attribute:ecs.instance-type =~ t3.*", or as JSON
    #[arg(long, value_name = "LIST")]
    pub placement_constraints: Option<Template>,
    /// Strategy for instances, e.g. "type=spread,field=attribute:ecs.availability-zone", or as JSON
    #[arg(long, value_name = "LIST")]
    pub placement_strategy: Option<Template>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What is different in these tasks (CONTAINER may be left out where there is but one)")]
pub struct OverrideArgs {
    /// RunTask's overrides as JSON, or a file with them, e.g. overrides.json; the flags below go over them
    ///
    /// Variables in its texts are replaced; $$ is a dollar sign.
    #[arg(long, value_name = "JSON")]
    pub overrides: Option<Template>,
    /// What the container runs, as JSON, e.g. web='["sh","-c","migrate"]'; may be repeated
    #[arg(long, value_name = "CONTAINER=JSON")]
    pub command: Vec<Template>,
    /// Environment variable, e.g. web:MODE=fast; may be repeated
    #[arg(long, value_name = "CONTAINER:NAME=VALUE")]
    pub env: Vec<Template>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "How it is known")]
pub struct MarkArgs {
    /// Who started it, for ListTasks, e.g. pipeline-1234
    #[arg(long, value_name = "NAME")]
    pub started_by: Option<String>,
    /// Group of the task [default: family:FAMILY]
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Tags of the task, e.g. "key=team,value=web key=stage,value=prod", or as JSON
    #[arg(long, value_name = "TAGS")]
    pub tags: Option<Template>,
    /// Let ECS tag the task with its cluster
    #[arg(long)]
    pub enable_ecs_managed_tags: Option<bool>,
    /// Give the task the tags of its definition
    #[arg(long)]
    pub propagate_tags: Option<bool>,
    /// Allow `aws ecs execute-command` in its containers
    #[arg(long)]
    pub enable_execute_command: Option<bool>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Waiting for it")]
pub struct WatchArgs {
    /// Wait until every task has stopped, as long as it takes or --timeout says [default: true]
    #[arg(long, alias = "wait")]
    pub wait_task_stopped: Option<bool>,
    /// Show what the containers write, while they run, if they log to CloudWatch Logs (awslogs) [default: true]
    #[arg(long)]
    pub logs: Option<bool>,
    /// Container whose exit code alone counts [default: every essential one's has to be 0]
    ///
    /// If --command or -- COMMAND is for one of several essential containers, that one has to exit with 0, and the
    /// others may end by the signal that stops them.
    #[arg(long, value_name = "CONTAINER")]
    pub exit_code_from: Option<String>,
    /// End with the container's own exit code instead of 3, if it has one [default: false]
    #[arg(long)]
    pub propagate_exit_code: Option<bool>,
    /// Stop the tasks when the job is cancelled (Ctrl-C, SIGTERM); a second signal leaves at once [default: false]
    #[arg(long)]
    pub stop_on_cancel: Option<bool>,
    /// Stop the tasks when --timeout is over [default: false]
    #[arg(long)]
    pub stop_on_timeout: Option<bool>,
    /// File for RunTask's answer, as it came
    #[arg(long, value_name = "FILE")]
    pub run_task_output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LaunchType {
    #[value(name = "FARGATE")]
    Fargate,
    #[value(name = "EC2")]
    Ec2,
    #[value(name = "EXTERNAL")]
    External,
    #[value(name = "MANAGED_INSTANCES")]
    ManagedInstances,
    #[value(name = "CLUSTER")]
    Cluster,
}

impl RunTask {
    pub fn into_request(self, job: &Job) -> Result<one_off::RunTask, Failure> {
        let subst = |text: &str| expand(job, text);
        let RunTask { which, place, overrides, task, marks, watch, words } = self;
        let service = which.like_service.as_deref().unwrap_or_default();
        let cluster = deploy::cluster(which.cluster, service)?;
        let registered = || job.env.given(REGISTERED).filter(|_| service.is_empty()).map(str::to_owned);
        let mut members = marks.into_members(&subst)?;
        place.add_placement(&mut members, &subst)?;
        let json = overrides.overrides.as_ref().map(|given| text_or_file(&given.0)).transpose()?;
        let given = json.map(|json| one_off::read_overrides(&json, &subst)).transpose()?;
        Ok(one_off::RunTask {
            task_definition: which.task_definition.or_else(registered),
            cluster,
            like: which.like_service,
            count: which.count.unwrap_or(1),
            launch: place.launch(&subst)?,
            platform_version: place.platform_version.clone(),
            network: place.into_network(),
            overrides: given.unwrap_or_default(),
            updates: overrides.into_updates(task, &subst)?,
            words,
            members,
            wait: watch.wait_task_stopped.unwrap_or(true),
            logs: watch.logs.unwrap_or(true),
            cancel: Cancel {
                on_interrupt: watch.stop_on_cancel.unwrap_or_default(),
                on_timeout: watch.stop_on_timeout.unwrap_or_default(),
            },
            exit_code_from: watch.exit_code_from,
        })
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        untouched("no task was started");
        let own_code = self.watch.propagate_exit_code.unwrap_or_default();
        let output = self.watch.run_task_output.clone();
        let arn = self.which.like_service.clone().unwrap_or_default();
        let request = self.into_request(job)?;
        let ecs = ecs_of(job, &arn).await?;
        let plan = one_off::plan(&request, &one_off::observe(&request, &ecs).await?)?;
        if job.settings.dry_run {
            return Ok(one_off::planned(&plan).into());
        }
        let minding = Minding::begin();
        let halts = minding.halts();
        let started = one_off::start(&plan, &ecs, &job.clock, &job.events, &halts).await?;
        if let Some(path) = output {
            write(&path, &started.answer)?;
        }
        let ended = one_off::follow(&plan, &started, &ecs, &job.clock, &job.events, &halts).await?;
        let done = Done::from(one_off::report(&plan, &started, &ended));
        Ok(if own_code { with_code(done, ended.exit_code()) } else { done })
    }
}

fn with_code(done: Done, code: Option<i64>) -> Done {
    let code = code.filter(|_| done.report.outcome == Outcome::Failed).and_then(|code| u8::try_from(code).ok());
    Done { code: code.unwrap_or(done.code), ..done }
}

/// The file is of use to the steps that follow, so it is an error if it cannot be written.
fn write(path: &std::path::Path, answer: &Value) -> Result<(), Error> {
    let text = serde_json::to_vec_pretty(answer).expect("plain JSON");
    std::fs::write(path, text).map_err(|why| Error::File { path: path.to_owned(), why })
}

/// JSON itself, or the name of a file, which may be written as the AWS CLI has it.
fn text_or_file(given: &str) -> Result<String, Error> {
    if given.trim_start().starts_with(['{', '[']) {
        return Ok(given.to_owned());
    }
    let path = PathBuf::from(given.strip_prefix("file://").unwrap_or(given));
    std::fs::read_to_string(&path).map_err(|why| Error::File { path, why })
}

impl MarkArgs {
    fn into_members(self, subst: Subst<'_>) -> Result<Map<String, Value>, Failure> {
        let tags = self.tags.map(|tags| parse_tags(&tags.0, subst)).transpose()?.unwrap_or_default();
        let tags: Vec<Value> = tags.into_iter().map(|tag| json!({ "key": tag.key, "value": tag.value })).collect();
        let on = |switch: Option<bool>| switch.filter(|on| *on).map(Value::from);
        let members = [
            ("startedBy", self.started_by.map(Value::from)),
            ("group", self.group.map(Value::from)),
            ("tags", Some(tags).filter(|tags| !tags.is_empty()).map(Value::from)),
            ("enableECSManagedTags", on(self.enable_ecs_managed_tags)),
            ("propagateTags", on(self.propagate_tags).map(|_| "TASK_DEFINITION".into())),
            ("enableExecuteCommand", on(self.enable_execute_command)),
        ];
        Ok(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }
}

impl PlaceArgs {
    fn launch(&self, subst: Subst<'_>) -> Result<Option<Launch>, Failure> {
        if let Some(strategy) = &self.capacity_provider_strategy {
            return Ok(Some(Launch::Providers(one_off::providers(&strategy.0, subst)?)));
        }
        Ok(self.launch_type.map(|launch| match launch {
            LaunchType::Cluster => Launch::Cluster,
            named => Launch::Type(name(&named)),
        }))
    }

    fn add_placement(&self, members: &mut Map<String, Value>, subst: Subst<'_>) -> Result<(), Failure> {
        if let Some(text) = &self.placement_constraints {
            members.insert("placementConstraints".into(), one_off::constraints(&text.0, subst)?);
        }
        if let Some(text) = &self.placement_strategy {
            members.insert("placementStrategy".into(), one_off::strategy(&text.0, subst)?);
        }
        Ok(())
    }

    fn into_network(self) -> Network {
        let trimmed = |list: Vec<String>| list.iter().map(|item| item.trim().to_owned()).collect();
        Network {
            awsvpc: self.awsvpc,
            subnets: trimmed(self.subnet_ids),
            security_groups: trimmed(self.security_group_ids),
            public_ip: self.assign_public_ip.map(|state| name(&state)),
        }
    }
}

fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

impl OverrideArgs {
    fn into_updates(self, task: TaskArgs, subst: Subst<'_>) -> Result<Updates, Failure> {
        let names = NameArgs { command: self.command, env: self.env, ..NameArgs::default() };
        let updates =
            Updates::parse(Texts::default(), subst).and_then(|updates| updates.with(&flags(names, task), subst));
        Ok(updates.map_err(deploy::Error::from)?)
    }
}
