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
    GetLifecyclePolicy,
    GetRepositoryPolicy,
    ListTagsForResource,
    PutImageScanningConfiguration,
    PutImageTagMutability,
    PutLifecyclePolicy,
    SetRepositoryPolicy,
    TagResource,
}

impl Operation {
    pub fn name(self) -> &'static str {
        match self {
            Operation::BatchGetImage => "BatchGetImage",
            Operation::CreateRepository => "CreateRepository",
            Operation::DescribeImages => "DescribeImages",
            Operation::DescribeRepositories => "DescribeRepositories",
            Operation::GetAuthorizationToken => "GetAuthorizationToken",
            Operation::GetLifecyclePolicy => "GetLifecyclePolicy",
            Operation::GetRepositoryPolicy => "GetRepositoryPolicy",
            Operation::ListTagsForResource => "ListTagsForResource",
            Operation::PutImageScanningConfiguration => "PutImageScanningConfiguration",
            Operation::PutImageTagMutability => "PutImageTagMutability",
            Operation::PutLifecyclePolicy => "PutLifecyclePolicy",
            Operation::SetRepositoryPolicy => "SetRepositoryPolicy",
            Operation::TagResource => "TagResource",
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
    gallery: Gallery,
}

/// The two services: IAM's word for each, and how their calls are addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gallery {
    Private,
    Public,
}

impl Gallery {
    fn service(self) -> &'static str {
        match self {
            Gallery::Private => "ecr",
            Gallery::Public => "ecr-public",
        }
    }

    fn target(self) -> &'static str {
        match self {
            Gallery::Private => "AmazonEC2ContainerRegistry_V20150921",
            Gallery::Public => "SpencerFrontendService",
        }
    }
}

impl Session {
    pub fn ecr(&self) -> Ecr {
        Ecr { client: aws_sdk_ecr::Client::new(&self.config), session: self.clone(), gallery: Gallery::Private }
    }

    /// ECR of the public gallery, `public.ecr.aws`, whose API lives in us-east-1 alone.
    pub fn ecr_public(&self) -> Ecr {
        let config = aws_sdk_ecr::config::Builder::from(&self.config)
            .region(Region::from_static(PUBLIC_REGION))
            .endpoint_resolver(PublicEndpoint(self.config.endpoint_url().map(str::to_owned)))
            .build();
        let client = aws_sdk_ecr::Client::from_conf(config);
        Ecr { client, session: self.clone(), gallery: Gallery::Public }
    }
}

const PUBLIC_REGION: &str = "us-east-1";

/// `DescribeRegistry` has no members at all: it lends its pipeline to all the others.
const LENDER: Lender = Lender {
    output: || Output::erase(DescribeRegistryOutput::builder().build()),
    error: |metadata| ErasedError::erase(DescribeRegistryError::generic(metadata)),
};

impl Ecr {
    /// Sends `body` as it is and answers what came back, every field of it.
    pub async fn call(&self, operation: Operation, body: Value) -> Result<Answer, Error> {
        let target = format!("{}.{}", self.gallery.target(), operation.name());
        let watch = self.session.watch(self.place(operation));
        let exchange = Exchange::new(Question::json(target, &body), LENDER);
        let client = &self.client;
        watched!(aws_sdk_ecr, client.describe_registry(), watch, exchange)?;
        exchange.answer(watch.place())
    }

    /// Logs in to the caller's registry, or to that of another account; the public gallery is one for all.
    pub async fn authorization(&self, account: Option<&str>) -> Result<Login, Error> {
        let body = account.map(|account| json!({ "registryIds": [account] })).unwrap_or_else(|| json!({}));
        let answer = self.call(Operation::GetAuthorizationToken, body).await?;
        let data = &answer.body["authorizationData"];
        match self.gallery {
            Gallery::Private => {
                let proxy_endpoint = data[0]["proxyEndpoint"].as_str().unwrap_or_default().to_owned();
                login(&data[0], proxy_endpoint)
            }
            Gallery::Public => login(data, format!("https://{PUBLIC_REGISTRY}")),
        }
        .map_err(|why| self.nonsense(why))
    }

    fn place(&self, operation: Operation) -> Place {
        let region = match self.gallery {
            Gallery::Private => self.session.region(),
            Gallery::Public => PUBLIC_REGION,
        };
        let (service, operation) = (self.gallery.service(), operation.name());
        Place { service, operation, region: region.to_owned(), account: None }
    }

    fn nonsense(&self, why: &str) -> Error {
        Error::Answer { place: self.place(Operation::GetAuthorizationToken).into(), why: why.to_owned() }
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
        let scheme = [("name", "sigv4"), ("signingName", "ecr-public"), ("signingRegion", PUBLIC_REGION)];
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
