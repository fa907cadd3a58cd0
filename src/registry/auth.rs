//! Logins: who knows them, how they become an `Authorization` header, and how they are renewed when a registry
//! rejects them in the middle of the work (ECR's last twelve hours, token servers' often five minutes).

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::answer::Answer;
use super::secrets::Authorization;
use super::wire::{Call, Load, Wire, may_see_secrets, origin};
use super::{Error, retry};

/// User name and password. The user name `<token>` marks the password as an OAuth2 refresh token, as Docker's
/// credential helpers do.
#[derive(Clone)]
pub struct Credentials {
    pub username: String,
    pub password: SecretString,
}

/// Knows the credentials for registries.
pub trait CredentialSource: Send + Sync {
    /// The credentials for this registry (host and port), or none to go on without. `rejected`: the registry just
    /// rejected the last ones, fetch fresh ones. Failures are [`Error::Credentials`].
    fn credentials<'a>(
        &'a self,
        registry: &'a str,
        rejected: bool,
    ) -> BoxFuture<'a, Result<Option<Credentials>, Error>>;
}

/// Nobody's credentials: for public images.
pub struct Anonymous;

impl CredentialSource for Anonymous {
    fn credentials<'a>(&'a self, _: &'a str, _: bool) -> BoxFuture<'a, Result<Option<Credentials>, Error>> {
        Box::pin(async { Ok(None) })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.username)
    }
}

/// The credentials last obtained for a registry; `generation` tells apart those before and after a renewal, so
/// that ten uploads that fail together fetch fresh ones once.
#[derive(Default)]
pub(super) struct Login {
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    asked: bool,
    generation: u64,
    credentials: Option<Credentials>,
}

impl Login {
    pub(super) async fn get(
        &self,
        source: &dyn CredentialSource,
        registry: &str,
    ) -> Result<(Option<Credentials>, u64), Error> {
        let mut state = self.state.lock().await;
        if !state.asked {
            state.credentials = source.credentials(registry, false).await?;
            state.asked = true;
        }
        Ok((state.credentials.clone(), state.generation))
    }

    /// Replaces the credentials of this generation, unless somebody has done so already. False if there are none.
    pub(super) async fn renew(
        &self,
        source: &dyn CredentialSource,
        registry: &str,
        generation: u64,
    ) -> Result<bool, Error> {
        let mut state = self.state.lock().await;
        if state.generation == generation && state.credentials.is_some() {
            state.credentials = source.credentials(registry, true).await?;
            state.generation += 1;
        }
        Ok(state.credentials.is_some())
    }
}

/// A bearer token and the moment until which it is good.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) value: SecretString,
    pub(super) until: SystemTime,
}

/// What a token server answers. Both names are in use; some servers give both.
#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// Life of a token that does not tell (distribution specification).
const LIFE: u64 = 60;
/// Tokens are given up this long before their end, so that none ends on its way.
const MARGIN: u64 = 10;

/// Asks a token server.
pub(super) struct TokenRequest<'a> {
    pub(super) registry: &'a str,
    pub(super) realm: &'a str,
    pub(super) service: Option<&'a str>,
    pub(super) scopes: &'a [String],
    pub(super) credentials: Option<&'a Credentials>,
}

impl TokenRequest<'_> {
    pub(super) async fn send(&self, wire: &Wire, now: SystemTime) -> Result<Token, Error> {
        let what = format!("asking for a token for {}", self.registry);
        let unsound = |why: String| Error::Answer { what: what.clone(), why };
        let url: Url = self.realm.parse().map_err(|why| unsound(format!("token server '{}': {why}", self.realm)))?;
        if !may_see_secrets(&url) {
            return Err(Error::Plain { what, url: origin(&url) });
        }
        let authorization = self.credentials.filter(|c| !c.is_refresh_token()).cloned().map(Authorization::Basic);
        let secret = || self.credentials.cloned().map(Authorization::Basic);
        let response = wire.send(self.call(&what, url, authorization.as_ref())).await?;
        let answer = Answer::receive(response, authorization.or_else(secret).as_ref(), wire).await;
        if !answer.is_success() {
            return Err(self.refusal(what, &answer, now));
        }
        let body = answer.read(&what, wire).await?;
        let granted: Granted = serde_json::from_slice(&body).map_err(|why| unsound(why.to_string()))?;
        let life = Duration::from_secs(granted.expires_in.unwrap_or(LIFE).saturating_sub(MARGIN));
        let value = granted.token.or(granted.access_token).filter(|token| !token.is_empty());
        let value = SecretString::from(value.ok_or_else(|| unsound("there is no token in it".into()))?);
        Ok(Token { value, until: now.checked_add(life).unwrap_or(now) })
    }

    /// With a user name and password: GET. With a refresh token: POST, OAuth2 style.
    fn call<'b>(&self, what: &'b str, mut url: Url, authorization: Option<&'b Authorization>) -> Call<'b> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(self.service.iter().map(|service| ("service", service)));
        let refresh = self.credentials.filter(|c| c.is_refresh_token());
        let mut headers = HeaderMap::new();
        let (method, load) = match refresh {
            Some(credentials) => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("client_id", "dockless");
                form.append_pair("refresh_token", credentials.password.expose_secret());
                form.append_pair("scope", &self.scopes.join(" "));
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
                (Method::POST, Load::Bytes(Bytes::from(form.finish())))
            }
            None => {
                form.extend_pairs(self.scopes.iter().map(|scope| ("scope", scope)));
                let query = match url.query().filter(|query| !query.is_empty()) {
                    Some(given) => format!("{given}&{}", form.finish()),
                    None => form.finish(),
                };
                url.set_query(Some(&query));
                (Method::GET, Load::Nothing)
            }
        };
        Call { what, method, url, accept: &[], headers, authorization, load }
    }

    fn refusal(&self, what: String, answer: &Answer, now: SystemTime) -> Error {
        let (status, said) = (answer.status.as_u16(), answer.said.to_string());
        if retry::is_passing(status, &answer.said.code) {
            return Error::Server { what, status, said, attempts: 1, wait: retry::asked_wait(&answer.headers, now) };
        }
        Error::Unauthorized { what, registry: self.registry.into(), sent: self.credentials.is_some(), said }
    }
}

impl Credentials {
    fn is_refresh_token(&self) -> bool {
        self.username == "<token>"
    }
}
