//! What is known about one registry: how to reach it, how it wants to be logged in to, and the tokens it gave.
//! Found out once, with a `GET /v2/`; a private ECR registry introduces itself by its name and is not asked.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::SystemTime;

use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode};
use url::Url;

use super::Error;
use super::auth::{CredentialSource, Login, Token, TokenRequest};
use super::challenge::Challenge;
use super::secrets::Authorization;
use super::wire::{Call, Fault, Load, Wire, explain, is_loopback};
use crate::image::EcrHost;

pub(super) struct Contact {
    pub(super) registry: String,
    /// Scheme, host and port.
    base: Url,
    challenge: Mutex<Challenge>,
    login: Login,
    tokens: Mutex<HashMap<Vec<String>, Token>>,
}

/// What a request is sent with, and from which generation of credentials it was made.
pub(super) struct Pass {
    pub(super) authorization: Option<Authorization>,
    generation: u64,
}

impl Pass {
    pub(super) fn none() -> Self {
        Pass { authorization: None, generation: 0 }
    }
}

impl Contact {
    pub(super) async fn make(registry: &str, insecure: &[String], wire: &Wire) -> Result<Self, Error> {
        let what = format!("reaching {registry}");
        let base = base("https", registry, &what)?;
        if EcrHost::parse(registry).is_some() {
            return Ok(Contact::new(registry, base, Challenge::Basic { service: Some("ecr.amazonaws.com".into()) }));
        }
        let may_be_plain = is_loopback(&base) || insecure.iter().any(|host| host == registry);
        let (base, response) = match ping(wire, &what, &base).await {
            Ok(response) => (base, response),
            Err(fault) if may_be_plain && fault.speaks_no_tls() => {
                let base = self::base("http", registry, &what)?;
                let response = ping(wire, &what, &base).await.map_err(|fault| explain(&what, &base, fault))?;
                (base, response)
            }
            Err(fault) => return Err(explain(&what, &base, fault)),
        };
        let status = response.status();
        if super::retry::is_passing(status.as_u16(), "") {
            let said = format!("HTTP {}", status.as_u16());
            return Err(Error::Server { what, status: status.as_u16(), said, attempts: 1, wait: None });
        }
        let asked = Challenge::read(response.headers()).filter(|_| status == StatusCode::UNAUTHORIZED);
        Ok(Contact::new(registry, base, asked.unwrap_or(Challenge::Open)))
    }

    fn new(registry: &str, base: Url, challenge: Challenge) -> Self {
        Contact {
            registry: registry.to_owned(),
            base,
            challenge: Mutex::new(challenge),
            login: Login::default(),
            tokens: Mutex::default(),
        }
    }

    /// The address of a path, or of an absolute or relative `Location`.
    pub(super) fn url(&self, location: &str, what: &str) -> Result<Url, Error> {
        let unsound = |why| Error::Answer { what: what.to_owned(), why: format!("an address is malformed: {why}") };
        self.base.join(location).map_err(unsound)
    }

    /// Whether this address is the registry's own, and so may be sent its login.
    pub(super) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Whether this is ECR or answers like it: repositories have to be created before anything is pushed to them.
    pub(super) fn is_ecr(&self) -> bool {
        self.challenge().is_ecr()
    }

    /// The login for a request of these scopes; none if none is asked for or none is known.
    pub(super) async fn pass(
        &self,
        scopes: &[String],
        source: &dyn CredentialSource,
        wire: &Wire,
        now: SystemTime,
    ) -> Result<Pass, Error> {
        let challenge = self.challenge();
        if challenge == Challenge::Open {
            return Ok(Pass::none());
        }
        let (credentials, generation) = self.login.get(source, &self.registry).await?;
        let authorization = match &challenge {
            Challenge::Bearer { realm, service } => {
                let request = TokenRequest {
                    registry: &self.registry,
                    realm,
                    service: service.as_deref(),
                    scopes,
                    credentials: credentials.as_ref(),
                };
                let token = self.token(request, wire, now).await?.value;
                Some(Authorization::Bearer { token, login: credentials })
            }
            _ => credentials.map(Authorization::Basic),
        };
        Ok(Pass { authorization, generation })
    }

    /// Makes ready for another attempt after a 401: forgets tokens, fetches fresh credentials if the rejected ones
    /// were sent themselves. False when there is nothing better to offer.
    pub(super) async fn renew(
        &self,
        rejected: &Pass,
        headers: &HeaderMap,
        source: &dyn CredentialSource,
    ) -> Result<bool, Error> {
        if let Some(asked) = Challenge::read(headers) {
            let before = std::mem::replace(&mut *self.challenge.lock().expect("challenge lock"), asked.clone());
            if before == Challenge::Open {
                return Ok(true);
            }
        }
        match (&rejected.authorization, self.challenge()) {
            (_, Challenge::Bearer { .. }) => {
                self.tokens.lock().expect("token lock").clear();
                Ok(true)
            }
            (Some(_), _) => self.login.renew(source, &self.registry, rejected.generation).await,
            (None, _) => Ok(false),
        }
    }

    /// The same after a token server refused the credentials themselves.
    pub(super) async fn renew_credentials(&self, source: &dyn CredentialSource) -> Result<bool, Error> {
        let (_, generation) = self.login.get(source, &self.registry).await?;
        self.login.renew(source, &self.registry, generation).await
    }

    async fn token(&self, request: TokenRequest<'_>, wire: &Wire, now: SystemTime) -> Result<Token, Error> {
        let known = self.tokens.lock().expect("token lock").get(request.scopes).cloned();
        if let Some(token) = known.filter(|token| token.until > now) {
            return Ok(token);
        }
        let token = request.send(wire, now).await?;
        self.tokens.lock().expect("token lock").insert(request.scopes.to_vec(), token.clone());
        Ok(token)
    }

    fn challenge(&self) -> Challenge {
        self.challenge.lock().expect("challenge lock").clone()
    }
}

async fn ping(wire: &Wire, what: &str, base: &Url) -> Result<Response, Fault> {
    let mut url = base.clone();
    url.set_path("/v2/");
    let headers = HeaderMap::new();
    wire.once(Call { what, method: Method::GET, url, accept: &[], headers, authorization: None, load: Load::Nothing })
        .await
}

/// Docker Hub's registry answers under another name than its images carry.
fn base(scheme: &str, registry: &str, what: &str) -> Result<Url, Error> {
    let host = match registry {
        "docker.io" | "index.docker.io" => "registry-1.docker.io",
        other => other,
    };
    let url = format!("{scheme}://{host}/");
    url.parse().map_err(|why| Error::Answer { what: what.to_owned(), why: format!("{url}: {why}") })
}
