//! A stand-in for AWS on loopback: speaks ECS's and ECR's JSON 1.1, STS's Query and GitHub's token endpoint as far as
//! a test scripts them, misbehaves on request, and remembers every request, byte for byte.
//!
//! An operation goes by its API name (`UpdateService`, `AssumeRole`); a GET request by its path (`GET /token`).

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use dockless::aws::{AccessKey, Options, Patience, Session};
use dockless::report::{Event, Events};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::record::{self, Call};

/// The credentials that `FakeAws::options` signs with.
pub const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub const SECRET_KEY: &str = "fake-secret-key-that-nobody-may-see";

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub operation: String,
    /// Path and query.
    pub uri: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body in JSON")
    }

    /// A member of a Query (form) body.
    pub fn field(&self, name: &str) -> Option<String> {
        field(&self.body, name)
    }
}

fn field(body: &[u8], name: &str) -> Option<String> {
    url::form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// What to answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    delay: Duration,
    cut: bool,
}

impl Reply {
    pub fn raw(status: u16, content_type: &str, body: impl Into<Bytes>) -> Reply {
        let headers = vec![("content-type", content_type.to_owned())];
        Reply { status, headers, body: body.into(), delay: Duration::ZERO, cut: false }
    }

    pub fn json(body: Value) -> Reply {
        Reply::raw(200, "application/x-amz-json-1.1", body.to_string())
    }

    /// A refusal of a JSON service.
    pub fn fault(status: u16, code: &str, message: &str) -> Reply {
        let body = json!({ "__type": code, "message": message });
        Reply::raw(status, "application/x-amz-json-1.1", body.to_string())
    }

    /// A success of STS: the members of its `…Result` as XML.
    pub fn query(operation: &str, result: &str) -> Reply {
        let body = format!(
            "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{operation}Result>{result}\
             </{operation}Result></{operation}Response>"
        );
        Reply::raw(200, "text/xml", body)
    }

    /// A refusal of STS.
    pub fn query_fault(status: u16, code: &str, message: &str) -> Reply {
        let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
        Reply::raw(status, "text/xml", format!("<ErrorResponse>{error}</ErrorResponse>"))
    }

    /// A role's credentials as STS gives them; they last an hour.
    pub fn credentials(operation: &str, key: &str, secret: &str, token: &str) -> Reply {
        let expiry = jiff::Timestamp::now() + Duration::from_secs(3600);
        let member = |name: &str, value: &str| format!("<{name}>{value}</{name}>");
        let members = member("AccessKeyId", key)
            + &member("SecretAccessKey", secret)
            + &member("SessionToken", token)
            + &member("Expiration", &expiry.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        Reply::query(operation, &member("Credentials", &members))
    }

    /// The connection breaks before any answer.
    pub fn cut() -> Reply {
        Reply { cut: true, ..Reply::raw(200, "text/plain", "") }
    }

    pub fn after(self, delay: Duration) -> Reply {
        Reply { delay, ..self }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Reply {
        self.headers.push((name, value.to_owned()));
        self
    }

    async fn send(self) -> Response {
        tokio::time::sleep(self.delay).await;
        if self.cut {
            // Ends the connection's task without the words that a panic prints.
            std::panic::resume_unwind(Box::new("cut"));
        }
        let mut response = Response::builder().status(StatusCode::from_u16(self.status).expect("a status"));
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(self.body)).expect("a response")
    }
}

type Standing = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

#[derive(Default)]
struct Script {
    /// Each used once, before the standing one.
    next: VecDeque<Reply>,
    standing: Option<Standing>,
}

#[derive(Default)]
struct Stage {
    scripts: Mutex<HashMap<String, Script>>,
    received: Mutex<Vec<Received>>,
    record: Option<PathBuf>,
}

/// Stops when dropped.
pub struct FakeAws {
    url: String,
    stage: Arc<Stage>,
    server: JoinHandle<()>,
}

impl Drop for FakeAws {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeAws {
    pub async fn start() -> FakeAws {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let stage = Arc::new(Stage { record: record::file(), ..Stage::default() });
        let router = Router::new().fallback(play).with_state(stage.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
        FakeAws { url, stage, server }
    }

    /// `http://127.0.0.1:PORT`, the endpoint of every service.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every call of `operation` is answered so, unless a `next` is waiting.
    pub fn answer(&self, operation: &str, reply: Reply) {
        self.answer_with(operation, move |_| reply.clone());
    }

    /// The answer depends on the request.
    pub fn answer_with(&self, operation: &str, reply: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        self.script(operation, |script| script.standing = Some(Arc::new(reply)));
    }

    /// The next call of `operation` that has no answer waiting yet is answered so, once.
    pub fn next(&self, operation: &str, reply: Reply) {
        self.script(operation, |script| script.next.push_back(reply));
    }

    pub fn next_times(&self, times: usize, operation: &str, reply: Reply) {
        (0..times).for_each(|_| self.next(operation, reply.clone()));
    }

    fn script(&self, operation: &str, change: impl FnOnce(&mut Script)) {
        change(self.stage.scripts.lock().unwrap().entry(operation.to_owned()).or_default());
    }

    /// Everything that arrived, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.stage.received.lock().unwrap().clone()
    }

    pub fn received_of(&self, operation: &str) -> Vec<Received> {
        self.received().into_iter().filter(|request| request.operation == operation).collect()
    }

    /// Fixed keys, this server for every service, and little patience.
    pub fn options(&self) -> Options {
        let access_key = AccessKey { id: ACCESS_KEY.into(), secret: SECRET_KEY.into(), session_token: None };
        Options {
            region: Some("eu-west-1".into()),
            access_key: Some(access_key),
            endpoint_url: Some(self.url.clone()),
            patience: impatient(),
            ..Options::default()
        }
    }

    pub async fn session(&self) -> Session {
        Session::open(self.options(), Events::none()).await.expect("a session")
    }
}

/// Waits of milliseconds.
pub fn impatient() -> Patience {
    let (first_wait, longest_wait) = (Duration::from_millis(5), Duration::from_millis(20));
    Patience { first_wait, longest_wait, read: Duration::from_secs(10), ..Patience::default() }
}

async fn play(State(stage): State<Arc<Stage>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a whole body");
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let operation = match target {
        Some(target) => target.rsplit('.').next().unwrap_or_default().to_owned(),
        None => field(&body, "Action").unwrap_or_else(|| format!("{} {}", head.method, head.uri.path())),
    };
    let method = head.method;
    let received = Received { operation, uri: head.uri.to_string(), headers: head.headers, body };
    let reply = stage.reply(&received);
    if let Some(file) = &stage.record {
        let answer = (!reply.cut).then_some((reply.status, &reply.body[..]));
        let Received { uri: path, headers, body: request, .. } = &received;
        Call { server: "stand-in", method: method.as_str(), path, headers, request, answer }.append(file);
    }
    stage.received.lock().unwrap().push(received);
    reply.send().await
}

impl Stage {
    fn reply(&self, received: &Received) -> Reply {
        let mut scripts = self.scripts.lock().unwrap();
        let script = scripts.entry(received.operation.clone()).or_default();
        match (script.next.pop_front(), &script.standing) {
            (Some(reply), _) => reply,
            (None, Some(standing)) => standing(received),
            (None, None) => Reply::fault(400, "UnknownOperationException", "not in the script"),
        }
    }
}

/// Keeps events for a test to look at.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<Event>>>);

impl Told {
    pub fn events(&self) -> Events {
        let told = self.0.clone();
        Events::new(move |event| told.lock().unwrap().push(event))
    }

    pub fn all(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }
}
