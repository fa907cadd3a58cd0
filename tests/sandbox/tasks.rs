//! `sandbox run --run-tasks`: a pipeline builds, pushes and deploys a web server of a few hundred bytes, which then
//! really serves, and goes on serving through an update. Needs a static busybox and what `tests/running.rs` needs.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dockless::sandbox::Home;

use super::process::is_alive;
use crate::support::record;

const DEPLOY: &str = r#"
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
    "containerDefinitions": [{"name": "web", "user": "1000:1000", "image": "'"$first"'", "portMappings": [{"containerPort": 8080}]}]}'
aws CreateService '{"cluster": "demo", "serviceName": "web", "taskDefinition": "web", "desiredCount": 2, "launchType": "FARGATE",
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}'
"$DOCKLESS" -q verify-revision-is-deployed --cluster demo --service-name web --task-definition-arn web:1 >/dev/null
"#;

const UPDATE: &str = r#"
url=$("$DOCKLESS" sandbox status | sed -n 's| service demo/web:8080$||p')
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
    let (_alone, dir) = (alone(), source());
    let state = dir.path().join("state");
    let ended = program(dir.path(), env!("CARGO_BIN_EXE_dockless"))
        .args(["sandbox", "run", "--run-tasks", "--keep"])
        .arg(&state)
        .args(record::flag())
        .args(["--", "sh", "-c", &format!("{DEPLOY}{UPDATE}")])
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{stdout}\n{stderr}");
    assert_eq!(stdout.trim(), "150 200", "{stderr}");
    assert!(!holds_entries(&state.join("tasks/tasks")), "nothing of the tasks is left");
}

/// One at a time: the kernel gives the number of a network that is gone to the next one, which is not what is left of it.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a pipeline builds its images from.
fn source() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::create_dir_all(root.join("www")).unwrap();
    fs::copy("/usr/bin/busybox", root.join("bin/busybox")).expect("busybox is missing: scripts/test installs it");
    symlink("busybox", root.join("bin/httpd")).unwrap();
    dir
}

fn program(dir: &Path, name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", dir).current_dir(dir);
    command.env("DOCKLESS", env!("CARGO_BIN_EXE_dockless")).env("SIGNATURE", super::support::SIGNATURE);
    command
}

/// A sandbox in the foreground.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serving(dir: &Path, port: u16) -> Serving {
    let mut command = program(dir, env!("CARGO_BIN_EXE_dockless"));
    command.args(["sandbox", "start", "--run-tasks", "--dir", "state", "--port", &port.to_string()]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let home = Home::new(dir.join("state"));
    until("it is up", || home.running().unwrap().is_some_and(|running| running.pid == child.id()));
    Serving(child)
}

fn until(what: &str, so: impl Fn() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// First the sandbox alone is killed, then its children with it, who stand between it and the containers. These run as
/// a user who is not root, so that a container cannot rely on what a change of user takes away.
#[test]
fn tasks_end_at_once_with_a_sandbox_that_is_killed_and_nothing_is_left() {
    let (_alone, dir) = (alone(), source());
    let (state, run) = (dir.path().join("state"), |words: &[&str]| {
        program(dir.path(), env!("CARGO_BIN_EXE_dockless")).args(words).args(["--dir", "state"]).output().unwrap()
    });
    let mut port = 0;
    for with_children in [false, true] {
        let mut sandbox = serving(dir.path(), port);
        // Images are named by it.
        port = Home::new(&state).running().unwrap().unwrap().port;
        let id = sandbox.0.id();
        if !with_children {
            let exports = String::from_utf8(run(&["sandbox", "env"]).stdout).unwrap();
            let deployed = program(dir.path(), "sh").args(["-c", &format!("{exports}{DEPLOY}")]).output().unwrap();
            assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
        }
        // Two tasks: a keeper of the network, a keeper of the container, and the container.
        until("all processes are there", || descendants(id).len() >= 6);
        let (all, tasks) = (descendants(id), names(&state.join("tasks/tasks")));
        let record = |task: &String| fs::read_to_string(state.join("tasks/tasks").join(task).join("memory-group")).ok();
        let groups: Vec<String> = tasks.iter().filter_map(record).collect();
        let networks: BTreeSet<_> = all.iter().filter_map(|pid| network(*pid)).collect();
        assert_eq!((tasks.len(), networks.len()), (2, 2), "one each");
        let own = network(std::process::id()).unwrap();
        let children = children(id);
        sandbox.0.kill().unwrap();
        if with_children {
            run_kill(&children);
        }
        sandbox.0.wait().unwrap();
        until("all processes have ended", || !all.iter().any(|pid| is_alive(*pid)));
        let everybody =
            || fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let holders: Vec<u32> =
            everybody().filter(|pid| network(*pid).is_some_and(|one| one != own && networks.contains(&one))).collect();
        assert!(holders.is_empty(), "a network is left: {holders:?}");
        let place = state.display().to_string();
        let mounts = |pid: u32| fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
        assert_eq!(everybody().filter(|pid| mounts(*pid).contains(&place)).count(), 0, "a mount is left");
        // Once by `stop`, once by the next `start`.
        if with_children {
            let told = run(&["sandbox", "stop"]);
            assert_eq!(told.status.code(), Some(1), "{told:?}");
        } else {
            let mut next = serving(dir.path(), port);
            assert_eq!(run(&["sandbox", "stop"]).status.code(), Some(0));
            next.0.wait().unwrap();
        }
        assert_eq!(names(&state.join("tasks/tasks")), Vec::<String>::new());
        groups.iter().for_each(|group| assert!(!Path::new(group).exists(), "{group} is left"));
    }
}

/// Their images are named by a port that is somebody else's by then.
#[test]
fn tasks_of_a_sandbox_that_was_killed_are_replaced_on_another_port() {
    let (_alone, dir) = (alone(), source());
    let home = Home::new(dir.path().join("state"));
    let mut first = serving(dir.path(), 0);
    let running = home.running().unwrap().unwrap();
    let script = format!("{}\n{DEPLOY}", running.exports("").join("\n"));
    let deployed = program(dir.path(), "sh").args(["-c", &script]).output().unwrap();
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", running.port)).unwrap();
    let _second = serving(dir.path(), 0);
    assert_eq!(home.running().unwrap().unwrap().moved_from, Some(running.port));
    let page = || {
        let url = home.services().into_values().next().unwrap_or_default();
        let got = Command::new("curl").args(["-s", "--noproxy", "*", "-w", "%{http_code}", &url]).output().unwrap();
        String::from_utf8_lossy(&got.stdout).into_owned()
    };
    until("the page is served again", || page() == "old\n200");
}

fn run_kill(pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    assert!(Command::new("kill").arg("-9").args(pids).status().unwrap().success());
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn network(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}

fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()).collect()
}

fn descendants(pid: u32) -> Vec<u32> {
    children(pid).into_iter().flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}

fn holds_entries(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
}
