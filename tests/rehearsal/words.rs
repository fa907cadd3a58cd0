//! `wait`, `continue` and `rollback` on services that CodeDeploy deploys.

use std::time::Duration;

use serde_json::{Value, json};

use super::handovers::{code, deploy, ending, newest, serves, stage};
use super::stage::{Rehearsal, says};
use crate::support::stage::Ended;

const NEXT: &str = "--container-env-var-updates=container=web,name=A,value=1";

async fn run(rehearsal: &Rehearsal, command: &str, words: &[&str]) -> Ended {
    rehearsal.stage.run(&[&[command, "--cluster=main", "--service-name=shop"], words].concat()).await
}

/// A group that waits for a word before the traffic goes over, and keeps the old tasks for this many minutes.
async fn waiting(minutes: u32) -> Rehearsal {
    let ready = json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 600 });
    stage(json!({ "blueGreenDeploymentConfiguration": ending(ready, minutes) })).await
}

/// A group that keeps the old tasks for long.
async fn lingering() -> Rehearsal {
    let ready = json!({ "actionOnTimeout": "CONTINUE_DEPLOYMENT" });
    stage(json!({ "blueGreenDeploymentConfiguration": ending(ready, 600) })).await
}

async fn status(rehearsal: &Rehearsal, id: &str) -> String {
    let shown = code(rehearsal, "GetDeployment", json!({ "deploymentId": id })).await;
    shown["deploymentInfo"]["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn word_lets_the_traffic_go_over_and_is_not_wanted_twice() {
    let rehearsal = waiting(0).await;
    assert_eq!(deploy(&rehearsal, &["--on-pause=leave"]).await.code, 0);
    let planned = run(&rehearsal, "continue", &["--dry-run"]).await;
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    for part in ["shop:2 is ready to have the traffic, and goes on", "ContinueDeployment {", "READY_WAIT"] {
        assert!(planned.stderr.contains(part), "{part}\n{}", planned.stderr);
    }
    says(&run(&rehearsal, "continue", &[]).await, 0, &["shop in main: shop:2 is deployed", "was told to shift"]);
    assert_eq!(serves(&rehearsal).await, "shop:2");
    let again = run(&rehearsal, "continue", &[]).await;
    assert_eq!(again.code, 1, "{}", again.stderr);
    assert!(again.stderr.contains("There is nothing to answer: nothing is in progress."), "{}", again.stderr);
    rehearsal.end().await;
}

#[tokio::test]
async fn word_takes_back_what_waits_where_that_is_wished_for() {
    let rehearsal = waiting(0).await;
    let paused = deploy(&rehearsal, &["--on-pause=leave"]).await;
    let hint = "Answer with `dockless continue --cluster main --service-name shop` or `dockless continue --cluster main \
                --service-name shop --rollback`.";
    says(&paused, 0, &[hint]);
    let ended = run(&rehearsal, "continue", &["--rollback", "--output=json"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["message"], "shop:2 was rolled back to shop:1");
    assert!(report["task_definition_arn"].as_str().unwrap().ends_with("/shop:1"), "{report}");
    assert_eq!(serves(&rehearsal).await, "shop:1");
    rehearsal.end().await;
}

#[tokio::test]
async fn word_ends_the_wait_for_the_old_tasks() {
    let rehearsal = lingering().await;
    says(&deploy(&rehearsal, &["--wait-for=production-traffic"]).await, 0, &["shop:2 has the production traffic"]);
    let late = run(&rehearsal, "wait", &["--verification-timeout=1s"]).await;
    says(&late, 6, &["of shop:2 goes on: ", "dockless rollback --cluster main --service-name shop --from shop:2"]);
    says(
        &run(&rehearsal, "continue", &[]).await,
        0,
        &["shop in main: shop:2 is deployed", "not to keep the old tasks"],
    );
    let rest = run(&rehearsal, "wait", &[]).await;
    says(&rest, 0, &["nothing is in progress: shop:2 runs, 2 of 2 tasks", "already runs shop:2, nothing to do"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn wait_tells_what_becomes_of_a_deployment_that_somebody_else_began() {
    let rehearsal = stage(json!({})).await;
    says(&run(&rehearsal, "wait", &[]).await, 0, &["nothing is in progress: shop:1 runs"]);
    assert_eq!(deploy(&rehearsal, &[]).await.code, 0);
    let fate = json!({ "family": "shop:3", "fate": { "exitCode": { "code": 3 } } });
    rehearsal.sandbox.set_faults(json!({ "fates": [fate] })).await;
    let begun = deploy(&rehearsal, &[NEXT, "--wait=false", "--enable-circuit-breaker"]).await;
    assert_eq!(begun.code, 0, "{}", begun.stderr);
    let ended = run(&rehearsal, "wait", &[]).await;
    says(&ended, 4, &["shop in main: shop:3 failed and was rolled back to shop:2: ", "container web exited with 3"]);
    says(&run(&rehearsal, "wait", &[]).await, 4, &["shop:3 failed and was rolled back to shop:2"]);
    says(&run(&rehearsal, "wait", &["--task-definition-arn=shop:3"]).await, 4, &["was rolled back to shop:2"]);
    says(&run(&rehearsal, "wait", &["--task-definition-arn=shop:2"]).await, 0, &["shop:2 is deployed"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn rollback_takes_back_what_goes_on_and_a_second_run_undoes_nothing_more() {
    let rehearsal = lingering().await;
    assert_eq!(deploy(&rehearsal, &["--wait-for=production-traffic"]).await.code, 0);
    let id = newest(&rehearsal, 0).await;
    let planned = run(&rehearsal, "rollback", &["--dry-run"]).await;
    for part in [
        format!("deployment {id} of shop:2 still goes on: CodeDeploy goes back to shop:1"),
        "StopDeployment {".into(),
        "\"autoRollbackEnabled\": true".into(),
    ] {
        assert!(planned.stderr.contains(&part), "{part}\n{}", planned.stderr);
    }
    assert_eq!(status(&rehearsal, &id).await, "InProgress", "a dry run changes nothing");
    let other = run(&rehearsal, "rollback", &["--to=shop:2"]).await;
    assert_eq!(other.code, 2, "{}", other.stderr);
    assert!(other.stderr.contains("can only go back to shop:1"), "{}", other.stderr);
    let ended = run(&rehearsal, "rollback", &["--from=shop:2"]).await;
    says(&ended, 0, &["shop in main: shop:2 was rolled back to shop:1"]);
    assert_eq!((serves(&rehearsal).await.as_str(), status(&rehearsal, &id).await.as_str()), ("shop:1", "Stopped"));
    let again = run(&rehearsal, "rollback", &["--from=shop:2"]).await;
    says(&again, 0, &["the service runs shop:1, not shop:2: nothing to undo"]);
    let bare = run(&rehearsal, "rollback", &[]).await;
    assert_eq!(bare.code, 2, "{}", bare.stderr);
    assert!(bare.stderr.contains("there is nothing to roll 'shop' back to"), "{}", bare.stderr);
    rehearsal.end().await;
}

#[tokio::test]
async fn rollback_after_the_end_deploys_the_last_success_again() {
    let rehearsal = stage(json!({})).await;
    assert_eq!(deploy(&rehearsal, &[]).await.code, 0);
    assert_eq!(deploy(&rehearsal, &[NEXT]).await.code, 0);
    let first = newest(&rehearsal, 1).await;
    let planned = run(&rehearsal, "rollback", &["--dry-run"]).await;
    for part in ["shop:2 is the last that reached success before, on 20", "CreateDeployment {", "/shop:2\"", "by tag"] {
        assert!(planned.stderr.contains(part), "{part}\n{}", planned.stderr);
    }
    assert_eq!(newest(&rehearsal, 1).await, first, "a dry run changes nothing");
    says(&run(&rehearsal, "rollback", &["--from=shop:3"]).await, 0, &["shop in main: shop:2 is deployed"]);
    assert_eq!(serves(&rehearsal).await, "shop:2");
    let again = run(&rehearsal, "rollback", &["--from=shop:3"]).await;
    says(&again, 0, &["the service runs shop:2, not shop:3: nothing to undo"]);
    says(&run(&rehearsal, "rollback", &["--to=1"]).await, 0, &["going back to shop:1", "shop:1 is deployed"]);
    assert_eq!(serves(&rehearsal).await, "shop:1");
    rehearsal.end().await;
}

/// Without the traffic it has broken nothing: what serves is left as it is.
#[tokio::test]
async fn rollback_of_a_failure_that_never_had_the_traffic_is_nothing_to_do() {
    let rehearsal = stage(json!({})).await;
    assert_eq!(deploy(&rehearsal, &[]).await.code, 0);
    let fate = json!({ "family": "shop:3", "fate": "neverStarts" });
    rehearsal.sandbox.set_faults(json!({ "fates": [fate] })).await;
    assert_eq!(deploy(&rehearsal, &[NEXT]).await.code, 3);
    says(&run(&rehearsal, "rollback", &[]).await, 0, &["the service runs shop:2 already: nothing to undo"]);
    let rest = run(&rehearsal, "wait", &[]).await;
    says(&rest, 3, &["shop in main: shop:3 failed"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn rollback_without_the_right_to_the_history_says_what_to_grant() {
    let rehearsal = stage(json!({})).await;
    assert_eq!(deploy(&rehearsal, &[]).await.code, 0);
    let rules = [json!({ "on": "codedeploy:ListDeployments", "then": "deny" })];
    rehearsal.sandbox.set_faults(json!({ "rules": rules })).await;
    let ended = run(&rehearsal, "rollback", &[]).await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    for part in ["the history of 'shop' cannot be read", "Grant codedeploy:ListDeployments", "with --to"] {
        assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr);
    }
    rehearsal.end().await;
}

/// The command that is named in the end is then given.
#[tokio::test]
async fn interrupted_watch_leaves_the_deployment_and_names_what_undoes_it() {
    let rehearsal = waiting(0).await;
    let path = rehearsal.stage.path("pid");
    let outer = ["sh", "-c", "echo $$ >pid; exec \"$@\"", "sh"];
    let words = ["deploy-service-update", "--cluster=main", "--family=shop", NEXT];
    let names = ["--codedeploy-application-name=app", "--codedeploy-deployment-group-name=web"];
    let words = [&words[..], &names].concat();
    let cut = async {
        let id = newest(&rehearsal, 0).await;
        while status(&rehearsal, &id).await != "Ready" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let pid = std::fs::read_to_string(&path).unwrap();
        let killed = tokio::process::Command::new("kill").args(["-INT", pid.trim()]).status().await.unwrap();
        assert!(killed.success());
        id
    };
    let (ended, id) = tokio::join!(rehearsal.stage.run_under(Some(&outer), &words), cut);
    let goes_on = format!("interrupted: deployment {id} of shop:2 goes on in CodeDeploy without being watched");
    let undo = "Undo it with `dockless rollback --cluster main --service-name shop --from shop:2`, or wait on with \
                `dockless wait --cluster main --service-name shop`.";
    says(&ended, 130, &[&goes_on, undo]);
    assert_eq!(status(&rehearsal, &id).await, "Ready", "nothing is taken back");
    let undone = run(&rehearsal, "rollback", &["--from=shop:2"]).await;
    says(&undone, 0, &["shop in main: shop:2 was rolled back to shop:1"]);
    rehearsal.end().await;
}
