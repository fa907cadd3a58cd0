//! `build`: an image out of a jar, a binary or files, put into a directory, a file or a registry.

use clap::Args;

use super::Job;
use super::error::Error;
use super::exit::{Done, Failure};
use super::image::{Image, ImageArgs};
use super::target::{Target, TargetArgs};
use super::workshop::Workshop;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless build --jar target/shop.jar --to oci:image
  dockless build --binary target/release/shop --files static:/srv/www --to docker-archive:shop.tar:shop:v1
  dockless build --jar target/shop.jar --env SPRING_PROFILES_ACTIVE=prod --to registry.example/shop:v1")]
pub struct Build {
    #[command(flatten)]
    pub image: ImageArgs,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// A build as the user means it.
#[derive(Debug)]
pub struct Request {
    pub image: Image,
    pub target: Target,
}

impl Build {
    pub fn into_request(self, job: &Job) -> Result<Request, Error> {
        let image = self.image.into_image(&job.settings, job.clock.now())?;
        Ok(Request { image, target: self.target.into_target(&job.settings)? })
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let request = self.into_request(job)?;
        let workshop = Workshop::for_build(job, &request.image)?;
        let destinations = workshop.destinations(request.target).await?;
        let image = workshop.make(&request.image.build).await?;
        workshop.hand_over(image, destinations, request.image.metadata_out.as_deref()).await
    }
}
