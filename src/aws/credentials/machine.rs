//! What the machine has: its variables, profiles, roles. All of it is looked up anew whenever credentials are wanted,
//! which is rare: the SDK would keep what it once read of a file, and somebody may have put fresh keys there meanwhile
//! (a person, or a program that renews them).

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{Region, imds};
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sts::config::SharedHttpClient;

#[derive(Debug)]
pub(in crate::aws) struct Machine {
    pub http: SharedHttpClient,
    pub region: Option<Region>,
    pub instance: imds::Client,
    /// Asked for by name, a profile is taken by itself: falling back to whatever else the machine has could deploy to
    /// another account.
    pub profile: Option<String>,
}

impl Machine {
    async fn look(&self) -> provider::Result {
        // What it has parsed it keeps, and its clones with it.
        let conf = ProviderConfig::without_region().with_http_client(self.http.clone());
        let conf = conf.with_region(self.region.clone());
        match &self.profile {
            Some(name) => {
                let profile = ProfileFileCredentialsProvider::builder().configure(&conf).profile_name(name);
                profile.build().provide_credentials().await
            }
            None => {
                let chain = DefaultCredentialsChain::builder().region(self.region.clone());
                let chain = chain.imds_client(self.instance.clone()).configure(conf);
                chain.build().await.provide_credentials().await
            }
        }
    }
}

impl ProvideCredentials for Machine {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.look())
    }
}
