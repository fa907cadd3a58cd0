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
    /// The revision that the service runs, where that is another of the family and may be read.
    pub live: Option<Value>,
}

pub async fn observe_definition(request: &UpdateTaskDefinition, ecs: &dyn Ecs) -> Result<Value, Error> {
    describe_definition(&request.family, ecs).await
}

/// Both reads at once, where the family is known. A missing service is the worse news and told first.
pub async fn observe_service(request: &DeployServiceUpdate, ecs: &dyn Ecs) -> Result<Observed, Error> {
    request.check()?;
    let service = find_service(&request.cluster, request.service(), ecs);
    if request.family.name.is_empty() {
        let service = service.await?;
        missing(request, &service)?;
        let family = family_of(request, &service)?;
        return observed(describe_definition(&family, ecs).await?, service, ecs).await;
    }
    let (service, described) = futures_util::join!(service, describe_definition(&request.family, ecs));
    let service = service?;
    missing(request, &service)?;
    observed(described?, service, ecs).await
}

/// With the revision that runs, which is the one to start from unless somebody registered another and never got it
/// to run: a read more, then only. To compare is a courtesy, so it may fail.
pub async fn observed(described: Value, service: Result<Value, String>, ecs: &dyn Ecs) -> Result<Observed, Error> {
    let definition = &described["taskDefinition"];
    let runs =
        service.as_ref().ok().and_then(running).filter(|runs| Some(*runs) != definition["taskDefinitionArn"].as_str());
    let live = match runs.and_then(|runs| Family::parse(runs, None).ok()) {
        Some(family) if Some(&*family.name) == definition["family"].as_str() => describe(&family, ecs).await.ok(),
        _ => None,
    };
    Ok(Observed { described, service, live })
}

/// Refuses a service that is not there and is not to be made.
pub fn missing(request: &DeployServiceUpdate, service: &Result<Value, String>) -> Result<(), Error> {
    match (service, &request.create) {
        (Err(why), None) => {
            let (service, cluster) = (request.service().to_owned(), request.cluster.clone());
            Err(Error::NoService { service, cluster, why: why.clone() })
        }
        _ => Ok(()),
    }
}

/// The family that was given, or else the one that the service runs. Where CodeDeploy deploys, the task sets know it.
pub fn family_of(request: &DeployServiceUpdate, service: &Result<Value, String>) -> Result<Family, Error> {
    if !request.family.name.is_empty() {
        return Ok(request.family.clone());
    }
    let runs = service.as_ref().ok().and_then(running);
    let Some(runs) = runs else {
        let why = format!("nothing says which one '{}' is to run", request.service());
        return Err(Error::input("family", why, "Give --family."));
    };
    Ok(Family { revision: request.family.revision, ..Family::parse(runs, None)? })
}

fn running(service: &Value) -> Option<&str> {
    let sets = service["taskSets"].as_array().into_iter().flatten().filter(|set| set["status"] == "PRIMARY");
    let mut arns = std::iter::once(service).chain(sets).filter_map(|holder| holder["taskDefinition"].as_str());
    arns.find(|arn| !arn.is_empty())
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
    describe(family, ecs).await.map_err(|why| no_definition(family, why))
}

/// The answer of DescribeTaskDefinition.
pub async fn describe(family: &Family, ecs: &dyn Ecs) -> Result<Value, CallError> {
    let body = json!({"taskDefinition": family.reference(), "include": ["TAGS"]});
    ecs.call(Operation::DescribeTaskDefinition, body).await.map(|answer| answer.body)
}

pub fn no_definition(family: &Family, why: CallError) -> Error {
    match why.is_not_found() {
        true => Error::NoDefinition { family: family.reference(), source: why },
        false => Error::Call(why),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_is_told_by_the_service_or_by_its_task_set() {
        let set = |status: &str, arn: &str| json!({"status": status, "taskDefinition": arn});
        for (service, wanted) in [
            (json!({"taskDefinition": "a:1"}), Some("a:1")),
            (json!({"taskSets": [set("ACTIVE", "a:2"), set("PRIMARY", "a:1")]}), Some("a:1")),
            (json!({"taskDefinition": "", "taskSets": []}), None),
        ] {
            assert_eq!(running(&service), wanted, "{service}");
        }
    }
}
