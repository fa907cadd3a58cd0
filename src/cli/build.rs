//! `build`: an image out of a jar, a binary or files, put into a directory, a file or a registry.

use clap::Args;

use super::Job;
use super::error::Error;
use super::exit::{Done, Failure};
use super::image::{Image, ImageArgs};
use super::place::Place;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless build --jar target/shop.jar --to oci:image
  dockless build --binary target/release/shop --files static:/srv/www --to docker-archive:shop.tar:shop:v1
  dockless build --jar target/shop.jar --env SPRING_PROFILES_ACTIVE=prod --to registry.example/shop:v1")]
pub struct Build {
    /// Where to put the image: a reference, oci:DIR[:TAG] or docker-archive:FILE[:NAME]; may be repeated
    #[arg(long, value_name = "IMAGE", value_delimiter = ',', required = true)]
    pub to: Vec<String>,
    #[command(flatten)]
    pub image: ImageArgs,
}

/// A build as the user means it.
#[derive(Debug)]
#[expect(dead_code, reason = "its working parts are not connected yet")]
pub struct Request {
    pub image: Image,
    pub to: Vec<Place>,
}

impl Build {
    pub fn into_request(self) -> Result<Request, Error> {
        let to = self.to.iter().map(|text| Place::parse("--to", text)).collect::<Result<_, _>>()?;
        Ok(Request { image: self.image.into_image()?, to })
    }

    pub async fn run(self, _job: &Job) -> Result<Done, Failure> {
        self.into_request()?;
        Err(Error::Unconnected("build").into())
    }
}
