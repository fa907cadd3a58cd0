//! The misbehaving registry's answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dockless::image::Digest;
use futures_util::{StreamExt, stream};
use serde_json::json;

use super::connection::Line;
use super::{Behaviour, Door, Effect, Logged, MountAnswer, Shared};

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

/// A request, its body still to be read.
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Option<Body>,
    received: u64,
}

async fn serve(State(shared): State<Arc<Shared>>, ConnectInfo(line): ConnectInfo<Line>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut asked =
        Asked { method: parts.method, uri: parts.uri, headers: parts.headers, body: Some(body), received: 0 };
    let effect = shared.effect(&asked);
    let answer = match effect {
        None => Some(shared.answer(&mut asked).await),
        Some(effect) => shared.misbehave(&mut asked, effect).await,
    };
    let header = |name: &str| asked.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    shared.log.lock().unwrap().push(Logged {
        method: asked.method.to_string(),
        path: asked.uri.path().to_owned(),
        query: asked.uri.query().unwrap_or_default().to_owned(),
        authorization: header("authorization"),
        content_length: header("content-length").and_then(|text| text.parse().ok()),
        chunked: header("transfer-encoding").is_some(),
        received: asked.received,
        status: answer.as_ref().map(|answer| answer.status().as_u16()),
    });
    answer.unwrap_or_else(|| {
        line.cut();
        Response::default()
    })
}

impl Asked {
    async fn read(&mut self, limit: u64, pause: Option<Duration>) -> Bytes {
        let mut all = Vec::new();
        let Some(body) = self.body.take() else { return Bytes::new() };
        let mut pieces = body.into_data_stream();
        while self.received < limit {
            let Some(Ok(piece)) = pieces.next().await else { break };
            self.received += piece.len() as u64;
            all.extend_from_slice(&piece);
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
        all.into()
    }

    fn query(&self, name: &str) -> Option<String> {
        let query = self.uri.query().unwrap_or_default().as_bytes();
        url::form_urlencoded::parse(query).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    fn queries(&self, name: &str) -> Vec<String> {
        let query = self.uri.query().unwrap_or_default().as_bytes();
        url::form_urlencoded::parse(query).filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    }
}

fn status(code: u16) -> axum::http::response::Builder {
    Response::builder().status(StatusCode::from_u16(code).expect("a status"))
}

fn refuse(code: u16, name: &str, message: &str) -> Response {
    let body = json!({ "errors": [{ "code": name, "message": message }] }).to_string();
    status(code).header("content-type", "application/json").body(Body::from(body)).unwrap()
}

impl Shared {
    fn effect(&self, asked: &Asked) -> Option<Effect> {
        let behaviour = self.behaviour.lock().unwrap();
        let name = asked.uri.path().strip_prefix("/v2/").and_then(|path| path.strip_suffix("/blobs/uploads/"));
        if behaviour.cuts_missing_repositories && name.is_some_and(|name| behaviour.is_missing(name)) {
            return Some(Effect::Cut);
        }
        let mut faults = self.faults.lock().unwrap();
        let matches = |f: &super::Fault| f.method == asked.method.as_str() && asked.uri.path().contains(&f.path);
        let at = faults.iter().position(matches)?;
        let effect = faults[at].effect.clone();
        faults[at].times = faults[at].times.saturating_sub(1);
        if faults[at].times == 0 {
            faults.remove(at);
        }
        Some(effect)
    }

    async fn misbehave(&self, asked: &mut Asked, effect: Effect) -> Option<Response> {
        match effect {
            Effect::Status(code, name, message) => Some(refuse(code, name, &message)),
            Effect::RetryAfter(code, after) => {
                let body = json!({ "errors": [{ "code": "TOOMANYREQUESTS", "message": "Rate exceeded" }] }).to_string();
                Some(status(code).header("retry-after", after).body(Body::from(body)).unwrap())
            }
            Effect::Cut => None,
            Effect::CutBody(limit) => {
                asked.read(limit, None).await;
                None
            }
            Effect::CutAnswer => {
                self.answer(asked).await;
                None
            }
            Effect::CutDownload(limit) => Some(shorten(self.answer(asked).await, limit).await),
            Effect::LoseSession => {
                self.store.lock().unwrap().sessions.clear();
                Some(self.answer(asked).await)
            }
            Effect::Expire(password) => {
                self.change_password(password);
                Some(self.answer(asked).await)
            }
            Effect::ExpireLikeEcr(password) => {
                self.change_password(password);
                let text = "Your authorization token has expired. Reauthenticate and try again.";
                Some(refuse(403, "DENIED", text))
            }
            Effect::Stall(time) => {
                tokio::time::sleep(time).await;
                None
            }
        }
    }

    fn change_password(&self, new: String) {
        match &mut self.behaviour.lock().unwrap().door {
            Door::Open => {}
            Door::Ecr { password } | Door::Basic { password } => *password = new,
            Door::Token { password, .. } => {
                *password = Some(new);
                self.store.lock().unwrap().issued += 1000;
            }
        }
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    async fn answer(&self, asked: &mut Asked) -> Response {
        let behaviour = self.behaviour.lock().unwrap().clone();
        if asked.uri.path() == "/token" {
            return self.token(asked, &behaviour);
        }
        if let Some(refusal) = self.guard(asked, &behaviour) {
            return refusal;
        }
        if behaviour.forbids_head && asked.method == Method::HEAD {
            return status(403).body(Body::empty()).unwrap();
        }
        let path = asked.uri.path().strip_prefix("/v2/").unwrap_or_default().to_owned();
        for kind in ["/manifests/", "/blobs/uploads/", "/blobs/"] {
            if let Some((name, rest)) = path.split_once(kind) {
                return match kind {
                    "/manifests/" => self.manifest(asked, &behaviour, name, rest).await,
                    "/blobs/uploads/" => self.upload(asked, &behaviour, name, rest).await,
                    _ => self.blob(asked, &behaviour, name, rest),
                };
            }
        }
        let found = path.is_empty() || asked.uri.path().starts_with("/storage/");
        status(if found { 200 } else { 404 }).body(Body::empty()).unwrap()
    }

    fn guard(&self, asked: &Asked, behaviour: &Behaviour) -> Option<Response> {
        let given = asked.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let basic = |password: &str| format!("Basic {}", STANDARD.encode(format!("AWS:{password}")));
        let host = asked.headers.get("host").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (good, challenge) = match &behaviour.door {
            Door::Open => return None,
            Door::Ecr { password } => {
                let challenge = format!(r#"Basic realm="https://{host}/",service="ecr.amazonaws.com""#);
                (given == basic(password), challenge)
            }
            Door::Basic { password } => (given == basic(password), r#"Basic realm="test""#.to_owned()),
            Door::Token { .. } => {
                let since = self.store.lock().unwrap().issued / 1000;
                let good = given.strip_prefix("Bearer t").and_then(|rest| rest.split('-').next()?.parse().ok());
                let challenge = format!(r#"Bearer realm="{}://{host}/token",service="{host}""#, self.scheme());
                (good == Some(since), challenge)
            }
        };
        let page = json!({ "errors": [{ "code": "UNAUTHORIZED", "message": format!("not good: {given}") }] });
        let refusal = || status(401).header("www-authenticate", challenge).body(Body::from(page.to_string())).unwrap();
        (!good).then(refusal)
    }

    fn token(&self, asked: &Asked, behaviour: &Behaviour) -> Response {
        let Door::Token { password, seconds } = &behaviour.door else { return refuse(404, "", "") };
        let given = asked.headers.get("authorization").and_then(|value| value.to_str().ok());
        let expected = password.as_ref().map(|p| format!("Basic {}", STANDARD.encode(format!("AWS:{p}"))));
        if expected.is_some() && given != expected.as_deref() {
            return refuse(401, "UNAUTHORIZED", &format!("not good: {}", given.unwrap_or_default()));
        }
        let mut store = self.store.lock().unwrap();
        store.issued += 1;
        let token = format!("t{}-{}-{}", store.issued / 1000, store.issued, asked.queries("scope").join("+"));
        let body = json!({ "token": token, "expires_in": seconds }).to_string();
        status(200).body(Body::from(body)).unwrap()
    }

    async fn manifest(&self, asked: &mut Asked, behaviour: &Behaviour, name: &str, version: &str) -> Response {
        if behaviour.is_missing(name) {
            return refuse(404, "NAME_UNKNOWN", &format!("The repository with name '{name}' does not exist"));
        }
        let key = (name.to_owned(), version.to_owned());
        let held = self.store.lock().unwrap().manifests.get(&key).cloned();
        if asked.method == Method::PUT {
            if held.is_some() && behaviour.immutable_tags && !version.starts_with("sha256:") {
                let text = format!(
                    "The image tag '{version}' already exists in the '{name}' repository and cannot be overwritten because the repository is immutable."
                );
                return refuse(400, "TAG_INVALID", &text);
            }
            let kind = asked.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
            let bytes = asked.read(u64::MAX, None).await;
            let digest = Digest::of(&bytes).to_string();
            let mut store = self.store.lock().unwrap();
            store.manifests.insert((name.to_owned(), digest), (kind.clone(), bytes.clone()));
            store.manifests.insert(key, (kind, bytes));
            // Like ECR: neither Location nor digest.
            return status(201).body(Body::empty()).unwrap();
        }
        let Some((kind, bytes)) = held else { return refuse(404, "MANIFEST_UNKNOWN", "Requested image not found") };
        let kind = if behaviour.tells_no_type { "application/json" } else { kind.as_str() };
        let mut answer = status(200).header("content-type", kind).header("content-length", bytes.len());
        if !behaviour.tells_no_digest {
            answer = answer.header("docker-content-digest", Digest::of(&bytes).as_str());
        }
        answer.body(if asked.method == Method::HEAD { Body::empty() } else { Body::from(bytes) }).unwrap()
    }

    fn blob(&self, asked: &Asked, behaviour: &Behaviour, name: &str, digest: &str) -> Response {
        let held = self.store.lock().unwrap().blobs.get(&(name.to_owned(), digest.to_owned())).cloned();
        let Some(mut bytes) = held else { return refuse(404, "BLOB_UNKNOWN", "blob unknown to registry") };
        if let Some(other) = behaviour.redirect_blobs.as_ref().filter(|_| asked.method == Method::GET) {
            let to = format!("{other}/v2/{name}/blobs/{digest}?X-Amz-Signature=abc");
            return status(307).header("location", to).body(Body::empty()).unwrap();
        }
        if behaviour.rotten_blobs && !bytes.is_empty() {
            bytes = [&[!bytes[0]], &bytes[1..]].concat().into();
        }
        if asked.method == Method::HEAD {
            return status(200).header("content-length", bytes.len()).body(Body::empty()).unwrap();
        }
        let range = asked.headers.get("range").and_then(|v| v.to_str().ok()).filter(|_| !behaviour.ignores_range);
        let start = range.and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        match start {
            Some(start) => {
                let range = format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
                status(206).header("content-range", range).body(Body::from(bytes.slice(start..))).unwrap()
            }
            None => status(200).header("content-length", bytes.len()).body(Body::from(bytes)).unwrap(),
        }
    }

    async fn upload(&self, asked: &mut Asked, behaviour: &Behaviour, name: &str, id: &str) -> Response {
        if behaviour.is_missing(name) {
            return refuse(404, "NAME_UNKNOWN", &format!("The repository with name '{name}' does not exist"));
        }
        if asked.method == Method::POST {
            return self.open(asked, behaviour, name);
        }
        let known = self.store.lock().unwrap().sessions.remove(id).is_some();
        if !known {
            return refuse(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
        }
        let bytes = asked.read(u64::MAX, behaviour.slow).await;
        let digest = asked.query("digest").unwrap_or_default();
        if bytes.is_empty() && matches!(behaviour.door, Door::Ecr { .. }) {
            return refuse(400, "BLOB_UPLOAD_INVALID", "the upload does not have any parts");
        }
        if Digest::of(&bytes).as_str() != digest {
            return refuse(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
        }
        self.store.lock().unwrap().blobs.insert((name.to_owned(), digest), bytes);
        status(201).body(Body::empty()).unwrap()
    }

    fn open(&self, asked: &Asked, behaviour: &Behaviour, name: &str) -> Response {
        let mut store = self.store.lock().unwrap();
        if let (Some(digest), Some(from)) = (asked.query("mount"), asked.query("from")) {
            let held = store.blobs.get(&(from, digest.clone())).cloned();
            match (behaviour.mount, held) {
                (MountAnswer::Refuses(code), _) => return refuse(code, "DENIED", "no mounting here"),
                (MountAnswer::Mounts, Some(bytes)) => {
                    store.blobs.insert((name.to_owned(), digest), bytes);
                    return status(201).body(Body::empty()).unwrap();
                }
                _ => {}
            }
        }
        let id = format!("session-{}", store.sessions.len() + store.issued + self.log.lock().unwrap().len());
        store.sessions.insert(id.clone(), name.to_owned());
        let host = asked.headers.get("host").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let path = format!("/v2/{name}/blobs/uploads/{id}?_state=a%2Bb%3D");
        let location = match behaviour {
            Behaviour { relative_locations: true, .. } => path,
            Behaviour { plain_locations: true, .. } => format!("http://{host}{path}"),
            _ => format!("{}://{host}{path}", self.scheme()),
        };
        status(202).header("location", location).body(Body::empty()).unwrap()
    }
}

impl Behaviour {
    fn is_missing(&self, repository: &str) -> bool {
        self.repositories.as_ref().is_some_and(|known| !known.contains(repository))
    }
}

/// The answer's first bytes, then a broken connection.
async fn shorten(answer: Response, limit: usize) -> Response {
    let (parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let first = bytes.slice(..limit.min(bytes.len()));
    let cut = stream::once(async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(std::io::Error::other("cut"))
    });
    let pieces = stream::iter([Ok::<_, Infallible>(first)]).map(|piece| Ok(piece.unwrap())).chain(cut);
    let mut answer = Response::from_parts(parts, Body::from_stream(pieces));
    answer.headers_mut().insert("content-length", bytes.len().into());
    answer
}
