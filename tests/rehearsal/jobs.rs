//! A whole job of a pipeline within `dockless sandbox run`, with our binary and a shell.

use crate::support::record::{self, agree};
use crate::support::stage::{Ended, Stage};

const DEFINITION: &str = r#"{
  "family": "shop",
  "containerDefinitions": [{"name": "web", "image": "IMAGE", "memory": 128, "essential": true}]
}"#;

/// Clusters are there before a pipeline runs, made by whoever keeps the infrastructure.
const JOB: &str = r#"set -e
python3 -c 'import boto3; boto3.client("ecs").create_cluster(clusterName="main")'
dockless build-and-push --files www:/www --from scratch --repo shop --tag v1 --create-repo
sed "s,IMAGE,$AWS_ECR_ACCOUNT_URL/shop:v1," definition.json > shop.json
dockless update-task-definition-from-json --task-definition-json shop.json
dockless deploy-service-update --cluster main --family shop --create-service --desired-count 2 \
  --skip-task-definition-registration
echo changed > www/index.html
dockless build-and-push --files www:/www --from scratch --repo shop --tag v2
dockless deploy-service-update --cluster main --family shop \
  --container-image-name-updates container=web,tag=v2
"#;

async fn run(job: &str) -> (Stage, Ended) {
    let stage = Stage::new();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_dockless"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let stage = stage.env("PATH", &path);
    stage.write("www/index.html", "hello");
    stage.write("definition.json", DEFINITION);
    stage.write("job.sh", job);
    let record = record::file_or(stage.path("record"));
    let ended = stage.run(&["sandbox", "run", "--record", record.to_str().unwrap(), "--", "sh", "job.sh"]).await;
    (stage, ended)
}

#[tokio::test]
async fn job_runs_from_the_source_to_a_deployed_service() {
    let (stage, ended) = run(JOB).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("shop in main: shop:2 is deployed"), "{}", ended.stderr);
    let record = record::file_or(stage.path("record"));
    tokio::task::spawn_blocking(move || agree(&record)).await.unwrap();
}

#[tokio::test]
async fn job_that_fails_says_so_with_the_commands_own_code() {
    let (_, ended) = run("dockless deploy-service-update --cluster none --family none").await;
    assert!(ended.code != 0 && ended.stderr.contains("none"), "{}: {}", ended.code, ended.stderr);
}
