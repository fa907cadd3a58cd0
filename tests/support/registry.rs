//! A registry that misbehaves on request, in the test's own process, on a free port of the loopback interface.
//!
//! It speaks the OCI distribution protocol well enough to push to and pull from, keeps everything in memory, and
//! logs every request, so that a test can assert what was *not* sent. What it does wrong is said in two ways:
//! [`Behaviour`] is how it is (who may enter, whether tags are immutable, where downloads come from), a [`Fault`]
//! is what happens to the next so many requests that match.
//!
//! ```ignore
//! let registry = Registry::start().await;
//! registry.set(|b| b.immutable_tags = true);
//! registry.fail("PUT", "/blobs/uploads/", 2, Effect::CutBody(1000));
//! // … push to registry.host() …
//! assert_eq!(registry.count("PUT", "/blobs/uploads/"), 3);
//! ```

mod behaviour;
mod connection;
mod service;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use tokio::net::TcpListener;

pub use behaviour::{Behaviour, Door, Effect, Fault, MountAnswer};
use connection::{Incoming, Line};

/// A running registry; it ends with this value.
pub struct Registry {
    host: String,
    certificate: Option<String>,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

/// One request as it arrived, and the status it was answered with.
#[derive(Debug, Clone, Default)]
pub struct Logged {
    pub method: String,
    pub path: String,
    pub query: String,
    pub authorization: Option<String>,
    pub content_length: Option<u64>,
    pub chunked: bool,
    /// Bytes of the body that were read.
    pub received: u64,
    /// None if the connection was cut instead.
    pub status: Option<u16>,
}

#[derive(Default)]
struct Shared {
    secure: bool,
    behaviour: Mutex<Behaviour>,
    faults: Mutex<VecDeque<Fault>>,
    store: Mutex<Store>,
    log: Mutex<Vec<Logged>>,
}

/// What has been pushed: by repository, and digest or tag.
#[derive(Default)]
struct Store {
    blobs: HashMap<(String, String), Bytes>,
    manifests: HashMap<(String, String), (String, Bytes)>,
    sessions: HashMap<String, String>,
    issued: usize,
}

impl Registry {
    /// Plain HTTP, open to all.
    pub async fn start() -> Registry {
        Registry::serve(None).await
    }

    /// The same over TLS, with a certificate of its own: see [`Registry::certificate`].
    pub async fn start_tls() -> Registry {
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        Registry::serve(Some(rcgen::generate_simple_self_signed(names).expect("a certificate"))).await
    }

    async fn serve(key: Option<rcgen::CertifiedKey<rcgen::KeyPair>>) -> Registry {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let host = listener.local_addr().expect("an address").to_string();
        let certificate = key.as_ref().map(|key| key.cert.pem());
        let shared = Arc::new(Shared { secure: key.is_some(), ..Shared::default() });
        let service = service::router(shared.clone()).into_make_service_with_connect_info::<Line>();
        let incoming = Incoming::new(listener, key);
        let task = tokio::spawn(async move { axum::serve(incoming, service).await.expect("a server") });
        Registry { host, certificate, shared, task }
    }

    /// Host and port, as in a reference.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The certificate to trust, PEM.
    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().expect("a registry with TLS")
    }

    pub fn set(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.shared.behaviour.lock().unwrap())
    }

    /// Lets the next `times` requests of this method, with this text in their path, go wrong. Earlier faults come
    /// first. `usize::MAX` is for ever.
    pub fn fail(&self, method: &str, path: &str, times: usize, effect: Effect) {
        let fault = Fault { method: method.into(), path: path.into(), times, effect };
        self.shared.faults.lock().unwrap().push_back(fault);
    }

    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = dockless::image::Digest::of(bytes).to_string();
        let key = (repository.to_owned(), digest.clone());
        self.shared.store.lock().unwrap().blobs.insert(key, Bytes::copy_from_slice(bytes));
        digest
    }

    pub fn put_manifest(&self, repository: &str, version: &str, media_type: &str, bytes: &[u8]) {
        let mut store = self.shared.store.lock().unwrap();
        let digest = dockless::image::Digest::of(bytes).to_string();
        for version in [version.to_owned(), digest] {
            let manifest = (media_type.to_owned(), Bytes::copy_from_slice(bytes));
            store.manifests.insert((repository.to_owned(), version), manifest);
        }
    }

    pub fn blob(&self, repository: &str, digest: &str) -> Option<Bytes> {
        self.shared.store.lock().unwrap().blobs.get(&(repository.to_owned(), digest.to_owned())).cloned()
    }

    pub fn manifest(&self, repository: &str, version: &str) -> Option<Bytes> {
        let key = (repository.to_owned(), version.to_owned());
        self.shared.store.lock().unwrap().manifests.get(&key).map(|(_, bytes)| bytes.clone())
    }

    /// All requests so far, in the order in which they were answered.
    pub fn log(&self) -> Vec<Logged> {
        self.shared.log.lock().unwrap().clone()
    }

    /// Requests so far of this method with this text in their path.
    pub fn requests(&self, method: &str, path: &str) -> Vec<Logged> {
        self.log().into_iter().filter(|entry| entry.method == method && entry.path.contains(path)).collect()
    }

    pub fn count(&self, method: &str, path: &str) -> usize {
        self.requests(method, path).len()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.task.abort();
    }
}
