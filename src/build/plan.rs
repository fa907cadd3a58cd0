//! What the image will be, worked out without touching anything: the base image's configuration with this
//! build's settings merged in, and its layers with this build's on top.

use serde_json::json;

use super::{Base, Error, Settings};
use crate::image::media_type::Format;
use crate::image::{Config, Descriptor, DiffId, History, Manifest};
use crate::source::Application;

/// Docker and containerd refuse images with more.
const MOST_LAYERS: usize = 127;

/// A layer of this build whose digests are known.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnLayer {
    pub name: String,
    pub diff_id: DiffId,
    pub descriptor: Descriptor,
}

/// The documents of the finished image.
#[derive(Debug, Clone, PartialEq)]
pub struct Documents {
    pub config: Vec<u8>,
    pub manifest: Manifest,
}

/// Merges the application and the settings into the base's configuration; layers are not in it yet.
///
/// As Docker and Jib do: environment variables of the base are overridden in place, labels, ports and volumes
/// are united, and an entrypoint of one's own drops the base's command.
pub fn configure(base: &Base, application: &Application, settings: &Settings) -> Config {
    let mut config = base.config.clone();
    config.set_created(&settings.created);
    for (name, value) in &settings.environment {
        config.set_env(name, value);
    }
    for (key, value) in &settings.labels {
        config.insert_runtime("Labels", key, json!(value));
    }
    for port in &settings.ports {
        config.insert_runtime("ExposedPorts", port, json!({}));
    }
    for volume in &settings.volumes {
        config.insert_runtime("Volumes", volume, json!({}));
    }
    if let Some(user) = &settings.user {
        config.set_runtime("User", Some(json!(user)));
    }
    if let Some(directory) = settings.working_directory.as_ref().or(application.working_dir.as_ref()) {
        config.set_runtime("WorkingDir", Some(json!(directory)));
    }
    let entrypoint = settings.entrypoint.as_ref().or(application.entrypoint.as_ref());
    let command = settings.command.as_ref().or(application.cmd.as_ref());
    if let Some(entrypoint) = entrypoint {
        config.set_runtime("Entrypoint", Some(json!(entrypoint)));
        config.set_runtime("Cmd", None);
    }
    if let Some(command) = command {
        config.set_runtime("Cmd", Some(json!(command)));
    }
    config
}

/// Puts the layers on top and writes the documents.
pub fn assemble(base: &Base, mut config: Config, layers: &[OwnLayer], settings: &Settings) -> Result<Documents, Error> {
    let count = base.layers.len() + layers.len();
    if count > MOST_LAYERS {
        return Err(Error::TooManyLayers { count, most: MOST_LAYERS });
    }
    for layer in layers {
        config.push_layer(&layer.diff_id, &history(&settings.created, &layer.name));
    }
    let bytes = config.to_bytes();
    let below = base.layers.iter().map(|layer| relabelled(&layer.part.descriptor, settings.format));
    let descriptors = below.chain(layers.iter().map(|layer| layer.descriptor.clone())).collect();
    let mut manifest = Manifest::new(settings.format, Descriptor::of(settings.format.config(), &bytes), descriptors);
    if let (Format::Oci, Some(digest)) = (settings.format, &base.digest) {
        manifest.rest.insert("annotations".into(), json!({ "org.opencontainers.image.base.digest": digest }));
    }
    Ok(Documents { config: bytes, manifest })
}

fn history(created: &str, name: &str) -> History {
    History { created: created.to_owned(), created_by: "dockless".into(), comment: Some(name.to_owned()) }
}

fn relabelled(descriptor: &Descriptor, format: Format) -> Descriptor {
    Descriptor { media_type: format.layer(&descriptor.media_type).to_owned(), ..descriptor.clone() }
}
