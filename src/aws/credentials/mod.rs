//! Credentials, fetched when first needed, held while they last and fetched anew before they run out. Where they come
//! from is the SDK's default chain, a profile, or a role assumed on top of one of these or by an identity token.

mod machine;
mod role;
mod token;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};

use super::time::Time;

pub(super) use machine::Machine;
pub(super) use role::{AssumedRole, Role, WebIdentityRole};
pub(super) use token::TokenSource;

/// Credentials are renewed this long before they run out: longer than any single call takes.
const AHEAD: Duration = Duration::from_secs(300);

/// Cheap to clone; all clones hold the same credentials.
#[derive(Debug, Clone)]
pub(super) struct Keys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: SharedCredentialsProvider,
    profile: Option<String>,
    time: Time,
    held: tokio::sync::Mutex<Option<Credentials>>,
    /// A service called the held ones expired, whatever they say about themselves.
    rejected: AtomicBool,
    account: Mutex<Option<String>>,
}

impl Keys {
    pub fn new(source: SharedCredentialsProvider, profile: Option<String>, time: Time) -> Keys {
        let (held, rejected, account) = Default::default();
        Keys(Arc::new(Inner { source, profile, time, held, rejected, account }))
    }

    /// The account that the held credentials belong to, if they say so.
    pub fn account(&self) -> Option<String> {
        self.0.account.lock().expect("account lock").clone()
    }

    /// The profile they are taken from, if one was asked for.
    pub fn profile(&self) -> Option<String> {
        self.0.profile.clone()
    }

    /// The next call fetches fresh ones.
    pub fn forget(&self) {
        self.0.rejected.store(true, Ordering::SeqCst);
    }

    async fn get(&self) -> provider::Result {
        // One fetch at a time: parallel calls wait for it and share its result.
        let mut held = self.0.held.lock().await;
        if self.0.rejected.swap(false, Ordering::SeqCst) {
            *held = None;
        }
        if let Some(good) = held.as_ref().filter(|held| lasts(held, self.0.time.now() + AHEAD)) {
            return Ok(good.clone());
        }
        match self.0.source.provide_credentials().await {
            Ok(fresh) => {
                *self.0.account.lock().expect("account lock") = fresh.account_id().map(|id| id.as_str().to_owned());
                Ok(held.insert(fresh).clone())
            }
            // Old ones that still hold are better than none; the next call tries again.
            Err(why) => held.clone().filter(|held| lasts(held, self.0.time.now())).ok_or(why),
        }
    }
}

fn lasts(credentials: &Credentials, until: SystemTime) -> bool {
    credentials.expiry().is_none_or(|expiry| expiry > until)
}

impl ProvideCredentials for Keys {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use aws_credential_types::provider::error::CredentialsError;
    use std::sync::atomic::AtomicU32;

    /// Hands out credentials numbered from 1 that last `life`; fails while `broken`.
    #[derive(Debug)]
    struct Counting {
        clock: Clock,
        life: Duration,
        given: AtomicU32,
        broken: Arc<AtomicBool>,
    }

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            if self.broken.load(Ordering::SeqCst) {
                return future::ProvideCredentials::ready(Err(CredentialsError::not_loaded_no_source()));
            }
            let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
            let expiry = Some(self.clock.now() + self.life);
            future::ProvideCredentials::ready(Ok(Credentials::new(number.to_string(), "s", None, expiry, "test")))
        }
    }

    fn keys(life: Duration) -> (Keys, Clock, Arc<AtomicBool>) {
        let clock = Clock::fake(SystemTime::UNIX_EPOCH);
        let broken = Arc::new(AtomicBool::new(false));
        let source = Counting { clock: clock.clone(), life, given: AtomicU32::new(0), broken: broken.clone() };
        (Keys::new(SharedCredentialsProvider::new(source), None, Time::new(clock.clone())), clock, broken)
    }

    async fn number(keys: &Keys) -> String {
        keys.get().await.unwrap().access_key_id().to_owned()
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn keys_are_renewed_before_they_run_out() {
        let (keys, clock, _) = keys(HOUR);
        assert_eq!(number(&keys).await, "1");
        clock.sleep(HOUR - AHEAD - Duration::from_secs(1)).await;
        assert_eq!(number(&keys).await, "1");
        clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(number(&keys).await, "2");
    }

    #[tokio::test]
    async fn keys_that_were_rejected_are_fetched_anew_once() {
        let (keys, ..) = keys(HOUR);
        assert_eq!(number(&keys).await, "1");
        keys.forget();
        assert_eq!((number(&keys).await, number(&keys).await), ("2".into(), "2".into()));
    }

    #[tokio::test]
    async fn keys_still_good_bridge_a_failing_source() {
        let (keys, clock, broken) = keys(HOUR);
        number(&keys).await;
        broken.store(true, Ordering::SeqCst);
        clock.sleep(HOUR - Duration::from_secs(60)).await;
        assert_eq!(number(&keys).await, "1");
        clock.sleep(Duration::from_secs(60)).await;
        assert!(keys.get().await.is_err());
    }
}
