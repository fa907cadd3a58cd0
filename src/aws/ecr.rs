//! ECR's own API (the registry's is `registry`'s): raw JSON like ECS, and on top of it the one answer that everybody
//! needs, the login. ECR Public is another service with the same manners; it is reached through the same pipeline.

use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_sdk_ecr::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_ecr::operation::describe_registry::{DescribeRegistryError, DescribeRegistryOutput};
use aws_smithy_runtime_api::client::interceptors::context::{Error as ErasedError, Output};
use aws_smithy_types::Document;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::error::Place;
use super::exchange::{Exchange, Lender, Question};
use super::host::PUBLIC_REGISTRY;
use super::{Answer, Error, Session};
use crate::clock::Clock;

/// What the API calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    BatchGetImage,
    CreateRepository,
    DescribeImages,
    DescribeRepositories,
    GetAuthorizationToken,
    PutLifecyclePolicy,
    SetRepositoryPolicy,
}

impl Operation {
    pub fn name(self) -> &'static str {
        match self {
            Operation::BatchGetImage => "BatchGetImage",
            Operation::CreateRepository => "CreateRepository",
            Operation::DescribeImages => "DescribeImages",
            Operation::DescribeRepositories => "DescribeRepositories",
            Operation::GetAuthorizationToken => "GetAuthorizationToken",
            Operation::PutLifecyclePolicy => "PutLifecyclePolicy",
            Operation::SetRepositoryPolicy => "SetRepositoryPolicy",
        }
    }
}

/// Basic credentials for a registry. They carry the rights of the caller in every registry of the region.
#[derive(Debug, Clone)]
pub struct Login {
    pub username: String,
    pub password: SecretString,
    /// `https://123456789012.dkr.ecr.eu-central-1.amazonaws.com`
    pub proxy_endpoint: String,
    /// Twelve hours from now, usually; `None` if the service did not say anything sensible.
    pub expires_at: Option<SystemTime>,
}

#[derive(Debug, Clone)]
pub struct Ecr {
    client: aws_sdk_ecr::Client,
    session: Session,
}

impl Session {
    pub fn ecr(&self) -> Ecr {
        Ecr { client: aws_sdk_ecr::Client::new(&self.config), session: self.clone() }
    }
}

/// `DescribeRegistry` has no members at all: it lends its pipeline to all the others.
const LENDER: Lender = Lender {
    output: || Output::erase(DescribeRegistryOutput::builder().build()),
    error: |metadata| ErasedError::erase(DescribeRegistryError::generic(metadata)),
};

impl Ecr {
    /// Sends `body` as it is and answers what came back, every field of it.
    pub async fn call(&self, operation: Operation, body: Value) -> Result<Answer, Error> {
        let target = format!("AmazonEC2ContainerRegistry_V20150921.{}", operation.name());
        self.exchange(&self.client, self.place("ecr", operation), target, &body).await
    }

    /// Logs in to the caller's registry, or to that of another account.
    pub async fn authorization(&self, account: Option<&str>) -> Result<Login, Error> {
        let body = account.map(|account| json!({ "registryIds": [account] })).unwrap_or_else(|| json!({}));
        let answer = self.call(Operation::GetAuthorizationToken, body).await?;
        let data = &answer.body["authorizationData"][0];
        let proxy_endpoint = data["proxyEndpoint"].as_str().unwrap_or_default().to_owned();
        login(data, proxy_endpoint).map_err(|why| self.nonsense("ecr", why))
    }

    /// Logs in to the public gallery, `public.ecr.aws`, whose API lives in us-east-1 alone.
    pub async fn public_authorization(&self) -> Result<Login, Error> {
        let config = aws_sdk_ecr::config::Builder::from(&self.session.config)
            .region(Region::from_static("us-east-1"))
            .endpoint_resolver(PublicEndpoint(self.session.config.endpoint_url().map(str::to_owned)))
            .build();
        let client = aws_sdk_ecr::Client::from_conf(config);
        let operation = Operation::GetAuthorizationToken;
        let place = Place { region: "us-east-1".into(), ..self.place("ecr-public", operation) };
        let target = format!("SpencerFrontendService.{}", operation.name());
        let answer = self.exchange(&client, place, target, &json!({})).await?;
        login(&answer.body["authorizationData"], format!("https://{PUBLIC_REGISTRY}"))
            .map_err(|why| self.nonsense("ecr-public", why))
    }

    async fn exchange(
        &self,
        client: &aws_sdk_ecr::Client,
        place: Place,
        target: String,
        body: &Value,
    ) -> Result<Answer, Error> {
        let watch = self.session.watch(place);
        let exchange = Exchange::new(Question::json(target, body), LENDER);
        watched!(aws_sdk_ecr, client.describe_registry(), watch, exchange)?;
        exchange.answer(watch.place())
    }

    fn place(&self, service: &'static str, operation: Operation) -> Place {
        let (operation, region) = (operation.name(), self.session.region().to_owned());
        Place { service, operation, region, account: None }
    }

    fn nonsense(&self, service: &'static str, why: &str) -> Error {
        Error::Answer { place: self.place(service, Operation::GetAuthorizationToken).into(), why: why.to_owned() }
    }
}

/// Reasons never quote the token.
fn login(data: &Value, proxy_endpoint: String) -> Result<Login, &'static str> {
    let token = data["authorizationToken"].as_str().ok_or("no token in it")?;
    let token = STANDARD.decode(token).map_err(|_| "its token is not base64")?;
    let token = String::from_utf8(token).map_err(|_| "its token is not text")?;
    let (username, password) = token.split_once(':').ok_or("its token is no user and password")?;
    let (username, password) = (username.to_owned(), SecretString::from(password));
    Ok(Login { username, password, proxy_endpoint, expires_at: expiry(&data["expiresAt"]) })
}

/// Seconds since 1970, often with a fraction. A token that was just issued has not expired, whatever a stand-in says.
fn expiry(seconds: &Value) -> Option<SystemTime> {
    let seconds = seconds.as_f64().filter(|seconds| seconds.is_finite() && (0.0..1e11).contains(seconds))?;
    let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds);
    (expiry > Clock::Real.now()).then_some(expiry)
}

/// The SDK's rules for ECR do not know the public service: its host, signing name and region are given here.
#[derive(Debug)]
struct PublicEndpoint(Option<String>);

impl ResolveEndpoint for PublicEndpoint {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        let url = self.0.clone().unwrap_or_else(|| "https://api.ecr-public.us-east-1.amazonaws.com".into());
        let text = |text: &str| Document::String(text.to_owned());
        let scheme = [("name", "sigv4"), ("signingName", "ecr-public"), ("signingRegion", "us-east-1")];
        let scheme = scheme.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
        let endpoint = Endpoint::builder().url(url).property("authSchemes", vec![Document::Object(scheme)]).build();
        EndpointFuture::ready(Ok(endpoint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn data(token: &str, expires_at: Value) -> Value {
        json!({ "authorizationToken": STANDARD.encode(token), "expiresAt": expires_at })
    }

    #[test]
    fn login_splits_user_and_password() {
        let login = login(&data("AWS:pass:word", json!(4102444800.5)), "https://r".into()).unwrap();
        assert_eq!((&*login.username, login.password.expose_secret()), ("AWS", "pass:word"));
        assert!(login.expires_at.is_some());
        assert!(!format!("{login:?}").contains("pass:word"));
    }

    #[tokio::test]
    async fn public_service_has_its_own_host() {
        let endpoint = PublicEndpoint(None).resolve_endpoint(&Params::builder().build().unwrap()).await.unwrap();
        assert_eq!(endpoint.url(), "https://api.ecr-public.us-east-1.amazonaws.com");
    }

    #[test]
    fn login_with_a_senseless_expiry_has_none() {
        for senseless in [json!(1420070400), json!(-1), json!(1e300), json!("soon"), Value::Null] {
            assert_eq!(
                login(&data("AWS:x", senseless.clone()), String::new()).unwrap().expires_at,
                None,
                "{senseless}"
            );
        }
    }

    #[test]
    fn login_without_a_proper_token_is_refused_without_quoting_it() {
        for data in [json!({}), json!({ "authorizationToken": "§" }), data("no-colon", Value::Null)] {
            assert!(!login(&data, String::new()).unwrap_err().contains("no-colon"));
        }
    }
}
