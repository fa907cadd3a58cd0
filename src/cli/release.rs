//! The road of several services, by `--service-name` more than once or by `--steps`: everything is observed and
//! planned, and all that is wrong is told at once, before the first of them changes anything.

use super::codedeploy;
use super::deploy_service_update::Wish;
use super::error::Error;
use super::exit::{Done, Failure};
use super::job::{Minding, interrupt};
use super::update_task_definition::connect;
use super::{Job, exit};
use crate::aws::{CODE_DEPLOY, Session};
use crate::deploy::codedeploy::CONTROLLER;
use crate::deploy::release::{self, Foreseen, Part, Release};
use crate::deploy::{self, Observed};

/// Step by step, what is meant for each service.
pub async fn run(steps: Vec<Vec<Wish>>, job: &Job) -> Result<Done, Failure> {
    check(&steps)?;
    let session = connect(job, home(&steps)).await?;
    let release = plan(&steps, &session, job).await?;
    if job.settings.dry_run {
        return Ok(release::planned(&release).into());
    }
    let _minding = Minding::begin();
    let (ecs, api) = (session.ecs(), session.service(&CODE_DEPLOY));
    let (report, forgiven) = release::carry_out(release, &ecs, &api, &job.clock, &job.events, interrupt()).await;
    let code = if forgiven { 0 } else { exit::outcome_code(report.outcome) };
    Ok(Done { report, code })
}

/// A service whose ARN names a region, if there is one.
fn home(steps: &[Vec<Wish>]) -> &str {
    let mut services = steps.iter().flatten().map(|wish| wish.request.service.as_str());
    services.find(|service| deploy::region_in_arn(service).is_some()).unwrap_or_default()
}

fn check(steps: &[Vec<Wish>]) -> Result<(), Error> {
    let wishes: Vec<&Wish> = steps.iter().flatten().collect();
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

async fn plan(steps: &[Vec<Wish>], session: &Session, job: &Job) -> Result<Release, Failure> {
    let requests: Vec<_> = steps.iter().flatten().map(|wish| &wish.request).collect();
    let mut observed = release::observe(&requests, &session.ecs()).await.into_iter();
    let (mut foreseen, mut refused, mut planned) = (Foreseen::default(), Vec::new(), Vec::new());
    for step in steps {
        let mut parts = Vec::new();
        for wish in step {
            let observed = observed.next().expect("each was observed");
            let part = match observed {
                Ok(observed) => plan_part(wish, observed, &mut foreseen, session, job).await,
                Err(why) => Err(why.into()),
            };
            match part {
                Ok(part) => parts.push(part),
                Err(why) => refused.push((wish.request.whom().1.to_owned(), why)),
            }
        }
        planned.push(parts);
    }
    match together(refused) {
        Some(why) => Err(why),
        None => Ok(Release { steps: planned }),
    }
}

async fn plan_part(
    wish: &Wish,
    mut observed: Observed,
    foreseen: &mut Foreseen,
    session: &Session,
    job: &Job,
) -> Result<Part, Failure> {
    if let Some(described) = foreseen.instead_of(&observed.described, &wish.request) {
        observed.described = described;
    }
    wish.check_controller(&observed)?;
    let plan = match observed.controller() {
        Some(CONTROLLER) => codedeploy::plan(&wish.request, &wish.options, &observed, session, job).await?,
        _ => deploy::plan_service(&wish.request, &observed)?,
    };
    let strict = wish.watch.is_none_or(|watch| watch.strict);
    let name = wish.request.whom().1.to_owned();
    Ok(Part { name, foreseen: foreseen.note(&plan), plan, rescue: wish.rescue, strict })
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
