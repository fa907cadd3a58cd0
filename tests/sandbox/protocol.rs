//! What the distribution specification asks for and other servers commonly get wrong.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::support::{MANIFEST, Sandbox, code, header, image, run};
use crate::support::record;
use dockless::image::Digest;

async fn begin(sandbox: &Sandbox) -> String {
    let answer = sandbox.ask(Method::POST, "/v2/a/b/blobs/uploads/", &[], "").await;
    assert_eq!(answer.status(), 202);
    header(&answer, "location").to_owned()
}

#[tokio::test]
async fn chunks_are_taken_in_order_only() {
    let sandbox = Sandbox::start().await;
    let place = begin(&sandbox).await;
    let chunk = async |range, body| sandbox.ask(Method::PATCH, &place, &[("content-range", range)], body).await;
    assert_eq!(chunk("0-3", "abcd").await.status(), 202);
    let early = chunk("6-7", "gh").await;
    assert_eq!((early.status().as_u16(), header(&early, "range")), (416, "0-3"));
    assert_eq!(code(chunk("4-9", "ef").await).await, (400, "SIZE_INVALID".into()));
    assert_eq!(header(&chunk("4-5", "ef").await, "range"), "0-5");
    let status = sandbox.get(&place).await;
    assert_eq!((status.status().as_u16(), header(&status, "range")), (204, "0-5"));
    let digest = Digest::of(b"abcdefgh");
    let end = sandbox.ask(Method::PUT, &format!("{place}?digest={digest}"), &[("content-range", "6-7")], "gh").await;
    assert_eq!((end.status().as_u16(), header(&end, "docker-content-digest")), (201, digest.as_str()));
    assert_eq!(sandbox.get(&format!("/v2/a/b/blobs/{digest}")).await.text().await.unwrap(), "abcdefgh");
}

#[tokio::test]
async fn upload_whose_client_vanished_goes_on_from_its_last_whole_chunk() {
    let sandbox = Sandbox::start().await;
    let place = begin(&sandbox).await;
    assert_eq!(sandbox.ask(Method::PATCH, &place, &[], "abcd").await.status(), 202);
    let mut stream = tokio::net::TcpStream::connect(sandbox.running.registry()).await.unwrap();
    let login = sandbox.login().await;
    let torn = format!("PATCH {place} HTTP/1.1\r\nHost: x\r\nAuthorization: {login}\r\nContent-Length: 99\r\n\r\nefg");
    stream.write_all(torn.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let status = sandbox.get(&place).await;
    assert_eq!((status.status().as_u16(), header(&status, "range")), (204, "0-3"));
}

#[tokio::test]
async fn server_that_is_asked_to_stop_answers_first() {
    let sandbox = Sandbox::start().await;
    let answer = reqwest::Client::new().post(sandbox.url("/_sandbox/stop")).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    let started = std::time::Instant::now();
    sandbox.finished().await;
    assert!(started.elapsed() < Duration::from_millis(900), "idle connections do not keep it");
}

#[tokio::test]
async fn upload_with_another_digest_is_refused_and_gone() {
    let sandbox = Sandbox::start().await;
    let place = begin(&sandbox).await;
    let end = format!("{place}?digest={}", Digest::of(b"other"));
    assert_eq!(code(sandbox.ask(Method::PUT, &end, &[], "this").await).await, (400, "DIGEST_INVALID".into()));
    assert_eq!(code(sandbox.get(&place).await).await, (404, "BLOB_UPLOAD_UNKNOWN".into()));
    let place = begin(&sandbox).await;
    assert_eq!(sandbox.ask(Method::DELETE, &place, &[], "").await.status(), 204);
    assert_eq!(sandbox.ask(Method::PATCH, &place, &[], "x").await.status(), 404);
}

#[tokio::test]
async fn blob_is_given_in_parts_and_taken_away() {
    let sandbox = Sandbox::start().await;
    let digest = sandbox.push_blob("a", b"0123456789").await;
    let path = format!("/v2/a/blobs/{digest}");
    let part = sandbox.ask(Method::GET, &path, &[("range", "bytes=3-5")], "").await;
    assert_eq!((part.status().as_u16(), header(&part, "content-range")), (206, "bytes 3-5/10"));
    assert_eq!(part.text().await.unwrap(), "345");
    assert_eq!(sandbox.ask(Method::GET, &path, &[("range", "bytes=10-")], "").await.status(), 416);
    let head = sandbox.ask(Method::HEAD, &path, &[], "").await;
    assert_eq!(header(&head, "content-length"), "10");
    assert_eq!(sandbox.ask(Method::DELETE, &path, &[], "").await.status(), 202);
    assert_eq!(code(sandbox.get(&path).await).await, (404, "BLOB_UNKNOWN".into()));
}

#[tokio::test]
async fn blob_is_mounted_from_where_it_is() {
    let sandbox = Sandbox::start().await;
    let digest = sandbox.push_blob("from", b"layer").await;
    let mount = async |query: String| {
        sandbox.ask(Method::POST, &format!("/v2/to/blobs/uploads/?{query}"), &[], "").await.status().as_u16()
    };
    assert_eq!(mount(format!("mount={}&from=from", Digest::of(b"none"))).await, 202);
    assert_eq!(mount(format!("mount={digest}")).await, 202);
    assert_eq!(mount(format!("mount={digest}&from=from")).await, 201);
    // It stays where it was mounted when its source goes.
    sandbox.ecr("DeleteRepository", json!({ "repositoryName": "from" })).await;
    assert_eq!(sandbox.get(&format!("/v2/to/blobs/{digest}")).await.text().await.unwrap(), "layer");
}

#[tokio::test]
async fn manifest_needs_its_blobs_and_its_own_digest() {
    let sandbox = Sandbox::start().await;
    let missing = sandbox.put_manifest("a", "v1", &image(b"nowhere")).await;
    assert_eq!(code(missing).await, (400, "MANIFEST_BLOB_UNKNOWN".into()));
    let manifest = sandbox.image("a", b"layer").await;
    let wrong = sandbox.put_manifest("a", Digest::of(b"x").as_str(), &manifest).await;
    assert_eq!(code(wrong).await, (400, "DIGEST_INVALID".into()));
    assert_eq!(sandbox.put_manifest("a", "v1", &manifest).await.status(), 201);
    let got = sandbox.get("/v2/a/manifests/v1").await;
    assert_eq!(header(&got, "content-type"), MANIFEST);
    assert_eq!(got.text().await.unwrap(), manifest.to_string());
    let index = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [] });
    assert_eq!(code(sandbox.put_manifest("a", "i", &index).await).await, (400, "MANIFEST_INVALID".into()));
}

#[tokio::test]
async fn tags_come_in_pages() {
    let sandbox = Sandbox::start().await;
    for tag in ["c", "a", "d", "b"] {
        sandbox.push_image("t", tag, b"layer").await;
    }
    let first = sandbox.get("/v2/t/tags/list?n=3").await;
    let next = header(&first, "link").trim_start_matches('<').split('>').next().unwrap().to_owned();
    assert_eq!(first.json::<Value>().await.unwrap()["tags"], json!(["a", "b", "c"]));
    let last = sandbox.get(&next).await;
    assert_eq!(header(&last, "link"), "");
    assert_eq!(last.json::<Value>().await.unwrap()["tags"], json!(["d"]));
    assert_eq!(sandbox.ask(Method::DELETE, "/v2/t/manifests/a", &[], "").await.status(), 202);
    let left = sandbox.get("/v2/t/tags/list").await.json::<Value>().await.unwrap();
    assert_eq!(left["tags"], json!(["b", "c", "d"]));
}

#[tokio::test]
async fn referrers_are_found_by_type_even_before_their_subject() {
    let sandbox = Sandbox::start().await;
    let subject = Digest::of(sandbox.image("r", b"layer").await.to_string().as_bytes());
    for kind in ["a/signature", "a/sbom"] {
        let mut manifest = image(b"layer");
        manifest["artifactType"] = json!(kind);
        manifest["annotations"] = json!({ "kind": kind });
        manifest["subject"] = json!({ "mediaType": MANIFEST, "digest": subject, "size": 1 });
        let version = Digest::of(manifest.to_string().as_bytes());
        let answer = sandbox.put_manifest("r", version.as_str(), &manifest).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "oci-subject")), (201, subject.as_str()));
    }
    let answer = sandbox.get(&format!("/v2/r/referrers/{subject}?artifactType=a%2Fsbom")).await;
    assert_eq!(header(&answer, "oci-filters-applied"), "artifactType");
    let found = answer.json::<Value>().await.unwrap();
    assert_eq!(found["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(found["manifests"][0]["annotations"]["kind"], "a/sbom");
    let all = sandbox.get(&format!("/v2/r/referrers/{subject}")).await.json::<Value>().await.unwrap();
    assert_eq!(all["manifests"].as_array().unwrap().len(), 2);
    let nowhere = sandbox.get(&format!("/v2/nowhere/referrers/{subject}")).await;
    assert_eq!(
        (nowhere.status().as_u16(), nowhere.json::<Value>().await.unwrap()["manifests"].clone()),
        (200, json!([]))
    );
}

#[tokio::test]
async fn nobody_gets_in_without_ecrs_login() {
    let sandbox = Sandbox::start().await;
    for login in ["", "Basic QVdTOng=", "Bearer x"] {
        let answer = sandbox.try_ask(login, Method::GET, "/v2/", &[], "").await.unwrap();
        let challenge = format!(r#"Basic realm="{}/",service="ecr.amazonaws.com""#, sandbox.running.url());
        assert_eq!((answer.status().as_u16(), header(&answer, "www-authenticate")), (401, challenge.as_str()));
    }
    assert_eq!(sandbox.get("/v2/").await.status(), 200);
}

#[tokio::test]
async fn call_without_signature_or_sense_is_refused_in_awss_words() {
    let sandbox = Sandbox::start().await;
    let unsigned = reqwest::Client::new()
        .post(sandbox.url("/"))
        .header("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories");
    let answer = unsigned.send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(answer["__type"], "MissingAuthenticationTokenException");
    let (status, answer) = sandbox.ecr("Dance", json!({})).await;
    assert_eq!((status, &answer["__type"]), (400, &json!("UnknownOperationException")));
    let (_, answer) = sandbox.ecr("DescribeRepositories", json!({ "repositoryNames": 1 })).await;
    assert_eq!(answer["__type"], "SerializationException");
    let (_, answer) = sandbox.aws("AmazonEC2ContainerServiceV20141113", "Dance", json!({})).await.unwrap();
    assert_eq!(answer["__type"], "UnknownOperationException");
    let (status, answer) = sandbox.aws("DynamoDB_20120810", "ListTables", json!({})).await.unwrap();
    assert_eq!((status, &answer["__type"]), (400, &json!("UnknownOperationException")));
}

#[tokio::test]
async fn content_goes_from_disk_with_the_last_that_needs_it() {
    let sandbox = Sandbox::start().await;
    let digest = sandbox.push_image("one", "v1", b"layer").await;
    sandbox.push_image("two", "v1", b"layer").await;
    let delete = async |repository: &str| {
        let ids = json!({ "repositoryName": repository, "imageIds": [{ "imageDigest": digest }] });
        sandbox.ecr("BatchDeleteImage", ids).await
    };
    delete("one").await;
    assert_eq!(sandbox.get("/v2/two/manifests/v1").await.status(), 200);
    delete("two").await;
    let dir = sandbox.end().await.unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join("blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn login_by_a_registrys_number_is_for_ecrs_host() {
    let sandbox = Sandbox::start().await;
    let endpoint = async |input| {
        let (_, answer) = sandbox.ecr("GetAuthorizationToken", input).await;
        answer["authorizationData"][0]["proxyEndpoint"].clone()
    };
    assert_eq!(endpoint(json!({})).await, sandbox.running.url());
    let host = "https://123456789012.dkr.ecr.us-east-1.amazonaws.com";
    assert_eq!(endpoint(json!({ "registryIds": ["123456789012"] })).await, host);
}

/// AWS's own model is the referee of the table by which wrong types are refused. It may know more than the table.
#[test]
fn types_of_members_are_those_of_the_service_model() {
    let story = r#"
import sys
from botocore.loaders import Loader
model = Loader().load_service_model("ecs", "service-2")
shapes = model["shapes"]
plain = {"string": "s", "integer": "i", "long": "i", "boolean": "b", "double": "n", "float": "n", "timestamp": "t"}
def kind(name):
    shape = shapes[name]
    if shape["type"] == "list":
        return "[" + kind(shape["member"]["shape"])
    if shape["type"] == "map":
        return "{" + kind(shape["value"]["shape"])
    return plain.get(shape["type"], name)
count = 0
for line in open(sys.argv[1]):
    name, *members = line.split()
    if name.startswith(chr(35)):
        continue
    operation = model["operations"].get(name)
    known = shapes[operation["input"]["shape"] if operation else name]["members"]
    for member in members:
        told, expected = member.split(":")
        assert kind(known[told]["shape"]) == expected, (name, member)
        count += 1
print(count)
"#;
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sandbox/ecs/members.txt");
    let count = run(std::process::Command::new(record::python()).args(["-c", story, table]));
    assert!(count.trim().parse::<usize>().unwrap() > 300, "{count}");
}
