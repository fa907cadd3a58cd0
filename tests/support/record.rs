//! What dockless asks of AWS while tests run, and who answered, for `tests/models` to hold against AWS's own models.
//! With `DOCKLESS_TEST_RECORDS=DIR`, as `scripts/test` has it, each test has a file there, named after the test, in the
//! form of `dockless sandbox start --record`: its sandboxes and stand-ins write to it themselves; a [`Recorder`] stands
//! in front of other people's servers.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// This test's file, if there is to be one.
pub fn file() -> Option<PathBuf> {
    let dir = std::env::var_os("DOCKLESS_TEST_RECORDS").filter(|dir| !dir.is_empty())?;
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    fs::create_dir_all(&dir).expect("the directory of records");
    // The test harness names each thread after its test.
    let test = thread::current().name().unwrap_or("unnamed").replace("::", ".");
    Some(dir.join(test + ".jsonl"))
}

/// The flag that makes a sandbox in another process write to it.
pub fn flag() -> Option<String> {
    Some(format!("--record={}", file()?.display()))
}

/// This test's file: among the others, or else of this name.
pub fn file_or(alone: PathBuf) -> PathBuf {
    file().unwrap_or(alone)
}

/// Every call of a record against the models that botocore ships; not now if they all are in the end.
pub fn agree(record: &Path) {
    if file().is_some_and(|file| file.parent() == record.parent()) {
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/check.py");
    let output = Command::new(python()).arg(script).arg(record).output().expect("python3");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// With botocore: the stack's, else the machine's.
pub fn python() -> PathBuf {
    let stack = std::env::var_os("DOCKLESS_TEST_STACK").unwrap_or_default();
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(stack).join("venv/bin/python3");
    if python.exists() { python } else { "python3".into() }
}

/// One request as it came, and what was answered.
pub struct Call<'a> {
    /// Whose answer it is.
    pub server: &'static str,
    pub method: &'a str,
    /// With the query.
    pub path: &'a str,
    pub headers: &'a HeaderMap,
    pub request: &'a [u8],
    /// None if the connection was cut.
    pub answer: Option<(u16, &'a [u8])>,
}

impl Call<'_> {
    pub fn append(&self, file: &Path) {
        let header = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        let scope = header("authorization").and_then(|text| text.split("Credential=").nth(1)?.split([',', ' ']).next());
        let line = json!({
            "server": self.server,
            "method": self.method,
            "path": self.path,
            "target": header("x-amz-target"),
            "service": scope.and_then(|scope| scope.rsplit('/').nth(1)),
            "user_agent": header("user-agent"),
            "content_type": header("content-type"),
            "request": document(self.request),
            "status": self.answer.map(|(status, _)| status),
            "answer": self.answer.map_or(Value::Null, |(_, body)| document(body)),
        });
        let mut file = OpenOptions::new().create(true).append(true).open(file).expect("a record");
        // In one write, for others append to it as well.
        file.write_all(format!("{line}\n").as_bytes()).expect("a line of the record");
    }
}

fn document(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

/// Passes every request on and writes it down with its answer; ends with this value.
pub struct Recorder {
    url: String,
    _end: oneshot::Sender<()>,
}

#[derive(Clone)]
struct Onward {
    server: &'static str,
    to: String,
    file: PathBuf,
    client: reqwest::Client,
}

impl Recorder {
    /// In front of this server; None if nothing is to be recorded. It has a thread of its own: not every test is async.
    pub fn before(server: &'static str, to: &str) -> Option<Recorder> {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        let onward =
            Onward { server, to: to.trim_end_matches('/').into(), file: file()?, client: client.expect("a client") };
        let (tell, address) = mpsc::channel();
        let (_end, ended) = oneshot::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                tell.send(listener.local_addr().expect("an address")).expect("a test that waits");
                let router = Router::new().fallback(pass).with_state(onward);
                tokio::select! { _ = axum::serve(listener, router) => {}, _ = ended => {} }
            });
        });
        Some(Recorder { url: format!("http://{}", address.recv().expect("an address")), _end })
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

async fn pass(State(onward): State<Onward>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a whole body");
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let sent = onward.client.request(head.method.clone(), format!("{}{path}", onward.to));
    // All headers as they are, Host too: signatures cover them.
    let answer = sent.headers(head.headers.clone()).body(body.clone()).send().await;
    let answer = match answer {
        Ok(answer) => Some((answer.status(), answer.headers().clone(), answer.bytes().await.unwrap_or_default())),
        Err(_) => None,
    };
    let said = answer.as_ref().map(|(status, _, body)| (status.as_u16(), &body[..]));
    let (method, headers) = (head.method.as_str(), &head.headers);
    Call { server: onward.server, method, path, headers, request: &body, answer: said }.append(&onward.file);
    match answer {
        Some((status, headers, body)) => response(status, headers, body),
        // As the server behind has it: the connection breaks, without the words that a panic prints.
        None => std::panic::resume_unwind(Box::new("cut")),
    }
}

fn response(status: axum::http::StatusCode, mut headers: HeaderMap, body: Bytes) -> Response {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    let mut response = Response::new(Body::from(body));
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}
