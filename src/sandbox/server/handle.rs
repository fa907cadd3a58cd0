//! One request from its first line to its answer: what it is called, what the rules say of it, which door it goes to,
//! and its line in the log.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{DATE, HeaderValue};
use hyper::http::request::Parts;
use serde_json::Value;

use super::api::Api;
use super::intake::{Intake, Trouble};
use super::reply::{Reply, whole};
use super::site::Site;
use super::{admin, api, text};
use crate::sandbox::caller::Signature;
use crate::sandbox::catalog::Change;
use crate::sandbox::fault::Orders;
use crate::sandbox::registry;
use crate::sandbox::requests::{Call, Entry, document};
use crate::sandbox::scheduler;
use crate::sandbox::skew::Skew;

/// The connection breaks instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut")]
pub struct Cut;

/// Which door a request goes to.
enum Door {
    Admin,
    Registry(registry::Target),
    Api(Api),
    Nowhere,
}

pub async fn handle(site: Arc<Site>, request: Request<Incoming>) -> Result<Reply, Cut> {
    let started = site.clock.now();
    let (parts, body) = request.into_parts();
    let mut intake = Intake::new(body, site.clock.clone());
    if site.requests.records() && !parts.uri.path().starts_with("/v2/") {
        intake.keep();
    }
    let door = match Door::find(&parts, &mut intake).await {
        Ok(Door::Admin) => return admin::answer(&site, &parts, intake).await,
        Ok(door) => door,
        Err(trouble) => return failed(trouble),
    };
    let signature =
        header(&parts, "authorization").and_then(|text| Signature::read(text, header(&parts, "x-amz-date")));
    let orders = site.script().orders(&door.names(&parts), site.clock.now());
    let mut entry = entry(&site, &parts, &door, signature.as_ref());
    entry.fault = orders != Orders::default();
    let service = signature.as_ref().map(|signature| signature.service.clone());
    let answer = visit(&site, &parts, &mut intake, door, signature, &orders).await;
    entry.received += intake.received();
    entry.milliseconds = site.clock.now().duration_since(started).unwrap_or_default().as_millis() as u64;
    let answer = match intake.kept() {
        Some(request) => record(&site, &parts, &entry, service, &request, answer).await,
        None => answer,
    };
    let mut answer = answer.and_then(|answer| if orders.lose_answer { Err(Cut) } else { Ok(answer) });
    if let Ok(answer) = &mut answer {
        date(answer, orders.clock, site.now());
        entry.status = Some(answer.status().as_u16());
        entry.code = answer.extensions().get::<Code>().map(|code| code.0.clone());
    }
    site.requests.add(entry);
    answer
}

/// Passes the answer on once it is in the record.
async fn record(
    site: &Site,
    parts: &Parts,
    entry: &Entry,
    service: Option<String>,
    request: &[u8],
    answer: Result<Reply, Cut>,
) -> Result<Reply, Cut> {
    let mut error_type = None;
    let (answer, said) = match answer {
        Ok(reply) => {
            let (head, body) = reply.into_parts();
            error_type = head.headers.get("x-amzn-errortype").and_then(|name| Some(name.to_str().ok()?.to_owned()));
            let said = body.collect().await.map_err(|_| Cut)?.to_bytes();
            (Ok(Reply::from_parts(head, whole(said.clone()))), document(&said))
        }
        Err(cut) => (Err(cut), Value::Null),
    };
    site.requests.record(&Call {
        action: entry.action.clone(),
        method: entry.method.clone(),
        path: entry.path.clone(),
        target: header(parts, "x-amz-target").map(str::to_owned),
        service,
        user_agent: entry.user_agent.clone(),
        content_type: header(parts, "content-type").map(str::to_owned),
        request: document(request),
        status: answer.as_ref().ok().map(|answer| answer.status().as_u16()),
        error_type,
        answer: said,
    });
    answer
}

/// AWS's code of a refusal, for the log.
#[derive(Clone)]
pub struct Code(pub String);

async fn visit(
    site: &Site,
    parts: &Parts,
    intake: &mut Intake,
    door: Door,
    signature: Option<Signature>,
    orders: &Orders,
) -> Result<Reply, Cut> {
    if orders.expire_token {
        let _ = site.commit(vec![Change::EndLogins]);
    }
    if orders.expire_credentials {
        site.sessions.end(signature.as_ref());
    }
    if !orders.wait.is_zero() {
        site.clock.sleep(orders.wait).await;
    }
    (intake.cut_after, intake.bytes_per_second) = (orders.cut_after, orders.bytes_per_second);
    match door {
        Door::Registry(target) => registry::answer(site, parts, intake, target, orders).await.or_else(failed),
        Door::Api(call) => api::answer(site, intake, call, signature, orders).await.or_else(failed),
        Door::Admin | Door::Nowhere => Ok(text(404, "Not Found\n")),
    }
}

/// A clock that is right needs no word: the server's own `Date` is the same.
fn date(answer: &mut Reply, clock: Skew, now: f64) {
    if let (false, Ok(date)) = (clock.is_none(), HeaderValue::from_str(&clock.date(now))) {
        answer.headers_mut().insert(DATE, date);
    }
}

fn failed(trouble: Trouble) -> Result<Reply, Cut> {
    match trouble {
        Trouble::Cut => Err(Cut),
        Trouble::TooLarge => Ok(text(413, "Request Entity Too Large\n")),
        Trouble::Disk(why) => Ok(text(500, format!("the sandbox cannot write: {why}\n"))),
    }
}

impl Door {
    async fn find(parts: &Parts, intake: &mut Intake) -> Result<Self, Trouble> {
        let path = parts.uri.path();
        if path.starts_with("/_sandbox") {
            return Ok(Door::Admin);
        }
        if let Some(target) = registry::Target::parse(&parts.method, path) {
            return Ok(Door::Registry(target));
        }
        if let Some(call) = scheduler::Call::of(&parts.method, path, parts.uri.query().unwrap_or_default()) {
            return Ok(Door::Api(Api::Rest(call)));
        }
        if path != "/" || parts.method != hyper::Method::POST {
            return Ok(Door::Nowhere);
        }
        let target = header(parts, "x-amz-target").map(str::to_owned);
        match target {
            Some(target) => Ok(Door::Api(Api::of_target(&target))),
            // The Query protocol names the operation in the body.
            None => Ok(Door::Api(Api::of_form(intake.all(api::LARGEST).await?))),
        }
    }

    fn action(&self) -> Option<String> {
        match self {
            Door::Registry(target) => Some(format!("ecr:{}", target.operation()?)),
            Door::Api(call) => Some(call.action()),
            Door::Admin | Door::Nowhere => None,
        }
    }

    /// Everything that a rule may call the request.
    fn names(&self, parts: &Parts) -> Vec<String> {
        let action = self.action();
        let operation = action.as_ref().and_then(|action| Some(action.split_once(':')?.1.to_owned()));
        let request = format!("{} {}", parts.method, parts.uri.path());
        operation.into_iter().chain(action).chain([request]).collect()
    }
}

fn entry(site: &Site, parts: &Parts, door: &Door, signature: Option<&Signature>) -> Entry {
    let (method, path) = (parts.method.to_string(), parts.uri.path_and_query().map_or("/", |path| path.as_str()));
    Entry {
        at: site.now(),
        method,
        path: path.to_owned(),
        action: door.action(),
        region: signature.map(|signature| signature.region.clone()),
        access_key: signature.map(|signature| signature.access_key.clone()),
        user_agent: header(parts, "user-agent").map(str::to_owned),
        ..Entry::default()
    }
}

pub fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name)?.to_str().ok()
}

/// Members of the query, decoded.
pub fn query(parts: &Parts) -> std::collections::HashMap<String, String> {
    form(parts.uri.query().unwrap_or_default().as_bytes())
}

pub fn form(text: &[u8]) -> std::collections::HashMap<String, String> {
    url::form_urlencoded::parse(text).into_owned().collect()
}
