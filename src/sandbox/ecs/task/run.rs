//! RunTask: up to ten tasks at once, each placed or not. What could not be placed is in `failures[]`, with
//! HTTP 200, and a client that does not look takes nothing for something.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Birth;
use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::definition::Definition;
use crate::sandbox::ecs::error::{ApiError, client, conflict, invalid};
use crate::sandbox::ecs::input::{flag, list, one_of, required, text, whole};
use crate::sandbox::ecs::service::check_network;
use crate::sandbox::ecs::tag;
use crate::sandbox::ecs::time::Now;

/// A client token is good for a day.
const TOKEN_LIFE: f64 = 24.0 * 3600.0;

/// What was started under a client token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    pub request: Value,
    pub tasks: Vec<String>,
    pub until: Now,
}

impl Plane {
    pub(in crate::sandbox::ecs) fn run_task(&mut self, body: &Value, now: Now) -> Result<Value, ApiError> {
        let cluster = self.cluster_of(body)?;
        check(body)?;
        if let Some(answer) = self.repeated(body, now)? {
            return Ok(answer);
        }
        let name = required(body, "taskDefinition", "TaskDefinition can not be blank.")?;
        let definition = self.usable_definition(name)?.clone();
        check_against(body, &definition)?;
        let count = whole(body, "count")?.unwrap_or(1);
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for _ in 0..count {
            match self.start_one(body, &cluster, &definition, now)? {
                Ok(id) => tasks.push(id),
                Err(reason) => failures.push(json!({ "reason": reason })),
            }
        }
        self.remember_token(body, &tasks, now);
        let shown: Vec<Value> = tasks.iter().map(|id| self.tasks[id].show(true)).collect();
        Ok(json!({ "tasks": shown, "failures": failures }))
    }

    fn start_one(
        &mut self,
        body: &Value,
        cluster: &str,
        definition: &Definition,
        now: Now,
    ) -> Result<Result<String, String>, ApiError> {
        let birth = Birth {
            cluster,
            definition,
            group: text(body, "group")?.map_or_else(|| format!("family:{}", definition.family()), String::from),
            started_by: text(body, "startedBy")?.map(String::from),
            service: None,
            settings: body,
            tags: task_tags(body, cluster, definition)?,
            pinned: &[],
            balanced: false,
            grace: 0.0,
        };
        Ok(self.world.bear(birth, now).map(|task| self.adopt(task)))
    }

    /// The same token with the same request answers with the same tasks; with another request it is an error.
    fn repeated(&mut self, body: &Value, now: Now) -> Result<Option<Value>, ApiError> {
        self.world.tokens.retain(|_, token| token.until > now);
        let Some(token) = text(body, "clientToken")?.and_then(|token| self.world.tokens.get(token)) else {
            return Ok(None);
        };
        if token.request != *body {
            return Err(conflict("The request was already made with this client token and other parameters.")); // our wording
        }
        let shown: Vec<Value> =
            token.tasks.iter().filter_map(|id| self.tasks.get(id)).map(|task| task.show(true)).collect();
        Ok(Some(json!({ "tasks": shown, "failures": [] })))
    }

    fn remember_token(&mut self, body: &Value, tasks: &[String], now: Now) {
        if let Some(token) = body["clientToken"].as_str() {
            let kept = Token { request: body.clone(), tasks: tasks.to_vec(), until: now.after(TOKEN_LIFE) };
            self.world.tokens.insert(token.to_owned(), kept);
        }
    }
}

fn check(body: &Value) -> Result<(), ApiError> {
    one_of(body, "launchType", &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"])?;
    one_of(body, "propagateTags", &["TASK_DEFINITION", "NONE"])?;
    if !(1..=10).contains(&whole(body, "count")?.unwrap_or(1)) {
        return Err(invalid("Count must be between 1 and 10.")); // our wording
    }
    if body.get("launchType").is_some() && !list(body, "capacityProviderStrategy")?.is_empty() {
        let wrong =
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.";
        return Err(invalid(wrong));
    }
    for (member, most) in [("startedBy", 128), ("clientToken", 64)] {
        if text(body, member)?.is_some_and(|value| value.len() > most) {
            return Err(invalid(format!("{member} can have at most {most} characters."))); // our wording
        }
    }
    let overrides = body.get("overrides").map_or(0, |overrides| overrides.to_string().len());
    if overrides > 8192 { Err(invalid("Overrides can have at most 8192 characters.")) } else { Ok(()) }
}

fn check_against(body: &Value, definition: &Definition) -> Result<(), ApiError> {
    check_network(body, definition)?;
    let fargate = text(body, "launchType")?.is_some_and(|launch| launch == "FARGATE");
    if fargate && !definition.supports("FARGATE") {
        return Err(client("Task definition does not support launch_type FARGATE."));
    }
    for given in list(&body["overrides"], "containerOverrides").unwrap_or_default() {
        let name = given["name"].as_str().unwrap_or_default();
        if definition.container(name).is_none() {
            return Err(invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
    }
    Ok(())
}

fn task_tags(body: &Value, cluster: &str, definition: &Definition) -> Result<Vec<Value>, ApiError> {
    let mut tags = Vec::new();
    if flag(body, "enableECSManagedTags")? == Some(true) {
        tags.push(json!({ "key": "aws:ecs:clusterName", "value": cluster }));
    }
    if body["propagateTags"] == "TASK_DEFINITION" {
        tag::merge(&mut tags, definition.tags.clone());
    }
    tag::merge(&mut tags, tag::read(body)?);
    Ok(tags)
}
