//! One request: to a target and back. As long as nothing of it was sent another target may be asked; after that a
//! failure is the target's own, and the answer 502, as a load balancer's would be.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONNECTION, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::pick::{Table, Use};

pub type Body = BoxBody<Bytes, hyper::Error>;

const CONNECT: Duration = Duration::from_secs(5);
/// An idle time-out of 60 s is what a load balancer comes with.
const ANSWER: Duration = Duration::from_secs(60);

pub async fn forward(
    table: &Table,
    mut request: Request<Incoming>,
    client: SocketAddr,
) -> Result<Response<Body>, Infallible> {
    let upgrade = upgrade_of(request.headers());
    let theirs = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    dress(&mut request, client, upgrade);
    let (held, mut response) = match ask(table, request).await {
        Ok(answered) => answered,
        Err(refusal) => return Ok(refusal),
    };
    if let (StatusCode::SWITCHING_PROTOCOLS, Some(theirs)) = (response.status(), theirs) {
        tokio::spawn(tunnel(theirs, hyper::upgrade::on(&mut response), held));
        return Ok(response.map(|_| nothing()));
    }
    strip(response.headers_mut());
    // The target stays in use until the last byte of its answer has gone out.
    let kept = move |frame| {
        let _held = &held;
        frame
    };
    Ok(response.map(|body| body.map_frame(kept).boxed()))
}

/// The answer of the first target that takes the request.
async fn ask(table: &Table, mut request: Request<Incoming>) -> Result<(Use, Response<Incoming>), Response<Body>> {
    let mut tried: Vec<String> = Vec::new();
    while let Some(held) = table.pick(&tried) {
        tried.push(held.target.task.clone());
        let Some(mut sender) = reach(&held).await else { continue };
        request = match timeout(ANSWER, sender.try_send_request(request)).await {
            Ok(Ok(response)) => return Ok((held, response)),
            Ok(Err(mut failed)) => match failed.take_message() {
                Some(unsent) => unsent,
                None => {
                    return Err(refusal(StatusCode::BAD_GATEWAY, &format!("{}: {}", held.target.task, failed.error())));
                }
            },
            Err(_) => return Err(refusal(StatusCode::GATEWAY_TIMEOUT, &format!("{}: no answer", held.target.task))),
        };
    }
    Err(match tried.is_empty() {
        true => refusal(StatusCode::SERVICE_UNAVAILABLE, "no task is up"),
        false => refusal(StatusCode::BAD_GATEWAY, &format!("nobody listens at {}", tried.join(", "))),
    })
}

/// A connection to a target, if it takes one.
async fn reach(held: &Use) -> Option<SendRequest<Incoming>> {
    let stream = timeout(CONNECT, held.target.network.connect(held.target.port)).await.ok()?.ok()?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection.with_upgrades());
    Some(sender)
}

fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = headers.get(CONNECTION)?.to_str().ok()?.to_ascii_lowercase().contains("upgrade");
    headers.get(UPGRADE).filter(|_| asks).cloned()
}

fn dress(request: &mut Request<Incoming>, client: SocketAddr, upgrade: Option<HeaderValue>) {
    let headers = request.headers_mut();
    strip(headers);
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    let add = |headers: &mut HeaderMap, name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let before = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()).map(|value| format!("{value}, "));
    let whole = before.unwrap_or_default() + &client.ip().to_string();
    add(headers, "x-forwarded-for", &whole);
    add(headers, "x-forwarded-proto", "http");
}

/// Takes away what is for one connection alone (RFC 9110, 7.6.1), what `Connection` names included.
fn strip(headers: &mut HeaderMap) {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> = named.flat_map(|value| value.split(',')).map(|name| name.trim().to_owned()).collect();
    named.iter().for_each(|name| drop(headers.remove(name)));
    for name in [CONNECTION, UPGRADE, TE, TRANSFER_ENCODING, HeaderName::from_static("keep-alive")] {
        headers.remove(name);
    }
}

async fn tunnel(client: hyper::upgrade::OnUpgrade, target: hyper::upgrade::OnUpgrade, held: Use) {
    if let (Ok(client), Ok(target)) = (client.await, target.await) {
        let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(target)).await;
    }
    drop(held);
}

fn refusal(status: StatusCode, why: &str) -> Response<Body> {
    let body = Full::from(format!("{status}: {why}\n")).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

fn nothing() -> Body {
    http_body_util::Empty::new().map_err(|never| match never {}).boxed()
}
