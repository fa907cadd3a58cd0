//! `build-and-push`: an image out of a jar, a binary or files, sent to ECR or another registry.

use clap::Args;

use super::Job;
use super::edits::expand;
use super::exit::{Done, Failure};
use super::image::{Image, ImageArgs};
use super::published;
use super::repository::{Repository, RepositoryArgs};
use super::target::{Target, TargetArgs};
use super::workshop::{Destination, Workshop};
use crate::aws::host::PUBLIC_REGISTRY;
use crate::image::EcrHost;
use crate::repository;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless build-and-push --jar target/shop.jar --repo team/shop --tag 'latest,${CIRCLE_SHA1:0:7}'
  dockless build-and-push --binary target/release/shop --repo team/shop --tag v1 --create-repo --skip-when-tags-exist")]
pub struct BuildAndPush {
    #[command(flatten)]
    pub image: ImageArgs,
    #[command(flatten)]
    pub target: TargetArgs,
    /// Push what was built [default: true]
    #[arg(long, help_heading = "Where to")]
    pub push_image: Option<bool>,
    /// Do nothing if all tags exist
    #[arg(long, help_heading = "Where to")]
    pub skip_when_tags_exist: Option<bool>,
    #[command(flatten)]
    pub repository: RepositoryArgs,
}

/// A build and its push as the user means them.
#[derive(Debug)]
pub struct Request {
    pub image: Image,
    pub target: Target,
    pub push: bool,
    pub skip_when_tags_exist: bool,
    pub repository: Repository,
}

impl BuildAndPush {
    pub fn into_request(self, job: &Job) -> Result<Request, Failure> {
        let request = Request {
            image: self.image.into_image(&job.settings, job.clock.now())?,
            target: self.target.into_target(&job.settings)?,
            push: self.push_image.unwrap_or(true),
            skip_when_tags_exist: self.skip_when_tags_exist.unwrap_or_default(),
            repository: self.repository.into_repository(&|text| expand(job, text))?,
        };
        if request.push && request.target.is_public() {
            request.repository.check_public()?;
        }
        Ok(request)
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let request = self.into_request(job)?;
        let workshop = Workshop::for_build(job, &request.image)?;
        if !request.push {
            let image = workshop.make(&request.image.build).await?;
            return workshop.hand_over(image, Vec::new(), request.image.metadata_out.as_deref()).await;
        }
        let account = request.target.account();
        let mut destinations = workshop.destinations(request.target).await?;
        if request.skip_when_tags_exist {
            let present = workshop.drop_present(&mut destinations).await?;
            if destinations.is_empty() {
                return Ok(published::skipped(&present).into());
            }
        }
        let image = workshop.make(&request.image.build).await?;
        if request.repository.is_asked_for() && !job.settings.dry_run {
            prepare(&request.repository, account, &destinations, &workshop).await?;
        }
        workshop.hand_over(image, destinations, request.image.metadata_out.as_deref()).await
    }
}

/// Makes the ECR repositories what they were asked to be.
async fn prepare(
    wanted: &Repository,
    account: Option<String>,
    destinations: &[Destination],
    workshop: &Workshop,
) -> Result<(), Failure> {
    for destination in destinations {
        let Destination::Registry(repository, _) = destination else { continue };
        let public = repository.registry == PUBLIC_REGISTRY;
        let account = account.clone().or_else(|| Some(EcrHost::parse(&repository.registry)?.account));
        // In the public gallery, the first part is the registry's alias and no part of the repository's name.
        let name = repository.name.split_once('/').filter(|_| public).map_or(&*repository.name, |(_, name)| name);
        let request = wanted.request(name, account, public);
        let ecr = workshop.logins.ecr(&repository.registry).await?;
        let snapshot = repository::observe(&ecr, &request).await?;
        let plan = repository::plan(&request, &snapshot);
        repository::apply(&ecr, &plan, &workshop.events).await?;
    }
    Ok(())
}
