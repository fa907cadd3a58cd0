//! Tasks that really run: a web server of a few hundred bytes goes through the rollouts that a service goes
//! through, under load, and everything it had is gone in the end. Needs namespaces and a static busybox.

#[path = "running/stage.rs"]
mod stage;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::time::Duration;

use dockless::clock::Clock;
use dockless::registry::{Anonymous, Client};
use dockless::report::{Events, Explain};
use serde_json::json;
use stage::{Load, Shelf, Stage, mounts_of, own_children, own_listeners};

use crate::support::docker_registry::DockerRegistry;

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
    assert!(seen.requests > 200, "{}", seen.requests);
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

/// `SPRING_BOOT_JAR=… cargo test -- --ignored spring_boot`, with a Java 17 in the places of Debian.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SPRING_BOOT_JAR, a built ci-examples/spring-boot"]
async fn spring_boot_is_updated_without_a_failed_request_and_a_broken_one_rolls_back() {
    let jar = fs::read(std::env::var("SPRING_BOOT_JAR").expect("SPRING_BOOT_JAR")).expect("a jar");
    let shelf =
        Shelf::new().booting("web:1", &jar, "old").booting("web:2", &jar, "new").booting("web:3", b"", "broken");
    let mut stage = Stage::open(shelf).await;
    let settings = json!({ "mountPoints": stage::java(), "stopTimeout": 30 });
    stage.register("web:1", settings.clone());
    stage.create_on("EC2", 2);
    stage.until_steady().await;
    let load = Load::start(&stage.url());
    stage.register("web:2", settings.clone());
    stage.update(2);
    stage.until_steady().await;
    stage.register("web:3", settings);
    stage.update(3);
    stage.until(|stage| stage.rollout().contains("ROLLBACK_SUCCESSFUL")).await;
    let seen = load.stop().await;
    assert_eq!(seen.failures, Vec::<String>::new());
    assert_eq!(seen.texts, BTreeSet::from(["new".to_owned(), "old".to_owned()]));
    assert_eq!(stage.get().await.unwrap(), "new");
    println!("{} requests", seen.requests);
    stage.close().await;
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
        json!({ "environment": [{ "name": "GREETING", "value": "hello" }], "user": "1000:1000", "workingDirectory": "/tmp",
                "secrets": [{ "name": "TOKEN", "valueFrom": "arn:x" }] }),
    );
    let task = stage.run_task();
    stage.until(|stage| stage.task(&task)["lastStatus"] == "STOPPED").await;
    assert_eq!(stage.task(&task)["containers"][0]["exitCode"], 7, "{}", stage.task(&task));
    let log = fs::read_to_string(stage.log(&task)).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines[0].starts_with("sandbox: TOKEN is not set"), "{log}");
    // Without root there is one user only, and a line that says so.
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let greeting = if root { lines[1] } else { lines[2] };
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
    let refusal = Stage::try_open(shelf(), &poor, false).await.err().expect("refused");
    assert!(refusal.to_string().contains("network namespace: Operation not permitted"), "{refusal}");
    assert!(refusal.hint().unwrap().contains("--host-network"));
    let mut stage = Stage::try_open(shelf(), &poor, true).await.unwrap();
    assert!(stage.ground().starts_with("no namespaces, as root; root chroot to a copy"), "{}", stage.ground());
    stage.register("job:1", json!({}));
    let task = stage.run_task();
    stage.until(|stage| stage.task(&task)["lastStatus"] == "STOPPED").await;
    assert_eq!(stage.task(&task)["containers"][0]["exitCode"], 5, "{}", stage.task(&task));
    let log = fs::read_to_string(stage.log(&task)).unwrap();
    assert!(log.contains("bin\n") && log.contains("www\n") && !log.contains("usr\n"), "{log}");
    stage.close().await;
}
