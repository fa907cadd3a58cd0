//! The reads before a release: every service, ten a call, and then what each is to run. Nothing is left for later that
//! could be refused now.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::deploy::Error;
use crate::deploy::ecs::{CallError, Ecs, Operation};
use crate::deploy::observe::{Observed, describe, family_of, missing, no_cluster, no_definition, observed};
use crate::deploy::request::{DeployServiceUpdate, Family, name_in_arn};

/// Services that DescribeServices takes.
const BATCH: usize = 10;

type Answered = Result<Value, CallError>;

/// The service, or why there is none; and the family that it is to run.
type Found = (Result<Value, String>, Family);

/// In the order of the requests.
pub async fn observe(requests: &[&DeployServiceUpdate], ecs: &dyn Ecs) -> Vec<Result<Observed, Error>> {
    let services = join_all(batches(requests).into_iter().map(|batch| look(batch, ecs))).await;
    let services: Vec<(&DeployServiceUpdate, Answered)> = services.into_iter().flatten().collect();
    let found = |request: &DeployServiceUpdate| {
        let (_, answer) = services.iter().find(|(other, _)| std::ptr::eq(*other, request)).expect("all were asked for");
        find(request, answer)
    };
    let found: Vec<_> = requests.iter().map(|request| found(request)).collect();
    let described = describe_all(&found, ecs).await;
    let whole = async |found: Result<Found, Error>| {
        let (service, family) = found?;
        let answer = described.iter().find(|(other, _)| *other == family).expect("all were asked for");
        let described = answer.1.clone().map_err(|why| no_definition(&family, why))?;
        observed(described, service, ecs).await
    };
    join_all(found.into_iter().map(whole)).await
}

/// Requests of one cluster, no more than one call takes.
fn batches<'a>(requests: &[&'a DeployServiceUpdate]) -> Vec<Vec<&'a DeployServiceUpdate>> {
    let mut batches: Vec<Vec<&DeployServiceUpdate>> = Vec::new();
    for request in requests {
        let fits = |batch: &&mut Vec<&DeployServiceUpdate>| batch.len() < BATCH && batch[0].cluster == request.cluster;
        match batches.iter_mut().find(fits) {
            Some(batch) => batch.push(request),
            None => batches.push(vec![request]),
        }
    }
    batches
}

async fn look<'a>(batch: Vec<&'a DeployServiceUpdate>, ecs: &dyn Ecs) -> Vec<(&'a DeployServiceUpdate, Answered)> {
    let services: Vec<&str> = batch.iter().map(|request| request.service()).collect();
    let body = json!({"cluster": batch[0].cluster, "services": services});
    let answer = ecs.call(Operation::DescribeServices, body).await.map(|answer| answer.body);
    batch.into_iter().map(|request| (request, answer.clone())).collect()
}

fn find(request: &DeployServiceUpdate, answer: &Answered) -> Result<Found, Error> {
    let answer = answer.as_ref().map_err(|why| no_cluster(&request.cluster, why.clone()))?;
    let name = name_in_arn(request.service());
    let items = |list: &'static str| answer[list].as_array().into_iter().flatten();
    let service = match items("services").find(|service| service["serviceName"] == name) {
        Some(service) => Ok(service.clone()),
        None => {
            let failure = items("failures").find(|why| why["arn"].as_str().is_some_and(|arn| name_in_arn(arn) == name));
            Err(failure.and_then(|why| why["reason"].as_str()).unwrap_or("MISSING").to_owned())
        }
    };
    missing(request, &service)?;
    let family = family_of(request, &service)?;
    Ok((service, family))
}

/// Each once.
async fn describe_all(found: &[Result<Found, Error>], ecs: &dyn Ecs) -> Vec<(Family, Answered)> {
    let mut families: Vec<&Family> = Vec::new();
    for (_, family) in found.iter().flatten() {
        if !families.contains(&family) {
            families.push(family);
        }
    }
    join_all(families.into_iter().map(async |family| (family.clone(), describe(family, ecs).await))).await
}
