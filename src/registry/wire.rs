//! One HTTP exchange: which client, how long to wait, where a redirect may lead, and what a failure means. Here it
//! is decided that a login never follows a redirect to another host and never travels unencrypted.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response};
use tokio::sync::watch;
use url::Url;

use super::secrets::Authorization;
use super::{Error, Options, tls};
use crate::report::{Event, Events};

/// One request. `authorization` is sent to `url`'s own origin only.
pub(super) struct Call<'a> {
    pub(super) what: &'a str,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) accept: &'a [&'a str],
    pub(super) headers: HeaderMap,
    pub(super) authorization: Option<&'a Authorization>,
    pub(super) load: Load,
}

impl Call<'_> {
    fn unloaded(&self) -> Self {
        Call {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            load: Load::Nothing,
            ..*self
        }
    }
}

/// What a request carries.
pub(super) enum Load {
    Nothing,
    Bytes(Bytes),
    /// `size` bytes; `sent` tells how many are gone, so that a slow upload is not taken for a dead one.
    Stream {
        size: u64,
        content: BoxStream<'static, std::io::Result<Bytes>>,
        sent: watch::Receiver<u64>,
    },
}

/// Why there was no answer.
pub(super) enum Fault {
    Silent(Duration),
    Http(reqwest::Error),
}

pub(super) struct Wire {
    /// For registries on this machine, which no proxy could reach.
    direct: Client,
    /// For all others, through the proxy that the environment names.
    outer: Client,
    timeout: Duration,
    events: Events,
}

/// Redirects that are followed in a row.
const REDIRECTS: usize = 5;

/// After a blob has gone out the registry may be busy with it (checking the digest of gigabytes) this many times
/// longer than it may be silent otherwise.
const PATIENCE: u32 = 5;

impl Wire {
    pub(super) fn new(options: &Options, events: &Events) -> Result<Self, Error> {
        // HTTP/1.1 only. Over HTTP/2 blobs that go out together share one connection and the server's flow control
        // window (1 MiB in Go's servers): 4 blobs of 64 MiB to a docker-registry 20 ms away took 7 s so, and 1.0
        // to 1.6 s over connections of their own; next door there was no difference (tests/registry/bench.rs).
        let tls = tls::configure(options.ca_bundle.as_deref(), &["http/1.1"], events)?;
        let client = || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .http1_only()
                .user_agent(&options.user_agent)
                .connect_timeout(options.connect_timeout)
                .redirect(reqwest::redirect::Policy::none())
        };
        let build = |builder: reqwest::ClientBuilder| builder.build().map_err(|why| Error::Setup { why: text(&why) });
        Ok(Wire {
            direct: build(client().no_proxy())?,
            outer: build(client())?,
            timeout: options.timeout,
            events: events.clone(),
        })
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends the request and follows redirects, unless it carries something.
    pub(super) async fn send(&self, mut call: Call<'_>) -> Result<Response, Error> {
        let what = call.what;
        let loaded = !matches!(call.load, Load::Nothing);
        for _ in 0..=REDIRECTS {
            let again = call.unloaded();
            let response = self.once(call).await.map_err(|fault| explain(what, &again.url, fault))?;
            let Some(next) = redirect(what, &again.url, &response)? else { return Ok(response) };
            if loaded {
                let why = format!("it redirected the upload to {}", origin(&next));
                return Err(Error::Answer { what: what.into(), why });
            }
            let authorization = again.authorization.filter(|_| next.origin() == again.url.origin());
            call = Call { url: next, authorization, ..again };
        }
        Err(Error::Answer { what: what.into(), why: format!("it redirected more than {REDIRECTS} times") })
    }

    /// Sends the request as it is.
    pub(super) async fn once(&self, call: Call<'_>) -> Result<Response, Fault> {
        let begin = Instant::now();
        let (method, mut shown) = (call.method.to_string(), call.url.clone());
        let result = self.exchange(call).await;
        shown.set_query(None);
        self.events.emit(Event::Request {
            method,
            url: shown.to_string(),
            status: result.as_ref().ok().map(|response| response.status().as_u16()),
            took: begin.elapsed(),
        });
        result
    }

    async fn exchange(&self, call: Call<'_>) -> Result<Response, Fault> {
        let client = if is_loopback(&call.url) { &self.direct } else { &self.outer };
        let bodiless = matches!(call.method, Method::GET | Method::HEAD);
        let mut request = client.request(call.method, call.url.clone()).headers(call.headers);
        for accepted in call.accept {
            request = request.header(ACCEPT, *accepted);
        }
        if let Some(value) = call.authorization.filter(|_| may_see_secrets(&call.url)).and_then(Authorization::header) {
            request = request.header(AUTHORIZATION, value);
        }
        match call.load {
            Load::Nothing if bodiless => self.answer(request).await,
            Load::Nothing => self.answer(request.header(CONTENT_LENGTH, 0)).await,
            Load::Bytes(bytes) => self.answer(request.body(bytes)).await,
            Load::Stream { size, content, sent } => {
                let request = request.header(CONTENT_LENGTH, HeaderValue::from(size));
                let request = request.body(reqwest::Body::wrap_stream(content));
                tokio::select! {
                    result = request.send() => result.map_err(Fault::Http),
                    limit = stalled(sent, self.timeout) => Err(Fault::Silent(limit)),
                }
            }
        }
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Response, Fault> {
        match tokio::time::timeout(self.timeout, request.send()).await {
            Ok(result) => result.map_err(Fault::Http),
            Err(_) => Err(Fault::Silent(self.timeout)),
        }
    }
}

/// Ends when nothing has moved for too long.
async fn stalled(mut sent: watch::Receiver<u64>, limit: Duration) -> Duration {
    loop {
        match tokio::time::timeout(limit, sent.changed()).await {
            Ok(Ok(())) => {}
            Err(_) => return limit,
            Ok(Err(_)) => {
                let last = limit * PATIENCE;
                let _ = tokio::time::timeout(last, std::future::pending::<()>()).await;
                return last;
            }
        }
    }
}

/// Where the answer sends us, if it does. From an encrypted connection only to another one, or to this machine.
fn redirect(what: &str, from: &Url, response: &Response) -> Result<Option<Url>, Error> {
    let location = response.headers().get(LOCATION).filter(|_| response.status().is_redirection());
    let Some(location) = location.and_then(|value| value.to_str().ok()) else { return Ok(None) };
    let next = from.join(location).map_err(|why| Error::Answer { what: what.into(), why: why.to_string() })?;
    let worse = from.scheme() == "https" && next.scheme() != "https";
    if (worse && !is_loopback(&next)) || !matches!(next.scheme(), "http" | "https") {
        return Err(Error::Plain { what: what.into(), url: origin(&next) });
    }
    Ok(Some(next))
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Whether a login may be sent there.
pub(super) fn may_see_secrets(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

/// Scheme, host and port, for people.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl Fault {
    /// Whether the other side answered a TLS greeting with something that is no TLS at all, or hung up on it.
    pub(super) fn speaks_no_tls(&self) -> bool {
        let Fault::Http(error) = self else { return false };
        let chain = causes(error);
        let tls = chain.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>());
        let hung_up = chain
            .iter()
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
            .any(|io| matches!(io.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset));
        error.is_connect() && (matches!(tls, Some(rustls::Error::InvalidMessage(_))) || (tls.is_none() && hung_up))
    }
}

pub(super) fn explain(what: &str, url: &Url, fault: Fault) -> Error {
    let what = what.to_owned();
    let host = url.host_str().unwrap_or_default().to_owned();
    let error = match fault {
        Fault::Silent(limit) => return Error::Silent { what, limit, attempts: 1 },
        Fault::Http(error) => error,
    };
    let chain = causes(&error);
    let why = text(&error);
    if chain.iter().any(|cause| cause.is::<rustls::Error>()) {
        return Error::Tls { what, host, why };
    }
    if chain.iter().any(|cause| cause.to_string().starts_with("dns error")) {
        // What the C libraries (glibc, musl) say when the name server itself did not answer.
        let passing = why.contains("Temporary failure") || why.contains("Try again");
        return Error::Name { what, host, why, passing };
    }
    Error::Connection { what, why, attempts: 1 }
}

/// The innermost cause; the outer ones only say that sending a request failed, and to which URL.
fn text(error: &reqwest::Error) -> String {
    causes(error).last().map(|cause| cause.to_string()).unwrap_or_default()
}

/// The error and what is behind it, I/O errors opened too.
fn causes(error: &reqwest::Error) -> Vec<&(dyn std::error::Error + 'static)> {
    let mut chain: Vec<&(dyn std::error::Error + 'static)> = vec![error];
    while let Some(last) = chain.last() {
        let inner = last.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
        let inner = inner.map(|inner| inner as &(dyn std::error::Error + 'static));
        match inner.or_else(|| last.source()) {
            Some(next) => chain.push(next),
            None => break,
        }
    }
    chain
}

/// A response body that ended before its time.
pub(super) fn broken(what: &str, error: reqwest::Error) -> Error {
    Error::Connection { what: what.into(), why: text(&error), attempts: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_travel_encrypted_or_not_at_all() {
        for (url, allowed) in [
            ("https://registry.example/v2/", true),
            ("http://127.0.0.1:5000/v2/", true),
            ("http://127.8.8.8/v2/", true),
            ("http://[::1]:5000/v2/", true),
            ("http://localhost:5000/v2/", true),
            ("http://registry.example/v2/", false),
            ("http://localhost.example/v2/", false),
            ("http://10.0.0.1/v2/", false),
        ] {
            assert_eq!(may_see_secrets(&url.parse().unwrap()), allowed, "{url}");
        }
    }
}
