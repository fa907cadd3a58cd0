//! `build-and-push`: an image out of a jar, a binary or files, sent to ECR or another registry.

use clap::Args;

use super::Job;
use super::error::Error;
use super::exit::{Done, Failure};
use super::image::{Image, ImageArgs};
use super::repository::{Repository, RepositoryArgs};
use super::target::{Target, TargetArgs};
use crate::config::Settings;

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
#[expect(dead_code, reason = "its working parts are not connected yet")]
pub struct Request {
    pub image: Image,
    pub target: Target,
    pub push: bool,
    pub skip_when_tags_exist: bool,
    pub repository: Repository,
}

impl BuildAndPush {
    pub fn into_request(self, settings: &Settings) -> Result<Request, Error> {
        Ok(Request {
            image: self.image.into_image()?,
            target: self.target.into_target(settings)?,
            push: self.push_image.unwrap_or(true),
            skip_when_tags_exist: self.skip_when_tags_exist.unwrap_or_default(),
            repository: self.repository.into_repository()?,
        })
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        self.into_request(&job.settings)?;
        Err(Error::Unconnected("build-and-push").into())
    }
}
