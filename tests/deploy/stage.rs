//! An ECS with one service, `web` in the cluster `main`, at rest on revision 7, and what it shows once it has been
//! updated: look by look, the last one for ever.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::aws::{FakeAws, Received, Reply};
use crate::support::process::{Ended, Job};

pub const IMAGE: &str = "host.example/web:v1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub const SERVICE: [&str; 4] = ["deploy-service-update", "--cluster=main", "--family=web", "--max-poll-attempts=1"];

/// Makes revision 8.
pub const NEW_IMAGE: &str = "--container-image-name-updates=container=web,image-and-tag=host.example/web:v2";

pub struct Stage {
    pub aws: FakeAws,
    pub job: Job,
}

struct Show {
    resting: Value,
    looks: VecDeque<Value>,
    updated: bool,
}

impl Show {
    fn look(&mut self) -> Value {
        match self.looks.len() {
            _ if !self.updated => self.resting.clone(),
            0 => self.resting.clone(),
            1 => self.looks[0].clone(),
            _ => self.looks.pop_front().expect("some are left"),
        }
    }
}

impl Stage {
    pub async fn start(looks: &[Value]) -> Stage {
        Stage::resting(at_rest(), looks).await
    }

    /// The service is found as `resting`.
    pub async fn resting(resting: Value, looks: &[Value]) -> Stage {
        let aws = FakeAws::start().await;
        let show = Arc::new(Mutex::new(Show { resting, looks: looks.iter().cloned().collect(), updated: false }));
        aws.answer("DescribeTaskDefinition", Reply::json(described()));
        aws.answer("RegisterTaskDefinition", Reply::json(json!({"taskDefinition": {"taskDefinitionArn": arn(8)}})));
        let shown = show.clone();
        aws.answer_with("DescribeServices", move |_| {
            Reply::json(json!({"services": [shown.lock().unwrap().look()], "failures": []}))
        });
        aws.answer_with("UpdateService", move |request| {
            let mut show = show.lock().unwrap();
            show.updated = true;
            Reply::json(json!({"service": updated(&show.resting, request)}))
        });
        aws.answer("ListServiceDeployments", Reply::json(json!({"serviceDeployments": []})));
        aws.answer("ListTasks", Reply::json(json!({"taskArns": []})));
        let job = Job::at(aws.url());
        Stage { aws, job }
    }

    pub async fn deploy(&self, words: &[&str]) -> Ended {
        self.job.run(&[&SERVICE[..], words].concat()).await
    }

    pub fn operations(&self) -> Vec<String> {
        self.aws.received().into_iter().map(|request| request.operation).collect()
    }

    /// Everything that it was asked to change.
    pub fn writes(&self) -> Vec<Received> {
        let reads = ["Describe", "List", "Get", "Assume"];
        self.aws
            .received()
            .into_iter()
            .filter(|request| !reads.iter().any(|read| request.operation.starts_with(read)))
            .collect()
    }

    /// The one body that this operation was called with.
    pub fn body(&self, operation: &str) -> Value {
        let received = self.aws.received_of(operation);
        assert_eq!(received.len(), 1, "{operation} in {:?}", self.operations());
        received[0].json()
    }
}

/// A new deployment leads, unless only the count changes.
fn updated(resting: &Value, request: &Received) -> Value {
    let body = request.json();
    let Some(definition) = body["taskDefinition"].as_str() else { return resting.clone() };
    let mut service = resting.clone();
    service["taskDefinition"] = definition.into();
    let old: Vec<Value> = service["deployments"].as_array().cloned().unwrap_or_default();
    let mut ours = deployment("ecs-svc/8", "PRIMARY", 8, 0, "IN_PROGRESS", "");
    ours["taskDefinition"] = definition.into();
    service["deployments"] = [vec![ours], old].concat().into();
    service
}

pub fn arn(revision: u32) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{revision}")
}

/// DescribeTaskDefinition's answer for revision 7.
pub fn described() -> Value {
    json!({
        "taskDefinition": {
            "taskDefinitionArn": arn(7), "family": "web", "revision": 7, "status": "ACTIVE",
            "containerDefinitions": [{
                "name": "web", "image": IMAGE,
                "environment": [{"name": "DB_PASSWORD", "value": "geheim-old"}, {"name": "MODE", "value": "plain"}],
            }],
        },
        "tags": [],
    })
}

/// One deployment of a service, of two tasks: id, status, revision, running, rollout state and its reason.
pub fn deployment(id: &str, status: &str, revision: u32, running: i64, rollout: &str, reason: &str) -> Value {
    json!({
        "id": id, "status": status, "taskDefinition": arn(revision), "desiredCount": 2, "runningCount": running,
        "pendingCount": 2 - running, "failedTasks": 0, "createdAt": 1_800_000_000.5, "rolloutState": rollout,
        "rolloutStateReason": reason,
    })
}

pub fn service(revision: u32, deployments: &[Value]) -> Value {
    json!({
        "serviceName": "web", "status": "ACTIVE", "taskDefinition": arn(revision), "desiredCount": 2, "runningCount": 2,
        "deploymentConfiguration": {
            "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING",
            "deploymentCircuitBreaker": {"enable": true, "rollback": true},
        },
        "deployments": deployments,
        "events": [{"id": "e0", "message": "(service web) has reached a steady state."}],
    })
}

pub fn at_rest() -> Value {
    service(7, &[deployment("ecs-svc/7", "PRIMARY", 7, 2, "COMPLETED", "")])
}

/// Our deployment leads; it has so many tasks.
pub fn going(running: i64) -> Value {
    let old = deployment("ecs-svc/7", "ACTIVE", 7, 2, "COMPLETED", "");
    service(8, &[deployment("ecs-svc/8", "PRIMARY", 8, running, "IN_PROGRESS", ""), old])
}

pub fn completed() -> Value {
    service(8, &[deployment("ecs-svc/8", "PRIMARY", 8, 2, "COMPLETED", "")])
}

/// The service without a breaker's rollback.
pub fn without_rollback(mut service: Value) -> Value {
    service["deploymentConfiguration"]["deploymentCircuitBreaker"] = json!({"enable": true, "rollback": false});
    service
}
