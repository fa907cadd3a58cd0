//! Identity tokens of CI systems: handed over (CircleCI, GitLab), read from a file, or asked for (GitHub Actions gives
//! a job a URL that answers a fresh token as often as it likes, as long as the job may `id-token: write`).

use std::path::{Path, PathBuf};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::aws::trust::Roots;
use crate::aws::{Error, WebIdentity};
use crate::clock::Clock;
use crate::report::{Event, Events};

const PERMISSION: &str =
    "Give the job 'permissions: id-token: write'; runs for pull requests from forks never get a token.";

#[derive(Debug, Clone)]
pub(in crate::aws) enum TokenSource {
    Given(SecretString),
    File(PathBuf),
    Github(Github),
}

#[derive(Debug, Clone)]
pub(in crate::aws) struct Github {
    url: Url,
    request_token: SecretString,
    web: reqwest::Client,
    patience: Duration,
    events: Events,
}

/// Whether another try could help.
enum Failure {
    Passing(Error),
    Lasting(Error),
}

#[derive(Deserialize)]
struct Issued {
    value: String,
}

impl TokenSource {
    pub fn new(identity: WebIdentity, roots: &Roots, patience: Duration, events: &Events) -> Result<Self, Error> {
        Ok(match identity {
            WebIdentity::Token(token) => TokenSource::Given(token),
            WebIdentity::File(path) => TokenSource::File(path),
            WebIdentity::Github { request_url, request_token, audience } => {
                let url = address(&request_url, &audience)?;
                let (web, events) = (roots.web_client()?, events.clone());
                TokenSource::Github(Github { url, request_token, web, patience, events })
            }
        })
    }

    pub async fn fetch(&self) -> Result<SecretString, Error> {
        let token = match self {
            TokenSource::Given(token) => token.clone(),
            TokenSource::File(path) => read(path)?,
            TokenSource::Github(github) => github.fetch().await?,
        };
        if token.expose_secret().is_empty() { Err(lacking("it is empty", None)) } else { Ok(token) }
    }
}

fn lacking(why: impl Into<String>, hint: Option<&'static str>) -> Error {
    Error::Token { why: why.into(), hint }
}

fn read(path: &Path) -> Result<SecretString, Error> {
    let token = std::fs::read_to_string(path).map_err(|why| lacking(format!("{}: {why}", path.display()), None))?;
    Ok(token.trim().into())
}

fn address(request_url: &str, audience: &str) -> Result<Url, Error> {
    let url = Url::parse(request_url);
    let mut url =
        url.map_err(|why| lacking(format!("the CI system's request URL is no URL: {why}"), Some(PERMISSION)))?;
    url.query_pairs_mut().append_pair("audience", audience);
    Ok(url)
}

impl Github {
    async fn fetch(&self) -> Result<SecretString, Error> {
        let policy = ExponentialBuilder::default().with_jitter().with_min_delay(self.patience).with_max_times(4);
        (|| self.ask())
            .retry(policy)
            .sleep(|wait| async move { Clock::Real.sleep(wait).await })
            .when(|failure| matches!(failure, Failure::Passing(_)))
            .notify(|failure, wait| {
                let (what, why) = ("identity token of GitHub Actions".to_owned(), failure.error().to_string());
                self.events.emit(Event::Retry { what, why, wait });
            })
            .await
            .map_err(Failure::into_error)
    }

    async fn ask(&self) -> Result<SecretString, Failure> {
        let (clock, host) = (Clock::Real, self.url.origin().ascii_serialization());
        let began = clock.now();
        let request = self.web.get(self.url.clone()).bearer_auth(self.request_token.expose_secret());
        let answer = request.timeout(Duration::from_secs(30)).send().await;
        self.events.emit(Event::Request {
            method: "GET".into(),
            url: host.clone(),
            status: answer.as_ref().ok().map(|answer| answer.status().as_u16()),
            took: clock.now().duration_since(began).unwrap_or_default(),
        });
        let unreachable =
            |why: reqwest::Error| Failure::Passing(lacking(format!("{host}: {}", why.without_url()), None));
        let answer = answer.map_err(unreachable)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(judge(&host, status));
        }
        let body = answer.bytes().await.map_err(unreachable)?;
        let issued: Result<Issued, _> = serde_json::from_slice(&body);
        // The parser's own words could quote the token.
        issued
            .map(|issued| issued.value.into())
            .map_err(|_| Failure::Lasting(lacking(format!("{host}: no token in the answer"), None)))
    }
}

fn judge(host: &str, status: StatusCode) -> Failure {
    let why = format!("{host} answered {status}");
    match status {
        StatusCode::TOO_MANY_REQUESTS => Failure::Passing(lacking(why, None)),
        _ if status.is_server_error() => Failure::Passing(lacking(why, None)),
        _ => Failure::Lasting(lacking(why, Some(PERMISSION))),
    }
}

impl Failure {
    fn error(&self) -> &Error {
        match self {
            Failure::Passing(error) | Failure::Lasting(error) => error,
        }
    }

    fn into_error(self) -> Error {
        match self {
            Failure::Passing(error) | Failure::Lasting(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_carries_the_audience_behind_what_was_there() {
        let url = address("https://h.test/token?api-version=2.0", "sts.amazonaws.com").unwrap();
        assert_eq!(url.as_str(), "https://h.test/token?api-version=2.0&audience=sts.amazonaws.com");
        let url = address("https://h.test/token", "a b").unwrap();
        assert_eq!(url.as_str(), "https://h.test/token?audience=a+b");
        assert!(matches!(address("", "a"), Err(Error::Token { hint: Some(_), .. })));
    }

    #[tokio::test]
    async fn token_of_a_file_is_read_each_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source = TokenSource::File(file.path().to_owned());
        assert!(source.fetch().await.unwrap_err().to_string().contains("empty"));
        std::fs::write(file.path(), "a.b.c\n").unwrap();
        assert_eq!(source.fetch().await.unwrap().expose_secret(), "a.b.c");
    }
}
