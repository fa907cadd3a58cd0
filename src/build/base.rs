//! What lies below: a base image's configuration and layers, from wherever `--from` points. Only its documents
//! are read here; the bytes of its layers stay where they are until somebody lacks them.

use super::{Error, From, Packer, Part, Source, configs, load};
use crate::image::{Config, Descriptor, DiffId, Digest, Index, Manifest, Platform, Reference, media_type};
use crate::registry::Client;
use crate::store::{Layout, Place};

/// A base image, or nothing at all.
#[derive(Debug, Clone)]
pub struct Base {
    /// As it was named, for people.
    pub name: String,
    /// The manifest's digest; nothing for `scratch` and for archives, which have no manifest.
    pub digest: Option<Digest>,
    pub config: Config,
    pub layers: Vec<BaseLayer>,
}

#[derive(Debug, Clone)]
pub struct BaseLayer {
    pub diff_id: DiffId,
    pub part: Part,
}

impl Base {
    pub fn scratch(platform: &Platform) -> Self {
        Base { name: "scratch".into(), digest: None, config: Config::scratch(platform), layers: Vec::new() }
    }

    /// Pairs the layers with their diff ids; a base whose documents do not match cannot be built upon.
    fn new(name: String, digest: Option<Digest>, config: Config, layers: Vec<Part>) -> Result<Self, Error> {
        let diff_ids = config.diff_ids()?;
        if diff_ids.len() != layers.len() {
            let why = format!("{} layers in the manifest, {} in the configuration", layers.len(), diff_ids.len());
            return Err(Error::BaseUnusable { base: name, why });
        }
        let layers = diff_ids.into_iter().zip(layers).map(|(diff_id, part)| BaseLayer { diff_id, part }).collect();
        Ok(Base { name, digest, config, layers })
    }

    /// The major version of the Java runtime inside, as the images of Temurin, Corretto and their like tell it.
    pub fn java_version(&self) -> Option<u32> {
        let text = self.config.env("JAVA_VERSION")?;
        let text = text.trim_start_matches("jdk").trim_start_matches('-');
        let text = text.strip_prefix("1.").unwrap_or(text);
        text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }
}

/// Reads the base image's documents, for `platform` where it offers several.
pub async fn read(from: &From, platform: Option<&Platform>, client: &Client, packer: &Packer) -> Result<Base, Error> {
    let base = match from {
        From::Scratch => Base::scratch(&platform.cloned().unwrap_or_default()),
        From::Registry(reference) => pull(reference, platform, client, packer).await?,
        From::Store(place) => {
            let (place, platform, packer) = (place.clone(), platform.cloned(), packer.clone());
            let reading = move || stored(&place, &platform.unwrap_or_default(), &packer);
            tokio::task::spawn_blocking(reading).await.expect("reading does not panic")?
        }
    };
    match platform {
        Some(wanted) if !wanted.accepts(&base.config.platform()) => {
            Err(Error::base_platform(&base.name, wanted, &[base.config.platform()]))
        }
        _ => Ok(base),
    }
}

async fn pull(
    reference: &Reference,
    platform: Option<&Platform>,
    client: &Client,
    packer: &Packer,
) -> Result<Base, Error> {
    let name = reference.to_string();
    let missing = || Error::BaseMissing(name.clone());
    let repository = &reference.repository;
    let mut fetched = client.fetch_manifest(reference).await?.ok_or_else(missing)?;
    if media_type::is_index(&fetched.descriptor.media_type) {
        let index = Index::parse(&fetched.bytes)?;
        let child = choose(&name, &index, platform)?;
        fetched = client.fetch_manifest(&repository.at(&child.digest)).await?.ok_or_else(missing)?;
    }
    let manifest = Manifest::parse(&fetched.bytes)?;
    let config = configs::read(client, repository, &manifest.config, packer.configs.as_deref()).await?;
    let config = Config::parse(&config)?;
    let source = Source::Registry { client: client.clone(), repository: repository.clone() };
    let layers = manifest.layers.into_iter().enumerate().map(|(at, layer)| part(at, layer, source.clone()));
    Base::new(name, Some(fetched.descriptor.digest), config, layers.collect())
}

fn stored(place: &Place, platform: &Platform, packer: &Packer) -> Result<Base, Error> {
    let name = place.to_string();
    match place {
        Place::Archive { file, reference } => {
            let (config, layers) = load::archived(file, reference.as_ref(), packer)?;
            Base::new(name, None, config, layers)
        }
        Place::Layout { dir, tag } => {
            let layout = Layout::open(dir)?;
            let (descriptor, bytes) = layout.find_for(tag.as_deref(), platform)?;
            let manifest = Manifest::parse(&bytes)?;
            let config = Config::parse(&layout.document(&manifest.config)?)?;
            let layers = manifest.layers.into_iter().enumerate().map(|(at, layer)| {
                let source = Source::Stored(layout.blob(&layer)?);
                Ok(part(at, layer, source))
            });
            Base::new(name, Some(descriptor.digest), config, layers.collect::<Result<_, Error>>()?)
        }
    }
}

fn part(at: usize, descriptor: Descriptor, source: Source) -> Part {
    Part { name: format!("base layer {}", at + 1), descriptor, source }
}

/// The index's manifest for the platform asked for, or for `linux/amd64`, or the only one there is.
fn choose<'a>(name: &str, index: &'a Index, platform: Option<&Platform>) -> Result<&'a Descriptor, Error> {
    let wanted = platform.cloned().unwrap_or_default();
    index.select(&wanted).ok_or_else(|| Error::base_platform(name, &wanted, &index.platforms()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_tells_its_java_version() {
        let mut base = Base::scratch(&Platform::default());
        let versions = [
            ("jdk-17.0.15+6", Some(17)),
            ("jdk8u422-b05", Some(8)),
            ("1.8.0_362", Some(8)),
            ("21", Some(21)),
            ("x", None),
        ];
        for (text, major) in versions {
            base.config.set_env("JAVA_VERSION", text);
            assert_eq!(base.java_version(), major, "{text}");
        }
    }

    #[test]
    fn base_with_fewer_diff_ids_than_layers_is_refused() {
        let layer = part(0, Descriptor::of(media_type::OCI_LAYER, b"layer"), Source::Memory("layer".into()));
        let config = Config::scratch(&Platform::default());
        let refused = Base::new("base".into(), None, config, vec![layer]).unwrap_err();
        assert!(matches!(refused, Error::BaseUnusable { .. }));
    }
}
