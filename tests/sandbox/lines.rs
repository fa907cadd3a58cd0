//! What a container that really runs writes is in CloudWatch Logs, and on the screen of the deployment that it makes
//! fail. Needs what `tasks.rs` needs.

use std::fs;
use std::process::Command;

use crate::support::record;

const JOB: &str = r#"
aws() {
    curl -sS --fail-with-body -o /dev/null -H "x-amz-target: AmazonEC2ContainerServiceV20141113.$1" -H "authorization: $SIGNATURE" -d "$2" "$AWS_ENDPOINT_URL"
}
image() {
    "$DOCKLESS" -q build-and-push --files root:/ --from scratch --entrypoint /bin/busybox --program-args "$2" \
        --account-url "$AWS_ECR_ACCOUNT_URL" --repo web --tag "$1" --create-repo
}
good=$(image good 'sleep,600') && bad=$(image bad 'sh,-c,echo starting; echo ::error::no database >&2; exit 3') || exit 1
aws CreateCluster '{"clusterName": "demo"}'
logs='"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "app"}}'
aws RegisterTaskDefinition '{"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
    "executionRoleArn": "arn:aws:iam::123456789012:role/execution", "containerDefinitions": [{"name": "web", "image": "'"$good"'", '"$logs"'}]}'
aws CreateService '{"cluster": "demo", "serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE",
    "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}},
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}'
"$DOCKLESS" -q verify-revision-is-deployed --cluster demo --service-name web --task-definition-arn web:1 >/dev/null || exit 1
"$DOCKLESS" deploy-service-update --cluster demo --family web --container-image-name-updates "container=web,image-and-tag=$bad"
"#;

#[test]
fn lines_of_a_container_that_runs_explain_why_it_failed() {
    let dir = tempfile::tempdir().unwrap();
    let bin = dir.path().join("root/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::copy("/usr/bin/busybox", bin.join("busybox")).expect("busybox is missing: scripts/test installs it");
    let ended = Command::new(env!("CARGO_BIN_EXE_dockless"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", dir.path())
        .env("DOCKLESS", env!("CARGO_BIN_EXE_dockless"))
        .env("SIGNATURE", super::support::SIGNATURE)
        .current_dir(dir.path())
        .args(["sandbox", "run", "--run-tasks"])
        .args(record::flag())
        .args(["--", "sh", "-c", JOB])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(4), "{stderr}");
    for part in [
        "container web exited with 3",
        "The last lines of web (/ecs/web, app/web/",
        "| starting\n",
        "| : :error::no database\n",
    ] {
        assert!(stderr.contains(part), "{part}\n{stderr}");
    }
}
