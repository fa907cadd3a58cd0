//! A sandbox in this process, and a plain HTTP client for it.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use dockless::clock::Clock;
use dockless::image::Digest;
use dockless::sandbox::{Ecs, Faults, Options, Running, Server};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::record;

pub const SIGNATURE: &str =
    "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/ecr/aws4_request, SignedHeaders=host, Signature=00";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

pub struct Sandbox {
    pub running: Running,
    http: reqwest::Client,
    server: JoinHandle<()>,
    dir: Option<tempfile::TempDir>,
}

impl Sandbox {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sandbox = Self::start_in(dir.path(), change).await;
        Sandbox { dir: Some(dir), ..sandbox }
    }

    /// In a directory of the caller's.
    pub async fn start_in(dir: &Path, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options { port: 0, record: record::file(), ..Options::new(dir) };
        change(&mut options);
        let plane = Ecs::new(&options.account, &options.region);
        let server = Server::open(options, Box::new(plane), Clock::Real).await.unwrap();
        let running = server.running().clone();
        Sandbox { running, http: client(), server: tokio::spawn(server.run()), dir: None }
    }

    /// Lets the server go and waits until it has.
    pub async fn end(self) -> Option<tempfile::TempDir> {
        self.server.abort();
        let _ = self.server.await;
        self.dir
    }

    /// Waits until the server has ended by itself.
    pub async fn finished(self) {
        self.server.await.unwrap();
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url())
    }

    /// One call of ECR's API: status and document.
    pub async fn ecr(&self, operation: &str, input: Value) -> (u16, Value) {
        self.aws("AmazonEC2ContainerRegistry_V20150921", operation, input).await.unwrap()
    }

    pub async fn aws(&self, service: &str, operation: &str, input: Value) -> reqwest::Result<(u16, Value)> {
        let request = self.http.post(self.url("/")).header("x-amz-target", format!("{service}.{operation}"));
        let answer = request.header("authorization", SIGNATURE).body(input.to_string()).send().await?;
        Ok((answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await?).unwrap_or_default()))
    }

    pub async fn create(&self, repository: &str) {
        let (status, answer) = self.ecr("CreateRepository", json!({ "repositoryName": repository })).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// The value of an `Authorization` header, fresh from ECR's API.
    pub async fn login(&self) -> String {
        let (_, answer) = self.ecr("GetAuthorizationToken", json!({})).await;
        format!("Basic {}", answer["authorizationData"][0]["authorizationToken"].as_str().unwrap())
    }

    /// A request to the registry, logged in.
    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response {
        self.try_ask(&self.login().await, method, path, headers, body).await.unwrap()
    }

    pub async fn try_ask(
        &self,
        login: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> reqwest::Result<Response> {
        let url = if path.starts_with("http") { path.to_owned() } else { self.url(path) };
        let mut request = self.http.request(method, url).header("authorization", login).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path, &[], "").await
    }

    pub async fn push_blob(&self, repository: &str, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        let answer = self.ask(Method::POST, &path, &[], content.to_vec()).await;
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
        digest
    }

    pub async fn put_manifest(&self, repository: &str, version: &str, manifest: &Value) -> Response {
        let path = format!("/v2/{repository}/manifests/{version}");
        self.ask(Method::PUT, &path, &[("content-type", MANIFEST)], manifest.to_string()).await
    }

    /// An image of one layer, pushed under a tag.
    pub async fn push_image(&self, repository: &str, tag: &str, layer: &[u8]) -> Digest {
        let manifest = self.image(repository, layer).await;
        let answer = self.put_manifest(repository, tag, &manifest).await;
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
        Digest::of(manifest.to_string().as_bytes())
    }

    /// The manifest of an image whose blobs are there.
    pub async fn image(&self, repository: &str, layer: &[u8]) -> Value {
        self.push_blob(repository, b"{}").await;
        self.push_blob(repository, layer).await;
        image(layer)
    }

    pub async fn set_faults(&self, faults: Value) {
        let sent = self.http.post(self.url("/_sandbox/faults")).body(faults.to_string()).send().await.unwrap();
        assert_eq!(sent.status(), 200, "{}", sent.text().await.unwrap());
    }

    /// What `dockless sandbox logs` shows.
    pub fn log_file(&self) -> String {
        let dir = self.dir.as_ref().expect("a directory of its own");
        std::fs::read_to_string(dir.path().join("requests.log")).unwrap()
    }

    /// The AWS calls that were made, as IAM names them.
    pub async fn actions(&self) -> Vec<String> {
        let action = |entry: &Value| entry["action"].as_str().map(str::to_owned);
        self.log().await.iter().filter_map(action).collect()
    }

    /// How often this call was made, by IAM's name.
    pub async fn times(&self, action: &str) -> usize {
        self.actions().await.iter().filter(|made| *made == action).count()
    }

    /// What was asked of it, as `METHOD path status`.
    pub async fn requests(&self) -> Vec<String> {
        let line = |entry: &Value| {
            format!("{} {} {}", entry["method"].as_str().unwrap(), entry["path"].as_str().unwrap(), entry["status"])
        };
        self.log().await.iter().map(line).collect()
    }

    /// The same with all that it remembers of each, oldest first.
    pub async fn log(&self) -> Vec<Value> {
        let answer = self.http.get(self.url("/_sandbox/requests")).send().await.unwrap();
        let log: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        log["requests"].as_array().unwrap().clone()
    }
}

/// The manifest of an image with the configuration `{}` and this layer.
pub fn image(layer: &[u8]) -> Value {
    let descriptor =
        |kind: &str, content: &[u8]| json!({ "mediaType": kind, "digest": Digest::of(content), "size": content.len() });
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", b"{}"),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    })
}

pub fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// Status and the code of the first error.
pub async fn code(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let document: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
    (status, document.pointer("/errors/0/code").and_then(Value::as_str).unwrap_or_default().to_owned())
}

pub fn faults(document: Value) -> Faults {
    Faults::parse(document.to_string().as_bytes(), "the test").unwrap()
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// A program of other people's, or a failure that says where it comes from.
pub fn program(name: &str) -> Command {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", name]).output().unwrap().status.success();
    assert!(found, "{name} is not installed; scripts/test says what these tests need");
    Command::new(name)
}

pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}
