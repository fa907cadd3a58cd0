//! `build` and `build-and-push` as a pipeline runs them, against registries and an AWS that do as they are told.

mod again;
mod hand_over;
mod login;
mod orb_defects;
mod places;
mod refused;
mod repository;
mod secrets;

use dockless::image::media_type::Format;
use dockless::image::{Config, Descriptor, DiffId, Digest, History, Manifest, Platform};
use serde_json::Value;

use crate::support::registry::{Logged, Registry};
use crate::support::stage::{Stage, jar};

/// A stage with `app.jar`, and a registry with something to build it upon.
async fn workplace() -> (Stage, Registry) {
    let (stage, registry) = (Stage::new(), Registry::start().await);
    stage.write("app.jar", jar());
    put_base(&registry, "base", "1", &Platform::default());
    (stage, registry)
}

/// Puts a base image of one layer into the registry.
fn put_base(registry: &Registry, repository: &str, tag: &str, platform: &Platform) {
    let layer = b"not really a layer".as_slice();
    let mut config = Config::scratch(platform);
    let history = History { created: "1970-01-01T00:00:00Z".into(), created_by: "test".into(), comment: None };
    config.push_layer(&DiffId::new(Digest::of(layer)), &history);
    let (format, config) = (Format::Oci, config.to_bytes());
    let layers = vec![Descriptor::of(dockless::image::media_type::OCI_LAYER, layer)];
    let manifest = Manifest::new(format, Descriptor::of(format.config(), &config), layers);
    registry.put_blob(repository, layer);
    registry.put_blob(repository, &config);
    registry.put_manifest(repository, tag, format.manifest(), &manifest.to_bytes());
}

/// `build-and-push --jar app.jar --from HOST/base:1 --to HOST/NAME`.
fn words(registry: &Registry, name: &str) -> Vec<String> {
    let (from, to) = (format!("{}/base:1", registry.host()), format!("{}/{name}", registry.host()));
    ["build-and-push", "--jar", "app.jar", "--from", &from, "--to", &to].map(str::to_owned).into()
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// What changes something in a registry.
fn writes(registry: &Registry) -> Vec<Logged> {
    registry.log().into_iter().filter(|request| !matches!(request.method.as_str(), "GET" | "HEAD")).collect()
}

fn digest(document: &Value) -> &str {
    document["digest"].as_str().expect("a digest")
}
