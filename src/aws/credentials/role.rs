//! Roles: assumed on top of other credentials (`AssumeRole`), or by showing an identity token to STS, which then
//! needs no credentials at all (`AssumeRoleWithWebIdentity`, unsigned).

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sts::types::Credentials as Issued;
use secrecy::ExposeSecret;

use super::TokenSource;
use crate::aws::sts::Caller;
use crate::aws::{Claims, Error};

/// What is asked of STS, however the asker proves who it is.
#[derive(Debug, Clone)]
pub(in crate::aws) struct Role {
    pub arn: String,
    pub session_name: String,
    pub duration: Option<Duration>,
}

#[derive(Debug)]
pub(in crate::aws) struct AssumedRole {
    pub caller: Caller,
    pub role: Role,
}

#[derive(Debug)]
pub(in crate::aws) struct WebIdentityRole {
    pub caller: Caller,
    pub role: Role,
    pub token: TokenSource,
}

impl Role {
    fn seconds(&self) -> Option<i32> {
        self.duration.and_then(|duration| duration.as_secs().try_into().ok())
    }

    /// `arn:aws:iam::123456789012:role/…`
    fn account(&self) -> Option<&str> {
        self.arn.split(':').nth(4).filter(|account| !account.is_empty())
    }

    fn credentials(&self, issued: Issued) -> Credentials {
        let mut builder = Credentials::builder()
            .access_key_id(issued.access_key_id)
            .secret_access_key(issued.secret_access_key)
            .session_token(issued.session_token)
            .provider_name("dockless");
        builder.set_expiry(SystemTime::try_from(issued.expiration).ok());
        builder.set_account_id(self.account().map(Into::into));
        builder.build()
    }
}

impl AssumedRole {
    async fn assume(&self) -> Result<Credentials, Error> {
        let Role { arn, session_name, .. } = &self.role;
        let request = self.caller.client().assume_role().role_arn(arn).role_session_name(session_name);
        let request = request.set_duration_seconds(self.role.seconds());
        let watch = self.caller.watch("AssumeRole");
        let answer = watched!(aws_sdk_sts, request, watch)?;
        let none = || Error::Answer { place: watch.place().into(), why: "no credentials in it".into() };
        answer.credentials.map(|issued| self.role.credentials(issued)).ok_or_else(none)
    }
}

impl WebIdentityRole {
    async fn assume(&self) -> Result<Credentials, Error> {
        let token = self.token.fetch().await?;
        let Role { arn, session_name, .. } = &self.role;
        let request =
            self.caller.client().assume_role_with_web_identity().role_arn(arn).role_session_name(session_name);
        let request = request.web_identity_token(token.expose_secret()).set_duration_seconds(self.role.seconds());
        let watch = self.caller.watch("AssumeRoleWithWebIdentity");
        let answer =
            watched!(aws_sdk_sts, request, watch).map_err(|error| with_claims(error, token.expose_secret()))?;
        let none = || Error::Answer { place: watch.place().into(), why: "no credentials in it".into() };
        answer.credentials.map(|issued| self.role.credentials(issued)).ok_or_else(none)
    }
}

/// Says with a refusal what the token claimed, and makes sure that no answer echoes the token itself.
fn with_claims(error: Error, token: &str) -> Error {
    match error {
        Error::Refused(mut refusal) => {
            refusal.claims = Claims::read(token);
            refusal.message = refusal.message.replace(token, "(the token)");
            Error::Refused(refusal)
        }
        other => other,
    }
}

async fn provided(credentials: impl Future<Output = Result<Credentials, Error>>) -> provider::Result {
    credentials.await.map_err(CredentialsError::provider_error)
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(provided(self.assume()))
    }
}

impl ProvideCredentials for WebIdentityRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(provided(self.assume()))
    }
}
