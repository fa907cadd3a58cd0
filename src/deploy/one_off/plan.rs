//! From what is there to the body of RunTask. Pure: whose settings count, what changes for these tasks, which
//! container's exit code matters, and what is refused before anything is started.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::borrow::{Borrowed, network};
use super::error::input;
use super::overrides::{check_name, merged};
use super::{Cancel, Counting, Error, Launch, Observed, RunTask};
use crate::deploy::edit::short;

/// What will be started, and what is waited for.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Of RunTask, but for its token.
    pub body: Map<String, Value>,
    pub cluster: String,
    /// `shop:41`
    pub revision: String,
    /// ARN of it.
    pub arn: String,
    /// `containerDefinitions` and the rest, as described.
    pub definition: Value,
    pub count: usize,
    pub counting: Counting,
    /// Service whose settings are used.
    pub like: Option<String>,
    pub warnings: Vec<String>,
    pub wait: bool,
    pub logs: bool,
    pub cancel: Cancel,
}

pub fn plan(request: &RunTask, observed: &Observed) -> Result<Plan, Error> {
    let definition = &observed.definition;
    let arn = definition["taskDefinitionArn"].as_str().unwrap_or_default().to_owned();
    let revision = short(&arn).to_owned();
    if definition["status"].as_str().is_some_and(|status| status != "ACTIVE") {
        return Err(Error::Inactive(revision));
    }
    let known: Vec<&str> = containers(definition).filter_map(|container| container["name"].as_str()).collect();
    let main = request.exit_code_from.as_deref();
    main.map_or(Ok(()), |name| check_name("exit-code-from", name, &known))?;
    let overrides = merged(&request.overrides, &request.updates, &request.words, main, &known)?;
    let counting = Counting::of(definition, &overrides, main);
    let none = Borrowed::default();
    let borrowed = observed.borrowed.as_ref().unwrap_or(&none);
    let mut body = Map::new();
    body.insert("cluster".into(), request.cluster.clone().into());
    body.insert("taskDefinition".into(), arn.clone().into());
    body.insert("count".into(), request.count.into());
    place(&mut body, request, borrowed, definition);
    if let Some(network) = wanted_network(request, borrowed, definition)? {
        body.insert("networkConfiguration".into(), network);
    }
    let warnings = hidden_secrets(definition, &overrides);
    if !overrides.is_empty() {
        body.insert("overrides".into(), Value::Object(overrides));
    }
    body.extend(request.members.clone());
    Ok(Plan {
        body,
        cluster: request.cluster.clone(),
        revision,
        arn,
        definition: definition.clone(),
        count: request.count as usize,
        counting,
        like: request.like.clone(),
        warnings,
        wait: request.wait,
        logs: request.logs,
        cancel: request.cancel,
    })
}

pub fn containers(definition: &Value) -> impl Iterator<Item = &Value> {
    definition["containerDefinitions"].as_array().into_iter().flatten()
}

/// Launch type or capacity providers, and the platform's version, which only Fargate has.
fn place(body: &mut Map<String, Value>, request: &RunTask, borrowed: &Borrowed, definition: &Value) {
    let made_for_fargate =
        || supports(definition, "FARGATE").then(|| Launch::Type("FARGATE".into())).filter(|_| request.like.is_none());
    let launch = request.launch.clone().or_else(|| borrowed.launch.clone()).or_else(made_for_fargate);
    let same = request.launch.is_none() || request.launch == borrowed.launch;
    let lent = borrowed.platform_version.clone().filter(|_| same);
    match launch {
        Some(Launch::Type(name)) => drop(body.insert("launchType".into(), name.into())),
        Some(Launch::Providers(list)) => drop(body.insert("capacityProviderStrategy".into(), list)),
        Some(Launch::Cluster) | None => {}
    }
    if let Some(version) = request.platform_version.clone().or(lent) {
        body.insert("platformVersion".into(), version.into());
    }
}

fn supports(definition: &Value, launch: &str) -> bool {
    definition["requiresCompatibilities"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == launch))
}

fn wanted_network(request: &RunTask, borrowed: &Borrowed, definition: &Value) -> Result<Option<Value>, Error> {
    let (given, needs) = (&request.network, definition["networkMode"] == "awsvpc");
    if given.awsvpc == Some(false) || (!needs && !given.is_given() && given.awsvpc.is_none()) {
        return Ok(None);
    }
    if !needs {
        let mode = definition["networkMode"].as_str().unwrap_or("bridge");
        let why = format!("the task definition has the network mode {mode}, and subnets go with awsvpc alone");
        return Err(input("subnet-ids", why, "Leave the subnets out, or give --awsvpc=false."));
    }
    let network = network(given, &borrowed.network);
    if network["awsvpcConfiguration"]["subnets"].as_array().is_none_or(Vec::is_empty) {
        let why = "the task definition has the network mode awsvpc, and no subnets are given";
        return Err(input("subnet-ids", why, "Give --subnet-ids, or --like-service with a service to take them from."));
    }
    Ok(Some(network))
}

/// ECS allows a name once among a container's variables and secrets.
fn hidden_secrets(definition: &Value, overrides: &Map<String, Value>) -> Vec<String> {
    let list = |value: &Value, member: &str| value[member].as_array().cloned().unwrap_or_default();
    let mut warnings = Vec::new();
    for entry in list(&json!(overrides), "containerOverrides") {
        let container = containers(definition).find(|container| container["name"] == entry["name"]);
        let secrets = container.map(|container| list(container, "secrets")).unwrap_or_default();
        for variable in list(&entry, "environment") {
            if secrets.iter().any(|secret| secret["name"] == variable["name"]) {
                let text = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
                let (container, name) = (text(&entry), text(&variable));
                warnings
                    .push(format!("{container}: {name} is a secret of the definition, and ECS may refuse a variable"));
            }
        }
    }
    warnings
}
