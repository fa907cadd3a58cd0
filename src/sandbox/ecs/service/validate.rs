//! What ECS refuses in a service, in CreateService and UpdateService alike.

use serde_json::Value;

use crate::sandbox::ecs::definition::Definition;
use crate::sandbox::ecs::error::{ApiError, client, invalid};
use crate::sandbox::ecs::input::{list, one_of, whole};

type Verdict = Result<(), ApiError>;

/// The request by itself.
pub fn check_request(body: &Value) -> Verdict {
    one_of(body, "launchType", &["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"])?;
    one_of(body, "schedulingStrategy", &["REPLICA", "DAEMON"])?;
    one_of(body, "propagateTags", &["TASK_DEFINITION", "SERVICE", "NONE"])?;
    one_of(body, "availabilityZoneRebalancing", &["ENABLED", "DISABLED"])?;
    if whole(body, "desiredCount")?.is_some_and(|count| count < 0) {
        return Err(invalid("The desired count can not be negative."));
    }
    if body.get("launchType").is_some() && !list(body, "capacityProviderStrategy")?.is_empty() {
        let wrong =
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.";
        return Err(invalid(wrong));
    }
    match body.get("deploymentConfiguration") {
        Some(configuration) => check_configuration(configuration),
        None => Ok(()),
    }
}

fn check_configuration(configuration: &Value) -> Verdict {
    one_of(configuration, "strategy", &["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"])?;
    let (most, least) = (whole(configuration, "maximumPercent")?, whole(configuration, "minimumHealthyPercent")?);
    if most.is_some_and(|percent| percent < 100) {
        return Err(invalid("maximumPercent must be greater than or equal to 100.")); // our wording
    }
    if least.is_some_and(|percent| percent < 0) {
        return Err(invalid("minimumHealthyPercent must be greater than or equal to 0.")); // our wording
    }
    if most == Some(100) && least == Some(100) {
        let wrong = "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.";
        return Err(invalid(wrong));
    }
    check_range(&configuration["linearConfiguration"], "stepPercent", 3.0)?;
    check_range(&configuration["canaryConfiguration"], "canaryPercent", 0.1)?;
    if whole(configuration, "bakeTimeInMinutes")?.is_some_and(|minutes| !(0..=1440).contains(&minutes)) {
        return Err(invalid("bakeTimeInMinutes must be between 0 and 1440."));
    }
    list(configuration, "lifecycleHooks")?.iter().try_for_each(check_hook)
}

fn check_range(steps: &Value, member: &str, least: f64) -> Verdict {
    match steps[member].as_f64() {
        Some(percent) if !(least..=100.0).contains(&percent) => {
            Err(invalid(format!("{member} must be between {least} and 100."))) // our wording
        }
        _ => Ok(()),
    }
}

fn check_hook(hook: &Value) -> Verdict {
    one_of(hook, "targetType", &["AWS_LAMBDA", "PAUSE"])?;
    let stages = list(hook, "lifecycleStages")?;
    if stages.is_empty() {
        return Err(invalid("A lifecycle hook must have at least one lifecycle stage.")); // our wording
    }
    if hook["targetType"] == "PAUSE" {
        let shifting = |stage: &&Value| *stage == "TEST_TRAFFIC_SHIFT" || *stage == "PRODUCTION_TRAFFIC_SHIFT";
        return match stages.iter().find(shifting) {
            Some(stage) => {
                Err(invalid(format!("PAUSE hooks cannot be configured at {}.", stage.as_str().unwrap_or_default())))
            }
            None => Ok(()),
        };
    }
    match hook.get("hookTargetArn").is_some() && hook.get("roleArn").is_some() {
        true => Ok(()),
        false => Err(invalid("A lifecycle hook must have a hookTargetArn and a roleArn.")), // our wording
    }
}

/// A network configuration goes with `awsvpc` and with nothing else; for services and for single tasks.
pub fn check_network(body: &Value, definition: &Definition) -> Verdict {
    let why = match (definition.is_awsvpc(), body.get("networkConfiguration").is_some()) {
        (true, false) => "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        (false, true) => "Network Configuration is not valid for the given networkMode of this task definition.",
        _ => return Ok(()),
    };
    Err(invalid(why))
}

/// The settings together with the task definition that they are to run.
pub fn check_against(settings: &Value, definition: &Definition) -> Verdict {
    check_network(settings, definition)?;
    if settings["launchType"] == "FARGATE" && !definition.supports("FARGATE") {
        return Err(client("Task definition does not support launch_type FARGATE."));
    }
    list(settings, "loadBalancers")?.iter().try_for_each(|balancer| check_balancer(balancer, definition))?;
    check_strategy(settings)
}

fn check_balancer(balancer: &Value, definition: &Definition) -> Verdict {
    let name = balancer["containerName"].as_str().unwrap_or_default();
    let Some(container) = definition.container(name) else {
        return Err(invalid(format!("The container {name} does not exist in the task definition.")));
    };
    let port = &balancer["containerPort"];
    let bound = list(container, "portMappings")?
        .iter()
        .any(|mapping| mapping["containerPort"] == *port || mapping.get("containerPortRange").is_some());
    match bound {
        true => Ok(()),
        false => Err(invalid(format!("The container {name} did not have a container port {port} defined."))),
    }
}

/// Traffic can only be shifted by a load balancer that knows two target groups.
fn check_strategy(settings: &Value) -> Verdict {
    let strategy = settings["deploymentConfiguration"]["strategy"].as_str().unwrap_or("ROLLING");
    if strategy == "ROLLING" {
        return Ok(());
    }
    if settings["deploymentController"]["type"].as_str().is_some_and(|kind| kind != "ECS") {
        return Err(invalid(format!("The deployment strategy {strategy} requires the ECS deployment controller."))); // our wording
    }
    let incomplete = list(settings, "loadBalancers")?.iter().any(|balancer| {
        let advanced = &balancer["advancedConfiguration"];
        ["alternateTargetGroupArn", "productionListenerRule", "roleArn"]
            .iter()
            .any(|member| advanced.get(*member).is_none())
    });
    match incomplete {
        true => Err(invalid(format!(
            "advancedConfiguration field is required for all loadBalancers when using a {strategy} deployment strategy."
        ))),
        false => Ok(()),
    }
}
