//! Who knows the password of which registry: AWS for ECR's hosts, asked when a registry wants a login and again
//! when it rejects one; Docker's and podman's own files for all others. Nothing is written anywhere.

use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;
use url::{Host, Url};

use super::session;
use crate::aws::host::PUBLIC_REGISTRY;
use crate::aws::{self, Login, Session};
use crate::config::{Env, Settings};
use crate::image::EcrHost;
use crate::registry::docker_config::Places;
use crate::registry::{CredentialSource, Credentials, DockerConfig, Error};
use crate::report::{Events, Explain};

/// Credentials by host.
pub struct Logins {
    settings: Settings,
    events: Events,
    files: DockerConfig,
    session: OnceCell<Session>,
}

impl Logins {
    pub fn new(settings: &Settings, env: &Env, events: &Events) -> Self {
        let path = |name| env.given(name).map(Into::into);
        let places = Places {
            auth_file: path("REGISTRY_AUTH_FILE"),
            runtime_dir: path("XDG_RUNTIME_DIR"),
            config_home: path("XDG_CONFIG_HOME"),
            docker_config: path("DOCKER_CONFIG"),
            home: path("HOME"),
        };
        let files = DockerConfig::new(places.files());
        Logins { settings: settings.clone(), events: events.clone(), files, session: OnceCell::new() }
    }

    /// The session with AWS, opened when it is first needed.
    pub async fn session(&self, region: Option<&str>) -> Result<&Session, aws::Error> {
        let configured = self.settings.regions.first().map(|region| region.value.as_str());
        self.session.get_or_try_init(|| session::open(&self.settings, configured.or(region), &self.events)).await
    }

    /// The same session where a registry is: its name decides, whatever region is configured.
    async fn session_in(&self, region: &str) -> Result<Session, aws::Error> {
        let session = self.session(Some(region)).await?;
        if session.region() == region { Ok(session.clone()) } else { session.in_region(region) }
    }

    /// The API of the ECR that has this registry; of a registry that is none of ECR's, whatever answers in its place.
    pub async fn ecr(&self, registry: &str) -> Result<aws::Ecr, aws::Error> {
        if registry == PUBLIC_REGISTRY {
            return Ok(self.session(Some("us-east-1")).await?.ecr_public());
        }
        match EcrHost::parse(registry) {
            Some(host) => Ok(self.session_in(&host.region).await?.ecr()),
            None => Ok(self.session(None).await?.ecr()),
        }
    }

    /// Whether something stands in for AWS, so that a registry on this machine may be its ECR's.
    pub fn is_emulated(&self) -> bool {
        self.settings.endpoint_url.is_some()
    }

    /// An emulated ECR gives out logins like the real one, for a registry on this machine. Whatever goes wrong means
    /// that there is none, but for missing rights.
    async fn emulated(&self) -> Result<Option<Login>, aws::Error> {
        if !self.is_emulated() {
            return Ok(None);
        }
        let asked = async { self.session(None).await?.ecr().authorization(None).await };
        match asked.await {
            Ok(login) => Ok(Some(login)),
            Err(denied) if denied.denied_action().is_some() => Err(denied),
            Err(_) => Ok(None),
        }
    }

    async fn find(&self, registry: &str) -> Result<Option<Credentials>, Error> {
        let explained = |error: aws::Error| Error::Credentials {
            registry: registry.to_owned(),
            hint: error.hint(),
            why: error.to_string(),
        };
        if let Some(host) = EcrHost::parse(registry) {
            let asked = async { self.ecr(registry).await?.authorization(Some(&host.account)).await };
            return asked.await.map(credentials).map_err(explained);
        }
        if let Some(found) = self.written_login(registry).await? {
            return Ok(Some(found));
        }
        match registry {
            // Its images are there for everybody; a login only serves to push.
            PUBLIC_REGISTRY => Ok(self.public().await),
            host if is_loopback(host) => Ok(self.emulated().await.map_err(explained)?.and_then(credentials)),
            _ => Ok(None),
        }
    }

    async fn public(&self) -> Option<Credentials> {
        self.ecr(PUBLIC_REGISTRY).await.ok()?.authorization(None).await.ok().and_then(credentials)
    }

    async fn written_login(&self, registry: &str) -> Result<Option<Credentials>, Error> {
        let (files, registry) = (self.files.clone(), registry.to_owned());
        tokio::task::spawn_blocking(move || files.find(&registry)).await.expect("looking does not panic")
    }
}

impl CredentialSource for Logins {
    fn credentials<'a>(&'a self, registry: &'a str, _: bool) -> BoxFuture<'a, Result<Option<Credentials>, Error>> {
        Box::pin(self.find(registry))
    }
}

fn credentials(login: Login) -> Option<Credentials> {
    Some(Credentials { username: login.username, password: login.password })
}

pub fn is_loopback(host: &str) -> bool {
    let address = Url::parse(&format!("http://{host}/")).ok();
    match address.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_and_nothing_that_looks_like_it() {
        for host in ["127.0.0.1:5000", "127.8.8.8", "localhost", "localhost:5000", "[::1]:5000"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["127.example.test", "localhost.example.test", "localhostess:5000", "10.0.0.1", "example.test"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
