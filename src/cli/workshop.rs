//! What `build`, `push` and `build-and-push` share: one registry client with everybody's logins, a place for
//! temporary files, and the way from a finished image to its destinations and to the report.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Job;
use super::error::Error;
use super::exit::{Done, Failure};
use super::image;
use super::logins::Logins;
use super::place::Place;
use super::published::{self, Delivered, Planned};
use super::target::{Registry, Target};
use crate::aws::host::{PUBLIC_REGISTRY, registry_host};
use crate::build::{self, Image, Packer, Survey};
use crate::image::media_type::Format;
use crate::image::{Reference, Repository};
use crate::layer::{Known, Level};
use crate::registry::{self, Client};
use crate::report::Events;
use crate::store;

pub struct Workshop {
    pub client: Client,
    pub logins: Arc<Logins>,
    pub packer: Packer,
    pub events: Events,
    dry_run: bool,
}

/// Where the image goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Destination {
    /// All tags of one repository.
    Registry(Repository, Vec<Reference>),
    Store(store::Place),
}

impl Workshop {
    pub fn for_build(job: &Job, made: &image::Image) -> Result<Self, Failure> {
        if let Some(path) = &made.metadata_out {
            published::check_metadata(path)?;
        }
        let request = &made.build;
        Workshop::open(job, request.settings.format, request.level, request.cache.clone())
    }

    pub fn open(job: &Job, format: Format, level: Level, cache: Option<PathBuf>) -> Result<Self, Failure> {
        let logins = Arc::new(Logins::new(&job.settings, &job.env, &job.events));
        let options = registry::Options {
            ca_bundle: job.settings.ca_bundle.as_ref().map(|path| path.value.clone()),
            ..registry::Options::default()
        };
        let client = Client::new(options, logins.clone(), job.clock.clone(), job.events.clone())?;
        let spool = tempfile::Builder::new().prefix("dockless.").tempdir();
        let spool = spool.map_err(|why| Error::File { path: std::env::temp_dir(), why })?;
        let known = Known::open(cache.as_ref().map(|cache| cache.join("layers")));
        let configs = cache.map(|cache| cache.join("configs"));
        let packer = Packer {
            level,
            format,
            known: Arc::new(known),
            configs,
            spool: Arc::new(spool),
            events: job.events.clone(),
        };
        Ok(Workshop { client, logins, packer, events: job.events.clone(), dry_run: job.settings.dry_run })
    }

    /// Names the destinations in full; asks AWS who we are and where if nobody said so. Only reads.
    pub async fn destinations(&self, target: Target) -> Result<Vec<Destination>, Failure> {
        let destinations = match target {
            Target::Places(places) => grouped(places),
            Target::Repository { registry, name, tags } => {
                let host = self.host(registry).await?;
                let repository = Repository::new(&host, &name).map_err(|why| Error::Image { flag: "--repo", why })?;
                let references = tags.iter().map(|tag| repository.tagged(tag)).collect::<Result<_, _>>()?;
                vec![Destination::Registry(repository, references)]
            }
        };
        for destination in &destinations {
            if let Destination::Store(place) = destination {
                store::check_writable(place)?;
            }
        }
        Ok(destinations)
    }

    async fn host(&self, registry: Registry) -> Result<String, Failure> {
        let (account, region, domain) = match registry {
            Registry::Host(host) => return Ok(host),
            Registry::Public => return Ok(PUBLIC_REGISTRY.into()),
            Registry::Private { account, region, domain } => (account, region, domain),
        };
        let (account, region) = match (account, region) {
            (Some(account), Some(region)) => (account, region),
            (account, region) => {
                let session = self.logins.session(region.as_deref()).await?;
                let account = match account {
                    Some(account) => account,
                    None => session.sts().caller_identity().await?.account,
                };
                (account, region.unwrap_or_else(|| session.region().to_owned()))
            }
        };
        Ok(registry_host(&account, &region, domain.as_deref()))
    }

    /// Takes out the tags that exist, and destinations that have no others; gives back those tags, pinned.
    pub async fn drop_present(&self, destinations: &mut Vec<Destination>) -> Result<Vec<Reference>, Failure> {
        let mut present = Vec::new();
        for destination in destinations.iter_mut() {
            let Destination::Registry(repository, references) = destination else { continue };
            let survey = match build::survey(&self.client, repository, references).await {
                Err(build::Error::Registry(registry::Error::NoRepository { .. })) => continue,
                survey => survey?,
            };
            let (there, missing): (Vec<_>, Vec<_>) = survey.tags.into_iter().partition(|(_, now)| now.is_some());
            present.extend(there.into_iter().filter_map(|(reference, now)| Some(reference.pinned(&now?))));
            *references = missing.into_iter().map(|(reference, _)| reference).collect();
        }
        destinations.retain(|destination| !matches!(destination, Destination::Registry(_, tags) if tags.is_empty()));
        Ok(present)
    }

    /// Builds the image. Nothing leaves the machine.
    pub async fn make(&self, request: &build::Request) -> Result<Image, Failure> {
        let snapshot = build::observe(request, &self.client, &self.packer).await?;
        self.events.step(format!("Building on {}", snapshot.base.name));
        let (request, packer) = (request.clone(), self.packer.clone());
        let composing = move || build::compose(&request, snapshot, &packer);
        Ok(tokio::task::spawn_blocking(composing).await.expect("composing does not panic")?)
    }

    /// Reads an image from files.
    pub async fn load(&self, place: store::Place) -> Result<Image, Failure> {
        self.events.step(format!("Reading {place}"));
        let packer = self.packer.clone();
        let loading = move || build::load(&place, &packer);
        Ok(tokio::task::spawn_blocking(loading).await.expect("loading does not panic")?)
    }

    /// Brings the image to its destinations, or tells what that would take.
    pub async fn hand_over(
        &self,
        image: Image,
        destinations: Vec<Destination>,
        metadata_out: Option<&Path>,
    ) -> Result<Done, Failure> {
        let surveys = self.surveys(&destinations).await?;
        if self.dry_run {
            let mut planned = Planned::new(&image, &destinations);
            for survey in &surveys {
                planned.lacks(survey, &build::lacking(&self.client, survey, &image).await?);
            }
            return Ok(planned.report().into());
        }
        let mut delivered = Delivered::new(&image);
        for survey in &surveys {
            self.events.step(format!("Pushing to {}", survey.repository));
            let spool = self.packer.spool.path();
            delivered.published(build::publish(&self.client, survey, &image, spool, &self.events).await?);
        }
        for destination in &destinations {
            if let Destination::Store(place) = destination {
                self.events.step(format!("Writing {place}"));
                build::write(place, &image, self.packer.spool.path()).await?;
                delivered.stored(place);
            }
        }
        if let Some(path) = metadata_out {
            delivered.write_metadata(path)?;
        }
        Ok(delivered.report().into())
    }

    /// What each repository's tags name now.
    async fn surveys(&self, destinations: &[Destination]) -> Result<Vec<Survey>, Failure> {
        let mut surveys = Vec::new();
        for destination in destinations {
            if let Destination::Registry(repository, references) = destination {
                surveys.push(build::survey(&self.client, repository, references).await?);
            }
        }
        Ok(surveys)
    }
}

/// References of one repository together, in the order in which the repositories were named.
fn grouped(places: Vec<Place>) -> Vec<Destination> {
    let mut destinations: Vec<Destination> = Vec::new();
    for place in places {
        let reference = match place {
            Place::Store(place) => {
                destinations.push(Destination::Store(place));
                continue;
            }
            Place::Registry(reference) => reference,
        };
        let known = destinations.iter_mut().find_map(|destination| match destination {
            Destination::Registry(repository, references) if *repository == reference.repository => Some(references),
            _ => None,
        });
        match known {
            Some(references) => references.push(reference),
            None => destinations.push(Destination::Registry(reference.repository.clone(), vec![reference])),
        }
    }
    destinations
}
