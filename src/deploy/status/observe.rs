//! The reads of a status. Services come ten a call; what is asked for each of them goes out for a few services at a
//! time, and what can be asked for twenty is asked together. Only DescribeServices has to be allowed (and
//! ListServices where no service is named).

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::{Known, Seen, Status, Tasks};
use crate::deploy::diagnose::Stopped;
use crate::deploy::ecs::{CallError, Ecs, Operation};
use crate::deploy::history;
use crate::deploy::observe::no_cluster;
use crate::deploy::{Error, absent};

/// As many as DescribeServices takes.
const SERVICES: usize = 10;

/// As many as DescribeServiceDeployments takes.
const RECORDS: usize = 20;

/// As many tasks as DescribeTasks takes.
const TASKS: usize = 100;

/// Pages of 100 tasks that are read of a service at most.
const PAGES: usize = 5;

/// Services that are asked about at a time: ECS allows some tens of reads a second in an account.
const AT_A_TIME: usize = 4;

pub async fn observe_status(request: &Status, ecs: &dyn Ecs) -> Result<Vec<Seen>, Error> {
    let raws = services(request, ecs).await?;
    let looks = raws.into_iter().map(|raw| look(&request.cluster, raw, ecs));
    let mut seen: Vec<(Seen, Option<String>)> = stream::iter(looks).buffered(AT_A_TIME).collect().await;
    records(&mut seen, ecs).await;
    let mut seen: Vec<Seen> = seen.into_iter().map(|(seen, _)| seen).collect();
    revisions(&mut seen, ecs).await;
    definitions(&mut seen, ecs).await;
    Ok(seen)
}

/// Those that were named, or all of them, in alphabetical order.
async fn services(request: &Status, ecs: &dyn Ecs) -> Result<Vec<Value>, Error> {
    let named = !request.services.is_empty();
    let wanted = if named { request.services.clone() } else { absent::services(&request.cluster, ecs).await? };
    let mut found = Vec::new();
    for batch in wanted.chunks(SERVICES) {
        let body = json!({"cluster": request.cluster, "services": batch});
        let answer = ecs.call(Operation::DescribeServices, body).await;
        let mut answer = answer.map_err(|why| no_cluster(&request.cluster, why))?.body;
        // A service may go between the two calls; one that was named has to be there.
        let missing = &answer["failures"][0];
        if named && !missing.is_null() {
            let name = missing["arn"].as_str().unwrap_or(&batch[0]);
            return Err(absent::absent(&request.cluster, name, ecs).await);
        }
        found.append(answer["services"].as_array_mut().unwrap_or(&mut Vec::new()));
    }
    if !named {
        found.sort_by_key(|raw| raw["serviceName"].as_str().unwrap_or_default().to_owned());
    }
    Ok(found)
}

/// What is read of one service alone, and the ARN of its newest service deployment.
async fn look(cluster: &str, raw: Value, ecs: &dyn Ecs) -> (Seen, Option<String>) {
    let name = raw["serviceName"].as_str().unwrap_or_default();
    let (tasks, stopped, newest) = futures_util::join!(
        tasks(cluster, name, ecs),
        stopped(cluster, name, &raw, ecs),
        newest(cluster, name, &raw, ecs)
    );
    let (newest, unread) = match newest {
        Ok(arn) => (arn, Ok(None)),
        Err(why) => (None, Err(unknown(why))),
    };
    let tasks = tasks.map_err(unknown);
    (Seen { raw, tasks, stopped, newest: unread, revisions: Ok(Vec::new()), definitions: Vec::new() }, newest)
}

async fn tasks(cluster: &str, service: &str, ecs: &dyn Ecs) -> Result<Tasks, CallError> {
    let mut body = json!({"cluster": cluster, "serviceName": service, "desiredStatus": "RUNNING"});
    let mut tasks = Tasks::default();
    for _ in 0..PAGES {
        let mut page = ecs.call(Operation::ListTasks, body.clone()).await?.body;
        for batch in page["taskArns"].as_array().map(Vec::as_slice).unwrap_or_default().chunks(TASKS) {
            let described = ecs.call(Operation::DescribeTasks, json!({"cluster": cluster, "tasks": batch})).await?;
            tasks.found.extend(described.body["tasks"].as_array().cloned().unwrap_or_default());
        }
        match page["nextToken"].take() {
            Value::Null => return Ok(tasks),
            token => body["nextToken"] = token,
        }
    }
    Ok(Tasks { more: true, ..tasks })
}

/// Why the newest task stopped that was not to stop. ECS remembers stopped tasks for about an hour; who may not see
/// them misses no more than that.
async fn stopped(cluster: &str, service: &str, raw: &Value, ecs: &dyn Ecs) -> Option<Stopped> {
    let failures = |one: &Value| one["failedTasks"].as_i64().unwrap_or_default() > 0;
    if !raw["deployments"].as_array().into_iter().flatten().any(failures) {
        return None;
    }
    let body = json!({"cluster": cluster, "serviceName": service, "desiredStatus": "STOPPED"});
    let listed = ecs.call(Operation::ListTasks, body).await.ok()?.body["taskArns"].take();
    let arns = listed.as_array().filter(|arns| !arns.is_empty())?;
    let described = ecs.call(Operation::DescribeTasks, json!({"cluster": cluster, "tasks": arns})).await.ok()?;
    let mut tasks: Vec<&Value> = described.body["tasks"].as_array()?.iter().collect();
    tasks.sort_by(|one, other| at(one, "stoppedAt").total_cmp(&at(other, "stoppedAt")));
    tasks.into_iter().rev().map(Stopped::read).find(|task| !task.is_normal())
}

fn at(task: &Value, member: &str) -> f64 {
    task[member].as_f64().unwrap_or_default()
}

/// Only ECS's own deployments have records. `currentServiceDeployment` would save the call, but may still name the
/// deployment before.
async fn newest(cluster: &str, service: &str, raw: &Value, ecs: &dyn Ecs) -> Result<Option<String>, CallError> {
    if raw["deploymentController"]["type"].as_str().is_some_and(|controller| controller != "ECS") {
        return Ok(None);
    }
    let pasts = history::deployments(cluster, service, ecs).await?;
    Ok(pasts.into_iter().next().map(|newest| newest.arn))
}

/// The newest service deployment of each service.
async fn records(seen: &mut [(Seen, Option<String>)], ecs: &dyn Ecs) {
    let arns: Vec<String> = seen.iter().filter_map(|(_, newest)| newest.clone()).collect();
    let mut found = Vec::new();
    let mut trouble = None;
    for batch in arns.chunks(RECORDS) {
        match ecs.call(Operation::DescribeServiceDeployments, json!({"serviceDeploymentArns": batch})).await {
            Ok(answer) => found.extend(answer.body["serviceDeployments"].as_array().cloned().unwrap_or_default()),
            Err(why) => trouble = Some(unknown(why)),
        }
    }
    for (seen, arn) in seen.iter_mut().filter_map(|(seen, newest)| Some((seen, newest.as_ref()?))) {
        let record = found.iter().find(|record| record["serviceDeploymentArn"] == arn.as_str());
        seen.newest = match (record, &trouble) {
            (None, Some(why)) => Err(why.clone()),
            (record, _) => Ok(record.cloned()),
        };
    }
}

/// All service revisions that the services and their deployments name.
async fn revisions(seen: &mut [Seen], ecs: &dyn Ecs) {
    let mut arns: Vec<String> = seen.iter().flat_map(named).collect();
    arns.sort();
    arns.dedup();
    let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
    match history::revisions(&arns, ecs).await {
        Ok(found) => {
            for seen in seen {
                let named = named(seen);
                let own = found.iter().filter(|revision| named.contains(&revision.arn));
                seen.revisions = Ok(own.cloned().collect());
            }
        }
        Err(why) => {
            let why = unknown(why);
            seen.iter_mut().for_each(|seen| seen.revisions = Err(why.clone()));
        }
    }
}

fn named(seen: &Seen) -> Vec<String> {
    let record = seen.newest.as_ref().ok().and_then(Option::as_ref);
    let current = seen.raw["currentServiceRevisions"].as_array().into_iter().flatten();
    let current = current.filter_map(|revision| revision["arn"].as_str());
    let sources = record.and_then(|record| record["sourceServiceRevisions"].as_array()).into_iter().flatten();
    let target = record.map(|record| &record["targetServiceRevision"]);
    let summaries = sources.chain(target).filter_map(|revision| revision["arn"].as_str());
    let back = record.and_then(|record| record["rollback"]["serviceRevisionArn"].as_str());
    current.chain(summaries).chain(back).map(str::to_owned).collect()
}

/// The task definitions of the deployments that the services list: they say who registered them.
async fn definitions(seen: &mut [Seen], ecs: &dyn Ecs) {
    let mut arns: Vec<String> = seen.iter().flat_map(|seen| definitions_of(&seen.raw)).collect();
    arns.sort();
    arns.dedup();
    let describe = |arn: String| async move {
        let answer = ecs.call(Operation::DescribeTaskDefinition, json!({"taskDefinition": arn})).await;
        (arn, answer.map(|answer| answer.body["taskDefinition"].clone()).map_err(unknown))
    };
    let found: Vec<(String, Known<Value>)> =
        stream::iter(arns.into_iter().map(describe)).buffered(AT_A_TIME).collect().await;
    for seen in seen {
        let own = definitions_of(&seen.raw);
        seen.definitions = found.iter().filter(|(arn, _)| own.contains(arn)).cloned().collect();
    }
}

fn definitions_of(raw: &Value) -> Vec<String> {
    let all = ["deployments", "taskSets"].into_iter().flat_map(|list| raw[list].as_array().into_iter().flatten());
    all.filter_map(|one| one["taskDefinition"].as_str()).map(str::to_owned).collect()
}

fn unknown(why: CallError) -> String {
    match why.denied_action() {
        Some(action) => format!("grant {action}"),
        None => why.to_string(),
    }
}
