//! Pushing: sessions, retries, mounts, immutable tags.

use std::collections::BTreeSet;
use std::time::Duration;

use dockless::image::{Digest, media_type};
use dockless::registry::{Body, Delivery, Error, Mount, Presence};
use dockless::report::{Event, Explain};

use super::{Bench, blob, noise, repository};
use crate::support::registry::{Door, Effect, MountAnswer, Registry};

const UPLOADS: &str = "/blobs/uploads/";

#[tokio::test]
async fn upload_is_one_post_and_one_put_of_known_length() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let (to, bytes) = (repository(registry.host(), "team/web"), noise(3_000_000));
    let descriptor = blob(&bytes);
    bench.client.push_blob(&to, &descriptor, &Body::bytes(bytes.clone())).await.unwrap();
    assert_eq!(registry.blob("team/web", descriptor.digest.as_str()).unwrap(), bytes);
    assert_eq!((registry.count("POST", UPLOADS), registry.count("PUT", UPLOADS)), (1, 1));
    let put = registry.requests("PUT", UPLOADS).remove(0);
    assert_eq!((put.content_length, put.chunked, put.received), (Some(3_000_000), false, 3_000_000));
    assert_eq!(put.status, Some(201));
    assert!(put.query.starts_with("_state=a%2Bb%3D&digest=sha256%3A"), "{}", put.query);
}

#[tokio::test]
async fn upload_tells_its_progress() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let bytes = noise(5_000_000);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    let body = Body::file(file.path(), bytes.len() as u64);
    bench.client.push_blob(&repository(registry.host(), "a"), &blob(&bytes), &body).await.unwrap();
    let sent: Vec<u64> = bench
        .told()
        .iter()
        .filter_map(|e| if let Event::Progress { sent, .. } = e { Some(*sent) } else { None })
        .collect();
    assert_eq!(sent.last(), Some(&5_000_000));
    assert!((4..=6).contains(&sent.len()), "{sent:?}");
}

#[tokio::test]
async fn upload_to_relative_location() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.set(|b| b.relative_locations = true);
    let bytes = noise(10);
    bench.client.push_blob(&repository(registry.host(), "a"), &blob(&bytes), &Body::bytes(bytes)).await.unwrap();
}

#[tokio::test]
async fn upload_location_that_forgot_its_tls_is_put_right() {
    let registry = Registry::start_tls().await;
    let bench = Bench::trusting(&["hunter2"], registry.certificate());
    registry.set(|b| (b.plain_locations, b.door) = (true, Door::Ecr { password: "hunter2".into() }));
    let bytes = noise(10);
    bench.client.push_blob(&repository(registry.host(), "a"), &blob(&bytes), &Body::bytes(bytes)).await.unwrap();
}

/// What may happen to an upload before it succeeds; each costs one further attempt.
async fn survives(effect: Effect, method: &str) {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let bytes = noise(2_000_000);
    registry.fail(method, UPLOADS, 2, effect.clone());
    let (to, descriptor) = (repository(registry.host(), "a"), blob(&bytes));
    bench
        .client
        .push_blob(&to, &descriptor, &Body::bytes(bytes))
        .await
        .unwrap_or_else(|why| panic!("{effect:?}: {why}"));
    assert!(registry.blob("a", descriptor.digest.as_str()).is_some());
    assert_eq!(registry.count("POST", UPLOADS), 3, "a new session each time: {effect:?}");
    assert_eq!(bench.retries(), 2, "{effect:?}");
}

#[tokio::test]
async fn upload_survives_what_passes() {
    survives(Effect::Status(500, "INTERNAL_ERROR", String::new()), "POST").await;
    survives(Effect::Status(503, "", "busy".into()), "PUT").await;
    survives(Effect::Status(404, "BLOB_UPLOAD_UNKNOWN", String::new()), "PUT").await;
    survives(Effect::Status(416, "BLOB_UPLOAD_INVALID", String::new()), "PUT").await;
    survives(Effect::LoseSession, "PUT").await;
    survives(Effect::Cut, "POST").await;
    survives(Effect::Cut, "PUT").await;
    survives(Effect::CutBody(500_000), "PUT").await;
    survives(Effect::RetryAfter(429, "0".into()), "POST").await;
}

#[tokio::test]
async fn upload_whose_answer_got_lost_is_not_sent_again() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let bytes = noise(100_000);
    registry.fail("PUT", UPLOADS, 1, Effect::CutAnswer);
    bench.client.push_blob(&repository(registry.host(), "a"), &blob(&bytes), &Body::bytes(bytes)).await.unwrap();
    assert_eq!(registry.count("PUT", UPLOADS), 1);
}

#[tokio::test]
async fn upload_waits_as_long_as_it_is_told() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.fail("POST", UPLOADS, 1, Effect::RetryAfter(429, "1".into()));
    let bytes = noise(10);
    let begin = std::time::Instant::now();
    bench.client.push_blob(&repository(registry.host(), "a"), &blob(&bytes), &Body::bytes(bytes)).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert!(bench.told().iter().any(|e| matches!(e, Event::Retry { wait, .. } if *wait == Duration::from_secs(1))));
}

#[tokio::test]
async fn upload_to_a_registry_that_fails_for_ever_ends() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.fail("PUT", UPLOADS, usize::MAX, Effect::Status(500, "INTERNAL_ERROR", "oops".into()));
    let bytes = noise(10);
    let result = bench.client.push_blob(&repository(registry.host(), "a"), &blob(&bytes), &Body::bytes(bytes)).await;
    let text = result.unwrap_err().to_string();
    assert!(text.contains("INTERNAL_ERROR: oops") && text.contains("5 attempts"), "{text}");
    assert_eq!(registry.count("PUT", UPLOADS), 5);
}

#[tokio::test]
async fn upload_to_a_silent_registry_ends() {
    let registry = Registry::start().await;
    let bench = Bench::with(&[], |o| (o.timeout, o.attempts) = (Duration::from_millis(200), 2));
    registry.fail("POST", UPLOADS, usize::MAX, Effect::Stall(Duration::from_secs(60)));
    let bytes = noise(10);
    let result = bench.client.push_blob(&repository(registry.host(), "a"), &blob(&bytes), &Body::bytes(bytes)).await;
    assert!(matches!(result, Err(Error::Silent { attempts: 2, .. })), "{result:?}");
}

#[tokio::test]
async fn upload_to_a_slow_reader_is_not_taken_for_dead() {
    let registry = Registry::start().await;
    let bench = Bench::with(&[], |o| (o.timeout, o.attempts) = (Duration::from_millis(400), 1));
    registry.set(|b| b.slow = Some(Duration::from_millis(10)));
    let bytes = noise(24_000_000);
    let begin = std::time::Instant::now();
    bench.client.push_blob(&repository(registry.host(), "a"), &blob(&bytes), &Body::bytes(bytes)).await.unwrap();
    assert!(begin.elapsed() > Duration::from_millis(400), "the reader was not slow: {:?}", begin.elapsed());
}

#[tokio::test]
async fn upload_of_wrong_content_is_refused_once() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let result =
        bench.client.push_blob(&repository(registry.host(), "a"), &blob(b"right"), &Body::bytes("wrong")).await;
    assert!(matches!(result, Err(Error::Digest { .. })), "{result:?}");
    assert_eq!(registry.count("PUT", UPLOADS), 1);
}

#[tokio::test]
async fn upload_of_a_file_that_shrank_says_so() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), noise(1000)).unwrap();
    let (descriptor, body) = (blob(&noise(2000)), Body::file(file.path(), 2000));
    let result = bench.client.push_blob(&repository(registry.host(), "a"), &descriptor, &body).await;
    assert!(matches!(&result, Err(Error::Content { why, .. }) if why.contains("2000")), "{result:?}");
}

#[tokio::test]
async fn upload_of_nothing_is_refused_for_ecr_before_it_is_tried() {
    let (registry, bench) = (Registry::start().await, Bench::new(&["p"]));
    registry.set(|b| b.door = Door::Ecr { password: "p".into() });
    let to = repository(registry.host(), "a");
    let result = bench.client.push_blob(&to, &blob(b""), &Body::bytes("")).await;
    assert!(matches!(result, Err(Error::EmptyBlob { .. })), "{result:?}");
    assert_eq!(registry.count("POST", UPLOADS), 0);
    registry.set(|b| b.door = Door::Open);
    Bench::new(&[]).client.push_blob(&to, &blob(b""), &Body::bytes("")).await.unwrap();
}

#[tokio::test]
async fn missing_repository_is_named_even_when_the_connection_is_cut() {
    for cuts in [false, true] {
        let (registry, bench) = (Registry::start().await, Bench::new(&["p"]));
        registry.set(|b| {
            b.door = Door::Ecr { password: "p".into() };
            b.repositories = Some(BTreeSet::from(["there".into()]));
            b.cuts_missing_repositories = cuts;
        });
        let bytes = noise(10);
        let to = repository(registry.host(), "missing");
        let result = bench.client.push_blob(&to, &blob(&bytes), &Body::bytes(bytes)).await;
        assert!(matches!(&result, Err(Error::NoRepository { repository }) if *repository == to), "{result:?}");
        assert_eq!(bench.client.repository_exists(&to).await.unwrap(), Presence::Missing);
        let there = repository(registry.host(), "there");
        assert_eq!(bench.client.repository_exists(&there).await.unwrap(), Presence::Present);
    }
}

#[tokio::test]
async fn name_unknown_proves_nothing_where_pushing_creates() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.set(|b| b.repositories = Some(BTreeSet::new()));
    let answer = bench.client.repository_exists(&repository(registry.host(), "new")).await.unwrap();
    assert_eq!(answer, Presence::Unknown);
}

#[tokio::test]
async fn denied_upload_names_the_permission() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.fail("POST", UPLOADS, 1, Effect::Status(403, "DENIED", "User is not authorized".into()));
    let bytes = noise(10);
    let result = bench.client.push_blob(&repository(registry.host(), "a"), &blob(&bytes), &Body::bytes(bytes)).await;
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("ecr:InitiateLayerUpload"));
    assert_eq!(bench.retries(), 0);
}

#[tokio::test]
async fn delivery_sends_nothing_that_is_there() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    let bytes = noise(1000);
    registry.put_blob("a", &bytes);
    let to = repository(registry.host(), "a");
    let delivery = bench.client.deliver_blob(&to, &blob(&bytes), &Body::bytes(bytes), None).await.unwrap();
    assert_eq!(delivery, Delivery::Present);
    assert_eq!(registry.count("POST", ""), 0);
    assert!(matches!(bench.told().last(), Some(Event::Blob { how: "present", size: 1000, .. })));
}

#[tokio::test]
async fn delivery_mounts_if_it_can_and_sends_if_not() {
    let cases = [
        (MountAnswer::Mounts, Delivery::Mounted, 1),
        (MountAnswer::Uploads, Delivery::Sent, 1),
        (MountAnswer::Refuses(403), Delivery::Sent, 2),
        (MountAnswer::Refuses(404), Delivery::Sent, 2),
    ];
    for (answer, expected, posts) in cases {
        let (registry, bench) = (Registry::start().await, Bench::new(&[]));
        registry.set(|b| b.mount = answer);
        let bytes = noise(1000);
        let digest = registry.put_blob("base", &bytes);
        let (to, from) = (repository(registry.host(), "app"), repository(registry.host(), "base"));
        let body = Body::bytes(bytes.clone());
        let delivery = bench.client.deliver_blob(&to, &blob(&bytes), &body, Some(&from)).await.unwrap();
        assert_eq!(delivery, expected, "{answer:?}");
        assert_eq!(registry.count("POST", UPLOADS), posts, "{answer:?}");
        assert_eq!(registry.blob("app", &digest).unwrap(), bytes);
    }
}

#[tokio::test]
async fn mount_session_that_broke_is_replaced() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.set(|b| b.mount = MountAnswer::Uploads);
    let bytes = noise(100_000);
    let (to, from) = (repository(registry.host(), "app"), repository(registry.host(), "base"));
    let descriptor = blob(&bytes);
    let mount = bench.client.mount_blob(&to, &from, &descriptor.digest).await.unwrap();
    let Mount::Session(session) = mount else { panic!("no session") };
    registry.fail("PUT", UPLOADS, 1, Effect::CutBody(10));
    bench.client.push_blob_in(session, &to, &descriptor, &Body::bytes(bytes)).await.unwrap();
    assert_eq!(registry.count("POST", UPLOADS), 2);
}

#[tokio::test]
async fn presence_is_unknown_where_looking_is_forbidden() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.set(|b| b.forbids_head = true);
    let (to, bytes) = (repository(registry.host(), "a"), noise(10));
    let digest = Digest::of(&bytes);
    assert_eq!(bench.client.has_blob(&to, &digest).await.unwrap(), Presence::Unknown);
    bench.client.deliver_blob(&to, &blob(&bytes), &Body::bytes(bytes), None).await.unwrap();
    let reference = to.tagged("v1").unwrap();
    let pushed = bench.client.push_manifest(&reference, media_type::OCI_MANIFEST, "{}").await.unwrap();
    assert!(pushed.sent);
}

#[tokio::test]
async fn manifest_that_is_there_is_not_written() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.set(|b| b.immutable_tags = true);
    let reference = repository(registry.host(), "a").tagged("v1").unwrap();
    let push = || bench.client.push_manifest(&reference, media_type::OCI_MANIFEST, "{}");
    let (first, second) = (push().await.unwrap(), push().await.unwrap());
    assert_eq!((first.sent, second.sent), (true, false));
    assert_eq!(first.digest, second.digest);
    assert_eq!(registry.count("PUT", "/manifests/"), 1);
    assert_eq!(registry.manifest("a", first.digest.as_str()).unwrap(), "{}");
}

#[tokio::test]
async fn immutable_tag_of_another_image_names_both() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.set(|b| b.immutable_tags = true);
    registry.put_manifest("a", "v1", media_type::OCI_MANIFEST, b"{\"old\":1}");
    let reference = repository(registry.host(), "a").tagged("v1").unwrap();
    let error = bench.client.push_manifest(&reference, media_type::OCI_MANIFEST, "{}").await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(Digest::of(b"{\"old\":1}").as_str()) && text.contains(Digest::of(b"{}").as_str()), "{text}");
}

#[tokio::test]
async fn immutable_tag_lost_to_a_faster_job_with_the_same_image_is_fine() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.set(|b| b.immutable_tags = true);
    registry.put_manifest("a", "v1", media_type::OCI_MANIFEST, b"{}");
    registry.fail("HEAD", "/manifests/v1", 1, Effect::Status(404, "", String::new()));
    let reference = repository(registry.host(), "a").tagged("v1").unwrap();
    let pushed = bench.client.push_manifest(&reference, media_type::OCI_MANIFEST, "{}").await.unwrap();
    assert!(!pushed.sent);
    assert_eq!(registry.count("PUT", "/manifests/"), 1);
}

#[tokio::test]
async fn manifest_is_written_again_when_blobs_are_not_yet_seen() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.fail("PUT", "/manifests/", 2, Effect::Status(404, "BLOB_UNKNOWN", String::new()));
    registry.fail("PUT", "/manifests/", 1, Effect::RetryAfter(429, "0".into()));
    let reference = repository(registry.host(), "a").tagged("v1").unwrap();
    bench.client.push_manifest(&reference, media_type::OCI_MANIFEST, "{}").await.unwrap();
    assert_eq!(registry.count("PUT", "/manifests/"), 4);
}

#[tokio::test]
async fn manifest_under_an_odd_tag_is_simply_not_there() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.fail("HEAD", "/manifests/", 1, Effect::Status(400, "", String::new()));
    let reference = repository(registry.host(), "a").tagged("v1").unwrap();
    assert_eq!(bench.client.head_manifest(&reference).await.unwrap(), None);
}
