//! ECS's own record of a service's deployments, kept for ninety days: which of them reached success, which one is
//! under way, and what each of them ran, down to the digests of its images.

use serde_json::{Value, json};

use super::ecs::{CallError, Ecs, Operation};

/// Pages of a hundred that are read at most.
const PAGES: usize = 3;

/// As many as DescribeServiceRevisions takes.
const BATCH: usize = 20;

/// One service deployment, as the list shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    pub arn: String,
    pub status: String,
    /// ARN of the service revision that it was to bring.
    pub target: String,
    /// Seconds since 1970.
    pub created_at: Option<f64>,
    pub finished_at: Option<f64>,
}

/// What a service ran, or was to run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Revision {
    pub arn: String,
    /// ARN of the task definition.
    pub definition: String,
    /// Container and digest, in alphabetical order; without those that ECS did not resolve.
    pub digests: Vec<(String, String)>,
}

impl Past {
    fn read(brief: &Value) -> Past {
        let text = |name: &str| brief[name].as_str().unwrap_or_default().to_owned();
        Past {
            arn: text("serviceDeploymentArn"),
            status: text("status"),
            target: text("targetServiceRevisionArn"),
            created_at: brief["createdAt"].as_f64(),
            finished_at: brief["finishedAt"].as_f64(),
        }
    }

    pub fn succeeded(&self) -> bool {
        self.status == "SUCCESSFUL"
    }

    /// Still on its way forward.
    pub fn is_forward(&self) -> bool {
        ["PENDING", "IN_PROGRESS"].contains(&self.status.as_str())
    }

    pub fn is_rolling_back(&self) -> bool {
        ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"].contains(&self.status.as_str())
    }
}

impl Revision {
    fn read(revision: &Value) -> Revision {
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let images = revision["containerImages"].as_array().into_iter().flatten();
        let resolved = images.filter(|image| image["imageDigest"].is_string());
        let mut digests: Vec<_> =
            resolved.map(|image| (text(image, "containerName"), text(image, "imageDigest"))).collect();
        digests.sort();
        Revision { arn: text(revision, "serviceRevisionArn"), definition: text(revision, "taskDefinition"), digests }
    }
}

/// All deployments of a service that ECS remembers, the newest first.
pub async fn deployments(cluster: &str, service: &str, ecs: &dyn Ecs) -> Result<Vec<Past>, CallError> {
    let mut found = Vec::new();
    let mut body = json!({"cluster": cluster, "service": service, "maxResults": 100});
    for _ in 0..PAGES {
        let mut page = ecs.call(Operation::ListServiceDeployments, body.clone()).await?.body;
        found.extend(page["serviceDeployments"].as_array().into_iter().flatten().map(Past::read));
        match page["nextToken"].take() {
            Value::Null => break,
            token => body["nextToken"] = token,
        }
    }
    // The order of the list is documented nowhere.
    found.sort_by(|a, b| b.created_at.unwrap_or_default().total_cmp(&a.created_at.unwrap_or_default()));
    Ok(found)
}

/// What these service revisions are, as far as ECS still knows.
pub async fn revisions(arns: &[&str], ecs: &dyn Ecs) -> Result<Vec<Revision>, CallError> {
    let mut found = Vec::new();
    for batch in arns.chunks(BATCH) {
        let answer = ecs.call(Operation::DescribeServiceRevisions, json!({"serviceRevisionArns": batch})).await?;
        found.extend(answer.body["serviceRevisions"].as_array().into_iter().flatten().map(Revision::read));
    }
    Ok(found)
}

/// One service deployment in full.
pub async fn deployment(arn: &str, ecs: &dyn Ecs) -> Result<Value, CallError> {
    let mut answer = ecs.call(Operation::DescribeServiceDeployments, json!({"serviceDeploymentArns": [arn]})).await?;
    Ok(answer.body["serviceDeployments"][0].take())
}
