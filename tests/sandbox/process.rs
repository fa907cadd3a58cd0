//! The sandbox as a process: in the background, around a command, killed at any moment.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dockless::image::Digest;
use dockless::sandbox::Home;
use serde_json::{Value, json};

use super::support::{Sandbox, run};
use crate::support::record;

fn dockless(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockless"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent").arg("sandbox").args(words);
    command
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs, and does not merely wait for its parent to take note of its end.
pub fn is_alive(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
}

/// A server in the foreground that is killed, not stopped.
struct Victim(Child);

impl Victim {
    fn start(dir: &Path) -> Self {
        let mut command = dockless(&["start", "--dir", text(dir), "--port", "0"]);
        command.args(record::flag());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let home = Home::new(dir);
        let started = Instant::now();
        while home.running().unwrap().is_none_or(|running| running.pid != child.id()) {
            assert!(started.elapsed() < Duration::from_secs(10), "it does not come up");
            std::thread::sleep(Duration::from_millis(1));
        }
        Victim(child)
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn sandbox_in_the_background_is_found_used_and_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let place = ["--dir", text(dir.path())];
    let with = |words: &[&str]| dockless(&[words, &place].concat());
    let missing = with(&["status"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));

    let exports = run(with(&["start", "--detach", "--port", "0"]).args(record::flag()));
    let address = exports.lines().find_map(|line| line.strip_prefix("export AWS_ENDPOINT_URL='http://")).unwrap();
    let address = address.trim_end_matches('\'');
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    TcpStream::connect(address).unwrap();
    assert_eq!(run(&mut with(&["env"])), exports);
    assert!(run(&mut with(&["status"])).contains(address));
    let again = with(&["start", "--detach", "--port", "0"]).output().unwrap();
    assert!(String::from_utf8_lossy(&again.stderr).contains("is running in"), "one at a time");

    run(&mut with(&["stop"]));
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(Home::new(dir.path()).running().unwrap(), None);
}

#[test]
fn server_listens_on_loopback_only() {
    let dir = tempfile::tempdir().unwrap();
    let victim = Victim::start(dir.path());
    let inodes: Vec<String> = fs::read_dir(format!("/proc/{}/fd", victim.0.id()))
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.unwrap().path()).ok()?.to_str().map(str::to_owned))
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    let listening = |table: &str| -> Vec<String> {
        let table = fs::read_to_string(table).unwrap_or_default();
        let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
        let ours = rows.filter(|row| row[3] == "0A" && inodes.contains(&row[9].to_owned()));
        ours.map(|row| row[1].split(':').next().unwrap().to_owned()).collect()
    };
    assert_eq!(listening("/proc/net/tcp"), ["0100007F"]);
    assert!(listening("/proc/net/tcp6").is_empty());
}

#[test]
fn command_runs_inside_and_its_end_is_the_end() {
    let script = r#"echo "$AWS_ENDPOINT_URL $AWS_ECR_ACCOUNT_URL $AWS_PROFILE-"; exit 7"#;
    let output = dockless(&["run", "--", "sh", "-c", script]).env("AWS_PROFILE", "real").output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("http://127.0.0.1:") && said.ends_with(" -\n"), "{said}");
    let address = said["http://".len()..].split(' ').next().unwrap().to_owned();
    assert!(TcpStream::connect(address).is_err(), "it is gone");
}

/// The shell waits for its child, so it ends only because the child has been told as well.
#[test]
fn signal_reaches_the_command_and_its_children_and_the_sandbox_is_gone() {
    for (signal, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        let dir = tempfile::tempdir().unwrap();
        let script = r#"echo "$DOCKLESS_SANDBOX_DIR"; sh -c 'trap "echo told; exit 9" TERM INT HUP; echo ready; while :; do sleep 0.05; done'; exit $?"#;
        let mut command = dockless(&["run", "--", "sh", "-c", &format!("trap : TERM INT HUP; {script}")]);
        let mut child = command.env("TMPDIR", dir.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let state = lines.next().unwrap();
        assert!(Path::new(&state).is_dir());
        assert_eq!(lines.next().unwrap(), "ready");
        run(Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]));
        assert_eq!(lines.next().unwrap(), "told", "{number}");
        assert_eq!(child.wait().unwrap().code(), Some(9));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "its state is gone");
    }
    let untrapped = dockless(&["run", "--", "sh", "-c", "kill -TERM $$"]).output().unwrap();
    assert_eq!(untrapped.status.code(), Some(128 + 15));
}

#[test]
fn command_that_takes_too_long_is_ended_with_all_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let script = "sh -c 'echo $$; exec sleep 600' & wait";
    let mut command = dockless(&["run", "--timeout", "1s", "--", "sh", "-c", script]);
    let output = command.env("TMPDIR", dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    let sleeper = String::from_utf8(output.stdout).unwrap();
    assert!(!is_alive(sleeper.trim().parse().unwrap()), "{sleeper} sleeps on");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// At a terminal the command is in the group that the keys are for, and reads what is typed.
#[test]
fn interrupt_key_reaches_the_command_at_a_terminal() {
    let story = r#"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
def until(text):
    global seen
    while text not in seen:
        seen += os.read(terminal, 1000)
until(b"ready"); os.write(terminal, b"hello\n"); until(b"got hello"); os.write(terminal, b"\x03"); until(b"told")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;
    let script = "trap 'echo told; exit 7' INT; echo ready; read line; echo got $line; while :; do sleep 0.05; done";
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", story, env!("CARGO_BIN_EXE_dockless"), "sandbox", "run", "--", "sh", "-c", script]);
    assert_eq!(run(&mut python).trim(), "7");
}

#[test]
fn command_goes_round_the_proxy_and_finds_its_sandbox() {
    let script = r#"echo "$NO_PROXY $no_proxy"; "$DOCKLESS" sandbox --output json status"#;
    let mut command = dockless(&["run", "--", "sh", "-c", script]);
    let output = run(command.env("NO_PROXY", "corp.test,localhost").env("DOCKLESS", env!("CARGO_BIN_EXE_dockless")));
    let (hosts, status) = output.split_once('\n').unwrap();
    assert_eq!(hosts, "corp.test,localhost,127.0.0.1 corp.test,localhost,127.0.0.1");
    let status: Value = serde_json::from_str(status).unwrap();
    assert_eq!((&status["outcome"], &status["services"]), (&json!("succeeded"), &json!({})));
}

#[test]
fn dry_run_starts_and_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let place = ["--dry-run", "--dir", text(dir.path())];
    for words in [&["start"][..], &["start", "--detach"]] {
        let output = dockless(&[words, &place].concat()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && output.stdout.is_empty() && told.contains("would start"), "{told}");
    }
    let output = dockless(&["run", "--dry-run", "--", "touch", text(&dir.path().join("ran"))]).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("would run `touch"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let victim = Victim::start(dir.path());
    let told = dockless(&[&["stop"][..], &place].concat()).output().unwrap();
    assert!(String::from_utf8(told.stderr).unwrap().contains(&victim.0.id().to_string()));
    assert!(Home::new(dir.path()).running().unwrap().is_some());
}

#[test]
fn state_of_a_command_is_removed_unless_it_is_to_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    let temporary = dir.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    run(dockless(&["run", "--", "true"]).env("TMPDIR", &temporary));
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    let kept = dir.path().join("kept");
    run(&mut dockless(&["run", "--keep", text(&kept), "--", "true"]));
    assert!(kept.join("lock").exists());
    let missing = dockless(&["run", "--", "/no/such/program"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_what_it_was_after_a_restart() {
    let first = Sandbox::start().await;
    let digest = first.push_image("team/web", "v1", b"layer").await;
    let login = first.login().await;
    let dir = first.end().await.unwrap();
    let second = Sandbox::start_in(dir.path(), |_| {}).await;
    let asked = second.try_ask(&login, reqwest::Method::GET, "/v2/team/web/manifests/v1", &[], "").await.unwrap();
    assert_eq!(asked.status(), 200, "the login of before is good");
    let answer = second.ecr("DescribeImages", json!({ "repositoryName": "team/web" })).await.1;
    assert_eq!(answer["imageDetails"][0]["imageDigest"], json!(digest));
    second.end().await;
}

/// The registry tells the plane anew what is there.
#[tokio::test(flavor = "multi_thread")]
async fn images_are_known_to_tasks_after_a_restart() {
    let first = Sandbox::start().await;
    first.push_image("web", "v1", b"layer").await;
    let dir = first.end().await.unwrap();
    let second = Sandbox::start_in(dir.path(), |_| {}).await;
    let ecs = async |operation: &str, input: Value| {
        let (status, answer) = second.aws("AmazonEC2ContainerServiceV20141113", operation, input).await.unwrap();
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    };
    let mut ends = Vec::new();
    for tag in ["v1", "v2"] {
        let image = format!("{}/web:{tag}", second.running.registry());
        let container = json!({ "name": "web", "image": image, "memory": 128 });
        ecs("RegisterTaskDefinition", json!({ "family": "web", "containerDefinitions": [container] })).await;
        let task = ecs("RunTask", json!({ "taskDefinition": "web" })).await["tasks"][0]["taskArn"].clone();
        let mut shown = json!({});
        while shown["lastStatus"] != "STOPPED" {
            tokio::time::sleep(Duration::from_millis(50)).await;
            shown = ecs("DescribeTasks", json!({ "tasks": [task] })).await["tasks"][0].clone();
        }
        ends.push((shown["containers"][0]["exitCode"].clone(), shown["stoppedReason"].to_string()));
    }
    assert_eq!(ends[0].0, 0, "{ends:?}");
    assert!(ends[1].0.is_null() && ends[1].1.contains("/web:v2: not found"), "{ends:?}");
    second.end().await;
}

/// Pushes go on while the server is killed again and again. Whatever it has said to be there must be there whole when
/// it is up again, and nothing half may be.
#[test]
fn killed_at_any_moment_it_keeps_what_it_promised() {
    let dir = tempfile::tempdir().unwrap();
    let mut promised: Vec<(Digest, usize)> = Vec::new();
    for round in 0..12usize {
        let victim = Victim::start(dir.path());
        let running = Home::new(dir.path()).running().unwrap().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let pusher = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let http = reqwest::Client::new();
                let Ok(login) = login(&http, &running.url()).await else { return };
                for count in 0.. {
                    let content = vec![u8::try_from(count % 251).unwrap(); 100_000 + round * 1000 + count];
                    let digest = Digest::of(&content);
                    let url = format!("{}/v2/web/blobs/uploads/?digest={digest}", running.url());
                    let size = content.len();
                    let sent = http.post(url).header("authorization", &login).body(content).send().await;
                    match sent {
                        Ok(answer) if answer.status() == 201 => sender.send((digest, size)).unwrap(),
                        _ => return,
                    }
                }
            });
        });
        promised.extend(receiver.recv_timeout(Duration::from_secs(10)));
        std::thread::sleep(Duration::from_millis(7 * round as u64));
        drop(victim);
        pusher.join().unwrap();
        promised.extend(receiver.try_iter());
    }
    assert!(promised.len() > 10, "too few pushes to tell: {}", promised.len());
    // A torn last line, as a full disk or a crash in mid-write would leave.
    let log = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let log =
        log.filter(|path| path.to_str().unwrap().contains("registry.")).find(|path| path.extension().unwrap() == "log");
    fs::OpenOptions::new().append(true).open(log.unwrap()).unwrap().write_all(b"[{\"Blob\":[\"we").unwrap();

    let _victim = Victim::start(dir.path());
    assert_eq!(fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0, "no drafts are left");
    let files: Vec<_> = fs::read_dir(dir.path().join("blobs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for (digest, size) in &promised {
        let content = fs::read(dir.path().join("blobs").join(digest.hex())).unwrap();
        assert_eq!((content.len(), &Digest::of(&content)), (*size, digest));
    }
    for file in files {
        let content = fs::read(&file).unwrap();
        assert_eq!(Digest::of(&content).hex(), file.file_name().unwrap().to_str().unwrap(), "its name is its digest");
    }
}

async fn login(http: &reqwest::Client, url: &str) -> reqwest::Result<String> {
    let request = http
        .post(url)
        .header("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
        .header("authorization", super::support::SIGNATURE);
    let answer: Value = request.send().await?.json().await?;
    Ok(format!("Basic {}", answer["authorizationData"][0]["authorizationToken"].as_str().unwrap()))
}

/// For scripts that evaluate what is printed: it fails, and it leads nowhere where that is not heeded.
#[test]
fn eval_of_a_sandbox_that_did_not_start_fails_and_leads_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let place = format!("--dir {}/none", text(dir.path()));
    let refused = [
        format!("start --detach --port {port} {place}"),
        format!("start --detach --prot 0 {place}"),
        format!("start --detach --port 0 --faults /none {place}"),
        format!("env {place}"),
    ];
    for (shell, words) in
        ["sh", "bash", "dash"].iter().flat_map(|shell| refused.iter().map(move |words| (shell, words)))
    {
        for (strict, said) in [("set -eu", ""), (":", "1 http://no-sandbox-is-running.invalid none \n")] {
            let script = format!(
                r#"{strict}; eval "$("$DOCKLESS" sandbox {words})"; echo "$? $AWS_ENDPOINT_URL $AWS_SECRET_ACCESS_KEY ${{AWS_PROFILE-}}""#
            );
            let mut command = Command::new(shell);
            command.args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
            command.env("AWS_PROFILE", "real").env("AWS_SECRET_ACCESS_KEY", "real");
            let output = command.env("DOCKLESS", env!("CARGO_BIN_EXE_dockless")).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), said, "{shell} {script}");
            assert_eq!(output.status.success(), strict == ":", "{shell} {script}");
        }
    }
    let json = dockless(&["--output", "json", "env", "--dir", text(&dir.path().join("none"))]).output().unwrap();
    assert!(serde_json::from_slice::<Value>(&json.stdout).unwrap()["error"].is_object());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "refused starts leave nothing behind");
}

#[test]
fn refused_start_in_the_background_says_what_the_foreground_would_say() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let told = |words: &[&str]| {
        let output = dockless(&[words, &["--dir", text(&dir.path().join("none"))]].concat()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let background = told(&["start", "--detach", "--port", &port]);
    assert_eq!(background, told(&["start", "--port", &port]));
    assert!(background.1.starts_with("error: cannot listen on 127.0.0.1:"), "{}", background.1);
    assert!(background.1.contains("\nhint: Name another --port"), "{}", background.1);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// What is registered names images by the old port, which others may have taken since.
#[tokio::test(flavor = "multi_thread")]
async fn kept_state_takes_its_port_again_or_knows_images_by_the_old_one() {
    let first = Sandbox::start().await;
    first.push_image("web", "v1", b"layer").await;
    let (old, port) = (first.running.registry(), first.running.port);
    let dir = first.end().await.unwrap();
    let second = Sandbox::start_in(dir.path(), |_| {}).await;
    assert_eq!((second.running.port, second.running.moved_from), (port, None));
    second.end().await;
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let third = Sandbox::start_in(dir.path(), |_| {}).await;
    assert_eq!((third.running.port == port, third.running.moved_from), (false, Some(port)));
    for (tag, wanted) in [("v1", "0"), ("v2", "null")] {
        let container = json!({ "name": "web", "image": format!("{old}/web:{tag}"), "memory": 128 });
        let body = json!({ "family": "web", "containerDefinitions": [container] });
        third.aws("AmazonEC2ContainerServiceV20141113", "RegisterTaskDefinition", body).await.unwrap();
        let ran = third.aws("AmazonEC2ContainerServiceV20141113", "RunTask", json!({ "taskDefinition": "web" })).await;
        let task = ran.unwrap().1["tasks"][0]["taskArn"].clone();
        let mut shown = json!({});
        while shown["lastStatus"] != "STOPPED" {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let body = json!({ "tasks": [task] });
            let asked = third.aws("AmazonEC2ContainerServiceV20141113", "DescribeTasks", body).await;
            shown = asked.unwrap().1["tasks"][0].clone();
        }
        assert_eq!(shown["containers"][0]["exitCode"].to_string(), wanted, "{shown}");
    }
    third.end().await;
}

/// kill -9 leaves no chance to clean up; the command goes with it, and the directory at the next run.
#[test]
fn command_dies_with_a_sandbox_that_is_killed_and_the_next_run_clears_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = dockless(&["run", "--", "sh", "-c", "echo $$; exec sleep 600"]);
    let mut child = command.env("TMPDIR", dir.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let sleeper: u32 = lines.next().unwrap().parse().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let started = Instant::now();
    while is_alive(sleeper) {
        assert!(started.elapsed() < Duration::from_secs(10), "{sleeper} sleeps on");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    run(dockless(&["run", "--", "true"]).env("TMPDIR", dir.path()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn signal_is_the_way_to_end_a_server_in_the_foreground() {
    for signal in ["TERM", "INT"] {
        let dir = tempfile::tempdir().unwrap();
        let mut command = dockless(&["start", "--port", "0", "--dir", text(dir.path())]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("listening on")));
        run(Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]));
        let rest: Vec<String> = lines.collect();
        assert_eq!(
            (child.wait().unwrap().code(), rest.last().map(String::as_str)),
            (Some(0), Some("stopped")),
            "{rest:?}"
        );
        assert!(!rest.iter().any(|line| line.starts_with("error")), "{rest:?}");
    }
}

#[test]
fn hints_and_variables_hold_in_every_directory() {
    let dir = tempfile::tempdir().unwrap();
    let at = |words: &[&str]| {
        let mut command = dockless(words);
        command.current_dir(dir.path());
        command
    };
    for task in ["status", "env", "stop", "logs"] {
        let told = String::from_utf8(at(&[task, "--dir", "no such"]).output().unwrap().stderr).unwrap();
        assert!(told.starts_with("error: no sandbox is running in "), "{told}");
        assert!(told.contains(&format!("start --detach --dir '{}/no such'`", text(dir.path()))), "{told}");
    }
    let exports = run(at(&["start", "--detach", "--port", "0", "--dir", "here"]).args(record::flag()));
    assert_eq!(run(&mut at(&["env", "--dir", "here"])), exports);
    assert!(exports.contains(&format!("DOCKLESS_SANDBOX_DIR='{}/here'", text(dir.path()))), "{exports}");
    run(&mut at(&["stop", "--dir", "here"]));
}
