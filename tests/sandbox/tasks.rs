//! `sandbox run --run-tasks`: a pipeline builds, pushes and deploys a web server of a few hundred bytes, which then
//! really serves, and goes on serving through an update. Needs a static busybox and what `tests/running.rs` needs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::record;

const JOB: &str = r#"
set -e
aws() {
    curl -sS --fail-with-body -o /dev/null -H "x-amz-target: AmazonEC2ContainerServiceV20141113.$1" -H "authorization: $SIGNATURE" -d "$2" "$AWS_ENDPOINT_URL"
}
image() {
    echo "$1" > root/www/index.html
    "$DOCKLESS" -q build-and-push --files root:/ --from scratch --entrypoint /bin/busybox --program-args httpd,-f,-p,8080,-h,/www \
        --account-url "$AWS_ECR_ACCOUNT_URL" --repo web --tag "$1" --create-repo
}
first=$(image old)
aws CreateCluster '{"clusterName": "demo"}'
aws RegisterTaskDefinition '{"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
    "containerDefinitions": [{"name": "web", "image": "'"$first"'", "portMappings": [{"containerPort": 8080}]}]}'
aws CreateService '{"cluster": "demo", "serviceName": "web", "taskDefinition": "web", "desiredCount": 2, "launchType": "FARGATE",
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}'
"$DOCKLESS" -q verify-revision-is-deployed --cluster demo --service-name web --task-definition-arn web:1 >/dev/null
url=$("$DOCKLESS" sandbox status --dir "$STATE" | sed -n 's| service demo/web:8080$||p')
[ "$(curl -sS "$url")" = old ]
second=$(image new)
(i=0; while [ $i -lt 150 ]; do curl -sS -o /dev/null -w '%{http_code}\n' "$url" || true; i=$((i + 1)); sleep 0.02; done) > codes &
"$DOCKLESS" -q deploy-service-update --cluster demo --family web --container-image-name-updates "container=web,image-and-tag=$second" >/dev/null
wait
[ "$(curl -sS "$url")" = new ]
sort codes | uniq -c
"#;

#[test]
fn tasks_of_a_rehearsed_pipeline_serve_through_an_update() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::create_dir_all(root.join("www")).unwrap();
    fs::copy("/usr/bin/busybox", root.join("bin/busybox")).expect("busybox is missing: scripts/test installs it");
    symlink("busybox", root.join("bin/httpd")).unwrap();
    let state = dir.path().join("state");
    let ended = Command::new(env!("CARGO_BIN_EXE_dockless"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", dir.path())
        .env("DOCKLESS", env!("CARGO_BIN_EXE_dockless"))
        .env("SIGNATURE", super::support::SIGNATURE)
        .env("STATE", &state)
        .current_dir(dir.path())
        .args(["sandbox", "run", "--run-tasks", "--keep"])
        .arg(&state)
        .args(record::flag())
        .args(["--", "sh", "-c", JOB])
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{stdout}\n{stderr}");
    assert_eq!(stdout.trim(), "150 200", "{stderr}");
    assert!(!holds_entries(&state.join("tasks/tasks")), "nothing of the tasks is left");
}

fn holds_entries(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
}
