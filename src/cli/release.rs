//! The road of several services, by `--service-name` more than once or by `--steps`: everything is observed and
//! planned, and all that is wrong is told at once, before the first of them changes anything.

use serde_json::{Value, json};

use super::codedeploy;
use super::deploy_service_update::Wish;
use super::error::Error;
use super::exit::{Done, Failure};
use super::job::Minding;
use super::update_task_definition::connect;
use super::{Job, exit};
use crate::aws::{CODE_DEPLOY, Session};
use crate::deploy::codedeploy::CONTROLLER;
use crate::deploy::release::{self, Foreseen, Part, Release, Step};
use crate::deploy::{self, Observed, Plan, Rescue, UpdateTaskDefinition, one_off};

/// What is meant by one step.
pub enum Meant {
    Deploy(Vec<Wish>),
    Register(Box<UpdateTaskDefinition>),
    Task(Box<one_off::RunTask>),
}

pub async fn run(steps: Vec<Meant>, job: &Job) -> Result<Done, Failure> {
    let wishes: Vec<&Wish> = steps.iter().flat_map(Meant::wishes).collect();
    check(&wishes)?;
    let session = connect(job, home(&wishes)).await?;
    let release = plan(&steps, &session, job).await?;
    if job.settings.dry_run {
        return Ok(release::planned(&release).into());
    }
    let minding = Minding::begin();
    let (ecs, api) = (session.ecs(), session.service(&CODE_DEPLOY));
    let (report, forgiven) = release::carry_out(release, &ecs, &api, &job.clock, &job.events, &minding.halts()).await;
    let code = if forgiven { 0 } else { exit::outcome_code(report.outcome) };
    Ok(Done { report, code })
}

impl Meant {
    fn wishes(&self) -> &[Wish] {
        match self {
            Meant::Deploy(wishes) => wishes,
            _ => &[],
        }
    }
}

/// A service whose ARN names a region, if there is one.
fn home<'a>(wishes: &[&'a Wish]) -> &'a str {
    let mut services = wishes.iter().map(|wish| wish.request.service.as_str());
    services.find(|service| deploy::region_in_arn(service).is_some()).unwrap_or_default()
}

fn check(wishes: &[&Wish]) -> Result<(), Error> {
    let mut regions = wishes.iter().filter_map(|wish| deploy::region_in_arn(&wish.request.service));
    if let Some(first) = regions.next()
        && let Some(other) = regions.find(|region| *region != first)
    {
        return Err(Error::Conflict(format!("there are services of {first} and of {other}: one run has one region")));
    }
    for (index, wish) in wishes.iter().enumerate() {
        let (cluster, service) = wish.request.whom();
        if wishes[..index].iter().any(|other| other.request.whom() == (cluster, service)) {
            return Err(Error::Conflict(format!("the service '{service}' in '{cluster}' is named twice")));
        }
    }
    Ok(())
}

async fn plan(steps: &[Meant], session: &Session, job: &Job) -> Result<Release, Failure> {
    let requests: Vec<_> = steps.iter().flat_map(Meant::wishes).map(|wish| &wish.request).collect();
    let mut planner = Planner { session, job, foreseen: Foreseen::default(), refused: Vec::new() };
    let mut observed = release::observe(&requests, &session.ecs()).await.into_iter();
    let mut planned = Vec::new();
    for step in steps {
        match step {
            Meant::Deploy(wishes) => {
                let mut parts = Vec::new();
                for (wish, observed) in wishes.iter().zip(observed.by_ref()) {
                    let part = planner.service(wish, observed).await;
                    parts.extend(planner.kept(wish.request.whom().1, part));
                }
                planned.push(Step::Deploy(parts));
            }
            Meant::Register(request) => {
                let part = planner.revision(request).await;
                planned.extend(planner.kept(&request.family.name, part).map(|part| Step::Deploy(vec![part])));
            }
            Meant::Task(request) => {
                let plan = planner.task(request).await;
                planned.extend(planner.kept("run-task", plan).map(|plan| Step::Task(Box::new(plan))));
            }
        }
    }
    match together(planner.refused) {
        Some(why) => Err(why),
        None => Ok(Release { steps: planned }),
    }
}

/// Plans one after the other, and keeps what is wrong for the end.
struct Planner<'a> {
    session: &'a Session,
    job: &'a Job,
    foreseen: Foreseen,
    refused: Vec<(String, Failure)>,
}

impl Planner<'_> {
    fn kept<T>(&mut self, name: &str, planned: Result<T, Failure>) -> Option<T> {
        planned.map_err(|why| self.refused.push((name.to_owned(), why))).ok()
    }

    /// What an earlier step makes of the family, unless a revision was asked for by its number.
    fn foresee(&self, described: Value, numbered: bool) -> Value {
        let family = &described["taskDefinition"]["family"];
        let latest = self.foreseen.latest(family).filter(|_| !numbered).cloned();
        latest.unwrap_or(described)
    }

    async fn service(&mut self, wish: &Wish, observed: Result<Observed, deploy::Error>) -> Result<Part, Failure> {
        let Wish { request, options, rescue, .. } = wish;
        let observed = observed?;
        let described = self.foresee(observed.described, request.family.revision.is_some());
        let observed = Observed { described, ..observed };
        wish.check_controller(&observed)?;
        let plan = match observed.controller() {
            Some(CONTROLLER) => codedeploy::plan(request, options, &observed, self.session, self.job).await?,
            _ => deploy::plan_service(request, &observed)?,
        };
        let strict = wish.watch.is_none_or(|watch| watch.strict);
        Ok(self.part(request.whom().1, plan, *rescue, strict))
    }

    /// Only registers it.
    async fn revision(&mut self, request: &UpdateTaskDefinition) -> Result<Part, Failure> {
        let described = deploy::observe_definition(request, &self.session.ecs()).await?;
        let described = self.foresee(described, request.family.revision.is_some());
        let plan = deploy::plan_definition(request, &described)?;
        Ok(self.part(&request.family.name, plan, Rescue::default(), true))
    }

    fn part(&mut self, name: &str, plan: Plan, rescue: Rescue, strict: bool) -> Part {
        Part { name: name.to_owned(), foreseen: self.foreseen.note(&plan), plan, rescue, strict }
    }

    /// A bare family's name means the latest revision by then; a service's own revision is the one that it runs now.
    async fn task(&mut self, request: &one_off::RunTask) -> Result<one_off::Plan, Failure> {
        let mut observed = one_off::observe(request, &self.session.ecs()).await?;
        let numbered = request.task_definition.as_ref().is_none_or(|name| name.contains(':'));
        let described = json!({ "taskDefinition": observed.definition });
        observed.definition = self.foresee(described, numbered)["taskDefinition"].take();
        Ok(one_off::plan(request, &observed)?)
    }
}

/// All refusals as one: the first in full, what is wrong with the others behind it.
fn together(refused: Vec<(String, Failure)>) -> Option<Failure> {
    let mut refused = refused.into_iter();
    let (name, mut first) = refused.next()?;
    first.shown.message = format!("{name}: {}", first.shown.message);
    for (name, other) in refused {
        let hint = other.shown.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        first.shown.causes.push(format!("{name}: {}{hint}", other.shown.message));
    }
    Some(first)
}
