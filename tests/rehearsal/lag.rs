//! How long after ECS's own change of state there is a verdict: at most two looks, in each way in which a deployment
//! ends, and whatever the weather. The times are the server's.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::conditions::{LOOK, ROLE, clock, expiry};
use super::stage::{Rehearsal, breaker, says};
use crate::support::stage::Ended;

/// Looks of ours that began after that moment, and the seconds until the last of them.
async fn looks_after(rehearsal: &Rehearsal, moment: f64) -> (usize, f64) {
    let log = rehearsal.sandbox.log().await;
    let ours = |entry: &&Value| {
        let agent = entry["user_agent"].as_str().unwrap_or_default();
        entry["action"] == "ecs:DescribeServices"
            && agent.contains("dockless")
            && entry["at"].as_f64().unwrap() > moment
    };
    let times: Vec<f64> = log.iter().filter(ours).map(|entry| entry["at"].as_f64().unwrap()).collect();
    (times.len(), times.last().map_or(0.0, |last| last - moment))
}

/// When the newest of the service's deployments came to its end.
async fn finished(rehearsal: &Rehearsal) -> f64 {
    let listed = rehearsal.ecs("ListServiceDeployments", json!({ "cluster": "main", "service": "shop" })).await;
    listed["serviceDeployments"][0]["finishedAt"].as_f64().expect("it is over")
}

/// One deployment from its beginning to its end: the service, what befalls it, how it is made, what has to come of it.
struct Story {
    name: &'static str,
    service: Value,
    faults: Value,
    words: &'static [&'static str],
    code: i32,
    part: &'static str,
}

fn story(name: &'static str, service: Value, faults: Value, code: i32, part: &'static str) -> Story {
    Story { name, service, faults, words: &[], code, part }
}

async fn play(story: Story) {
    let rehearsal = Rehearsal::with_service(story.service).await;
    rehearsal.sandbox.set_faults(story.faults).await;
    let ended: Ended = rehearsal.deploy(story.words).await;
    says(&ended, story.code, &[story.part]);
    rehearsal.sandbox.set_faults(json!({})).await;
    let (looks, seconds) = looks_after(&rehearsal, finished(&rehearsal).await).await;
    println!("{}: the verdict came {looks} looks and {seconds:.2} s after ECS's own", story.name);
    assert!(looks <= 2, "{}: {looks} looks, {seconds} s", story.name);
    rehearsal.end().await;
}

fn tasks(count: u32) -> Value {
    json!({ "desiredCount": count })
}

fn dies() -> Value {
    json!([{ "family": "shop:2", "fate": { "exitCode": { "code": 3 } } }])
}

fn denied(action: &str) -> Value {
    json!([{ "on": action, "then": "deny" }])
}

#[tokio::test]
async fn verdict_comes_within_two_looks() {
    let (well, back) = ("shop:2 is deployed", "shop:2 failed and was rolled back to shop:1");
    let stories = [
        story("success", tasks(2), json!({}), 0, well),
        story("no tasks", tasks(0), json!({}), 0, well),
        story("120 tasks", tasks(120), json!({}), 0, well),
        story("rollback", breaker(true), json!({ "fates": dies() }), 4, back),
        story("failure", breaker(false), json!({ "fates": dies() }), 3, "shop:2 failed: "),
    ];
    join_all(stories.map(play)).await;
}

#[tokio::test]
async fn verdict_comes_within_two_looks_in_foul_weather() {
    let (well, back) = ("shop:2 is deployed", "shop:2 failed and was rolled back to shop:1");
    let burst = json!([{ "on": "ecs:Describe*", "skip": 8, "times": 8, "then": { "throttle": {} } }]);
    let warning = "ecs:DescribeServiceDeployments is denied";
    let stories = [
        story("throttled in the middle", tasks(2), json!({ "rules": burst }), 0, well),
        story(
            "records denied",
            breaker(true),
            json!({ "rules": denied("ecs:DescribeServiceDeployments"), "fates": dies() }),
            4,
            warning,
        ),
        story(
            "revisions denied",
            breaker(true),
            json!({ "rules": denied("ecs:DescribeServiceRevisions"), "fates": dies() }),
            4,
            back,
        ),
        story(
            "tasks denied",
            breaker(true),
            json!({ "rules": denied("ecs:ListTasks"), "fates": dies() }),
            4,
            "ecs:ListTasks is denied",
        ),
        story("late records", breaker(true), json!({ "lag": { "serviceDeployments": 3.0 }, "fates": dies() }), 4, back),
    ];
    join_all(stories.map(play)).await;
}

#[tokio::test]
async fn verdict_comes_within_two_looks_whatever_is_wrong_around_the_job() {
    let (well, back) = ("shop:2 is deployed", "shop:2 failed and was rolled back to shop:1");
    let both = |name: [&'static str; 2], rule: Value, words: &'static [&'static str]| {
        let rules = json!([rule]);
        let [success, rollback] = name;
        let ill = json!({ "rules": rules, "fates": dies() });
        [
            Story { words, ..story(success, breaker(true), json!({ "rules": rules }), 0, well) },
            Story { words, ..story(rollback, breaker(true), ill, 4, back) },
        ]
    };
    let stories = [
        both(["clock behind AWS's", "clock behind AWS's, rollback"], clock(3600), &[]),
        both(["clock ahead of AWS's", "clock ahead of AWS's, rollback"], clock(-3600), &[]),
        both(["credentials end", "credentials end, rollback"], expiry(LOOK), &[ROLE]),
    ];
    join_all(stories.into_iter().flatten().map(play)).await;
}
