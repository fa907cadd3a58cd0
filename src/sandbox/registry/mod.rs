//! The registry: OCI distribution 1.1 over what the catalog holds. By itself it keeps to the specification; where ECR
//! leaves it, it does so too if that is wanted (`--ecr-strict`, or a rule for one request), each time with the
//! reason beside it. It knows one login, ECR's.

mod blob;
mod listing;
mod manifest;
mod problem;
mod range;
mod target;
mod upload;

use hyper::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::http::request::Parts;

pub use blob::content;
pub use target::Target;

use problem::Problem;
use target::What;

use super::fault::Orders;
use super::server::{Intake, Reply, Site, Trouble, json};
use super::token::Login;
use crate::sandbox::catalog::valid_name;

/// One request that has been let in.
struct Visit<'a> {
    site: &'a Site,
    parts: &'a Parts,
    repository: &'a str,
    /// ECR's ways.
    ecr: bool,
}

/// A problem is told, trouble with the connection cannot be.
enum Stop {
    Problem(Problem),
    Trouble(Trouble),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Stop::Problem(problem)
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Stop::Trouble(trouble)
    }
}

pub async fn answer(
    site: &Site,
    parts: &Parts,
    intake: &mut Intake,
    target: Target,
    orders: &Orders,
) -> Result<Reply, Trouble> {
    let mut reply = match enter(site, parts, &target, orders) {
        Ok(()) => {
            let ecr = site.ecr_strict || orders.ecr_strict;
            let visit = Visit { site, parts, repository: &target.repository, ecr };
            visit.go(&target.what, intake).await
        }
        Err(problem) => Err(problem.into()),
    }
    .or_else(|stop| match stop {
        Stop::Problem(problem) => Ok(refuse(site, &problem)),
        Stop::Trouble(trouble) => Err(trouble),
    })?;
    let headers = reply.headers_mut();
    headers.insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
    if let Some(Some(seconds)) = orders.throttle {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    Ok(reply)
}

fn refuse(site: &Site, problem: &Problem) -> Reply {
    let mut reply = problem.reply();
    if problem.status == 401 {
        let challenge = format!(r#"Basic realm="{}/",service="ecr.amazonaws.com""#, site.url());
        reply
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_str(&challenge).expect("an address is a header"));
    }
    reply
}

/// The login, then the rules.
fn enter(site: &Site, parts: &Parts, target: &Target, orders: &Orders) -> Result<(), Problem> {
    let header = parts.headers.get("authorization").and_then(|header| header.to_str().ok()).unwrap_or_default();
    let login = site.store().catalog().mint.login(header, site.now());
    let principal = match login {
        Login::Good(principal) => principal,
        // ECR's words; clients recognise them, since it is not a 401.
        Login::Expired if site.ecr_strict || orders.ecr_strict => {
            let message = "Your authorization token has expired. Reauthenticate and try again.";
            return Err(Problem::new(403, "DENIED", message));
        }
        Login::Expired | Login::Wrong => return Err(Problem::new(401, "UNAUTHORIZED", "Not Authorized")),
    };
    if orders.throttle.is_some() {
        return Err(Problem::new(429, "TOOMANYREQUESTS", "Rate exceeded"));
    }
    if let Some(status) = orders.status {
        return Err(Problem::new(status, "UNKNOWN", "A rule of the sandbox's faults answers so."));
    }
    if let Some(operation) = target.operation().filter(|_| orders.deny) {
        let (action, arn) = (format!("ecr:{operation}"), site.arn(&target.repository));
        let denied = super::Refusal::denied(&principal, &action, &arn);
        return Err(Problem::new(403, "DENIED", denied.message));
    }
    if !target.repository.is_empty() && !valid_name(&target.repository) {
        return Err(Problem::new(400, "NAME_INVALID", format!("'{}' is not a repository name", target.repository)));
    }
    Ok(())
}

impl Visit<'_> {
    async fn go(&self, what: &What, intake: &mut Intake) -> Result<Reply, Stop> {
        match what {
            What::Root => Ok(json(200, &serde_json::json!({}))),
            What::Catalog => Ok(self.catalog()?),
            What::Tags => Ok(self.tags()?),
            What::Referrers(digest) => Ok(self.referrers(digest)?),
            What::Blob(digest) => self.blob(digest).await,
            What::Uploads => self.start_upload(intake).await,
            What::Upload(id) => self.upload(id, intake).await,
            What::Manifest(version) => self.manifest(version, intake).await,
            What::Unsupported => Err(Problem::unsupported().into()),
        }
    }

    /// The words of ECR, which say more than the specification asks for.
    fn no_repository(&self) -> Problem {
        let (name, account) = (self.repository, &self.site.account);
        let message = format!("The repository with name '{name}' does not exist in the registry with id '{account}'");
        Problem::new(404, "NAME_UNKNOWN", message)
    }

    fn require_repository(&self) -> Result<(), Problem> {
        let exists = self.site.store().catalog().repositories.contains_key(self.repository);
        if exists { Ok(()) } else { Err(self.no_repository()) }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// A place in this repository, as `Location` names it: relative, or absolute as ECR has it.
    fn location(&self, rest: &str) -> HeaderValue {
        let path = format!("/v2/{}/{rest}", self.repository);
        let location = if self.ecr { format!("{}{path}", self.site.url()) } else { path };
        HeaderValue::from_str(&location).expect("a path is a header")
    }
}
