//! The client: sends endpoints with the login they need, once more with a fresh one if the registry rejects it,
//! and turns refusals into errors. The operations on manifests, blobs and uploads build on `exchange`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use tokio::sync::OnceCell;
use url::Url;

use super::answer::Answer;
use super::contact::{Contact, Pass};
use super::endpoint::Endpoint;
use super::retry::Retry;
use super::wire::{Call, Load, Wire};
use super::{CredentialSource, Error, Options};
use crate::clock::Clock;
use crate::report::Events;

/// Speaks to any number of registries. Cheap to clone; clones share connections, logins and tokens.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) options: Options,
    pub(super) wire: Wire,
    pub(super) retry: Retry,
    pub(super) clock: Clock,
    pub(super) events: Events,
    source: Arc<dyn CredentialSource>,
    contacts: Mutex<HashMap<String, Arc<OnceCell<Arc<Contact>>>>>,
}

impl Client {
    pub fn new(
        options: Options,
        credentials: Arc<dyn CredentialSource>,
        clock: Clock,
        events: Events,
    ) -> Result<Client, Error> {
        let inner = Inner {
            wire: Wire::new(&options, &events)?,
            retry: Retry::new(&options, &clock, &events),
            options,
            clock,
            events,
            source: credentials,
            contacts: Mutex::default(),
        };
        Ok(Client { inner: Arc::new(inner) })
    }
}

/// What a request carries besides its endpoint; small enough to be sent twice.
#[derive(Default)]
pub(super) struct Extra {
    pub(super) headers: HeaderMap,
    pub(super) bytes: Option<Bytes>,
}

impl Inner {
    /// What is known about the registry, found out first if need be.
    pub(super) async fn contact(&self, registry: &str) -> Result<Arc<Contact>, Error> {
        let cell = self.contacts.lock().expect("contacts lock").entry(registry.to_owned()).or_default().clone();
        let make = || async { Contact::make(registry, &self.options.insecure, &self.wire).await.map(Arc::new) };
        cell.get_or_try_init(make).await.cloned()
    }

    /// Sends the request, a second time if the login was rejected and there is a better one. The answer may be a
    /// refusal of any kind.
    pub(super) async fn exchange(&self, endpoint: &Endpoint, extra: &Extra) -> Result<Answer, Error> {
        let contact = self.contact(&endpoint.repository.registry).await?;
        let mut renewed = false;
        loop {
            let pass = self.pass(&contact, endpoint).await?;
            let load = extra.bytes.clone().map_or(Load::Nothing, Load::Bytes);
            let url = contact.url(&endpoint.path, &endpoint.what)?;
            let answer = self.send(endpoint, url, extra.headers.clone(), &pass, load).await?;
            if renewed || !answer.wants_login() || !self.renew(&contact, &pass, &answer).await? {
                return Ok(answer);
            }
            renewed = true;
        }
    }

    /// The same, and a refusal is an error.
    pub(super) async fn ask(&self, endpoint: &Endpoint) -> Result<Answer, Error> {
        self.exchange(endpoint, &Extra::default()).await?.accepted(endpoint, self.clock.now())
    }

    /// The login for this endpoint. When a token server rejects the credentials, fresh ones are tried.
    pub(super) async fn pass(&self, contact: &Contact, endpoint: &Endpoint) -> Result<Pass, Error> {
        let source = self.source.as_ref();
        let ask = || contact.pass(&endpoint.scopes, source, &self.wire, self.clock.now());
        match ask().await {
            Err(error @ Error::Unauthorized { sent: true, .. }) => match contact.renew_credentials(source).await? {
                true => ask().await,
                false => Err(error),
            },
            result => result,
        }
    }

    /// Sends the request to this address, once.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        url: Url,
        headers: HeaderMap,
        pass: &Pass,
        load: Load,
    ) -> Result<Answer, Error> {
        let (method, accept) = (endpoint.method.clone(), endpoint.accept);
        let authorization = pass.authorization.as_ref();
        let call = Call { what: &endpoint.what, method, url, accept, headers, authorization, load };
        let response = self.wire.send(call).await?;
        Ok(Answer::receive(response, authorization, &self.wire).await)
    }

    /// Makes ready for another attempt after a rejected login.
    pub(super) async fn renew(&self, contact: &Contact, rejected: &Pass, answer: &Answer) -> Result<bool, Error> {
        contact.renew(rejected, &answer.headers, self.source.as_ref()).await
    }
}
