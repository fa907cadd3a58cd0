//! What `status` and `diff` show of services in every state, with calls that only read.

use serde_json::{Value, json};

use super::rollouts::paused;
use super::stage::{Rehearsal, breaker};
use crate::support::stage::Ended;

const SERVICE: [&str; 3] = ["status", "--cluster=main", "--service-name=shop"];

impl Rehearsal {
    /// Runs a command that may only read.
    async fn look(&self, words: &[&str]) -> Ended {
        let since = self.sandbox.actions().await.len();
        let ended = self.stage.run(words).await;
        for call in self.sandbox.actions().await.split_off(since) {
            assert!(call.starts_with("ecs:Describe") || call.starts_with("ecs:List"), "{call} in {words:?}");
        }
        ended
    }

    /// The document on the service.
    async fn status(&self) -> Value {
        let ended = self.look(&[&SERVICE[..], &["--output=json"]].concat()).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.document()["services"][0].clone()
    }

    async fn scale(&self, count: u32) {
        self.ecs("UpdateService", json!({ "cluster": "main", "service": "shop", "desiredCount": count })).await;
        while self.service().await["runningCount"] != count {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

/// A blue/green deployment of this service stands still until it is answered.
fn patient() -> Value {
    let mut service = paused();
    service["deploymentConfiguration"]["lifecycleHooks"][0]["timeoutConfiguration"]["timeoutInMinutes"] = 600.into();
    service
}

fn kinds(status: &Value) -> Vec<&str> {
    status["remarks"].as_array().unwrap().iter().map(|remark| remark["kind"].as_str().unwrap()).collect()
}

fn shows(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    parts.iter().for_each(|part| assert!(ended.stdout.contains(part), "{part}\n{}", ended.stdout));
}

#[tokio::test]
async fn status_at_rest_and_scaled_to_nothing_knows_the_digest() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let rest = rehearsal.status().await;
    let image = &rest["deployments"][0]["images"][0];
    assert_eq!((kinds(&rest), &image["running"][0]["tasks"]), (vec![], &json!(2)));
    let (_, pushed) = rehearsal
        .sandbox
        .ecr(
            "DescribeImages",
            json!({ "repositoryName": "shop",
        "imageIds": [{ "imageTag": "v1" }] }),
        )
        .await;
    assert_eq!(image["running"][0]["digest"], pushed["imageDetails"][0]["imageDigest"]);
    rehearsal.scale(0).await;
    let none = rehearsal.status().await;
    let image = &none["deployments"][0]["images"][0];
    assert_eq!((kinds(&none), &image["running"]), (vec!["scaled-to-zero"], &json!([])));
    assert_eq!(image["resolved"], pushed["imageDetails"][0]["imageDigest"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn status_amid_a_rollout_shows_both_revisions_and_the_traffic() {
    let rehearsal = Rehearsal::with_service(patient()).await;
    assert_eq!(rehearsal.deploy(&["--on-pause=leave"]).await.code, 0);
    let amid = rehearsal.look(&SERVICE).await;
    let answer =
        "! the deployment waits for an answer at POST_SCALE_UP: `dockless continue --cluster main --service-name shop`";
    let course = "deployment of shop:2: in progress for ";
    shows(&amid, &["shop     shop:2", "\n         shop:1", course, ", traffic shop:2 0 %, shop:1 100 %", answer]);
    assert_eq!(kinds(&rehearsal.status().await), ["mixed-revisions", "paused"]);
    rehearsal.end().await;
}

/// The same revision again, after its tag came to mean another image.
#[tokio::test]
async fn status_tells_one_tag_that_is_two_images() {
    let rehearsal = Rehearsal::with_service(patient()).await;
    rehearsal.sandbox.push_image("shop", "v1", b"moved").await;
    let again = ["deploy-service-update", "--cluster=main", "--family=shop", "--force-new-deployment"];
    assert_eq!(rehearsal.stage.run(&[&again[..], &["--on-pause=leave"]].concat()).await.code, 0);
    let status = rehearsal.status().await;
    assert_eq!(kinds(&status), ["mixed-digests", "paused"], "{status}");
    assert!(status["remarks"][0]["text"].as_str().unwrap().starts_with("web is not the same image everywhere"));
    rehearsal.end().await;
}

#[tokio::test]
async fn status_after_a_rollback_tells_it_in_brief_too() {
    let rehearsal = Rehearsal::with_service(breaker(true)).await;
    rehearsal.fate(json!({ "exitCode": { "code": 3 } })).await;
    assert_eq!(rehearsal.deploy(&[]).await.code, 4);
    let status = rehearsal.status().await;
    assert_eq!(status["last_deployment"]["status"], "ROLLBACK_SUCCESSFUL", "{status}");
    assert_eq!((kinds(&status), &status["deployments"][0]["revision"]), (vec!["rolled-back"], &json!("shop:1")));
    shows(
        &rehearsal.look(&["status", "--cluster=main"]).await,
        &["! the last deployment (of shop:2) was rolled back: "],
    );
    rehearsal.end().await;
}

#[tokio::test]
async fn status_of_a_cluster_has_all_of_its_services() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let names: Vec<String> = (0..23).map(|number| format!("web-{number:02}")).collect();
    for name in &names {
        let service = json!({ "cluster": "main", "serviceName": name, "taskDefinition": "shop", "desiredCount": 0 });
        rehearsal.ecs("CreateService", service).await;
    }
    let all = rehearsal.look(&["status", "--cluster=main", "--output=json"]).await.document();
    let all: Vec<&str> =
        all["services"].as_array().unwrap().iter().map(|one| one["service"].as_str().unwrap()).collect();
    assert_eq!(all, [vec!["shop"], names.iter().map(String::as_str).collect()].concat());
    let two = rehearsal.look(&["status", "--cluster=main", "--service-name=web-07,shop", "--output=json"]).await;
    assert_eq!(two.document()["services"].as_array().unwrap().len(), 2);
    let arn = rehearsal.service().await["serviceArn"].as_str().unwrap().to_owned();
    shows(&rehearsal.look(&["status", "--service-name", &arn]).await, &["shop     shop:1"]);
    rehearsal.look(&["status", "--cluster=main", "--service-name=shpo"]).await.refused(2, &["Did you mean 'shop'?"]);
    rehearsal.look(&["status", "--cluster=mian"]).await.refused(2, &["there is no cluster 'mian'"]);
    rehearsal.look(&["status"]).await.refused(2, &["nothing says which one"]);
    rehearsal.ecs("CreateCluster", json!({ "clusterName": "empty" })).await;
    shows(&rehearsal.look(&["status", "--cluster=empty"]).await, &["there are no services in cluster 'empty'"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn status_tells_what_it_may_not_read() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let optional =
        ["ecs:ListTasks", "ecs:ListServiceDeployments", "ecs:DescribeServiceRevisions", "ecs:DescribeTaskDefinition"];
    let deny = |on: &str| json!({ "on": on, "then": "deny" });
    rehearsal.sandbox.set_faults(json!({ "rules": optional.map(deny) })).await;
    let ended = rehearsal.look(&SERVICE).await;
    shows(&ended, &["shop     shop:1    2 of 2"]);
    shows(&ended, &optional.map(|action| format!("unknown (grant {action})")).each_ref().map(String::as_str));
    rehearsal.sandbox.set_faults(json!({ "rules": [deny("ecs:DescribeServices")] })).await;
    rehearsal.look(&SERVICE).await.refused(1, &["Grant ecs:DescribeServices on "]);
    rehearsal.end().await;
}

#[tokio::test]
async fn diff_says_what_a_deploy_would_change() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    assert_eq!(rehearsal.deploy(&["--env=web:API_TOKEN=geheim", "--env=COLOUR=red"]).await.code, 0);
    let diff = ["diff", "--cluster=main", "--service-name=shop", "--exit-code"];
    let none = rehearsal.look(&diff).await;
    assert_eq!((none.code, none.stdout.as_str()), (0, ""), "{}", none.stderr);
    let edits = ["--env=API_TOKEN=neu", "--remove-env=COLOUR", "--image=:v1"];
    let some = rehearsal.look(&[&diff[..], &edits].concat()).await;
    let mut lines: Vec<&str> = some.stdout.lines().collect();
    lines[2..].sort_unstable();
    assert_eq!((some.code, &lines[..2]), (1, &["--- shop:2", "+++ shop:2 with 3 edits"][..]), "{}", some.stderr);
    assert_eq!(lines[2], "  - web variable COLOUR: red");
    assert!(lines[3].starts_with("  ~ web image: ") && lines[3].ends_with("/shop:v1"), "{lines:?}");
    assert_eq!((lines[4], some.said().contains("neu\n")), ("  ~ web variable API_TOKEN: *** -> ***", false));
    let latest = rehearsal.look(&["diff", "--family=shop", "--previous-revision-number=1", "--output=json"]).await;
    let latest = latest.document();
    assert_eq!((&latest["differs"], latest["changes"].as_array().unwrap().len()), (&json!(true), 3), "{latest}");
    rehearsal.end().await;
}

/// A file is compared with what runs; a dump of what runs is no different, nor is what ECS fills in.
#[tokio::test]
async fn diff_compares_a_file_with_what_runs() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let dump = rehearsal.ecs("DescribeTaskDefinition", json!({ "taskDefinition": "shop" })).await;
    rehearsal.stage.write("dump.json", dump.to_string());
    let image = dump["taskDefinition"]["containerDefinitions"][0]["image"].clone();
    let web = json!({ "name": "web", "image": image, "memory": 128, "healthCheck": { "command": ["CMD", "true"] },
        "portMappings": [{ "containerPort": 80 }] });
    rehearsal.stage.write("shop.json", json!({ "family": "shop", "containerDefinitions": [web] }).to_string());
    assert_eq!(rehearsal.deploy(&["--wait=false"]).await.code, 0);
    rehearsal.ecs("UpdateService", json!({ "cluster": "main", "service": "shop", "taskDefinition": "shop:1" })).await;
    let diff = ["diff", "--cluster=main", "--service-name=shop", "--exit-code"];
    for file in ["--task-definition-json=dump.json", "--task-definition-json=shop.json"] {
        let ended = rehearsal.look(&[&diff[..], &[file]].concat()).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{}", ended.stderr);
        assert!(ended.stderr.contains("the file and shop:1 say the same"), "{}", ended.stderr);
    }
    let edited = rehearsal.look(&[&diff[..], &["--task-definition-json=shop.json", "--cpu=web=64"]].concat()).await;
    assert_eq!((edited.code, edited.stdout.as_str()), (1, "--- shop:1\n+++ the file\n  + web cpu: 64\n"));
    let latest = rehearsal.look(&["diff", "--task-definition-json=shop.json"]).await;
    assert!(latest.code == 0 && latest.stdout.starts_with("--- shop:2\n+++ the file\n  ~ web image: "), "{latest:?}");
    let both = rehearsal.look(&[&diff[..], &["--task-definition-json=shop.json", "--family=shop"]].concat()).await;
    assert_eq!(both.code, 2);
    rehearsal.end().await;
}

/// With --exit-code a failure cannot be taken for a difference.
#[tokio::test]
async fn diff_that_cannot_be_made_is_not_taken_for_a_difference() {
    let rehearsal = Rehearsal::with_service(json!({})).await;
    let diff = ["diff", "--cluster=main", "--service-name=shop"];
    rehearsal.look(&["diff", "--cluster=main", "--service-name=shoo"]).await.refused(2, &["Did you mean 'shop'?"]);
    rehearsal.look(&["diff", "--image=:v2"]).await.refused(2, &["nothing says what to compare with"]);
    let denied = json!({ "rules": [{ "on": "ecs:DescribeTaskDefinition", "then": "deny" }] });
    rehearsal.sandbox.set_faults(denied).await;
    rehearsal.look(&diff).await.refused(1, &["Grant ecs:DescribeTaskDefinition on "]);
    rehearsal.look(&[&diff[..], &["--exit-code"]].concat()).await.refused(2, &["Grant ecs:DescribeTaskDefinition on "]);
    rehearsal.end().await;
}
