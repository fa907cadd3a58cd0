//! `push`: an image from a directory or a file, sent to a registry.

use clap::Args;

use super::Job;
use super::error::Error;
use super::exit::{Done, Failure};
use super::place::Place;
use super::target::{Target, TargetArgs};
use super::workshop::Workshop;
use crate::config::Settings;
use crate::image::media_type::Format;
use crate::layer::Level;
use crate::store;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless push oci:image --repo team/shop --tag 'latest,${CIRCLE_SHA1:0:7}'
  dockless push docker-archive:shop.tar --to registry.example/shop:v1")]
pub struct Push {
    /// The image: oci:DIR[:TAG] or docker-archive:FILE[:NAME]
    #[arg(value_name = "SOURCE")]
    pub source: String,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// A push as the user means it.
#[derive(Debug)]
pub struct Request {
    pub source: store::Place,
    pub target: Target,
}

impl Push {
    pub fn into_request(self, settings: &Settings) -> Result<Request, Error> {
        let Place::Store(source) = Place::parse("SOURCE", &self.source)? else {
            return Err(Error::Value { flag: "SOURCE", value: self.source, wanted: "oci:DIR or docker-archive:FILE" });
        };
        Ok(Request { source, target: self.target.into_target(settings)? })
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let request = self.into_request(&job.settings)?;
        let workshop = Workshop::open(job, Format::default(), Level::default(), None)?;
        let destinations = workshop.destinations(request.target).await?;
        let image = workshop.load(request.source).await?;
        workshop.hand_over(image, destinations, None).await
    }
}
