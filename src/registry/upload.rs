//! Blobs going out: one POST that opens a session, one PUT with the whole blob. ECR takes that best: it answers
//! chunks with the wrong status, loses count of them, and cuts parallel ones. A broken upload starts over with a
//! new session, since an interrupted one cannot be told where it stands.

use std::sync::{Arc, Mutex};

use futures_util::TryStreamExt as _;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::sync::watch;
use url::Url;

use super::answer::Answer;
use super::client::{Client, Extra, Inner};
use super::contact::Pass;
use super::endpoint::Endpoint;
use super::retry::Failure;
use super::wire::{Load, is_loopback, origin};
use super::{Body, Error, Presence};
use crate::image::{Descriptor, Digest, Repository};
use crate::report::Event;

/// An upload that a registry has opened: where the blob is to go.
pub struct Session(Url);

/// What came of asking a registry to take a blob from another of its repositories.
pub enum Mount {
    /// The blob is there.
    Mounted,
    /// It is not, but an upload is open: go on with [`Client::push_blob_in`].
    Session(Session),
    /// Neither; upload as if nothing had been asked.
    Refused,
}

/// How a blob came to be at its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Present,
    Mounted,
    Sent,
}

impl Delivery {
    /// The word for events.
    pub fn word(self) -> &'static str {
        match self {
            Delivery::Present => "present",
            Delivery::Mounted => "mounted",
            Delivery::Sent => "sent",
        }
    }
}

/// Bytes between two progress events.
const STRIDE: u64 = 1024 * 1024;

impl Client {
    /// Sees to it that the repository holds the blob: looks whether it does, mounts it from `from` if the
    /// registry can, uploads it otherwise.
    pub async fn deliver_blob(
        &self,
        to: &Repository,
        descriptor: &Descriptor,
        body: &Body,
        from: Option<&Repository>,
    ) -> Result<Delivery, Error> {
        let delivery = match self.has_blob(to, &descriptor.digest).await? {
            Presence::Present => Delivery::Present,
            _ => self.mount_or_push(to, descriptor, body, from).await?,
        };
        let (digest, size) = (descriptor.digest.to_string(), descriptor.size);
        self.inner.events.emit(Event::Blob { digest, size, how: delivery.word() });
        Ok(delivery)
    }

    async fn mount_or_push(
        &self,
        to: &Repository,
        descriptor: &Descriptor,
        body: &Body,
        from: Option<&Repository>,
    ) -> Result<Delivery, Error> {
        let mount = match from.filter(|from| from.registry == to.registry && from.name != to.name) {
            Some(from) => self.mount_blob(to, from, &descriptor.digest).await?,
            None => Mount::Refused,
        };
        match mount {
            Mount::Mounted => return Ok(Delivery::Mounted),
            Mount::Session(session) => self.push_blob_in(session, to, descriptor, body).await?,
            Mount::Refused => self.push_blob(to, descriptor, body).await?,
        }
        Ok(Delivery::Sent)
    }

    /// Asks for a blob of another repository of the same registry. ECR mounts only if the account has blob
    /// mounting switched on, and says 202 otherwise. No refusal is an error: an upload may still work.
    pub async fn mount_blob(&self, to: &Repository, from: &Repository, digest: &Digest) -> Result<Mount, Error> {
        let endpoint = Endpoint::mount_blob(to, from, digest);
        let answer = match self.inner.exchange(&endpoint, &Extra::default()).await {
            Ok(answer) if answer.is_success() => answer,
            Ok(_) | Err(_) => return Ok(Mount::Refused),
        };
        if answer.status == StatusCode::CREATED {
            return Ok(Mount::Mounted);
        }
        Ok(self.inner.session(&endpoint, &answer).await.map_or(Mount::Refused, Mount::Session))
    }

    /// Uploads the blob, whether it is there or not.
    pub async fn push_blob(&self, to: &Repository, descriptor: &Descriptor, body: &Body) -> Result<(), Error> {
        self.push(None, to, descriptor, body).await
    }

    /// The same with a session that is open already.
    pub async fn push_blob_in(
        &self,
        session: Session,
        to: &Repository,
        descriptor: &Descriptor,
        body: &Body,
    ) -> Result<(), Error> {
        self.push(Some(session), to, descriptor, body).await
    }

    async fn push(
        &self,
        session: Option<Session>,
        to: &Repository,
        descriptor: &Descriptor,
        body: &Body,
    ) -> Result<(), Error> {
        let upload = Upload::new(&self.inner, to, descriptor, body);
        upload.check().await?;
        let first = Mutex::new(session);
        let open = || first.lock().expect("session lock").take();
        self.inner.retry.run(|attempt| upload.attempt(attempt, open())).await
    }
}

impl Inner {
    /// The session in an answer's `Location`, absolute or relative. A registry behind a proxy that ends TLS often
    /// believes itself to be plain; its address is then put right.
    async fn session(&self, endpoint: &Endpoint, answer: &Answer) -> Result<Session, Error> {
        let contact = self.contact(&endpoint.repository.registry).await?;
        let unsound = |why: &str| Error::Answer { what: endpoint.what.clone(), why: why.into() };
        let location =
            answer.header("location").ok_or_else(|| unsound("it opened an upload but does not say where"))?;
        let mut url = contact.url(location, &endpoint.what)?;
        let here = contact.url("/", &endpoint.what)?;
        if here.scheme() == "https" && url.scheme() == "http" && url.host() == here.host() {
            let port = if url.port().is_none() { here.port() } else { url.port() };
            url.set_scheme("https").and_then(|()| url.set_port(port)).map_err(|()| unsound("its upload address"))?;
        }
        if url.scheme() != "https" && !is_loopback(&url) && !contact.owns(&url) {
            return Err(Error::Plain { what: endpoint.what.clone(), url: origin(&url) });
        }
        Ok(Session(url))
    }
}

/// One blob on its way to one repository.
struct Upload<'a> {
    inner: &'a Inner,
    to: &'a Repository,
    descriptor: &'a Descriptor,
    body: &'a Body,
    start: Endpoint,
    send: Endpoint,
    renewed: Mutex<bool>,
}

impl<'a> Upload<'a> {
    fn new(inner: &'a Inner, to: &'a Repository, descriptor: &'a Descriptor, body: &'a Body) -> Self {
        let digest = &descriptor.digest;
        let (start, send) = (Endpoint::start_upload(to, digest), Endpoint::send_blob(to, digest));
        Upload { inner, to, descriptor, body, start, send, renewed: Mutex::new(false) }
    }

    /// What can be refused before anything is sent.
    async fn check(&self) -> Result<(), Error> {
        let what = || self.send.what.clone();
        if self.body.size() != self.descriptor.size {
            let why = format!("{} bytes are announced, {} at hand", self.descriptor.size, self.body.size());
            return Err(Error::Content { what: what(), why });
        }
        let empty = self.descriptor.size == 0;
        if empty && self.inner.retry.run(|_| async { Ok(self.is_ecr().await?) }).await? {
            return Err(Error::EmptyBlob { what: what() });
        }
        Ok(())
    }

    async fn attempt(&self, attempt: usize, session: Option<Session>) -> Result<(), Failure> {
        if attempt > 1 && self.arrived().await {
            return Ok(());
        }
        let session = match session {
            Some(session) => session,
            None => self.open().await?,
        };
        self.put(session).await
    }

    /// Whether the attempt before succeeded after all, and only its answer got lost.
    async fn arrived(&self) -> bool {
        let head = Endpoint::head_blob(self.to, &self.descriptor.digest);
        matches!(self.inner.has_blob(&head).await, Ok(Presence::Present))
    }

    async fn open(&self) -> Result<Session, Failure> {
        match self.inner.ask(&self.start).await {
            Ok(answer) => Ok(self.inner.session(&self.start, &answer).await?),
            // ECR cuts the connection instead of answering 404 when the repository does not exist.
            Err(error @ Error::Connection { .. }) if self.is_ecr().await? => {
                match self.inner.repository_exists(self.to).await {
                    Ok(Presence::Missing) => Err(Error::NoRepository { repository: self.to.clone() }.into()),
                    _ => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn put(&self, Session(mut url): Session) -> Result<(), Failure> {
        url.query_pairs_mut().append_pair("digest", self.descriptor.digest.as_str());
        let contact = self.inner.contact(&self.to.registry).await?;
        let pass = match contact.owns(&url) {
            true => self.inner.pass(&contact, &self.start).await?,
            false => Pass::none(),
        };
        let (load, trouble) = self.load().await?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let answer = self.inner.send(&self.send, url, headers, &pass, load).await;
        if let Some(why) = trouble.lock().expect("trouble lock").take() {
            return Err(Error::Content { what: self.send.what.clone(), why }.into());
        }
        let answer = answer?;
        if answer.is_success() {
            return Ok(());
        }
        let refusal = self.refusal(&answer);
        let first = answer.wants_login() && !std::mem::replace(&mut *self.renewed.lock().expect("flag"), true);
        if first && self.inner.renew(&contact, &pass, &answer).await? {
            return Err(Failure::now(refusal));
        }
        Err(self.passing(&answer, refusal))
    }

    /// The content from its beginning, and a place where trouble with it is noted: to the HTTP client, content
    /// that cannot be read is just a broken request.
    async fn load(&self) -> Result<(Load, Arc<Mutex<Option<String>>>), Error> {
        let (tell, sent) = watch::channel(0);
        let (events, digest, size) = (self.inner.events.clone(), self.descriptor.digest.to_string(), self.body.size());
        let mut told = 0;
        let passed = move |sent: u64| {
            tell.send_replace(sent);
            if sent == size || sent - told >= STRIDE {
                told = sent;
                events.emit(Event::Progress { digest: digest.clone(), sent, size });
            }
        };
        let unreadable = |why: std::io::Error| Error::Content { what: self.send.what.clone(), why: why.to_string() };
        let content = self.body.open(passed).await.map_err(unreadable)?;
        let trouble = Arc::new(Mutex::new(None));
        let note = trouble.clone();
        let content = content.inspect_err(move |why| *note.lock().expect("trouble lock") = Some(why.to_string()));
        Ok((Load::Stream { size, content: Box::pin(content), sent }, trouble))
    }

    fn refusal(&self, answer: &Answer) -> Error {
        let mismatch = answer.said.code == "DIGEST_INVALID" || answer.said.message.contains("layer digests match");
        if answer.status == StatusCode::BAD_REQUEST && mismatch {
            let (what, wanted) = (self.send.what.clone(), self.descriptor.digest.clone());
            return Error::Digest { what, wanted, got: format!("other content ({})", answer.said) };
        }
        answer.refusal(&self.send, self.inner.clock.now())
    }

    /// Sessions get lost: with a new one it may work.
    fn passing(&self, answer: &Answer, refusal: Error) -> Failure {
        let lost = matches!(answer.said.code.as_str(), "BLOB_UPLOAD_UNKNOWN" | "BLOB_UPLOAD_INVALID")
            || answer.status == StatusCode::RANGE_NOT_SATISFIABLE
            || (answer.status == StatusCode::NOT_FOUND && answer.said.code.is_empty());
        match refusal {
            refusal @ Error::Refused { .. } if lost => Failure::later(refusal),
            refusal => refusal.into(),
        }
    }

    async fn is_ecr(&self) -> Result<bool, Error> {
        Ok(self.inner.contact(&self.to.registry).await?.is_ecr())
    }
}
