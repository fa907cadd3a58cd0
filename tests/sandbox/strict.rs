//! ECR's ways, each as its users have met it.

use reqwest::Method;
use serde_json::{Value, json};

use super::support::{Sandbox, code, header, image};
use dockless::image::Digest;

async fn strict() -> Sandbox {
    let sandbox = Sandbox::start_with(|options| options.ecr_strict = true).await;
    sandbox.create("web").await;
    sandbox
}

async fn push_blob(sandbox: &Sandbox, parts: &[Vec<u8>]) -> (u16, String) {
    let begun = sandbox.ask(Method::POST, "/v2/web/blobs/uploads/", &[], "").await;
    let place = header(&begun, "location").to_owned();
    assert!(place.starts_with("http://"), "absolute: {place}");
    for part in parts {
        let answer = sandbox.ask(Method::PATCH, &place, &[], part.clone()).await;
        assert_eq!(answer.status(), 201);
        assert_eq!(header(&answer, "range"), format!("0-{}", parts[0].len() - 1), "stuck at the first part");
    }
    let digest = Digest::of(&parts.concat());
    code(sandbox.ask(Method::PUT, &format!("{place}?digest={digest}"), &[], "").await).await
}

#[tokio::test]
async fn parts_are_looked_at_in_the_end() {
    let sandbox = strict().await;
    let invalid = (400, "BLOB_UPLOAD_INVALID".to_owned());
    assert_eq!(push_blob(&sandbox, &[vec![1; 100], vec![2; 100]]).await, invalid);
    assert_eq!(push_blob(&sandbox, &[]).await, invalid, "an empty blob has no parts");
    assert_eq!(push_blob(&sandbox, &[vec![1; 5 << 20], vec![2; 100]]).await.0, 201);
    assert_eq!(push_blob(&sandbox, &[vec![3; 100]]).await.0, 201);
}

#[tokio::test]
async fn missing_repository_is_made_by_a_template_only() {
    let sandbox = strict().await;
    let begin =
        async |name: &str| code(sandbox.ask(Method::POST, &format!("/v2/{name}/blobs/uploads/"), &[], "").await).await;
    assert_eq!(begin("team/web").await, (404, "NAME_UNKNOWN".into()));
    let template = json!({ "prefix": "team", "appliedFor": ["CREATE_ON_PUSH"], "imageTagMutability": "IMMUTABLE" });
    sandbox.ecr("CreateRepositoryCreationTemplate", template).await;
    assert_eq!(begin("teams/web").await.0, 404);
    assert_eq!(begin("team/web").await.0, 202);
    let (_, made) = sandbox.ecr("DescribeRepositories", json!({ "repositoryNames": ["team/web"] })).await;
    assert_eq!(made["repositories"][0]["imageTagMutability"], "IMMUTABLE");
}

#[tokio::test]
async fn immutable_tag_is_refused_even_to_its_own_image() {
    let sandbox = strict().await;
    let filters = json!([{ "filterType": "WILDCARD", "filter": "latest*" }]);
    let change = json!({ "repositoryName": "web", "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": filters });
    assert_eq!(sandbox.ecr("PutImageTagMutability", change).await.0, 200);
    let manifest = sandbox.image("web", b"layer").await;
    assert_eq!(sandbox.put_manifest("web", "v1", &manifest).await.status(), 201);
    let again = sandbox.put_manifest("web", "v1", &manifest).await;
    let answer = again.json::<Value>().await.unwrap();
    assert_eq!(answer["errors"][0]["code"], "TAG_INVALID");
    assert_eq!(
        answer["errors"][0]["message"],
        "The image tag 'v1' already exists in the 'web' repository and cannot be overwritten because the repository is immutable."
    );
    for _ in 0..2 {
        assert_eq!(sandbox.put_manifest("web", "latest-1", &manifest).await.status(), 201);
    }
}

#[tokio::test]
async fn manifest_that_only_the_specification_likes_is_405() {
    let sandbox = strict().await;
    let whole = sandbox.image("web", b"layer").await;
    let without = |member: &str| {
        let mut manifest = whole.clone();
        manifest.as_object_mut().unwrap().shift_remove(member);
        manifest
    };
    let mut parametrised = whole.clone();
    parametrised["layers"][0]["mediaType"] = json!("a/b; c=d");
    for manifest in [without("mediaType"), without("layers"), parametrised] {
        let refused = code(sandbox.put_manifest("web", "v1", &manifest).await).await;
        assert_eq!(refused, (405, "UNSUPPORTED".into()), "{manifest}");
    }
    assert_eq!(sandbox.put_manifest("web", "v1", &whole).await.status(), 201);
}

#[tokio::test]
async fn blob_is_mounted_if_the_account_wants_it_and_an_image_has_it() {
    let sandbox = strict().await;
    sandbox.create("two").await;
    let loose = sandbox.push_blob("web", b"loose").await;
    sandbox.push_image("web", "v1", b"layer").await;
    let mount = async |digest: &Digest| {
        let path = format!("/v2/two/blobs/uploads/?mount={digest}&from=web");
        sandbox.ask(Method::POST, &path, &[], "").await.status().as_u16()
    };
    let layer = Digest::of(b"layer");
    assert_eq!(mount(&layer).await, 202);
    sandbox.ecr("PutAccountSetting", json!({ "name": "BLOB_MOUNTING", "value": "ENABLED" })).await;
    assert_eq!((mount(&loose).await, mount(&layer).await), (202, 201));
}

#[tokio::test]
async fn lists_uploads_and_tags_have_ecrs_limits() {
    let sandbox = strict().await;
    assert_eq!(sandbox.get("/v2/web/tags/list?n=1001").await.status(), 400);
    assert_eq!(sandbox.get("/v2/web/tags/list?n=1000").await.status(), 200);
    let place = header(&sandbox.ask(Method::POST, "/v2/web/blobs/uploads/", &[], "").await, "location").to_owned();
    assert_eq!(sandbox.get(&place).await.status(), 404, "no status of uploads");
    assert_eq!(sandbox.ask(Method::HEAD, "/v2/web/manifests/.bad", &[], "").await.status(), 400);
}

#[tokio::test]
async fn blob_is_sent_by_another_address() {
    let sandbox = strict().await;
    let digest = sandbox.push_blob("web", b"0123456789").await;
    let answer = sandbox.get(&format!("/v2/web/blobs/{digest}")).await;
    assert_eq!(answer.status(), 307);
    let link = header(&answer, "location").to_owned();
    let part = reqwest::Client::new().get(link).header("range", "bytes=4-").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.text().await.unwrap().as_str()), (206, "456789"));
}

#[tokio::test]
async fn ways_of_ecr_may_befall_a_single_request() {
    let sandbox = Sandbox::start().await;
    sandbox.set_faults(json!({ "rules": [{ "on": "ecr:PutImage", "times": 1, "then": "ecr_strict" }] })).await;
    let mut manifest = sandbox.image("web", b"layer").await;
    manifest.as_object_mut().unwrap().shift_remove("mediaType");
    assert_eq!(sandbox.put_manifest("web", "v1", &manifest).await.status(), 405);
    assert_eq!(sandbox.put_manifest("web", "v1", &manifest).await.status(), 201);
    assert_eq!(sandbox.put_manifest("web", "v2", &image(b"layer")).await.status(), 201);
}
