//! The whole room at once against a scripted ECS: what is called, what is told, how it ends. Minutes of
//! waiting pass on the fake clock.

mod calls;
mod endings;
mod records;
mod refused;
mod several;
mod weather;

use std::future::pending;
use std::time::Duration;

use serde_json::{Value, json};

use super::ecs::CallError;
use super::fake::{Fake, HANGS, IMAGE, arn, at_rest, deployment, described, listener, refusal, service};
use super::updates::Texts;
use super::*;
use crate::report::{Events, Explain, Kind, Outcome, Report};

const BREAKER: &str = "ECS deployment circuit breaker: tasks failed to start.";

fn request(images: &str) -> DeployServiceUpdate {
    let texts = Texts { images, ..Texts::default() };
    DeployServiceUpdate {
        family: Family { name: "web".into(), revision: None },
        cluster: "main".into(),
        service: String::new(),
        updates: Updates::parse(texts, &|text| Ok(text.to_owned())).unwrap(),
        tags: Vec::new(),
        desired_count: None,
        force_new_deployment: false,
        skip_registration: false,
        enable_circuit_breaker: false,
        create: None,
        wait: Some(Wait::within(Duration::from_secs(3600))),
    }
}

fn v2() -> DeployServiceUpdate {
    request("container=web,image-and-tag=host.example/web:v2")
}

/// Observe, plan, apply, watch, report.
async fn deploy(request: &DeployServiceUpdate, fake: &Fake, events: &Events) -> Result<(Report, Plan), Error> {
    let observed = observe_service(request, fake).await?;
    let plan = plan_service(request, &observed)?;
    let applied = apply(&plan, fake, &fake.clock, events).await?;
    let ended = watch(plan.deploy.as_ref().unwrap(), &applied, fake, &fake.clock, events, pending()).await?;
    Ok((report(&plan, &applied, ended.as_ref()), plan))
}

fn ours(running: i64, rollout: &str, reason: &str) -> Value {
    deployment("ecs-svc/8", "PRIMARY", 8, running, rollout, reason)
}

fn old() -> Value {
    deployment("ecs-svc/7", "ACTIVE", 7, 2, "COMPLETED", "")
}

/// An ECS whose service shows `script` by the second once revision 8 was deployed, and which keeps no records.
fn scripted(script: impl Fn(u64) -> Result<Value, CallError> + Send + Sync + 'static) -> Fake {
    let updated = std::sync::atomic::AtomicBool::new(false);
    Fake::new(move |operation, _, seconds| {
        use std::sync::atomic::Ordering::SeqCst;
        match operation {
            "DescribeTaskDefinition" => Ok(described()),
            "RegisterTaskDefinition" => Ok(json!({"taskDefinition": {"taskDefinitionArn": arn(8)}})),
            "UpdateService" => {
                updated.store(true, SeqCst);
                Ok(json!({"service": service(8, &[ours(0, "IN_PROGRESS", ""), old()])}))
            }
            "DescribeServices" if updated.load(SeqCst) => Ok(json!({"services": [script(seconds)?]})),
            "DescribeServices" => Ok(json!({"services": [at_rest()]})),
            "ListServiceDeployments" => Ok(json!({"serviceDeployments": []})),
            "ListTasks" => Ok(json!({"taskArns": []})),
            other => Err(refusal("UnknownOperationException", other)),
        }
    })
}
