//! Against Debian's docker-registry, which checks what is pushed to it.

use dockless::image::{Config, Descriptor, Digest, Manifest, Platform, Reference, media_type};
use dockless::registry::{Body, Client, Delivery, Error, Presence};

use super::{Bench, blob, noise, repository};
use crate::support::docker_registry::{DockerRegistry, program, run};

/// Pushes a small image of one layer; its manifest's digest.
async fn push(client: &Client, reference: &Reference) -> Digest {
    let layer = noise(2_000_000);
    let config = Config::scratch(&Platform::default()).to_bytes();
    let (layer_at, config_at) = (blob(&layer), Descriptor::of(media_type::OCI_CONFIG, &config));
    let to = &reference.repository;
    client.deliver_blob(to, &layer_at, &Body::bytes(layer), None).await.unwrap();
    client.deliver_blob(to, &config_at, &Body::bytes(config), None).await.unwrap();
    let manifest = Manifest::new(media_type::Format::Oci, config_at, vec![layer_at]).to_bytes();
    client.push_manifest(reference, media_type::OCI_MANIFEST, manifest).await.unwrap().digest
}

#[tokio::test]
async fn image_goes_there_and_back_over_plain_http() {
    let (server, bench) = (DockerRegistry::start(), Bench::new(&[]));
    let reference = repository(server.host(), "team/web").tagged("v1").unwrap();
    let digest = push(&bench.client, &reference).await;
    let fetched = bench.client.fetch_manifest(&reference).await.unwrap().unwrap();
    assert_eq!(fetched.descriptor.digest, digest);
    let layer = Manifest::parse(&fetched.bytes).unwrap().layers.remove(0);
    let stream = bench.client.read_blob(&reference.repository, &layer).await.unwrap();
    assert_eq!(stream.bytes().await.unwrap(), noise(2_000_000));
    assert_eq!(push(&bench.client, &reference).await, digest);
    let found = bench.client.repository_exists(&repository(server.host(), "new")).await.unwrap();
    assert_ne!(found, Presence::Missing, "pushing creates repositories here");
}

#[tokio::test]
async fn image_goes_there_over_tls_with_a_login() {
    let server = DockerRegistry::start_tls("secrettoken");
    let bench = Bench::trusting(&["old", "secrettoken"], server.certificate());
    let reference = repository(server.host(), "team/web").tagged("v1").unwrap();
    let digest = push(&bench.client, &reference).await;
    assert_eq!(bench.rejections(), 1);
    let raw = run(program("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false", "--creds", "AWS:secrettoken"])
        .arg(format!("docker://{reference}")));
    assert_eq!(Digest::of(raw.as_bytes()), digest);
}

#[tokio::test]
async fn image_behind_a_wrong_login_is_refused() {
    let server = DockerRegistry::start_tls("secrettoken");
    let bench = Bench::trusting(&["wrong"], server.certificate());
    let result = bench.client.fetch_manifest(&repository(server.host(), "a").tagged("v1").unwrap()).await;
    assert!(matches!(result, Err(Error::Unauthorized { sent: true, .. })), "{result:?}");
}

#[tokio::test]
async fn blob_is_mounted_from_a_sibling() {
    let (server, bench) = (DockerRegistry::start(), Bench::new(&[]));
    let (base, app) = (repository(server.host(), "base"), repository(server.host(), "app"));
    let bytes = noise(1000);
    let (descriptor, body) = (blob(&bytes), Body::bytes(bytes));
    bench.client.push_blob(&base, &descriptor, &body).await.unwrap();
    let delivery = bench.client.deliver_blob(&app, &descriptor, &body, Some(&base)).await.unwrap();
    assert_eq!(delivery, Delivery::Mounted);
}

#[tokio::test]
async fn manifest_with_a_missing_blob_is_refused() {
    let (server, bench) = (DockerRegistry::start(), Bench::new(&[]));
    let reference = repository(server.host(), "a").tagged("v1").unwrap();
    let manifest = Manifest::new(media_type::Format::Oci, blob(b"{}"), vec![blob(b"x")]).to_bytes();
    let result = bench.client.push_manifest(&reference, media_type::OCI_MANIFEST, manifest).await;
    assert!(matches!(result, Err(Error::Refused { .. })), "{result:?}");
}

#[tokio::test]
async fn manifest_by_digest_is_pushed_without_a_tag() {
    let (server, bench) = (DockerRegistry::start(), Bench::new(&[]));
    let tagged = repository(server.host(), "a").tagged("v1").unwrap();
    let digest = push(&bench.client, &tagged).await;
    let bytes = bench.client.fetch_manifest(&tagged).await.unwrap().unwrap().bytes;
    let pinned = tagged.repository.at(&digest);
    assert!(!bench.client.push_manifest(&pinned, media_type::OCI_MANIFEST, bytes).await.unwrap().sent);
    let wrong = tagged.repository.at(&Digest::of(b"other"));
    let result = bench.client.push_manifest(&wrong, media_type::OCI_MANIFEST, "{}").await;
    assert!(matches!(result, Err(Error::Digest { .. })), "{result:?}");
}

#[tokio::test]
async fn work_can_move_between_threads() {
    let (server, bench) = (DockerRegistry::start(), Bench::new(&[]));
    let reference = repository(server.host(), "a").tagged("v1").unwrap();
    let client = bench.client.clone();
    tokio::spawn(async move { push(&client, &reference).await }).await.unwrap();
}
