//! Logins: which are asked for, when they are renewed, and where they never turn up.

use std::time::Duration;

use dockless::image::media_type;
use dockless::registry::{Body, Error};

use super::{Bench, blob, noise, repository};
use crate::support::registry::{Door, Effect, Registry};

const UPLOADS: &str = "/blobs/uploads/";

fn ecr(password: &str) -> Door {
    Door::Ecr { password: password.into() }
}

#[tokio::test]
async fn login_that_ends_in_mid_push_is_renewed_once() {
    let effects: [fn(String) -> Effect; 2] = [Effect::Expire, Effect::ExpireLikeEcr];
    for (effect, method) in effects.into_iter().flat_map(|effect| [(effect, "POST"), (effect, "PUT")]) {
        let (registry, bench) = (Registry::start().await, Bench::new(&["old", "new"]));
        registry.set(|b| b.door = ecr("old"));
        registry.fail(method, UPLOADS, 1, effect("new".into()));
        let bytes = noise(300_000);
        let (to, descriptor) = (repository(registry.host(), "a"), blob(&bytes));
        bench.client.push_blob(&to, &descriptor, &Body::bytes(bytes)).await.unwrap();
        assert_eq!(bench.rejections(), 1, "{method}");
        assert!(registry.blob("a", descriptor.digest.as_str()).is_some());
    }
}

#[tokio::test]
async fn login_that_ends_under_many_uploads_is_renewed_once() {
    let (registry, bench) = (Registry::start().await, Bench::new(&["old", "new"]));
    registry.set(|b| b.door = ecr("old"));
    let to = repository(registry.host(), "a");
    bench.client.has_blob(&to, &blob(b"x").digest).await.unwrap();
    registry.set(|b| b.door = ecr("new"));
    let pushes = (0..8_u8).map(|n| {
        let bytes = vec![n; 1000];
        let (descriptor, body) = (blob(&bytes), Body::bytes(bytes));
        let (client, to) = (&bench.client, &to);
        async move { client.push_blob(to, &descriptor, &body).await }
    });
    for result in futures_util::future::join_all(pushes).await {
        result.unwrap();
    }
    assert_eq!(bench.rejections(), 1);
}

#[tokio::test]
async fn login_that_stays_wrong_is_tried_twice_and_no_more() {
    let (registry, bench) = (Registry::start().await, Bench::new(&["wrong"]));
    registry.set(|b| b.door = ecr("right"));
    let bytes = noise(10);
    let result = bench.client.push_blob(&repository(registry.host(), "a"), &blob(&bytes), &Body::bytes(bytes)).await;
    assert!(matches!(result, Err(Error::Unauthorized { sent: true, .. })), "{result:?}");
    assert_eq!((bench.rejections(), registry.count("POST", UPLOADS)), (1, 2));
}

#[tokio::test]
async fn login_that_nobody_has_is_asked_for() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    registry.set(|b| b.door = ecr("right"));
    let result = bench.client.fetch_manifest(&repository(registry.host(), "a").tagged("v1").unwrap()).await;
    assert!(matches!(result, Err(Error::Unauthorized { sent: false, .. })), "{result:?}");
}

#[tokio::test]
async fn token_is_fetched_once_per_scope_and_again_when_it_ends() {
    let registry = Registry::start().await;
    let bench = Bench::new(&[]);
    registry.set(|b| b.door = Door::Token { password: None, seconds: 300 });
    let (to, digest) = (repository(registry.host(), "a"), blob(b"x").digest);
    for _ in 0..3 {
        bench.client.has_blob(&to, &digest).await.unwrap();
    }
    assert_eq!(registry.count("GET", "/token"), 1);
    assert!(registry.requests("GET", "/token")[0].query.ends_with("scope=repository%3Aa%3Apull"));
    let (from, bytes) = (repository(registry.host(), "b"), noise(10));
    bench.client.mount_blob(&to, &from, &digest).await.unwrap();
    bench.client.push_blob(&to, &blob(&bytes), &Body::bytes(bytes)).await.unwrap();
    let scopes: Vec<String> = registry.requests("GET", "/token").into_iter().map(|entry| entry.query).collect();
    assert!(scopes[1].ends_with("scope=repository%3Aa%3Apull%2Cpush&scope=repository%3Ab%3Apull"), "{scopes:?}");
    assert_eq!(scopes.len(), 3);
}

#[tokio::test]
async fn token_that_ends_is_fetched_anew() {
    let (registry, bench) = (Registry::start().await, Bench::new(&[]));
    // Tokens of five seconds are not used at all after the request they were fetched for.
    registry.set(|b| b.door = Door::Token { password: None, seconds: 5 });
    let (to, digest) = (repository(registry.host(), "a"), blob(b"x").digest);
    for _ in 0..3 {
        bench.client.has_blob(&to, &digest).await.unwrap();
    }
    assert_eq!(registry.count("GET", "/token"), 3);
}

#[tokio::test]
async fn token_and_password_that_end_together_are_both_renewed() {
    let (registry, bench) = (Registry::start().await, Bench::new(&["old", "new"]));
    registry.set(|b| b.door = Door::Token { password: Some("old".into()), seconds: 300 });
    registry.fail("PUT", UPLOADS, 1, Effect::Expire("new".into()));
    let bytes = noise(10);
    bench.client.push_blob(&repository(registry.host(), "a"), &blob(&bytes), &Body::bytes(bytes)).await.unwrap();
    assert_eq!(bench.rejections(), 1);
}

#[tokio::test]
async fn untrusted_certificate_is_never_an_occasion_for_plain_http() {
    let (registry, bench) = (Registry::start_tls().await, Bench::new(&["hunter2"]));
    let result = bench.client.fetch_manifest(&repository(registry.host(), "a").tagged("v1").unwrap()).await;
    assert!(matches!(result, Err(Error::Tls { .. })), "{result:?}");
    assert!(registry.log().is_empty());
    assert_eq!(bench.retries(), 0);
}

#[tokio::test]
async fn name_that_does_not_exist_is_not_tried_for_long() {
    let bench = Bench::with(&[], |options| options.attempts = 2);
    let result = bench.client.fetch_manifest(&repository("registry.invalid", "a").tagged("v1").unwrap()).await;
    assert!(matches!(result, Err(Error::Name { .. })), "{result:?}");
}

#[tokio::test]
async fn port_where_nobody_listens_says_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let bench = Bench::new(&[]);
    let error = bench.client.fetch_manifest(&repository(&host, "a").tagged("v1").unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}

/// Everything that a user could get to see, for a push against one failure after the other.
#[tokio::test]
async fn password_turns_up_nowhere() {
    const SECRET: &str = "hunter2-Zm9vYmFy";
    let echo = || format!("you sent {SECRET}");
    let failures = [
        ("POST", UPLOADS, Effect::Status(500, "INTERNAL_ERROR", echo())),
        ("POST", UPLOADS, Effect::Status(403, "DENIED", echo())),
        ("PUT", UPLOADS, Effect::Status(400, "DIGEST_INVALID", echo())),
        ("PUT", UPLOADS, Effect::Status(418, SECRET, echo())),
        ("PUT", UPLOADS, Effect::Cut),
        ("PUT", "/manifests/", Effect::Status(400, "MANIFEST_INVALID", echo())),
        ("PUT", "/manifests/", Effect::Status(400, "TAG_INVALID", echo())),
        ("GET", "/v2/", Effect::Status(401, "UNAUTHORIZED", echo())),
        ("GET", "/token", Effect::Status(401, "UNAUTHORIZED", echo())),
        ("GET", "/token", Effect::Stall(Duration::from_secs(9))),
        ("POST", UPLOADS, Effect::Expire("another".into())),
    ];
    let doors = [
        ecr(SECRET),
        Door::Basic { password: SECRET.into() },
        Door::Token { password: Some(SECRET.into()), seconds: 300 },
    ];
    for (door, (method, path, effect)) in doors.iter().flat_map(|door| failures.iter().map(move |f| (door, f))) {
        let registry = Registry::start().await;
        let bench = Bench::with(&[SECRET], |o| (o.timeout, o.attempts) = (Duration::from_millis(300), 2));
        registry.set(|b| b.door = door.clone());
        registry.fail(method, path, usize::MAX, effect.clone());
        let (to, bytes) = (repository(registry.host(), "a"), noise(10));
        let blob = bench.client.push_blob(&to, &blob(&bytes), &Body::bytes(bytes)).await;
        let manifest = bench.client.push_manifest(&to.tagged("v1").unwrap(), media_type::OCI_MANIFEST, "{}").await;
        let shown = format!("{blob:?} {manifest:?} {:?}", bench.told());
        let texts = [blob.err().map(|e| e.to_string()), manifest.err().map(|e| e.to_string())];
        for leak in [SECRET, "QVdTOmh1bnRlcjIt", "t0-1-"] {
            assert!(!shown.contains(leak) && !format!("{texts:?}").contains(leak), "{leak} in {shown} {texts:?}");
        }
    }
}
