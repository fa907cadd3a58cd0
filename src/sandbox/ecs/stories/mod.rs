//! Stories of whole rollouts, told in simulated time. The stage below drives a plane as a client and a clock
//! would; with `DOCKLESS_TEST_RECORDS=DIR` set at compile time, as `scripts/test` has it, every call is
//! recorded there, to be held against the service model.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::{ApiError, Fate, ImageNews, Now, Plane, Rule};
use crate::image::Digest;

/// A plane, and the time.
pub struct Stage {
    pub plane: Plane,
    pub now: Now,
}

pub const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/blue/0123456789abcdef";

impl Stage {
    pub fn new() -> Self {
        Stage { plane: Plane::new("111122223333", "eu-west-1"), now: Now::from_seconds(1_700_000_000.0) }
    }

    /// A service `web` of that many tasks, with task definition `web:1`, at rest.
    pub fn with_service(desired: u32, settings: Value) -> Self {
        let mut stage = Stage::new();
        stage.register("web", json!({}));
        stage.create(desired, settings);
        stage.rest();
        assert_eq!(stage.primary()["rolloutState"], "COMPLETED", "{}", stage.service());
        stage
    }

    pub fn call(&mut self, operation: &str, body: Value) -> Value {
        self.attempt(operation, body).unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    pub fn attempt(&mut self, operation: &str, body: Value) -> Result<Value, ApiError> {
        let answer = self.plane.call(operation, body.clone(), self.now);
        record(operation, &body, &answer);
        answer
    }

    pub fn refusal(&mut self, operation: &str, body: Value) -> String {
        self.attempt(operation, body).expect_err("should be refused").to_string()
    }

    pub fn register(&mut self, family: &str, more: Value) -> String {
        let mut body = json!({
            "family": family,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{ "name": "web", "image": "web:1", "portMappings": [{ "containerPort": 80 }] }],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.call("RegisterTaskDefinition", body);
        answer["taskDefinition"]["taskDefinitionArn"].as_str().unwrap().to_owned()
    }

    pub fn create(&mut self, desired: u32, settings: Value) {
        let mut body = json!({
            "serviceName": "web",
            "taskDefinition": "web",
            "desiredCount": desired,
            "launchType": "FARGATE",
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
        });
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        self.call("CreateService", body);
    }

    /// Registers `web:n` and deploys it.
    pub fn deploy(&mut self) -> String {
        let definition = self.register("web", json!({}));
        self.call("UpdateService", json!({ "service": "web", "taskDefinition": definition }));
        definition
    }

    pub fn fate(&mut self, family: &str, fate: Fate) {
        self.plane.set_fates(vec![Rule::family(fate, family)]);
    }

    pub fn pass(&mut self, seconds: f64) {
        self.now = self.now.after(seconds);
        self.plane.tick(self.now);
    }

    /// Lets time pass until nothing but the memory of stopped tasks is left to wait for.
    pub fn rest(&mut self) {
        self.until(|stage| stage.plane.next_wake().is_none_or(|at| at > stage.now.after(1000.0)));
    }

    /// Goes from wake to wake until it is so.
    pub fn until(&mut self, so: impl Fn(&Stage) -> bool) {
        for _ in 0..20_000 {
            if so(self) {
                return;
            }
            let Some(next) = self.plane.next_wake() else { break };
            self.now = next.max(self.now);
            self.plane.tick(self.now);
        }
        assert!(so(self), "never came about: {}", self.plane.describe());
    }

    pub fn service(&mut self) -> Value {
        let answer = self.call("DescribeServices", json!({ "services": ["web"], "include": ["TAGS"] }));
        answer["services"][0].clone()
    }

    pub fn primary(&mut self) -> Value {
        self.service()["deployments"][0].clone()
    }

    /// The newest service deployment.
    pub fn release(&mut self) -> Value {
        let listed = self.call("ListServiceDeployments", json!({ "service": "web" }));
        let arn = listed["serviceDeployments"][0]["serviceDeploymentArn"].clone();
        self.call("DescribeServiceDeployments", json!({ "serviceDeploymentArns": [arn] }))["serviceDeployments"][0]
            .clone()
    }

    /// Events, oldest first.
    pub fn events(&mut self) -> Vec<String> {
        let service = self.service();
        let events = service["events"].as_array().unwrap().iter().rev();
        events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
    }

    pub fn tasks(&mut self, status: &str) -> Vec<Value> {
        let listed = self.call("ListTasks", json!({ "serviceName": "web", "desiredStatus": status }));
        if listed["taskArns"] == json!([]) {
            return Vec::new();
        }
        let body = json!({ "tasks": listed["taskArns"], "include": ["TAGS"] });
        self.call("DescribeTasks", body)["tasks"].as_array().unwrap().clone()
    }
}

impl Plane {
    fn describe(&self) -> String {
        let shown = self.services.values().map(|service| self.show_service(service, false, self.world.now).to_string());
        shown.collect::<Vec<_>>().join("\n")
    }
}

fn record(operation: &str, body: &Value, answer: &Result<Value, ApiError>) {
    let Some(dir) = option_env!("DOCKLESS_TEST_RECORDS") else { return };
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let (status, answer) = match answer {
        Ok(answer) => (200, answer.clone()),
        Err(error) => (400, json!({ "__type": error.code, "message": error.message })),
    };
    let line = json!({ "method": "POST", "path": "/", "target": format!("AmazonEC2ContainerServiceV20141113.{operation}"),
        "request": body, "status": status, "answer": answer });
    // The test harness names each thread after its test.
    let test = std::thread::current().name().unwrap_or("unnamed").replace("::", ".");
    std::fs::create_dir_all(&dir).unwrap();
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(dir.join(test + ".jsonl")).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The account's own registry.
pub const REGISTRY: &str = "127.0.0.1:4711";

impl Stage {
    /// A stage with a registry of its own.
    pub fn with_registry() -> Self {
        let mut stage = Stage::new();
        stage.plane.set_registry(REGISTRY);
        stage
    }

    /// Pushes an image to `web` under this tag; its digest.
    pub fn push(&mut self, tag: &str, content: &str) -> String {
        let digest = Digest::of(content.as_bytes()).to_string();
        let repository = String::from("web");
        let pushed = ImageNews::Pushed { repository: repository.clone(), digest: digest.clone() };
        let tagged = ImageNews::Tagged { repository, tag: tag.into(), digest: digest.clone() };
        self.plane.hear_of_images([pushed, tagged]);
        digest
    }

    pub fn remove_image(&mut self, digest: &str) {
        self.plane.hear_of_images([ImageNews::Removed { repository: "web".into(), digest: digest.into() }]);
    }

    /// Registers `web` with the image of that tag, or digest, in the own registry.
    pub fn register_own(&mut self, version: &str) -> String {
        let separator = if version.contains(':') { '@' } else { ':' };
        let image = format!("{REGISTRY}/web{separator}{version}");
        let container = json!({ "name": "web", "image": image, "portMappings": [{ "containerPort": 80 }] });
        self.register("web", json!({ "containerDefinitions": [container] }))
    }
}

pub fn balanced() -> Value {
    json!({ "loadBalancers": [{ "targetGroupArn": GROUP, "containerName": "web", "containerPort": 80 }] })
}

mod definitions;
mod external;
mod failing;
mod fates;
mod images;
mod keeping;
mod resources;
mod rolling;
mod scale;
mod services;
mod sets;
mod shifting;
mod tasks;
mod weather;
