//! Opening a session: region, trust, credentials and patience become one configuration that every service's client
//! is made from. Nothing is asked of the network here (but for a region, of an EC2 instance, if nobody else knows
//! one): credentials are fetched by the first call that needs them.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::imds;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::{IdentityCache, SharedHttpClient};
use secrecy::ExposeSecret;
use url::Url;

use super::credentials::{AssumedRole, Keys, Machine, Role, TokenSource, WebIdentityRole};
use super::error::Place;
use super::options::legal_session_name;
use super::sts::Caller;
use super::time::Time;
use super::trust::Roots;
use super::watch::Watch;
use super::{AccessKey, Error, Options, Patience, host};
use crate::clock::Clock;
use crate::report::Events;

/// The user agent's word for this program.
const APP_NAME: &str = concat!("dockless-", env!("CARGO_PKG_VERSION"));

/// Cheap to clone.
#[derive(Clone)]
pub struct Session {
    pub(super) config: SdkConfig,
    pub(super) keys: Keys,
    pub(super) events: Events,
    pub(super) time: Time,
    region: String,
}

impl Session {
    pub async fn open(options: Options, events: Events) -> Result<Session, Error> {
        let options = without_empty(options);
        validate_endpoint(&options)?;
        let roots = Roots::load(options.ca_bundle.as_deref())?;
        let http = roots.sdk_client()?;
        let found = region(&options, &http).await?;
        let plain = configuration(&options, &found, http.clone()).await;
        let time = Time::new(Clock::Real);
        let source = credentials(&options, &plain, &http, &roots, &events, &time)?;
        let keys = Keys::new(source, options.profile.clone(), time.clone());
        let credentials = SharedCredentialsProvider::new(keys.clone());
        let config = plain.into_builder().credentials_provider(credentials).build();
        Ok(Session { config, keys, events, time, region: found })
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    /// What time it is by AWS's clock, as far as it was asked already.
    pub fn now(&self) -> SystemTime {
        self.time.now()
    }

    /// An eye on a call that is made with these credentials.
    pub(super) fn watch(&self, place: Place) -> Watch {
        Watch::new(place, self.events.clone(), Some(self.keys.clone()), self.time.clone())
    }

    /// The same credentials in another region: a registry need not live where the cluster does.
    pub fn in_region(&self, region: &str) -> Result<Session, Error> {
        let region = known_shape(region.to_owned())?;
        let config = self.config.to_builder().region(Region::new(region.clone())).build();
        Ok(Session { config, region, ..self.clone() })
    }
}

/// The SDK's own form runs to pages.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("region", &self.region).finish_non_exhaustive()
    }
}

fn without_empty(mut options: Options) -> Options {
    for text in [&mut options.region, &mut options.profile, &mut options.role_arn, &mut options.endpoint_url] {
        *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    }
    // The orbs pass "default" to jobs that have keys in variables and no profile anywhere.
    options.profile = options.profile.filter(|profile| profile != "default");
    options
}

fn validate_endpoint(options: &Options) -> Result<(), Error> {
    let Some(url) = &options.endpoint_url else { return Ok(()) };
    let refuse = |why: String| Error::Endpoint { url: url.clone(), why };
    let parsed = Url::parse(url).map_err(|why| refuse(why.to_string()))?;
    if ["http", "https"].contains(&parsed.scheme()) {
        Ok(())
    } else {
        Err(refuse("it is neither http nor https".into()))
    }
}

/// An instance's own service answers at once or not at all.
fn instance(conf: &ProviderConfig) -> imds::Client {
    let quick = Duration::from_millis(500);
    imds::Client::builder().configure(conf).connect_timeout(quick).read_timeout(quick * 2).max_attempts(2).build()
}

fn provider_config(http: &SharedHttpClient) -> ProviderConfig {
    ProviderConfig::without_region().with_http_client(http.clone())
}

async fn region(options: &Options, http: &SharedHttpClient) -> Result<String, Error> {
    let found = match &options.region {
        Some(region) => region.clone(),
        None => {
            let conf = provider_config(http);
            let mut profile = ProfileFileRegionProvider::builder().configure(&conf);
            if let Some(name) = &options.profile {
                profile = profile.profile_name(name);
            }
            let instance = ImdsRegionProvider::builder().configure(&conf).imds_client(instance(&conf)).build();
            let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new());
            let chain = chain.or_else(profile.build()).or_else(instance);
            chain.region().await.ok_or_else(|| Error::NoRegion { profile: options.profile.clone() })?.to_string()
        }
    };
    known_shape(found)
}

fn known_shape(region: String) -> Result<String, Error> {
    if host::is_region(&region) { Ok(region) } else { Err(Error::Region(region)) }
}

/// Everything but credentials. The SDK adds what its variables and the profile say about endpoints, FIPS and dual stack.
async fn configuration(options: &Options, region: &str, http: SharedHttpClient) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(http)
        .no_credentials()
        .identity_cache(IdentityCache::no_cache())
        .retry_config(retries(&options.patience))
        .timeout_config(timeouts(&options.patience))
        .app_name(AppName::new(APP_NAME).expect("letters, digits, dots and dashes"));
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}

fn retries(patience: &Patience) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(patience.attempts.max(1))
        .with_initial_backoff(patience.first_wait)
        .with_max_backoff(patience.longest_wait)
}

fn timeouts(patience: &Patience) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(patience.connect).read_timeout(patience.read).build()
}

fn credentials(
    options: &Options,
    plain: &SdkConfig,
    http: &SharedHttpClient,
    roots: &Roots,
    events: &Events,
    time: &Time,
) -> Result<SharedCredentialsProvider, Error> {
    let role = options.role_arn.clone().map(|arn| {
        let session_name = legal_session_name(&options.role_session_name);
        Role { arn, session_name, duration: options.session_duration }
    });
    Ok(match (role, options.web_identity.clone()) {
        (None, Some(_)) => return Err(Error::NoRole),
        (None, None) => base(options, plain, http),
        (Some(role), Some(identity)) => {
            let token = TokenSource::new(identity, roots, options.patience.first_wait, events)?;
            let caller = Caller::new(plain, events.clone(), None, time.clone());
            SharedCredentialsProvider::new(WebIdentityRole { caller, role, token })
        }
        (Some(role), None) => {
            let base = Keys::new(base(options, plain, http), options.profile.clone(), time.clone());
            let config = plain.to_builder().credentials_provider(SharedCredentialsProvider::new(base.clone())).build();
            let caller = Caller::new(&config, events.clone(), Some(base), time.clone());
            SharedCredentialsProvider::new(AssumedRole { caller, role })
        }
    })
}

/// Keys that were asked for are taken by themselves: falling back to whatever else the machine has could deploy to
/// another account.
fn base(options: &Options, plain: &SdkConfig, http: &SharedHttpClient) -> SharedCredentialsProvider {
    match &options.access_key {
        Some(key) => SharedCredentialsProvider::new(fixed(key)),
        None => SharedCredentialsProvider::new(Machine {
            http: http.clone(),
            region: plain.region().cloned(),
            instance: instance(&provider_config(http).with_region(plain.region().cloned())),
            profile: options.profile.clone(),
        }),
    }
}

fn fixed(key: &AccessKey) -> Credentials {
    let session_token = key.session_token.as_ref().map(|token| token.expose_secret().to_owned());
    Credentials::new(&key.id, key.secret.expose_secret(), session_token, None, "dockless")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Explain, Kind};

    fn options() -> Options {
        Options { region: Some("eu-west-1".into()), ..Options::default() }
    }

    async fn open(options: Options) -> Result<Session, Error> {
        Session::open(options, Events::none()).await
    }

    #[tokio::test]
    async fn session_with_a_region_opens_without_network() {
        let session = open(options()).await.unwrap();
        assert_eq!(session.region(), "eu-west-1");
    }

    #[tokio::test]
    async fn session_with_an_impossible_region_is_refused() {
        for region in ["eu-west-1a.", "EU-WEST-1", "https://x"] {
            let error = open(Options { region: Some(region.into()), ..options() }).await.unwrap_err();
            assert!(matches!(error, Error::Region(_)), "{region}");
            assert_eq!(error.kind(), Kind::Input);
        }
    }

    #[tokio::test]
    async fn session_with_an_impossible_endpoint_is_refused() {
        for url in ["nonsense", "localhost:5000", "ftp://x", "http://"] {
            let error = open(Options { endpoint_url: Some(url.into()), ..options() }).await.unwrap_err();
            assert!(matches!(error, Error::Endpoint { .. }), "{url}");
            assert_eq!(error.kind(), Kind::Input);
        }
    }

    #[tokio::test]
    async fn session_with_a_token_needs_a_role() {
        let web_identity = Some(crate::aws::WebIdentity::Token("a.b.c".into()));
        let error = open(Options { web_identity, ..options() }).await.unwrap_err();
        assert!(matches!(error, Error::NoRole));
    }

    #[test]
    fn options_that_are_empty_count_as_not_given() {
        let options = without_empty(Options {
            region: Some(" ".into()),
            profile: Some("default".into()),
            role_arn: Some(String::new()),
            ..Options::default()
        });
        assert_eq!((options.region, options.profile, options.role_arn), (None, None, None));
    }
}
