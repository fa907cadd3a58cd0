//! Pulling: verification, resumption, redirects.

use std::collections::BTreeSet;

use dockless::image::{Digest, media_type};
use dockless::registry::Error;

use super::{Bench, blob, noise, repository};
use crate::support::registry::{Door, Effect, Registry};

#[tokio::test]
async fn download_goes_on_where_it_broke() {
    for ignores_range in [false, true] {
        let (registry, bench) = (Registry::start().await, Bench::new(&[]));
        registry.set(|b| b.ignores_range = ignores_range);
        let bytes = noise(1_000_000);
        registry.put_blob("a", &bytes);
        registry.fail("GET", "/blobs/", 1, Effect::CutDownload(400_000));
        let stream = bench.client.read_blob(&repository(registry.host(), "a"), &blob(&bytes)).await.unwrap();
        assert_eq!(stream.bytes().await.unwrap(), bytes);
        assert_eq!((registry.count("GET", "/blobs/"), bench.retries()), (2, 1));
    }
}

#[tokio::test]
async fn download_that_breaks_for_ever_ends() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let bytes = noise(1000);
    registry.put_blob("a", &bytes);
    registry.fail("GET", "/blobs/", usize::MAX, Effect::CutDownload(0));
    let stream = bench.client.read_blob(&repository(registry.host(), "a"), &blob(&bytes)).await.unwrap();
    assert!(matches!(stream.bytes().await, Err(Error::Connection { attempts: 5, .. })));
}

#[tokio::test]
async fn download_of_a_blob_that_is_not_there_is_refused_at_once() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let result = bench.client.read_blob(&repository(registry.host(), "a"), &blob(b"x")).await;
    assert!(matches!(result, Err(Error::Refused { .. })));
    assert_eq!(bench.retries(), 0);
}

#[tokio::test]
async fn download_of_other_bytes_is_refused() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.set(|b| b.rotten_blobs = true);
    let bytes = noise(1000);
    registry.put_blob("a", &bytes);
    let stream = bench.client.read_blob(&repository(registry.host(), "a"), &blob(&bytes)).await.unwrap();
    assert!(matches!(stream.bytes().await, Err(Error::Digest { .. })));
}

#[tokio::test]
async fn download_of_more_than_announced_is_refused() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let bytes = noise(1000);
    registry.put_blob("a", &bytes);
    let mut descriptor = blob(&bytes);
    descriptor.size = 999;
    let stream = bench.client.read_blob(&repository(registry.host(), "a"), &descriptor).await.unwrap();
    assert!(matches!(stream.bytes().await, Err(Error::Digest { .. })));
}

#[tokio::test]
async fn download_from_elsewhere_takes_no_login_along() {
    let (registry, storage) = (Registry::start().await, Registry::start().await);
    let bench = Bench::new(&["hunter2"]);
    registry.set(|b| b.door = Door::Ecr { password: "hunter2".into() });
    let bytes = noise(1000);
    registry.put_blob("a", &bytes);
    storage.put_blob("a", &bytes);
    registry.set(|b| b.redirect_blobs = Some(format!("http://{}", storage.host())));
    let stream = bench.client.read_blob(&repository(registry.host(), "a"), &blob(&bytes)).await.unwrap();
    assert_eq!(stream.bytes().await.unwrap(), bytes);
    assert!(registry.requests("GET", "/blobs/")[0].authorization.is_some());
    let there = storage.requests("GET", "/blobs/").remove(0);
    assert_eq!((there.authorization, there.query.as_str()), (None, "X-Amz-Signature=abc"));
    assert!(!format!("{:?}", bench.told()).contains("X-Amz-Signature"), "{:?}", bench.told());
}

#[tokio::test]
async fn download_that_would_leave_tls_is_refused() {
    let registry = Registry::start_tls().await;
    let bench = Bench::trusting(&[], registry.certificate());
    let bytes = noise(10);
    registry.put_blob("a", &bytes);
    registry.set(|b| b.redirect_blobs = Some("http://storage.invalid".into()));
    let result = bench.client.read_blob(&repository(registry.host(), "a"), &blob(&bytes)).await;
    assert!(matches!(result, Err(Error::Plain { .. })));
}

#[tokio::test]
async fn blob_goes_from_registry_to_registry_through_broken_connections() {
    let (from, to, bench) = (Registry::start().await, Registry::start().await, Bench::new(&[]));
    let bytes = noise(1_000_000);
    let descriptor = blob(&bytes);
    from.put_blob("a", &bytes);
    from.fail("GET", "/blobs/", 1, Effect::CutDownload(300_000));
    to.fail("PUT", "/blobs/uploads/", 1, Effect::CutBody(500_000));
    let body = bench.client.body_of(&repository(from.host(), "a"), &descriptor);
    bench.client.push_blob(&repository(to.host(), "b"), &descriptor, &body).await.unwrap();
    assert_eq!(to.blob("b", descriptor.digest.as_str()).unwrap(), bytes);
}

#[tokio::test]
async fn manifest_is_fetched_as_it_is() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let bytes = br#"{ "config": {}, "layers": [] }"#;
    registry.put_manifest("a", "v1", media_type::DOCKER_MANIFEST, bytes);
    let reference = repository(registry.host(), "a").tagged("v1").unwrap();
    let fetched = bench.client.fetch_manifest(&reference).await.unwrap().unwrap();
    assert_eq!(fetched.bytes, &bytes[..]);
    assert_eq!(fetched.descriptor.media_type, media_type::DOCKER_MANIFEST);
    assert_eq!(bench.client.head_manifest(&reference).await.unwrap(), Some(fetched.descriptor));
}

#[tokio::test]
async fn manifest_without_headers_is_read_for_what_it_is() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.set(|b| (b.tells_no_digest, b.tells_no_type) = (true, true));
    registry.put_manifest("a", "v1", "", br#"{"config":{},"layers":[]}"#);
    let reference = repository(registry.host(), "a").tagged("v1").unwrap();
    let descriptor = bench.client.head_manifest(&reference).await.unwrap().unwrap();
    assert_eq!(descriptor.digest, Digest::of(br#"{"config":{},"layers":[]}"#));
    assert_eq!(descriptor.media_type, media_type::OCI_MANIFEST);
}

#[tokio::test]
async fn manifest_by_digest_must_have_that_digest() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let wanted = Digest::of(b"other");
    registry.put_manifest("a", wanted.as_str(), media_type::OCI_MANIFEST, b"{}");
    let result = bench.client.fetch_manifest(&repository(registry.host(), "a").at(&wanted)).await;
    assert!(matches!(result, Err(Error::Digest { .. })), "{result:?}");
}

#[tokio::test]
async fn manifest_that_is_missing_is_none_but_a_missing_repository_is_an_error() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.set(|b| b.repositories = Some(BTreeSet::from(["a".into()])));
    let missing = repository(registry.host(), "a").tagged("v1").unwrap();
    assert!(bench.client.fetch_manifest(&missing).await.unwrap().is_none());
    let nowhere = repository(registry.host(), "b").tagged("v1").unwrap();
    let result = bench.client.fetch_manifest(&nowhere).await;
    assert!(matches!(result, Err(Error::NoRepository { .. })), "{result:?}");
}
