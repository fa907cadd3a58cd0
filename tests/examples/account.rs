//! An account of the local stack's AWS, for one test alone.

use std::process::Command;

use crate::support::stack::Stack;

/// An account of the local AWS. It takes an access key of twelve digits for the account of that number.
pub struct Account {
    pub id: String,
    pub stack: Stack,
}

impl Account {
    pub fn of(pipeline: &str, stack: Stack) -> Self {
        let id =
            pipeline.bytes().fold(std::process::id() as u64, |sum, byte| sum * 31 % 899_999_999_999 + u64::from(byte));
        Account { id: (100_000_000_000 + id % 899_999_999_999).to_string(), stack }
    }

    pub fn set_stage(&self, service: &str, container: &str) {
        self.ecs("CreateCluster", r#"{"clusterName":"production"}"#);
        let image = format!("{}/base/busybox:1", &self.stack["REGISTRY"]);
        self.ecs(
            "RegisterTaskDefinition",
            &format!(
                r#"{{"family":"{service}","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512",
                "containerDefinitions":[{{"name":"{container}","image":"{image}","essential":true}}]}}"#
            ),
        );
        self.ecs(
            "CreateService",
            &format!(
                r#"{{"cluster":"production","serviceName":"{service}","taskDefinition":"{service}","desiredCount":1,
                "launchType":"FARGATE","networkConfiguration":{{"awsvpcConfiguration":{{"subnets":["subnet-1"]}}}}}}"#
            ),
        );
    }

    pub fn deployed_image(&self, service: &str) -> String {
        let services = self.ecs("DescribeServices", &format!(r#"{{"cluster":"production","services":["{service}"]}}"#));
        let revision =
            services["services"][0]["taskDefinition"].as_str().expect("the service has a revision").to_owned();
        let definition = self.ecs("DescribeTaskDefinition", &format!(r#"{{"taskDefinition":"{revision}"}}"#));
        definition["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap().to_owned()
    }

    fn ecs(&self, operation: &str, body: &str) -> serde_json::Value {
        let target = format!("X-Amz-Target: AmazonEC2ContainerServiceV20141113.{operation}");
        let key = format!("Authorization: AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/ecs/aws4_request", self.id);
        let answer = curl(&[
            "-H",
            &target,
            "-H",
            &key,
            "-H",
            "Content-Type: application/x-amz-json-1.1",
            "-d",
            body,
            &self.stack["AWS_ENDPOINT_URL"],
        ]);
        serde_json::from_str(&answer).unwrap_or_else(|why| panic!("{operation}: {why}: {answer}"))
    }
}

pub fn curl(arguments: &[&str]) -> String {
    let output =
        Command::new("curl").args(["-fsS", "--max-time", "30"]).args(arguments).output().expect("curl is there");
    assert!(output.status.success(), "curl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
