//! The sandbox's own endpoints, under `/_sandbox/`: is it up, what was asked of it, which faults are in force. They
//! stand outside of the rules and of the log. Pages in a browser are turned away.

use hyper::Method;
use hyper::http::request::Parts;
use serde_json::json;

use super::handle::{Cut, header, query};
use super::intake::Intake;
use super::reply::{Reply, empty, json, text};
use super::site::Site;
use crate::image::Digest;
use crate::report::Explain as _;
use crate::sandbox::catalog::Change;
use crate::sandbox::fault::Faults;
use crate::sandbox::registry::content;

/// Where ECR's download links lead.
pub const LAYERS: &str = "/_sandbox/layers/";

pub async fn answer(site: &Site, parts: &Parts, mut intake: Intake) -> Result<Reply, Cut> {
    if header(parts, "origin").is_some() {
        return Ok(text(403, "not for pages in a browser\n"));
    }
    let path = parts.uri.path();
    Ok(match (&parts.method, path) {
        (&Method::GET, "/_sandbox/health") => {
            json(200, &json!({ "status": "ok", "account": site.account, "region": site.region, "url": site.url() }))
        }
        (&Method::GET, "/_sandbox/requests") => {
            let after = query(parts).get("after").and_then(|number| number.parse().ok()).unwrap_or(0);
            json(200, &json!({ "requests": site.requests.after(after) }))
        }
        (&Method::DELETE, "/_sandbox/requests") => {
            site.requests.forget();
            empty(204)
        }
        (&Method::GET, "/_sandbox/faults") => json(200, &site.script().show()),
        (&Method::POST, "/_sandbox/faults") => match intake.all(super::api::LARGEST).await {
            Ok(body) => set_faults(site, Faults::parse(&body, "the document of faults")),
            Err(_) => return Err(Cut),
        },
        (&Method::DELETE, "/_sandbox/faults") => set_faults(site, Ok(Faults::default())),
        (&Method::POST, "/_sandbox/expire-token") => match site.commit(vec![Change::EndLogins]) {
            Ok(()) => empty(204),
            Err(refusal) => text(500, refusal.message),
        },
        (&Method::POST, "/_sandbox/expire-credentials") => {
            site.sessions.end(None);
            empty(204)
        }
        (&Method::POST, "/_sandbox/stop") => {
            site.stop();
            empty(204)
        }
        (&Method::GET, _) if path.starts_with(LAYERS) => {
            layer(site, &path[LAYERS.len()..], header(parts, "range")).await
        }
        _ => text(404, "Not Found\n"),
    })
}

fn set_faults(site: &Site, faults: Result<Faults, crate::sandbox::Error>) -> Reply {
    match faults.and_then(|faults| site.set_faults(faults)) {
        Ok(()) => {
            site.plane_has_changed();
            json(200, &site.script().show())
        }
        Err(error) => text(400, format!("{error}\n{}\n", error.hint().unwrap_or_default())),
    }
}

/// Like S3's presigned links, these need no login.
async fn layer(site: &Site, digest: &str, range: Option<&str>) -> Reply {
    let missing = || text(404, "NoSuchKey\n");
    let Ok(digest) = digest.parse::<Digest>() else { return missing() };
    let path = site.blobs.path(&digest);
    match tokio::fs::metadata(&path).await {
        Ok(found) => content(&path, found.len(), range).await.unwrap_or_else(|_| missing()),
        Err(_) => missing(),
    }
}
