//! `deploy-scheduled-task`: a rule of EventBridge, or a schedule of EventBridge Scheduler, starts another revision.

use clap::{Arg, ArgGroup, Args};

use super::edits::EditArgs;
use super::error::Error;
use super::exit::{Done, Failure};
use super::{Job, session};
use crate::aws::{Ecs, Session};
use crate::deploy::schedule::{self, Applied, Place, Wanted};
use crate::deploy::{self, Family, UpdateTaskDefinition};

/// The orb's variable: what its `update_task_definition` registered.
const REGISTERED: &str = "CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN";

const SCHEDULE: &str = "The schedule";
const REVISION: &str = "The task definition";

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("place").required(true).args(["rule_name", "schedule_name"]))]
#[command(mut_args(edits_need_a_family))]
#[command(after_help = "Examples:
  Start what an earlier step registered:
  dockless deploy-scheduled-task --rule-name nightly --task-definition-arn '$CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN'

  Register a revision with a new image, and let EventBridge Scheduler start it:
  dockless deploy-scheduled-task --schedule-name nightly --schedule-group batch --family report \\
    --container-image-name-updates 'container=report,image-and-tag=$IMAGE'

Only targets of the revision's family are changed, and of these only the task definition.")]
pub struct DeployScheduledTask {
    #[command(flatten)]
    pub place: PlaceArgs,
    #[command(flatten)]
    pub revision: StartArgs,
    #[command(flatten)]
    pub edits: EditArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = SCHEDULE)]
pub struct PlaceArgs {
    /// Rule of EventBridge, by name or ARN, e.g. nightly-report
    #[arg(long, value_name = "RULE")]
    pub rule_name: Option<String>,
    /// Event bus of the rule, by name or ARN, e.g. shop [default: default]
    #[arg(long, value_name = "BUS", alias = "event-bus-name", requires = "rule_name")]
    pub event_bus: Option<String>,
    /// Schedule of EventBridge Scheduler, by name or ARN, e.g. nightly-report
    #[arg(long, value_name = "SCHEDULE")]
    pub schedule_name: Option<String>,
    /// Group of the schedule, e.g. batch [default: default]
    #[arg(long, value_name = "GROUP", alias = "group-name", requires = "schedule_name")]
    pub schedule_group: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = REVISION)]
pub struct StartArgs {
    /// Revision to start, by ARN, as FAMILY:REVISION, or FAMILY for its latest
    /// [default: $CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN, unless --family is given]
    #[arg(long, value_name = "ARN", conflicts_with = "family")]
    pub task_definition_arn: Option<String>,
    /// Family to start the latest revision of, after changing it as the flags below say, e.g. report
    #[arg(long, value_name = "FAMILY")]
    pub family: Option<String>,
    /// Revision to change, e.g. 41 [default: the latest active one]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..), requires = "family")]
    pub previous_revision_number: Option<u32>,
}

/// Without a family there is nothing to edit, and a revision that is there already is started as it is.
fn edits_need_a_family(arg: Arg) -> Arg {
    match arg.get_help_heading() {
        None | Some(SCHEDULE | REVISION) => arg,
        Some(_) => arg.requires("family"),
    }
}

/// What the user wants to be started.
enum Request {
    Known(String),
    New(Box<UpdateTaskDefinition>),
}

impl DeployScheduledTask {
    fn into_request(self, job: &Job) -> Result<(Place, Request), Failure> {
        let place = self.place.into_place()?;
        let StartArgs { task_definition_arn, family, previous_revision_number } = self.revision;
        let request = match (task_definition_arn, family) {
            (_, Some(family)) => {
                let family = Family::parse(&family, previous_revision_number.map(u64::from))?;
                let (updates, tags) = self.edits.into_updates(job)?;
                Request::New(Box::new(UpdateTaskDefinition { family, updates, tags }))
            }
            (Some(arn), None) => Request::Known(arn),
            (None, None) => Request::Known(job.env.given(REGISTERED).map(str::to_owned).ok_or_else(nothing)?),
        };
        Ok((place, request))
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let (place, request) = self.into_request(job)?;
        let session = open(job).await?;
        let ecs = session.ecs();
        let (observed, (wanted, registration)) =
            tokio::try_join!(async { Ok(schedule::observe(&place, &session).await?) }, revision(request, &ecs, job))?;
        let plan = schedule::plan(&place, observed, wanted)?;
        if job.settings.dry_run {
            return Ok(schedule::planned(&plan, registration.as_ref()).into());
        }
        let applied = register(&plan, registration.as_ref(), &ecs, job).await?;
        schedule::apply(&plan, &applied, &session, &job.events).await?;
        Ok(schedule::report(&plan, &applied).into())
    }
}

impl PlaceArgs {
    fn into_place(self) -> Result<Place, Error> {
        let (flag, place) = match (self.rule_name, self.schedule_name) {
            (Some(rule), _) => ("--event-bus", Place::rule(&rule, self.event_bus)),
            (None, name) => ("--schedule-group", Place::schedule(&name.unwrap_or_default(), self.schedule_group)),
        };
        place.ok_or_else(|| Error::Conflict(format!("{flag} says otherwise than the ARN")))
    }
}

fn nothing() -> Error {
    Error::Missing {
        what: "nothing says which revision to start".into(),
        hint: "Give --task-definition-arn, or --family, or run update-task-definition in an earlier step.",
    }
}

async fn open(job: &Job) -> Result<Session, Failure> {
    let region = job.settings.region().map_err(|why| Error::Setting { flag: "--region".into(), why })?;
    Ok(session::open(&job.settings, region.map(|region| region.value.as_str()), &job.events).await?)
}

/// The revision to start, and what registers it, if it is yet to be registered.
async fn revision(request: Request, ecs: &Ecs, job: &Job) -> Result<(Wanted, Option<deploy::Plan>), Failure> {
    let update = match request {
        Request::Known(name) => return Ok((schedule::known_revision(&name, ecs, &job.events).await?, None)),
        Request::New(update) => update,
    };
    let described = deploy::observe_definition(&update, ecs).await?;
    let plan = deploy::plan_definition(&update, &described)?;
    let arn = plan.register.is_none().then(|| plan.base.clone());
    Ok((Wanted { family: update.family.name, arn }, Some(plan)))
}

async fn register(
    plan: &schedule::Plan,
    registration: Option<&deploy::Plan>,
    ecs: &Ecs,
    job: &Job,
) -> Result<Applied, Failure> {
    let Some(registration) = registration else {
        return Ok(Applied { revision: plan.wanted.arn.clone().unwrap_or_default(), registered: false });
    };
    let applied = deploy::apply(registration, ecs, &job.clock, &job.events).await?;
    Ok(Applied { revision: applied.revision, registered: applied.registered.is_some() })
}
