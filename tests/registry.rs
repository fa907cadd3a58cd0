//! The registry client against registries that misbehave, and against a real one.

mod bench;
mod downloads;
mod logins;
mod real;
mod uploads;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dockless::clock::Clock;
use dockless::image::{Descriptor, Repository, media_type};
use dockless::registry::{Client, CredentialSource, Credentials, Error, Options};
use dockless::report::{Event, Events};
use futures_util::future::BoxFuture;

/// A client, what it told while it worked, and how often it asked for credentials.
struct Bench {
    client: Client,
    events: Arc<Mutex<Vec<Event>>>,
    source: Arc<Passwords>,
}

/// Passwords for user `AWS`, a further one each time the last was rejected.
struct Passwords {
    list: Vec<String>,
    asked: AtomicUsize,
    rejected: AtomicUsize,
}

impl CredentialSource for Passwords {
    fn credentials<'a>(&'a self, _: &'a str, rejected: bool) -> BoxFuture<'a, Result<Option<Credentials>, Error>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let at = self.rejected.fetch_add(rejected as usize, Ordering::SeqCst) + rejected as usize;
        let password = self.list.get(at).or(self.list.last()).cloned();
        Box::pin(async move { Ok(password.map(|p| Credentials { username: "AWS".into(), password: p.into() })) })
    }
}

impl Bench {
    fn new(passwords: &[&str]) -> Bench {
        Bench::with(passwords, |_| {})
    }

    /// Quick to try again, quick to lose patience.
    fn with(passwords: &[&str], change: impl FnOnce(&mut Options)) -> Bench {
        let base_delay = Duration::from_millis(1);
        let mut options = Options { base_delay, timeout: Duration::from_secs(5), ..Options::default() };
        change(&mut options);
        let list = passwords.iter().map(|p| (*p).to_owned()).collect();
        let source = Arc::new(Passwords { list, asked: AtomicUsize::new(0), rejected: AtomicUsize::new(0) });
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = events.clone();
        let listener = Events::new(move |event| heard.lock().unwrap().push(event));
        let client = Client::new(options, source.clone(), Clock::Real, listener).unwrap();
        Bench { client, events, source }
    }

    /// Trusts this certificate.
    fn trusting(passwords: &[&str], certificate: &str) -> Bench {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), certificate).unwrap();
        Bench::with(passwords, |options| options.ca_bundle = Some(file.path().to_owned()))
    }

    fn told(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    fn retries(&self) -> usize {
        self.told().iter().filter(|event| matches!(event, Event::Retry { .. })).count()
    }

    fn rejections(&self) -> usize {
        self.source.rejected.load(Ordering::SeqCst)
    }
}

fn repository(host: &str, name: &str) -> Repository {
    Repository { registry: host.into(), name: name.into() }
}

fn blob(bytes: &[u8]) -> Descriptor {
    Descriptor::of(media_type::OCI_LAYER_GZIP, bytes)
}

/// Bytes that do not repeat.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    })
    .take(size)
    .collect()
}
