//! Moto, an emulator of AWS that verifies signatures and IAM policies (`pip install 'moto[server]'`). It is found in
//! `$DOCKLESS_TEST_TOOLS/bin`, in the stack's environment or on PATH, listens on loopback and is killed with its handle.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dockless::aws::{AccessKey, Options};
use reqwest::Method;
use serde_json::{Value, json};

use super::aws::impatient;
use super::record::Recorder;

/// The account of everything made in it.
pub const ACCOUNT: &str = "123456789012";
pub const REGION: &str = "us-east-1";

/// The requests that `user` makes: these go unverified, all later ones do not.
const REQUESTS_OF_A_USER: u32 = 3;

pub struct Moto {
    url: String,
    recorder: Option<Recorder>,
    server: Child,
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.server.kill().and_then(|()| self.server.wait()).ok();
    }
}

fn program() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [("DOCKLESS_TEST_TOOLS", "bin/moto_server"), ("DOCKLESS_TEST_STACK", "venv/bin/moto_server")];
    let mut named = places.iter().filter_map(|(name, path)| Some(root.join(std::env::var_os(name)?).join(path)));
    named.find(|path| path.exists()).unwrap_or_else(|| "moto_server".into())
}

impl Moto {
    /// Verifies every request after the creation of one `user`.
    pub async fn verifying() -> Moto {
        Moto::start(Some(REQUESTS_OF_A_USER)).await
    }

    pub async fn start(unverified: Option<u32>) -> Moto {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let mut command = Command::new(program());
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(count) = unverified {
            command.env("INITIAL_NO_AUTH_ACTION_COUNT", count.to_string());
        }
        let server = command.spawn().expect("moto_server: scripts/test installs what the tests need");
        let mut moto = Moto { url: format!("http://127.0.0.1:{port}"), recorder: None, server };
        moto.wait().await;
        moto.recorder = Recorder::before("moto", &moto.url);
        moto
    }

    async fn wait(&self) {
        let (address, began) = (self.url.trim_start_matches("http://"), Instant::now());
        while tokio::net::TcpStream::connect(address).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "moto_server does not answer");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The address of every service.
    pub fn url(&self) -> &str {
        self.recorder.as_ref().map_or(&self.url, Recorder::url)
    }

    /// The next so many requests go unverified, all later ones do not.
    pub async fn trust(&self, count: u32) {
        let request = client().post(format!("{}/moto-api/reset-auth", self.url)).body(count.to_string());
        assert!(request.send().await.expect("an answer of moto").status().is_success());
    }

    /// Requests of anybody, while they go unverified.
    pub async fn ecs(&self, operation: &str, body: Value) -> Value {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        self.ask(Method::POST, "/", "ecs", &target, body).await
    }

    pub async fn events(&self, operation: &str, body: Value) -> Value {
        self.ask(Method::POST, "/", "events", &format!("AWSEvents.{operation}"), body).await
    }

    /// Of services that speak REST, which have paths and no targets.
    pub async fn ask(&self, method: Method, path: &str, service: &str, target: &str, body: Value) -> Value {
        let scope = format!("AWS4-HMAC-SHA256 Credential=setup/20260101/us-east-1/{service}/aws4_request");
        let request = client().request(method, format!("{}{path}", self.url));
        let request = request.header("authorization", format!("{scope}, SignedHeaders=host, Signature=0"));
        let request = match target {
            "" => request.header("content-type", "application/json"),
            _ => request.header("content-type", "application/x-amz-json-1.1").header("x-amz-target", target),
        };
        let request = request.body(body.to_string());
        let text = request.send().await.expect("an answer of moto").text().await.expect("a body");
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{service} {path} {target}: {why}: {text}"))
    }

    pub fn options(&self, access_key: AccessKey) -> Options {
        Options {
            region: Some(REGION.into()),
            access_key: Some(access_key),
            endpoint_url: Some(self.url().to_owned()),
            patience: impatient(),
            ..Options::default()
        }
    }

    /// A user that may do `actions` to anything, and its key.
    pub async fn user(&self, actions: &[&str]) -> AccessKey {
        self.user_named("ci", actions).await
    }

    pub async fn user_named(&self, name: &str, actions: &[&str]) -> AccessKey {
        let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
        let policy: Value = json!({ "Version": "2012-10-17", "Statement": [statement] });
        self.iam(&[("Action", "CreateUser"), ("UserName", name)]).await;
        let policy = policy.to_string();
        self.iam(&[("Action", "PutUserPolicy"), ("UserName", name), ("PolicyName", "ci"), ("PolicyDocument", &policy)])
            .await;
        let key = self.iam(&[("Action", "CreateAccessKey"), ("UserName", name)]).await;
        let element = |name: &str| {
            let (_, rest) = key.split_once(&format!("<{name}>")).expect("a key");
            rest.split('<').next().unwrap_or_default().to_owned()
        };
        AccessKey { id: element("AccessKeyId"), secret: element("SecretAccessKey").into(), session_token: None }
    }

    async fn iam(&self, fields: &[(&str, &str)]) -> String {
        let fields = [fields, &[("Version", "2010-05-08")]].concat();
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        // Moto tells services apart by the scope of the signature, valid or not.
        let scope =
            "AWS4-HMAC-SHA256 Credential=setup/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0";
        let request = client().post(&self.url).header("authorization", scope);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.expect("an answer of moto");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status.is_success(), "{status}: {text}");
        text
    }
}

fn client() -> reqwest::Client {
    // reqwest without a default TLS provider refuses to be made, even for plain HTTP.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    reqwest::Client::new()
}
