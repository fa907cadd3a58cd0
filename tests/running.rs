//! Tasks that really run: a web server of a few hundred bytes goes through the rollouts that a service goes
//! through, under load, and everything it had is gone in the end. Needs namespaces and a static busybox.

#[path = "running/stage.rs"]
mod stage;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dockless::clock::Clock;
use dockless::registry::{Anonymous, Client};
use dockless::report::{Events, Explain};
use dockless::sandbox::run::Secrets;
use serde_json::{Value, json};
use stage::{Load, Shelf, Stage, mounts_of, own_children, own_listeners};

use crate::support::docker_registry::DockerRegistry;
use crate::support::stack::Stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolling_update_of_a_running_service_fails_no_request() {
    let mut stage = Stage::open(Shelf::new().serving("web:1", "old").serving("web:2", "new")).await;
    stage.register("web:1", json!({}));
    stage.create(2);
    stage.until_steady().await;
    let load = Load::start(&stage.url());
    stage.register("web:2", json!({}));
    stage.update(2);
    stage.until_steady().await;
    stage.pause(300).await;
    let seen = load.stop().await;
    assert_eq!(seen.failures, Vec::<String>::new());
    assert_eq!(seen.texts, BTreeSet::from(["new".to_owned(), "old".to_owned()]));
    assert!(seen.requests > 50, "{}", seen.requests);
    assert_eq!(stage.get().await.unwrap(), "new");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_version_rolls_back_while_the_old_one_serves() {
    let mut stage = Stage::open(Shelf::new().serving("web:1", "old").running("web:2", &["sh", "-c", "exit 3"])).await;
    stage.register("web:1", json!({}));
    stage.create(1);
    stage.until_steady().await;
    let load = Load::start(&stage.url());
    stage.register("web:2", json!({}));
    stage.update(2);
    stage.until(|stage| stage.rollout().contains("ROLLBACK_SUCCESSFUL")).await;
    let seen = load.stop().await;
    assert_eq!((seen.failures, seen.texts), (Vec::<String>::new(), BTreeSet::from(["old".to_owned()])));
    let codes = stage.exit_codes();
    assert!(codes.contains(&3), "{codes:?}");
    stage.close().await;
}

/// The deregistration delay of the simulation is half a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_under_way_outlasts_a_short_deregistration_delay() {
    let mut stage = Stage::open(Shelf::new().serving("web:1", "old").serving("web:2", "new")).await;
    stage.register("web:1", json!({}));
    stage.create(1);
    stage.until_steady().await;
    stage.register("web:2", json!({}));
    stage.update(2);
    stage.until(|stage| stage.tasks().len() == 2).await;
    let url = format!("{}/cgi-bin/slow", stage.url());
    let slow = tokio::spawn(async move { stage::get(&reqwest::Client::new(), &url).await });
    stage.until_steady().await;
    assert_eq!(slow.await.unwrap(), Ok("old".to_owned()));
    stage.close().await;
}

/// The application of ci-examples, on the JRE that the stack has made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spring_boot_is_updated_without_a_failed_request_and_a_broken_one_rolls_back() {
    let Some(stack) = Stack::running() else { return };
    let (jar, jre) = (fs::read(stack.fixture("spring-boot/app.jar")).unwrap(), stack.image("jre"));
    let booting = |shelf: Shelf, name, jar, text| shelf.booting(jre.as_ref(), name, jar, text);
    let shelf = booting(Shelf::new(), "web:1", &jar, "old");
    let shelf = booting(booting(shelf, "web:2", &jar, "new"), "web:3", b"", "broken");
    let mut stage = Stage::open(shelf).await;
    stage.register("web:1", json!({}));
    stage.create(2);
    stage.until_steady().await;
    let load = Load::start(&stage.url());
    stage.register("web:2", json!({}));
    stage.update(2);
    stage.until_steady().await;
    stage.register("web:3", json!({}));
    stage.update(3);
    stage.until(|stage| stage.rollout().contains("ROLLBACK_SUCCESSFUL")).await;
    let seen = load.stop().await;
    assert_eq!(seen.failures, Vec::<String>::new());
    assert_eq!(seen.texts, BTreeSet::from(["new".to_owned(), "old".to_owned()]));
    assert_eq!(stage.get().await.unwrap(), "new");
    println!("{} requests", seen.requests);
    stage.close().await;
}

fn shell(name: &str, script: &str, more: Value) -> Value {
    let mounts = json!([{ "sourceVolume": "v", "containerPath": "/v" }]);
    let mut container = json!({ "name": name, "image": "box:1", "entryPoint": ["sh", "-c"], "command": [script],
        "stopTimeout": 5, "mountPoints": mounts });
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    container
}

fn after(name: &str, condition: &str) -> Value {
    json!({ "containerName": name, "condition": condition })
}

fn container<'a>(task: &'a Value, name: &str) -> &'a Value {
    task["containers"].as_array().unwrap().iter().find(|container| container["name"] == name).unwrap()
}

fn boxes() -> Shelf {
    Shelf::new().running("box:1", &["sh"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containers_start_as_they_need_one_another_and_stop_the_other_way_round() {
    let mut stage = Stage::open(boxes()).await;
    let check = json!({ "command": ["CMD-SHELL", "ls /v/up"], "interval": 5 });
    stage.register_all(&[
        shell(
            "main",
            "trap 'sleep 0.3; touch /v/web-is-over; exit 0' TERM; ls /v; while :; do sleep 0.1; done",
            json!({ "dependsOn": [after("init", "SUCCESS"), after("db", "HEALTHY")] }),
        ),
        shell("init", "sleep 0.3; touch /v/initial", json!({ "essential": false })),
        shell(
            "db",
            "trap 'ls /v; exit 0' TERM; sleep 1; touch /v/up; while :; do sleep 0.1; done",
            json!({ "healthCheck": check, "dependsOn": [after("init", "START")] }),
        ),
    ]);
    let task = stage.run_task();
    stage.until(|stage| container(&stage.task(&task), "init")["exitCode"] == 0).await;
    assert_eq!(stage.task(&task)["lastStatus"], "PENDING", "the others are still to come");
    stage.until(|stage| stage.task(&task)["lastStatus"] == "RUNNING").await;
    stage.until(|stage| stage.log_of(&task, "main").contains("up")).await;
    assert_eq!(stage.log_of(&task, "main"), "initial\nup\n");
    assert_eq!(container(&stage.task(&task), "init")["lastStatus"], "STOPPED");
    stage.stop_task(&task);
    let ended = stage.until_stopped(&task).await;
    assert_eq!(stage.log_of(&task, "db"), "initial\nup\nweb-is-over\n", "{ended}");
    assert_eq!((&ended["stopCode"], &container(&ended, "db")["exitCode"]), (&json!("UserInitiated"), &json!(0)));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn container_that_waits_in_vain_ends_its_task_as_in_ecs() {
    let mut stage = Stage::open(boxes()).await;
    let mut tasks = Vec::new();
    for (script, condition) in [("exit 3", "SUCCESS"), ("sleep 600", "COMPLETE"), ("sleep 600", "HEALTHY")] {
        let check = json!({ "command": ["CMD", "false"], "interval": 5 });
        let slow = json!({ "essential": false, "startTimeout": 2, "healthCheck": check });
        let needy = json!({ "dependsOn": [after("init", condition)] });
        stage.register_all(&[shell("main", "echo never", needy), shell("init", script, slow)]);
        tasks.push(stage.run_task());
    }
    for (task, why) in tasks.iter().zip(["did not exit successfully.", "has timed out.", "has timed out."]) {
        let ended = stage.until_stopped(task).await;
        let (main, reason) =
            (container(&ended, "main"), container(&ended, "main")["reason"].as_str().unwrap_or_default());
        assert!(
            reason.starts_with("CannotStartContainerError: dependency graph: ") && reason.ends_with(why),
            "{ended}"
        );
        assert_eq!((&ended["stopCode"], &main["exitCode"]), (&json!("EssentialContainerExited"), &json!(143)));
        assert_eq!(stage.log_of(task, "main"), "");
    }
    stage.close().await;
}

/// Where the task can do without the container that waits in vain, it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task_goes_on_without_a_container_it_does_not_need() {
    let mut stage = Stage::open(boxes()).await;
    stage.register_all(&[
        shell("main", "sleep 1; exit 4", json!({})),
        shell("side", "exit 0", json!({ "essential": false, "dependsOn": [after("init", "SUCCESS")] })),
        shell("init", "exit 3", json!({ "essential": false })),
    ]);
    let task = stage.run_task();
    stage.until(|stage| stage.task(&task)["lastStatus"] == "RUNNING").await;
    let ended = stage.until_stopped(&task).await;
    let codes = ["main", "side", "init"].map(|name| container(&ended, name)["exitCode"].clone());
    assert_eq!(codes, [json!(4), json!(143), json!(3)], "{ended}");
    stage.close().await;
}

const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_reach_their_container_and_nobody_else() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("secrets.json");
    let values = json!({ SECRET: { "password": "hush-4711" }, "arn:aws:s3:::bucket/app.env": "app.env" });
    fs::write(&path, values.to_string()).unwrap();
    fs::write(dir.path().join("app.env"), "GREETING=hello\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let mut stage = Stage::open_with(boxes(), Secrets::read(&path).unwrap()).await;
    let asks = |from: String| {
        json!({ "secrets": [{ "name": "PASSWORD", "valueFrom": from }],
                "environmentFiles": [{ "value": "arn:aws:s3:::bucket/app.env", "type": "s3" }],
                "healthCheck": { "command": ["CMD-SHELL", "case $PASSWORD in hush-4*) exit 0;; esac; exit 1"], "interval": 5 } })
    };
    let script = "case $PASSWORD in hush-4*) echo $GREETING;; esac; trap 'exit 0' TERM; while :; do sleep 0.1; done";
    stage.register_all(&[shell("main", script, asks(format!("{SECRET}:password::")))]);
    let task = stage.run_task();
    stage.until(|stage| stage.task(&task)["healthStatus"] == "HEALTHY").await;
    assert_eq!(stage.log_of(&task, "main"), "hello\n");
    let arguments = fs::read_dir("/proc").unwrap().flatten().map(|entry| fs::read(entry.path().join("cmdline")));
    let told = arguments.flatten().filter(|line| line.windows(9).any(|part| part == b"hush-4711"));
    assert_eq!(told.count(), 0, "the value is in an argument");
    stage.stop_task(&task);
    stage.until_stopped(&task).await;

    stage.register_all(&[shell("main", "exit 0", asks(format!("{SECRET}:nokey::")))]);
    let task = stage.run_task();
    let ended = stage.until_stopped(&task).await;
    let reason = ended["stoppedReason"].as_str().unwrap();
    assert!(reason.starts_with("ResourceInitializationError: unable to pull secrets or registry auth: "), "{reason}");
    assert!(!ended.to_string().contains("hush"), "{ended}");
    assert_eq!(ended["stopCode"], "TaskFailedToStart");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn container_that_takes_too_much_memory_is_killed_as_in_ecs() {
    let mut stage = Stage::open(boxes()).await;
    if !stage.ground().contains("memory limited") {
        eprintln!("SKIPPED: this machine lets nobody limit memory: {}", stage.ground());
        return;
    }
    let script = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; \
                  exec dd if=/dev/zero of=/dev/null bs=100M count=1";
    stage.register_all(&[shell("main", script, json!({ "memory": 32 }))]);
    let task = stage.run_task();
    let ended = stage.until_stopped(&task).await;
    let main = container(&ended, "main");
    let told = (main["exitCode"].as_i64(), main["reason"].as_str());
    assert_eq!(told, (Some(137), Some("OutOfMemoryError: Container killed due to memory usage")), "{ended}");
    assert_eq!(stage.log_of(&task, "main"), "33554432\n", "its own limit is what a program sees");
    stage.register_all(&[shell("main", "sleep 0.5; exit 137", json!({ "memory": 32 }))]);
    let other = stage.run_task();
    stage.until(|stage| stage.task(&other)["lastStatus"] == "RUNNING").await;
    let record = stage.dir().join("tasks").join(other.rsplit('/').next().unwrap()).join("memory-group");
    let group = PathBuf::from(fs::read_to_string(record).unwrap());
    assert!(group.join("main").is_dir());
    let ended = stage.until_stopped(&other).await;
    assert_eq!(
        (&container(&ended, "main")["exitCode"], &container(&ended, "main")["reason"]),
        (&json!(137), &Value::Null)
    );
    stage.close().await;
    assert!(!group.exists(), "{} is left", group.display());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_leaves_no_process_no_mount_no_file_and_nothing_listened_beyond_loopback() {
    let mut stage = Stage::open(Shelf::new().serving("web:1", "here")).await;
    stage.register("web:1", json!({}));
    stage.create(1);
    stage.until_steady().await;
    assert_eq!(stage.get().await.unwrap(), "here");
    let dir = stage.dir();
    assert!(!own_children(&dir).is_empty());
    assert_eq!(mounts_of(&dir), Vec::<String>::new(), "the host sees a mount");
    let listeners = own_listeners();
    assert!(!listeners.is_empty() && listeners.iter().all(|address| address.starts_with("0100007F:")), "{listeners:?}");
    assert!(!stage::somebody_listens(8080), "the task's port is bound on the host");
    stage.close().await;
    assert_eq!(own_children(&dir), Vec::<String>::new());
    assert_eq!(mounts_of(&dir), Vec::<String>::new());
    assert!(!dir.join("tasks").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_end_with_a_sandbox_that_was_not_stopped() {
    let mut stage = Stage::open(Shelf::new().serving("web:1", "here")).await;
    stage.register("web:1", json!({}));
    stage.create(1);
    stage.until_steady().await;
    let dir = stage.dir();
    let kept = stage.abandon();
    for _ in 0..200 {
        if own_children(&dir).is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(own_children(&dir), Vec::<String>::new());
    drop(kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn container_gets_its_environment_its_user_and_a_place_of_its_own() {
    let script = "echo $GREETING $(id -u) $(pwd) $$; hostname; ls -d /proc/[0-9]* | wc -l; cat /etc/hosts; \
                  echo out >/dev/null; ip addr; ps; touch /www/mine; exit 7";
    let mut stage = Stage::open(Shelf::new().running("job:1", &["sh", "-c", script])).await;
    stage.register(
        "job:1",
        json!({ "environment": [{ "name": "GREETING", "value": "hello" }], "user": "1000:1000", "workingDirectory": "/tmp" }),
    );
    let task = stage.run_task();
    stage.until(|stage| stage.task(&task)["lastStatus"] == "STOPPED").await;
    assert_eq!(stage.task(&task)["containers"][0]["exitCode"], 7, "{}", stage.task(&task));
    let log = fs::read_to_string(stage.log(&task)).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    // Without root there is one user only, and a line that says so.
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let greeting = if root { lines[0] } else { lines[1] };
    assert!(greeting.starts_with(if root { "hello 1000 /tmp 1" } else { "hello 0 /tmp 1" }), "{log}");
    assert!(lines.iter().any(|line| line.starts_with("ip-")), "{log}");
    assert!(!log.contains("eth0"), "{log}");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_command_runs_in_the_container_and_decides() {
    let mut stage = Stage::open(Shelf::new().serving("web:1", "well")).await;
    let check = "wget -q -O- http://127.0.0.1:8080/ | grep -q well && touch /tmp/asked";
    stage.register("web:1", json!({ "healthCheck": { "command": ["CMD-SHELL", check], "interval": 5, "retries": 1 } }));
    stage.create(1);
    stage.until_steady().await;
    let task = stage.tasks()[0].clone();
    assert_eq!(stage.task(&task)["healthStatus"], "HEALTHY");
    stage.register("web:1", json!({ "healthCheck": { "command": ["CMD", "false"], "interval": 5, "retries": 1 } }));
    stage.update(2);
    stage.until(|stage| stage.events().iter().any(|event| event.contains("health"))).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn image_that_is_not_there_is_told_as_ecs_tells_it() {
    let mut stage = Stage::open(Shelf::new().running("job:1", &["/no/such/program"])).await;
    stage.register("missing:1", json!({}));
    let task = stage.run_task();
    stage.until(|stage| stage.task(&task)["lastStatus"] == "STOPPED").await;
    let reason = stage.task(&task)["stoppedReason"].to_string();
    assert!(reason.contains("failed to resolve ref missing:1: missing:1: not found"), "{reason}");
    stage.register("job:1", json!({}));
    let task = stage.run_task();
    stage.until(|stage| stage.task(&task)["lastStatus"] == "STOPPED").await;
    let reason = stage.task(&task)["stoppedReason"].to_string();
    assert!(reason.contains("CannotStartContainerError: main: exec /no/such/program: No such file"), "{reason}");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn image_is_pulled_from_a_registry() {
    let server = DockerRegistry::start();
    let client = Client::new(Default::default(), Arc::new(Anonymous), Clock::Real, Events::none()).unwrap();
    Shelf::new().serving("team/web:1", "pulled").push(&client, server.host()).await;
    let mut stage = Stage::open(client).await;
    stage.register(&format!("{}/team/web:1", server.host()), json!({}));
    stage.create(1);
    stage.until_steady().await;
    assert_eq!(stage.get().await.unwrap(), "pulled");
    stage.close().await;
}

/// As in a container that has root and nothing else. To take that away from itself this test needs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machine_without_namespaces_is_refused_or_shares_its_network() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let dir = tempfile::TempDir::new().unwrap();
    let poor = dir.path().join("poor");
    let program = env!("CARGO_BIN_EXE_dockless");
    fs::write(&poor, format!("#!/bin/sh\nexec /usr/bin/setpriv --bounding-set -sys_admin -- {program} \"$@\"\n"))
        .unwrap();
    fs::set_permissions(&poor, fs::Permissions::from_mode(0o755)).unwrap();
    let shelf = || Shelf::new().running("job:1", &["sh", "-c", "cat /www/index.html && sleep 100 & ls / && exit 5"]);
    let refusal = Stage::try_open(shelf(), &poor, false, Secrets::default()).await.err().expect("refused");
    assert!(refusal.to_string().contains("network namespace: Operation not permitted"), "{refusal}");
    assert!(refusal.hint().unwrap().contains("--host-network"));
    let mut stage = Stage::try_open(shelf(), &poor, true, Secrets::default()).await.unwrap();
    assert!(stage.ground().starts_with("no namespaces, as root; root chroot to a copy"), "{}", stage.ground());
    stage.register("job:1", json!({}));
    let task = stage.run_task();
    stage.until(|stage| stage.task(&task)["lastStatus"] == "STOPPED").await;
    assert_eq!(stage.task(&task)["containers"][0]["exitCode"], 5, "{}", stage.task(&task));
    let log = fs::read_to_string(stage.log(&task)).unwrap();
    assert!(log.contains("bin\n") && log.contains("www\n") && !log.contains("usr\n"), "{log}");
    stage.close().await;
}
