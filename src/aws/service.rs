//! The services beside ECS, ECR and STS of which a few operations are used: EventBridge and its Scheduler, CloudWatch
//! Logs, Elastic Load Balancing, CodeDeploy. An SDK crate for each would double the build for a dozen calls, so they
//! are reached through the pipeline that ECS's client lends, with their own host and signing name, in raw documents.

use aws_config::SdkConfig;
use aws_sdk_ecs::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_smithy_types::Document;
use aws_types::service_config::ServiceConfigKey;
use serde_json::Value;
use url::form_urlencoded;

use super::ecs::LENDER;
use super::error::Place;
use super::exchange::{Exchange, Question};
use super::{Answer, Error, Session, host, xml};

/// What AWS calls one of its services in each of the places where it needs a name.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// In IAM's actions and in signatures.
    action: &'static str,
    /// In its host.
    host: &'static str,
    /// In `AWS_ENDPOINT_URL_…` and, in lower case, in a profile's `services` section.
    id: &'static str,
    /// The first word of `X-Amz-Target`, in JSON 1.1, or the version of the API, in Query.
    protocol: &'static str,
}

pub const EVENTS: Service = Service { action: "events", host: "events", id: "EVENTBRIDGE", protocol: "AWSEvents" };
pub const SCHEDULER: Service = Service { action: "scheduler", host: "scheduler", id: "SCHEDULER", protocol: "" };
pub const LOGS: Service = Service { action: "logs", host: "logs", id: "CLOUDWATCH_LOGS", protocol: "Logs_20140328" };
pub const CODE_DEPLOY: Service =
    Service { action: "codedeploy", host: "codedeploy", id: "CODEDEPLOY", protocol: "CodeDeploy_20141006" };
pub const LOAD_BALANCING: Service = Service {
    action: "elasticloadbalancing",
    host: "elasticloadbalancing",
    id: "ELASTIC_LOAD_BALANCING_V2",
    protocol: "2015-12-01",
};

/// A client of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Remote {
    service: &'static Service,
    client: aws_sdk_ecs::Client,
    session: Session,
}

impl Session {
    pub fn service(&self, service: &'static Service) -> Remote {
        let config = aws_sdk_ecs::config::Builder::from(&self.config)
            .endpoint_resolver(Elsewhere::new(service, &self.config, self.region()))
            .build();
        Remote { service, client: aws_sdk_ecs::Client::from_conf(config), session: self.clone() }
    }
}

impl Remote {
    /// An operation of a service that speaks JSON 1.1. The body goes out as it is, the answer comes back whole.
    pub async fn json(&self, operation: &'static str, body: Value) -> Result<Answer, Error> {
        let target = format!("{}.{operation}", self.service.protocol);
        let (exchange, place) = self.ask(operation, Question::json(target, &body)).await?;
        exchange.answer(place)
    }

    /// An operation of a service that speaks REST: `method` on the path of these segments, which are encoded here.
    pub async fn rest(
        &self,
        operation: &'static str,
        method: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Answer, Error> {
        let uri = uri(path, query);
        let (exchange, place) = self.ask(operation, Question::rest(method, uri, body.as_ref())).await?;
        exchange.answer(place)
    }

    /// An operation of a service that speaks Query: a form goes out, XML comes back. Elements become members by
    /// their names, lists (elements named `member`) become arrays, every other leaf is text.
    pub async fn query(&self, operation: &'static str, form: &[(&str, &str)]) -> Result<Answer, Error> {
        let named = [("Action", operation), ("Version", self.service.protocol)];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(named).extend_pairs(form).finish();
        let (exchange, place) = self.ask(operation, Question::query(form)).await?;
        let (bytes, date) = exchange.bytes();
        let result = format!("{operation}Result");
        match xml::read(&bytes) {
            Ok(mut document) => Ok(Answer { body: document[result.as_str()].take(), date }),
            Err(why) => Err(Error::Answer { place: place.into(), why }),
        }
    }

    async fn ask(&self, operation: &'static str, question: Question) -> Result<(Exchange, Place), Error> {
        let region = self.session.region().to_owned();
        let place = Place { service: self.service.action, operation, region, account: None };
        let watch = self.session.watch(place);
        let exchange = Exchange::new(question, LENDER);
        watched!(aws_sdk_ecs, self.client.list_clusters(), watch, exchange)?;
        Ok((exchange, watch.place()))
    }
}

fn uri(path: &[&str], query: &[(&str, &str)]) -> String {
    let mut url = url::Url::parse("http://localhost").expect("it is a URL");
    url.path_segments_mut().expect("http has a path").extend(path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    // Signatures are made over %20; a plus is a plus to them.
    url[url::Position::BeforePath..].replace('+', "%20")
}

/// A fixed URL with the name and region to sign for: the rules of ECS's client know only ECS.
#[derive(Debug)]
struct Elsewhere {
    url: String,
    signing_name: &'static str,
    region: String,
}

impl Elsewhere {
    /// As the SDK's own clients choose: what was given to this program, then the service's own variable or section
    /// of the profile, then `AWS_ENDPOINT_URL`, then AWS.
    fn new(service: &'static Service, config: &SdkConfig, region: &str) -> Elsewhere {
        let key = ServiceConfigKey::builder()
            .service_id(service.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .expect("all three are given");
        let given = config.get_origin("endpoint_url").is_client_config();
        let own = config.service_config().filter(|_| !given).and_then(|found| found.load_config(key));
        let fips = config.use_fips().unwrap_or_default();
        let url = own
            .or_else(|| config.endpoint_url().map(str::to_owned))
            .unwrap_or_else(|| format!("https://{}", host::api_host(service.host, region, fips)));
        Elsewhere { url, signing_name: service.action, region: region.to_owned() }
    }
}

impl ResolveEndpoint for Elsewhere {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        let scheme = [("name", "sigv4"), ("signingName", self.signing_name), ("signingRegion", &self.region)];
        let scheme = scheme.into_iter().map(|(name, value)| (name.into(), Document::String(value.into()))).collect();
        let endpoint =
            Endpoint::builder().url(self.url.clone()).property("authSchemes", vec![Document::Object(scheme)]);
        EndpointFuture::ready(Ok(endpoint.build()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_encoded_by_segment() {
        assert_eq!(uri(&["schedules", "a/b ?"], &[]), "/schedules/a%2Fb%20%3F");
        assert_eq!(uri(&["schedules", "x"], &[("groupName", "a b&c")]), "/schedules/x?groupName=a%20b%26c");
    }
}
