//! A sandbox with one service, `shop` in the cluster `main`, at rest on its revision 1.

use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::support::Sandbox;
use crate::support::record::{self, agree};
use crate::support::stage::{Ended, Stage};

/// Makes revision 2.
const NEW_IMAGE: &str = "--container-image-name-updates=container=web,tag=v2";

pub struct Rehearsal {
    pub sandbox: Sandbox,
    pub stage: Stage,
}

/// What the service does about deployments that fail.
pub fn breaker(rollback: bool) -> Value {
    json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": rollback } } })
}

/// One rule of faults.
pub fn rule(on: &str, times: u32, then: Value) -> Value {
    json!({ "rules": [{ "on": on, "times": times, "then": then }] })
}

impl Rehearsal {
    pub async fn start() -> Self {
        let stage = Stage::new();
        let record = record::file_or(stage.path("record"));
        let sandbox = Sandbox::start_with(|options| options.record = Some(record)).await;
        let environment = sandbox.running.environment();
        let stage = environment.iter().fold(stage, |stage, (name, value)| stage.env(name, value));
        Rehearsal { sandbox, stage }
    }

    /// With the cluster, the first revision of the definition, and the images of this revision and the next.
    pub async fn without_service() -> Self {
        let rehearsal = Self::start().await;
        rehearsal.ecs("CreateCluster", json!({ "clusterName": "main" })).await;
        for tag in ["v1", "v2"] {
            rehearsal.sandbox.push_image("shop", tag, tag.as_bytes()).await;
        }
        let image = format!("{}/shop:v1", rehearsal.sandbox.running.registry());
        let check = json!({ "command": ["CMD", "true"] });
        let web = json!({ "name": "web", "image": image, "memory": 128, "essential": true, "healthCheck": check,
            "portMappings": [{ "containerPort": 80 }] });
        let definition = json!({ "family": "shop", "containerDefinitions": [web] });
        rehearsal.ecs("RegisterTaskDefinition", definition).await;
        rehearsal
    }

    /// With the service, which has these members besides the usual ones.
    pub async fn with_service(more: Value) -> Self {
        let rehearsal = Self::without_service().await;
        rehearsal.create_service(more).await;
        rehearsal
    }

    /// With a variable in the job's environment.
    pub fn with(self, name: &str, value: &str) -> Self {
        Rehearsal { stage: self.stage.env(name, value), ..self }
    }

    /// Makes the service and waits until it is at rest.
    pub async fn create_service(&self, more: Value) {
        let mut service =
            json!({ "cluster": "main", "serviceName": "shop", "taskDefinition": "shop", "desiredCount": 2 });
        service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ecs("CreateService", service).await;
        self.settled().await;
    }

    async fn settled(&self) {
        while self.service().await["deployments"][0]["rolloutState"] != "COMPLETED" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn service(&self) -> Value {
        let answer = self.ecs("DescribeServices", json!({ "cluster": "main", "services": ["shop"] })).await;
        answer["services"][0].clone()
    }

    /// One call, as somebody else makes it.
    pub async fn ecs(&self, operation: &str, input: Value) -> Value {
        let service = "AmazonEC2ContainerServiceV20141113";
        let (status, answer) = self.sandbox.aws(service, operation, input).await.unwrap();
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    /// What becomes of every task that is started from now on.
    pub async fn fate(&self, fate: Value) {
        self.sandbox.set_faults(json!({ "fates": [{ "family": "shop:2", "fate": fate }] })).await;
    }

    pub async fn deploy(&self, words: &[&str]) -> Ended {
        self.stage
            .run(&[&["deploy-service-update", "--cluster=main", "--family=shop", NEW_IMAGE], words].concat())
            .await
    }

    /// Builds an image of this content and pushes it to `shop:v1`.
    pub async fn push(&self, content: &[u8], words: &[&str]) -> Ended {
        self.stage.write("www/index.html", content);
        let build =
            ["build-and-push", "--files=www:/www", "--from=scratch", "--repo=shop", "--tag=v1", "--create-repo"];
        self.stage.run(&[&build, words].concat()).await
    }

    /// How many requests began and ended like this.
    pub async fn count(&self, begin: &str, end: &str) -> usize {
        let like = |line: &&String| line.starts_with(begin) && line.ends_with(end);
        self.sandbox.requests().await.iter().filter(like).count()
    }

    /// Holds the record against AWS's models, unless all records are afterwards.
    pub async fn end(self) {
        let record = record::file_or(self.stage.path("record"));
        tokio::task::spawn_blocking(move || agree(&record)).await.unwrap();
    }
}

/// The exit code and every part of what was said, on one screen.
pub fn says(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, code, "{}", ended.stderr);
    parts.iter().for_each(|part| assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr));
    let verdict = ended.stderr.lines().skip_while(|line| !line.starts_with("shop in main: "));
    assert!(verdict.count() <= 24, "more than one screen:\n{}", ended.stderr);
}
