//! Several services in one run: in order, at once, not at all, and what is said of each.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::stage::{Rehearsal, breaker, says};
use crate::support::stage::Ended;

const DEPLOY: [&str; 2] = ["deploy-service-update", "--cluster=main"];

impl Rehearsal {
    /// A service at rest for each name, of the family of the same name, with a container `app`.
    async fn with_services(names: &[&str]) -> Self {
        let rehearsal = Rehearsal::without_service().await;
        join_all(names.iter().map(|name| rehearsal.add(name, breaker(true)))).await;
        rehearsal.all_settled(names).await;
        rehearsal
    }

    async fn add(&self, name: &str, more: Value) {
        let image = format!("{}/shop:v1", self.sandbox.running.registry());
        let app = json!({ "name": "app", "image": image, "memory": 128, "essential": true });
        self.ecs("RegisterTaskDefinition", json!({ "family": name, "containerDefinitions": [app] })).await;
        let mut service = json!({ "cluster": "main", "serviceName": name, "taskDefinition": name, "desiredCount": 1 });
        service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ecs("CreateService", service).await;
    }

    async fn all_settled(&self, names: &[&str]) {
        for name in names {
            while self.named(name).await["deployments"][0]["rolloutState"] != "COMPLETED" {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }

    async fn named(&self, name: &str) -> Value {
        let answer = self.ecs("DescribeServices", json!({ "cluster": "main", "services": [name] })).await;
        answer["services"][0].clone()
    }

    /// `web:2`
    async fn revision_of(&self, name: &str) -> String {
        self.named(name).await["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    }

    async fn follow(&self, file: &Value, words: &[&str]) -> Ended {
        self.stage.write("release.json", file.to_string());
        self.stage.run(&[&["deploy-service-update", "--steps=release.json"], words].concat()).await
    }

    async fn actions_since(&self, since: usize, action: &str) -> usize {
        self.sandbox.actions().await[since..].iter().filter(|other| *other == action).count()
    }

    async fn writes_since(&self, since: usize) -> Vec<String> {
        let calls = self.sandbox.actions().await.split_off(since);
        calls.into_iter().filter(|call| !call.starts_with("ecs:Describe") && !call.starts_with("ecs:List")).collect()
    }
}

/// `db`, then `worker` and `web` at once, all with the new image.
fn three() -> Value {
    let service = |name: &str| json!({ "service-name": name, "image": ":v2" });
    json!({ "cluster": "main", "steps": [{ "deploy": service("db") }, { "deploy": [service("worker"), service("web")] }] })
}

#[tokio::test]
async fn steps_are_taken_in_order() {
    let names = ["db", "worker", "web"];
    let rehearsal = Rehearsal::with_services(&names).await;
    let since = rehearsal.sandbox.actions().await.len();
    let ended = rehearsal.follow(&three(), &[]).await;
    says(&ended, 0, &["step 1 of 2: db", "step 2 of 2: worker, web", "Release of 3: 3 succeeded"]);
    for name in names {
        assert_eq!(rehearsal.revision_of(name).await, format!("{name}:2"), "{}", ended.stderr);
        assert!(ended.stdout.contains(&format!("/{name}:2\n")), "{}", ended.stdout);
    }
    let writes = rehearsal.writes_since(since).await;
    let [register, update] = ["ecs:RegisterTaskDefinition", "ecs:UpdateService"];
    assert_eq!(writes, [register, update, register, register, update, update]);
    // Twice is once: images that are named by a tag are pulled anew, and nothing else is done.
    let since = rehearsal.sandbox.actions().await.len();
    let again = rehearsal.follow(&three(), &["--output=json"]).await;
    assert_eq!((again.code, rehearsal.actions_since(since, register).await), (0, 0), "{}", again.stderr);
    let document = again.document();
    let parts = document["parts"].as_array().unwrap();
    assert_eq!((&parts[0]["step"], &parts[2]["step"]), (&json!(1), &json!(2)), "{document}");
    assert!(parts.iter().all(|part| part["outcome"] == "succeeded"), "{document}");
    rehearsal.end().await;
}

#[tokio::test]
async fn failure_stops_the_steps_behind_it() {
    let names = ["db", "worker", "web"];
    let rehearsal = Rehearsal::with_services(&names).await;
    let fate = json!({ "family": "worker:2", "fate": { "exitCode": { "code": 3 } } });
    rehearsal.sandbox.set_faults(json!({ "fates": [fate] })).await;
    let steps: Vec<Value> =
        names.iter().map(|name| json!({ "deploy": { "service-name": name, "image": "app=:v2" } })).collect();
    let file = json!({ "cluster": "main", "steps": steps });
    let ended = rehearsal.follow(&file, &["--output=json"]).await;
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let document = ended.document();
    let outcomes: Vec<&str> =
        document["parts"].as_array().unwrap().iter().map(|part| part["outcome"].as_str().unwrap()).collect();
    assert_eq!(
        (&document["outcome"], &outcomes[..]),
        (&json!("rolled-back"), &["succeeded", "rolled-back", "not-started"][..])
    );
    for (name, revision) in [("db", "db:2"), ("worker", "worker:1"), ("web", "web:1")] {
        assert_eq!(rehearsal.revision_of(name).await, revision);
    }
    rehearsal.sandbox.set_faults(json!({ "fates": [fate_of_worker_three()] })).await;
    let again = rehearsal.follow(&file, &[]).await;
    let undo = "dockless rollback --cluster main --service-name db --from db:2";
    for part in
        ["1 rolled-back, 1 not-started", "worker:2 failed and was rolled back to worker:1", "exited with 3", undo]
    {
        assert!(again.stderr.contains(part), "{part}\n{}", again.stderr);
    }
    rehearsal.end().await;
}

fn fate_of_worker_three() -> Value {
    json!({ "family": "worker:2", "fate": { "exitCode": { "code": 3 } } })
}

/// What is said of both is said at once, and nothing is done.
#[tokio::test]
async fn refusals_come_before_the_first_effect() {
    let rehearsal = Rehearsal::with_services(&["db", "web"]).await;
    let since = rehearsal.sandbox.actions().await.len();
    let steps = json!([{ "deploy": { "service-name": "db", "image": ":v2" } },
        { "deploy": [{ "service-name": "web", "image": "wep=:v2" }, { "service-name": "worker" }] }]);
    let ended = rehearsal.follow(&json!({ "steps": steps }), &["--cluster=main"]).await;
    ended.refused(2, &["web: ", "there is no container 'wep'", "worker: there is no service 'worker'"]);
    assert_eq!(rehearsal.writes_since(since).await, [""; 0]);
    let twice = rehearsal.stage.run(&[&DEPLOY[..], &["--service-name=db,web", "--service-name=db"]].concat()).await;
    twice.refused(2, &["'db' in 'main' is named twice"]);
    rehearsal.end().await;
}

#[tokio::test]
async fn files_that_cannot_be_meant_are_refused() {
    let rehearsal = Rehearsal::start().await;
    for (file, parts) in [
        (json!([]), ["release.json: it is no JSON object", "Write {"]),
        (json!({ "steps": [] }), ["\"steps\" is empty", "Write {"]),
        (json!({ "steps": [{ "deplay": {} }] }), ["step 1 has a member 'deplay'", "deploy, register, run-task is all"]),
        (json!({ "steps": [{ "deploy": {} }], "region": "x" }), ["the file has a member 'region'", "cluster, steps"]),
        (json!({ "steps": [{ "deploy": { "service-name": "a", "image": "$NO" } }] }), ["step 1: ", "NO"]),
        (json!({ "steps": [{ "deploy": { "service": "a", "imege": "b" } }] }), ["step 1: ", "'--imege'"]),
        (json!({ "steps": [{ "deploy": { "service-name": "a", "dry-run": true } }] }), ["step 1: ", "'--dry-run'"]),
        (
            json!({ "steps": [{ "deploy": { "steps": "release.json" } }] }),
            ["step 1: ", "--steps cannot stand in a file"],
        ),
    ] {
        rehearsal.follow(&file, &["--cluster=main"]).await.refused(2, &parts);
    }
    let both = rehearsal.follow(&three(), &["--image=:v3"]).await;
    both.refused(2, &["cannot be used with"]);
}

/// Each service keeps its own family, and one look shows ten of them.
#[tokio::test]
async fn twelve_services_are_deployed_and_watched_at_once() {
    let names: Vec<String> = (1..=12).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rehearsal = Rehearsal::with_services(&names).await;
    let since = rehearsal.sandbox.actions().await.len();
    let listed = format!("--service-name={}", names.join(","));
    let ended = rehearsal.stage.run(&[&DEPLOY[..], &[&listed, "--image=:v2"]].concat()).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("Release of 12: 12 succeeded"), "{}", ended.stderr);
    for name in &names {
        assert_eq!(rehearsal.revision_of(name).await, format!("{name}:2"));
    }
    let looks = rehearsal.actions_since(since, "ecs:DescribeServices").await - names.len();
    let updates = rehearsal.actions_since(since, "ecs:UpdateService").await;
    assert!(updates == 12 && looks < 30, "{looks} looks");
    rehearsal.end().await;
}

/// One revision of one family for both: what the first registers is what the second runs.
#[tokio::test]
async fn services_of_one_family_share_the_new_revision() {
    let rehearsal = Rehearsal::with_services(&["web"]).await;
    let other = json!({ "cluster": "main", "serviceName": "admin", "taskDefinition": "web", "desiredCount": 1 });
    rehearsal.ecs("CreateService", other).await;
    rehearsal.all_settled(&["admin"]).await;
    let since = rehearsal.sandbox.actions().await.len();
    let words = [&DEPLOY[..], &["--service-name=web", "--service-name=admin", "--image=app=:v2", "--env=A=1"]].concat();
    let dry = rehearsal.stage.run(&[&words[..], &["--dry-run"]].concat()).await;
    says(&dry, 0, &["Step 1, admin", "web:(new 1)", "UpdateService"]);
    assert_eq!(rehearsal.writes_since(since).await, [""; 0]);
    let ended = rehearsal.stage.run(&words).await;
    says(&ended, 0, &["Release of 2: 2 succeeded", "web:2 is deployed as it is, nothing is registered"]);
    assert_eq!(rehearsal.actions_since(since, "ecs:RegisterTaskDefinition").await, 1);
    assert_eq!(
        (rehearsal.revision_of("web").await, rehearsal.revision_of("admin").await),
        ("web:2".into(), "web:2".into())
    );
    rehearsal.end().await;
}

/// A call that is refused midway is a failure of that service; the others of its step are watched all the same.
#[tokio::test]
async fn refused_call_is_told_beside_the_others() {
    let rehearsal = Rehearsal::with_services(&["db", "web"]).await;
    let denied = json!("deny");
    rehearsal.sandbox.set_faults(super::stage::rule("ecs:UpdateService", 1, denied)).await;
    let words = [&DEPLOY[..], &["--service-name=db,web", "--image=:v2", "--output=json"]].concat();
    let ended = rehearsal.stage.run(&words).await;
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let document = ended.document();
    let mut outcomes: Vec<&str> =
        document["parts"].as_array().unwrap().iter().map(|part| part["outcome"].as_str().unwrap()).collect();
    outcomes.sort();
    assert_eq!(outcomes, ["failed", "succeeded"], "{document}");
    assert!(document.to_string().contains("was registered, but not deployed"), "{document}");
    rehearsal.end().await;
}

/// Register, migrate, deploy: the task and the services run what the first step registers.
fn migration() -> Value {
    let image = json!({ "family": "web", "image": "app=:v2" });
    let task = json!({ "like-service": "web", "task-definition": "web", "command": { "app": ["migrate"] } });
    json!({ "cluster": "main", "steps": [{ "register": image }, { "run-task": task },
        { "deploy": { "service-name": "worker", "image": ":v2" } }, { "deploy": { "service-name": "web" } }] })
}

#[tokio::test]
async fn migration_runs_the_new_revision_before_the_services_do() {
    let rehearsal = Rehearsal::with_services(&["worker", "web"]).await;
    let exit = |code: u8| json!({ "family": "web:2", "times": 1, "fate": { "exitCode": { "code": code } } });
    rehearsal.sandbox.set_faults(json!({ "fates": [exit(0)] })).await;
    let dry = rehearsal.follow(&migration(), &["--dry-run"]).await;
    says(&dry, 0, &["Step 1, web", "Step 2, task web:(new 1)", "RunTask", "Step 4, web", "UpdateService"]);
    let since = rehearsal.sandbox.actions().await.len();
    let ended = rehearsal.follow(&migration(), &[]).await;
    says(&ended, 0, &["step 2 of 4: task web:2", "Release of 4: 4 succeeded", "task web:2"]);
    let calls = ["RegisterTaskDefinition", "RunTask", "RegisterTaskDefinition", "UpdateService", "UpdateService"];
    assert_eq!(rehearsal.writes_since(since).await, calls.map(|call| format!("ecs:{call}")));
    assert_eq!(rehearsal.revision_of("web").await, "web:2");
    rehearsal.end().await;
}

#[tokio::test]
async fn migration_that_fails_keeps_the_services_as_they_are() {
    let rehearsal = Rehearsal::with_services(&["worker", "web"]).await;
    let fate = json!({ "family": "web:2", "fate": { "exitCode": { "code": 7 } } });
    rehearsal.sandbox.set_faults(json!({ "fates": [fate] })).await;
    let ended = rehearsal.follow(&migration(), &[]).await;
    says(&ended, 3, &["Release of 4: 1 succeeded, 1 failed, 2 not-started", "exited with 7"]);
    assert_eq!(rehearsal.revision_of("worker").await, "worker:1");
    assert_eq!(rehearsal.revision_of("web").await, "web:1");
    rehearsal.end().await;
}

/// CodeDeploy deploys the one, ECS the other, and both are waited for.
#[tokio::test]
async fn services_of_two_controllers_stand_in_one_step() {
    let rehearsal = super::handovers::stage(json!({})).await;
    rehearsal.add("web", breaker(true)).await;
    rehearsal.all_settled(&["web"]).await;
    let shop = json!({ "service-name": "shop", "image": ":v2", "codedeploy-application-name": "app",
        "codedeploy-deployment-group-name": "web" });
    let file = json!({ "steps": [{ "deploy": [shop, { "service-name": "web", "image": ":v2" }] }] });
    let ended = rehearsal.follow(&file, &["--cluster=main", "--output=json"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let document = ended.document();
    let [shop, web] = [0, 1].map(|index| document["parts"][index].clone());
    assert_eq!(
        (&shop["name"], &shop["outcome"], &shop["registered"]),
        (&json!("shop"), &json!("succeeded"), &json!(true))
    );
    assert_eq!((&web["name"], &web["outcome"]), (&json!("web"), &json!("succeeded")));
    assert!(shop["deployment_id"].as_str().unwrap().starts_with("d-"), "{document}");
    assert_eq!(
        (rehearsal.revision_of("shop").await, rehearsal.revision_of("web").await),
        ("shop:2".into(), "web:2".into())
    );
    rehearsal.end().await;
}

/// A job that is cancelled says what goes on, and what had no turn.
#[tokio::test]
async fn cancelled_release_tells_what_goes_on() {
    let rehearsal = Rehearsal::with_services(&["db", "worker", "web"]).await;
    rehearsal.sandbox.set_faults(json!({ "fates": [{ "family": "db:2", "fate": "neverStarts" }] })).await;
    rehearsal.stage.write("release.json", three().to_string());
    let words = ["deploy-service-update", "--steps=release.json"];
    let ended = rehearsal.stage.cancelled(&["db:2 0 of "], &words).await;
    let parts =
        ["Release of 3: 1 interrupted, 2 not-started", "the deployment of db:2", "dockless wait --cluster main"];
    says(&ended, 130, &parts);
    assert_eq!(
        (rehearsal.revision_of("db").await, rehearsal.revision_of("web").await),
        ("db:2".into(), "web:1".into())
    );
    rehearsal.end().await;
}
