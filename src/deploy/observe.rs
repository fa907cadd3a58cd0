//! The only reads before a deployment: the service it is for and the task definition it starts from. What is
//! not there is found out here, before anything is registered.

use serde_json::{Value, json};

use super::Error;
use super::document::Latest;
use super::ecs::{CallError, Ecs, Operation};
use super::request::{DeployServiceUpdate, Family, UpdateTaskDefinition};

/// A service and the task definition to start from, as ECS described them.
pub struct Observed {
    /// The answer of DescribeTaskDefinition: `taskDefinition` and, beside it, `tags`.
    pub described: Value,
    /// The service, or why there is none.
    pub service: Result<Value, String>,
}

pub async fn observe_definition(request: &UpdateTaskDefinition, ecs: &dyn Ecs) -> Result<Value, Error> {
    describe_definition(&request.family, ecs).await
}

/// Both reads at once. A missing service is the worse news and told first.
pub async fn observe_service(request: &DeployServiceUpdate, ecs: &dyn Ecs) -> Result<Observed, Error> {
    request.check()?;
    let (service, described) = futures_util::join!(
        find_service(&request.cluster, request.service(), ecs),
        describe_definition(&request.family, ecs)
    );
    let service = service?;
    if let (Err(why), None) = (&service, &request.create) {
        let (service, cluster) = (request.service().to_owned(), request.cluster.clone());
        return Err(Error::NoService { service, cluster, why: why.clone() });
    }
    Ok(Observed { described: described?, service })
}

/// ECS answers HTTP 200 and a list of failures for services that it does not know: the inner error says why.
pub async fn find_service(cluster: &str, service: &str, ecs: &dyn Ecs) -> Result<Result<Value, String>, Error> {
    let body = json!({"cluster": cluster, "services": [service]});
    let answer = ecs.call(Operation::DescribeServices, body).await.map_err(|why| no_cluster(cluster, why))?;
    match answer.body["services"].get(0) {
        Some(service) => Ok(Ok(service.clone())),
        None => Ok(Err(answer.body["failures"][0]["reason"].as_str().unwrap_or("MISSING").to_owned())),
    }
}

pub fn no_cluster(cluster: &str, why: CallError) -> Error {
    match why.code() {
        Some("ClusterNotFoundException") => Error::NoCluster { cluster: cluster.to_owned(), source: why },
        _ => Error::Call(why),
    }
}

pub async fn describe_definition(family: &Family, ecs: &dyn Ecs) -> Result<Value, Error> {
    let body = json!({"taskDefinition": family.reference(), "include": ["TAGS"]});
    match ecs.call(Operation::DescribeTaskDefinition, body).await {
        Ok(answer) => Ok(answer.body),
        Err(why) if why.is_not_found() => Err(Error::NoDefinition { family: family.reference(), source: why }),
        Err(why) => Err(Error::Call(why)),
    }
}

/// The latest revision of the family that a document is of. To compare is a courtesy: who may not read registers.
pub async fn observe_latest(family: &str, ecs: &dyn Ecs) -> Result<Latest, Error> {
    let family = Family { name: family.to_owned(), revision: None };
    match describe_definition(&family, ecs).await {
        Ok(described) => Ok(Latest::Is(described)),
        Err(Error::NoDefinition { .. }) => Ok(Latest::None),
        Err(Error::Call(why)) if why.is_denied() => Ok(Latest::Hidden(why.denied_action().unwrap_or_default())),
        Err(why) => Err(why),
    }
}
