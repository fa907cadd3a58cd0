//! What people and CI systems see while a deployment is watched: on a terminal of its own, in a log, on GitHub's page.

use serde_json::{Value, json};

use super::stage::{Rehearsal, breaker};
use crate::support::stage::Ended;

/// Runs a program on a terminal of 80 columns; once the text is seen there, the key is pressed.
const TERMINAL: &str = r#"
import fcntl, os, pty, struct, sys, termios
text, key = sys.argv[1].encode(), sys.argv[2].encode()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
seen = b""
while True:
    try:
        part = os.read(terminal, 65536)
    except OSError:
        break
    if not part:
        break
    seen += part
    if key and text in seen:
        os.write(terminal, key)
        key = b""
os.write(1, seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

const DEPLOY: [&str; 4] =
    ["deploy-service-update", "--cluster=main", "--family=shop", "--container-image-name-updates=container=web,tag=v2"];

async fn on_terminal(rehearsal: &Rehearsal, text: &str, key: &str) -> Ended {
    rehearsal.stage.run_under(Some(&["/usr/bin/python3", "-c", TERMINAL, text, key]), &DEPLOY).await
}

/// What is left on the terminal: all that follows the last time that the table was taken away.
fn left(shown: &str) -> &str {
    shown.rsplit("\x1b[J").next().unwrap()
}

#[tokio::test]
async fn terminal_shows_a_picture_and_keeps_the_verdict() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    let ended = on_terminal(&rehearsal, "", "").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    for part in ["new shop:2", "old shop:1", "0 of 2 running", "2 running", "has started 2 tasks: (task "] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let left = left(&ended.stdout);
    assert!(left.starts_with("shop in main: shop:2 is deployed ("), "{left:?}");
    assert!(!left.contains("new shop:2") && !left.contains('\x1b'), "{left:?}");
    rehearsal.end().await;
}

#[tokio::test]
async fn terminal_is_clean_after_an_interrupt() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    let ended = on_terminal(&rehearsal, "new shop:2", "\x03").await;
    assert_eq!(ended.code, 130, "{ended:?}");
    let left = left(&ended.stdout);
    assert!(left.starts_with("shop in main: interrupted: the deployment of shop:2"), "{left:?}");
    rehearsal.end().await;
}

#[tokio::test]
async fn log_has_a_line_for_each_change_with_its_time() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    let ended = rehearsal.deploy(&[]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines[..2], ["registered shop:2", "deploying shop:2 to shop"]);
    assert!(lines[2].starts_with("  0:00  shop  shop:2 0 of 2 running; shop:1 2 running"), "{}", lines[2]);
    assert!(lines.contains(&"shop in main: shop:2 is deployed (2 s)") || ended.stderr.contains("shop:2 is deployed ("));
    for (place, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        assert!(!lines[..place].contains(line), "said twice: {line}\n{}", ended.stderr);
        assert!(!line.contains("**"), "{line}");
    }
    rehearsal.end().await;
}

#[tokio::test]
async fn github_gets_folded_lines_and_a_timeline() {
    let mut rehearsal = Rehearsal::with_service(breaker(true)).await;
    let summary = rehearsal.stage.path("summary");
    let (name, path) = ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    rehearsal.stage = rehearsal.stage.env("GITHUB_ACTIONS", "true").env(name, path);
    rehearsal.fate(json!({ "exitCode": { "code": 3 } })).await;
    let ended = rehearsal.deploy(&[]).await;
    assert_eq!(ended.code, 4, "{ended:?}");
    let commands: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(commands[..2], ["::group::Rollout of shop", "::endgroup::"]);
    assert!(commands[2].starts_with("::error::shop in main: shop:2 failed and was rolled back"), "{commands:?}");
    let (folded, verdict) = ended.stderr.split_once("::endgroup::\n").unwrap();
    assert!(folded.contains("rolling back") && verdict.starts_with("::error::shop in main: shop:2"), "{verdict}");
    let page = rehearsal.stage.read("summary");
    assert!(page.starts_with("**shop in main**: shop:2 failed and was rolled back to shop:1"), "{page}");
    let (_, timeline) = page.split_once("<details open><summary>Timeline</summary>").unwrap();
    for part in ["| deploying shop:2 to shop |", "| **shop** shop:2 0 of 2 running", "| ❌ **shop** shop:2 failed and"]
    {
        assert!(timeline.contains(part), "{part}: {timeline}");
    }
    rehearsal.end().await;
}

#[tokio::test]
async fn programs_get_a_line_of_json_for_each_change() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    let ended = rehearsal.deploy(&["--output=json"]).await;
    let events: Vec<Value> = ended.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let first = events.iter().find(|event| event["event"] == "rollout").unwrap();
    let old = json!({ "revision": "shop:1", "new": false, "desired": 2, "running": 2, "pending": 0, "failed": 0,
        "traffic": null });
    assert_eq!((&first["cluster"], &first["versions"][1]), (&json!("main"), &old));
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["outcome"]), (&json!("verdict"), &json!("succeeded")), "{last}");
    rehearsal.end().await;
}
