//! The reads before anything is started: the service that lends its settings, and the definition.

use serde_json::{Value, json};

use super::borrow::Borrowed;
use super::error::input;
use super::{Error, RunTask};
use crate::deploy;
use crate::deploy::ecs::{Ecs, Operation};
use crate::deploy::observe::no_cluster;

/// What is there, as AWS described it.
#[derive(Debug, Clone)]
pub struct Observed {
    pub borrowed: Option<Borrowed>,
    /// `taskDefinition` of DescribeTaskDefinition's answer.
    pub definition: Value,
}

pub async fn observe(request: &RunTask, ecs: &dyn Ecs) -> Result<Observed, Error> {
    if let (Some(name), Some(like)) = (&request.task_definition, &request.like) {
        let (definition, service) = futures_util::join!(definition(name, ecs), service(&request.cluster, like, ecs));
        return Ok(Observed { borrowed: Some(service?), definition: definition? });
    }
    let borrowed = match &request.like {
        Some(like) => Some(service(&request.cluster, like, ecs).await?),
        None => None,
    };
    let lent = borrowed.as_ref().and_then(|borrowed| borrowed.definition.clone());
    let nothing = || input("task-definition", "nothing says which one", "Give --task-definition, or --like-service.");
    let name = request.task_definition.clone().or(lent).ok_or_else(nothing)?;
    Ok(Observed { definition: definition(&name, ecs).await?, borrowed })
}

async fn definition(name: &str, ecs: &dyn Ecs) -> Result<Value, Error> {
    let answer = ecs.call(Operation::DescribeTaskDefinition, json!({ "taskDefinition": name })).await;
    match answer {
        Ok(mut answer) => Ok(answer.body["taskDefinition"].take()),
        // ECS calls one that is missing a fault of the client ("Unable to describe task definition.").
        Err(source) if source.is_not_found() => {
            Err(deploy::Error::NoDefinition { family: name.to_owned(), source }.into())
        }
        Err(why) => Err(why.into()),
    }
}

async fn service(cluster: &str, name: &str, ecs: &dyn Ecs) -> Result<Borrowed, Error> {
    let body = json!({ "cluster": cluster, "services": [name] });
    let answer = ecs.call(Operation::DescribeServices, body).await.map_err(|why| no_cluster(cluster, why))?.body;
    let missing = |why: &str| Error::NoService { service: name.into(), cluster: cluster.into(), why: why.into() };
    match &answer["services"][0] {
        Value::Null => Err(missing(answer["failures"][0]["reason"].as_str().unwrap_or("nothing of it"))),
        service if service["status"] == "INACTIVE" => Err(missing("INACTIVE")),
        service => Ok(Borrowed::of(service)),
    }
}
