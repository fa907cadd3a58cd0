//! Who am I, and may I become someone else: the security token service. Its answers are small and fixed, so they are
//! read through the SDK's types.

use aws_config::SdkConfig;

use super::credentials::Keys;
use super::error::Place;
use super::time::Time;
use super::watch::Watch;
use super::{Error, Session};
use crate::report::Events;

/// Whose credentials are in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub account: String,
    pub arn: String,
}

#[derive(Debug, Clone)]
pub struct Sts(Caller);

/// A client of STS, and what is needed to watch its calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    client: aws_sdk_sts::Client,
    region: String,
    events: Events,
    keys: Option<Keys>,
    time: Time,
}

impl Caller {
    pub fn new(config: &SdkConfig, events: Events, keys: Option<Keys>, time: Time) -> Caller {
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        Caller { client: aws_sdk_sts::Client::new(config), region, events, keys, time }
    }

    pub fn client(&self) -> &aws_sdk_sts::Client {
        &self.client
    }

    pub fn watch(&self, operation: &'static str) -> Watch {
        let place = Place { service: "sts", operation, region: self.region.clone(), account: None };
        Watch::new(place, self.events.clone(), self.keys.clone(), self.time.clone())
    }
}

impl Session {
    pub fn sts(&self) -> Sts {
        Sts(Caller::new(&self.config, self.events.clone(), Some(self.keys.clone()), self.time.clone()))
    }
}

impl Sts {
    /// Needs no permission: AWS answers it to every valid key.
    pub async fn caller_identity(&self) -> Result<Identity, Error> {
        let watch = self.0.watch("GetCallerIdentity");
        let answer = watched!(aws_sdk_sts, self.0.client.get_caller_identity(), watch)?;
        match (answer.account, answer.arn) {
            (Some(account), Some(arn)) => Ok(Identity { account, arn }),
            _ => Err(Error::Answer { place: watch.place().into(), why: "no account in it".into() }),
        }
    }
}
