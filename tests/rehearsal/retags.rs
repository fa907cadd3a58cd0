//! `tag-image`: the digest stays to the last byte, what is so already costs nothing, and what cannot be done is said
//! before anything is.

use reqwest::Method;
use serde_json::{Value, json};

use super::stage::Rehearsal;
use crate::sandbox::support::{MANIFEST, header, image};
use dockless::image::Digest;

const INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

const TAG: [&str; 3] = ["tag-image", "--repo=shop", "--source-tag=v1"];

/// With the repository `shop`, and an image `v1` whose manifest ends with an empty line.
async fn rehearsal(settings: Value) -> (Rehearsal, Vec<u8>) {
    let rehearsal = Rehearsal::start().await;
    let mut wanted = json!({ "repositoryName": "shop" });
    wanted.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let (status, answer) = rehearsal.sandbox.ecr("CreateRepository", wanted).await;
    assert_eq!(status, 200, "{answer}");
    let manifest = rehearsal.sandbox.image("shop", b"one").await;
    let bytes = [serde_json::to_vec_pretty(&manifest).unwrap(), b"\n".to_vec()].concat();
    put(&rehearsal, "v1", MANIFEST, &bytes).await;
    (rehearsal, bytes)
}

async fn put(rehearsal: &Rehearsal, version: &str, kind: &str, bytes: &[u8]) {
    let path = format!("/v2/shop/manifests/{version}");
    let answer = rehearsal.sandbox.ask(Method::PUT, &path, &[("content-type", kind)], bytes.to_vec()).await;
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
}

/// Type and bytes of what a tag names.
async fn read(rehearsal: &Rehearsal, tag: &str) -> (String, Vec<u8>) {
    let accept = format!("{MANIFEST}, {INDEX}");
    let path = format!("/v2/shop/manifests/{tag}");
    let answer = rehearsal.sandbox.ask(Method::GET, &path, &[("accept", &accept)], "").await;
    assert_eq!(answer.status(), 200, "{tag}");
    (header(&answer, "content-type").to_owned(), answer.bytes().await.unwrap().to_vec())
}

/// Every tag of the repository and its digest.
async fn tags(rehearsal: &Rehearsal) -> Vec<(String, String)> {
    let input = json!({ "repositoryName": "shop", "filter": { "tagStatus": "TAGGED" } });
    let (_, answer) = rehearsal.sandbox.ecr("ListImages", input).await;
    let text = |id: &Value, member: &str| id[member].as_str().unwrap().to_owned();
    let ids = answer["imageIds"].as_array().unwrap().iter();
    let mut tags: Vec<_> = ids.map(|id| (text(id, "imageTag"), text(id, "imageDigest"))).collect();
    tags.sort();
    tags
}

async fn names(rehearsal: &Rehearsal) -> Vec<String> {
    tags(rehearsal).await.into_iter().map(|(tag, _)| tag).collect()
}

fn words<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&TAG, more].concat()
}

#[tokio::test]
async fn retag_keeps_every_byte_and_hands_on_the_digest() {
    let (rehearsal, bytes) = rehearsal(json!({})).await;
    let (before, digest) = (rehearsal.sandbox.requests().await.len(), Digest::of(&bytes));
    let ended = rehearsal.stage.done(&words(&["--target-tag=production, v1.0"])).await;
    let host = rehearsal.sandbox.running.registry();
    let wanted = ["production", "v1.0"].map(|tag| format!("{host}/shop:{tag}@{digest}\n"));
    assert_eq!(ended.stdout, wanted.concat());
    assert_eq!(read(&rehearsal, "production").await, (MANIFEST.to_owned(), bytes));
    let asked = rehearsal.sandbox.requests().await[before..].to_vec();
    assert!(!asked.iter().any(|line| line.contains("/blobs/")), "nothing is pulled: {asked:?}");
    rehearsal.end().await;
}

#[tokio::test]
async fn retag_of_an_index_stays_an_index() {
    let (rehearsal, child) = rehearsal(json!({})).await;
    let entry = json!({ "mediaType": MANIFEST, "digest": Digest::of(&child), "size": child.len(),
        "platform": { "os": "linux", "architecture": "arm64" } });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
    put(&rehearsal, "all", INDEX, index.to_string().as_bytes()).await;
    let source = format!("--source-tag={}", Digest::of(index.to_string().as_bytes()));
    rehearsal.stage.done(&["tag-image", "--repo=shop", &source]).await;
    assert_eq!(read(&rehearsal, "latest").await, (INDEX.to_owned(), index.to_string().into_bytes()));
    rehearsal.end().await;
}

#[tokio::test]
async fn retag_again_is_nothing_to_do_even_where_tags_are_immutable() {
    let (rehearsal, _) = rehearsal(json!({ "imageTagMutability": "IMMUTABLE" })).await;
    let first = rehearsal.stage.document(&words(&["--target-tag=a,b"])).await;
    let puts = rehearsal.count("PUT ", " 201").await;
    let again = rehearsal.stage.document(&words(&["--target-tag=a,b"])).await;
    assert_eq!((&first["outcome"], &again["outcome"]), (&json!("succeeded"), &json!("nothing-to-do")));
    assert_eq!((&again["references"], rehearsal.count("PUT ", "").await), (&first["references"], puts));
    let more = rehearsal.stage.document(&words(&["--target-tag=a,c,b"])).await;
    let how = |tag: &str, how: &str| json!({ "tag": tag, "how": how });
    assert_eq!(more["tags"], json!([how("a", "present"), how("c", "set"), how("b", "present")]));
    assert_eq!(rehearsal.count("PUT ", "").await, puts + 1);
    rehearsal.end().await;
}

#[tokio::test]
async fn immutable_tags_of_other_images_are_named_before_any_tag_is_set() {
    let filter = json!([{ "filterType": "WILDCARD", "filter": "late*" }]);
    let settings =
        json!({ "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": filter });
    let (rehearsal, bytes) = rehearsal(settings).await;
    for tag in ["v2", "v3", "latest"] {
        rehearsal.sandbox.push_image("shop", tag, b"two").await;
    }
    let before = tags(&rehearsal).await;
    let two = Digest::of(image(b"two").to_string().as_bytes());
    let ended = rehearsal.stage.run(&words(&["--target-tag=new,v2,latest,v3"])).await;
    ended.refused(2, &[&format!("v2 ({two}), v3 ({two})"), Digest::of(&bytes).as_str(), "No tag was set"]);
    assert!(!ended.stderr.contains("latest ("), "{}", ended.stderr);
    assert_eq!(tags(&rehearsal).await, before);
    let moved = rehearsal.stage.document(&words(&["--target-tag=new,latest"])).await;
    assert_eq!(moved["tags"][1], json!({ "tag": "latest", "how": "moved", "from": two }));
    assert_eq!(read(&rehearsal, "latest").await.1, bytes);
    rehearsal.end().await;
}

/// Without `ecr:DescribeRepositories` only the registry knows; it is asked to move tags before it is to set new ones.
#[tokio::test]
async fn immutable_tags_that_nobody_may_know_of_are_tried_first() {
    let (rehearsal, _) = rehearsal(json!({ "imageTagMutability": "IMMUTABLE" })).await;
    rehearsal.sandbox.push_image("shop", "v2", b"two").await;
    let denied = json!({ "rules": [{ "on": "ecr:DescribeRepositories", "then": "deny" }] });
    rehearsal.sandbox.set_faults(denied).await;
    let ended = rehearsal.stage.run(&words(&["--target-tag=new,v2,newer"])).await;
    ended.refused(1, &["failed: v2 (tag v2 of ", "is immutable", "not tried: new, newer"]);
    assert_eq!(names(&rehearsal).await, ["v1", "v2"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn one_tag_that_fails_does_not_keep_the_others_back() {
    let (rehearsal, _) = rehearsal(json!({})).await;
    rehearsal.sandbox.set_faults(json!({ "rules": [{ "on": "PUT /v2/shop/manifests/b", "then": "deny" }] })).await;
    let ended = rehearsal.stage.run(&words(&["--target-tag=a,b,c"])).await;
    ended.refused(1, &["not all tags are set; failed: b (", "; set: a, c", "ecr:PutImage"]);
    assert_eq!(names(&rehearsal).await, ["a", "c", "v1"]);
    rehearsal.end().await;
}

/// The orb looks for the tag as a piece of text among all tags, and skips `1.0` for the sake of `1.0.1`.
#[tokio::test]
async fn skip_is_of_exactly_these_tags() {
    let (rehearsal, bytes) = rehearsal(json!({})).await;
    let two = rehearsal.sandbox.push_image("shop", "1.0.1", b"two").await;
    let skip = "--skip-when-tags-exist";
    let some = rehearsal.stage.document(&words(&["--target-tag=1.0,1.0.1", skip])).await;
    assert_eq!(
        some["tags"],
        json!([{ "tag": "1.0", "how": "set" }, { "tag": "1.0.1", "how": "skipped", "digest": two }])
    );
    assert_eq!(read(&rehearsal, "1.0").await.1, bytes);
    let all = rehearsal.stage.document(&words(&["--target-tag=1.0.1", skip])).await;
    assert_eq!((&all["outcome"], &all["digest"]), (&json!("nothing-to-do"), &json!(two)));
    rehearsal.end().await;
}

#[tokio::test]
async fn dry_run_sets_no_tag() {
    let (rehearsal, bytes) = rehearsal(json!({})).await;
    let two = rehearsal.sandbox.push_image("shop", "v2", b"two").await;
    let ended = rehearsal.stage.done(&words(&["--target-tag=v1,v2,v3", "--dry-run"])).await;
    let host = rehearsal.sandbox.running.registry();
    for part in [
        format!("Image {}", Digest::of(&bytes)),
        format!("`{host}/shop:v1` is there."),
        format!("Would move `{host}/shop:v2` from {two}."),
        format!("Would set `{host}/shop:v3`."),
    ] {
        assert!(
            ended.stderr.contains(&part) || ended.stderr.contains(&part.replace('`', "")),
            "{part}: {}",
            ended.stderr
        );
    }
    assert_eq!(names(&rehearsal).await, ["v1", "v2"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let (rehearsal, _) = rehearsal(json!({})).await;
    let run = async |words: &[&str]| rehearsal.stage.run(words).await;
    run(&["tag-image", "--repo=shop", "--source-tag=gone"])
        .await
        .refused(2, &["/shop:gone does not exist", "--source-tag"]);
    run(&["tag-image", "--repo=gone", "--source-tag=v1"]).await.refused(1, &["/gone does not exist"]);
    run(&words(&["--target-tag=feature/x"])).await.refused(2, &["--target-tag: 'feature/x' is not a tag"]);
    run(&["tag-image", "--repo=shop", "--source-tag=sha256:12"]).await.refused(2, &["--source-tag: "]);
    for action in ["ecr:BatchGetImage", "ecr:PutImage"] {
        rehearsal.sandbox.set_faults(json!({ "rules": [{ "on": action, "then": "deny" }] })).await;
        run(&words(&[])).await.refused(1, &[action]);
    }
    assert_eq!(names(&rehearsal).await, ["v1"]);
    rehearsal.end().await;
}
