//! Whatever comes, in whatever order: random requests, fates and alarms must neither stop the clock nor break
//! what always holds.

use serde_json::{Value, json};

use super::{Stage, balanced};
use crate::sandbox::ecs::ids::Ids;
use crate::sandbox::ecs::{Fate, HookAnswer, Rule};

const OVER: &[&str] = &["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"];

struct Dice(Ids);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0.digits().parse::<u64>().unwrap() % sides
    }
}

fn fate(dice: &mut Dice) -> Fate {
    match dice.throw(9) {
        0 => Fate::FailPull { reason: None },
        1 => Fate::ExitCode { code: 1, after: 0.3 },
        2 => Fate::ElbHealthCheckFails { reason: None },
        3 => Fate::OutOfMemory { after: 2.0 },
        4 => Fate::NeverStarts,
        5 => Fate::NoCapacity { reason: None },
        6 => Fate::SpotInterruption { after: 4.0 },
        _ => Fate::Healthy,
    }
}

fn configuration(dice: &mut Dice) -> Value {
    let strategy = ["ROLLING", "ROLLING", "BLUE_GREEN", "CANARY", "LINEAR"][dice.throw(5) as usize];
    json!({
        "strategy": strategy,
        "minimumHealthyPercent": dice.throw(3) * 50,
        "maximumPercent": 150 + 50 * dice.throw(2),
        "bakeTimeInMinutes": dice.throw(3),
        "deploymentCircuitBreaker": { "enable": dice.throw(2) == 0, "rollback": dice.throw(2) == 0 },
        "alarms": { "alarmNames": ["errors"], "enable": dice.throw(2) == 0, "rollback": dice.throw(2) == 0 },
        "lifecycleHooks": if dice.throw(2) == 0 { json!([]) } else { hooks() },
    })
}

fn hooks() -> Value {
    let limit = json!({ "timeoutInMinutes": 3, "action": "CONTINUE" });
    json!([
        { "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"], "timeoutConfiguration": limit },
        { "hookTargetArn": "arn:test", "roleArn": "arn:role", "lifecycleStages": ["PRODUCTION_TRAFFIC_SHIFT"] },
    ])
}

fn act(stage: &mut Stage, dice: &mut Dice) {
    match dice.throw(9) {
        0 | 1 => {
            stage.deploy();
        }
        2 => {
            stage.call("UpdateService", json!({ "service": "web", "desiredCount": dice.throw(5) }));
        }
        3 => {
            stage.call("UpdateService", json!({ "service": "web", "forceNewDeployment": true }));
        }
        4 => stage.plane.set_fates(vec![Rule { times: Some(dice.throw(8) as u32 + 1), ..Rule::new(fate(dice)) }]),
        5 => {
            let (firing, now) = (dice.throw(2) == 0, stage.now);
            stage.plane.set_alarm("errors", firing, now);
        }
        6 => {
            let arn = stage.release()["serviceDeploymentArn"].clone();
            let _ = stage.attempt("StopServiceDeployment", json!({ "serviceDeploymentArn": arn }));
        }
        7 => {
            let answers = [HookAnswer::Succeeded, HookAnswer::Failed, HookAnswer::InProgress];
            stage.plane.set_hook("test", vec![answers[2], answers[dice.throw(2) as usize]]);
        }
        _ => {
            let configuration = configuration(dice);
            stage.call("UpdateService", json!({ "service": "web", "deploymentConfiguration": configuration }));
        }
    }
}

fn check(stage: &mut Stage) {
    let service = stage.service();
    let deployments = service["deployments"].as_array().unwrap();
    let sum = |member: &str| deployments.iter().map(|one| one[member].as_u64().unwrap()).sum::<u64>();
    assert_eq!(deployments.iter().filter(|one| one["status"] == "PRIMARY").count(), 1);
    assert_eq!(
        (sum("runningCount"), sum("pendingCount")),
        (service["runningCount"].as_u64().unwrap(), service["pendingCount"].as_u64().unwrap())
    );
    let listed = stage.call("ListServiceDeployments", json!({ "service": "web", "maxResults": 100 }));
    let open = listed["serviceDeployments"].as_array().unwrap().iter().skip(1);
    for old in open.filter(|old| old["status"] != "STOP_REQUESTED") {
        assert!(OVER.contains(&old["status"].as_str().unwrap()), "{old}");
    }
}

fn advanced() -> Value {
    let mut settings = balanced();
    settings["loadBalancers"][0]["advancedConfiguration"] =
        json!({ "alternateTargetGroupArn": "arn:green", "productionListenerRule": "arn:rule", "roleArn": "arn:role" });
    settings
}

fn weather(seed: u64) -> Value {
    let mut dice = Dice(Ids::seeded(seed));
    let mut stage = Stage::with_service(2, advanced());
    for _ in 0..40 {
        act(&mut stage, &mut dice);
        stage.pass(dice.throw(40) as f64 / 10.0);
        check(&mut stage);
    }
    // The sky clears: what is deployed now must come through.
    stage.plane.set_fates(Vec::new());
    stage.plane.set_hook("test", Vec::new());
    let now = stage.now;
    stage.plane.set_alarm("errors", false, now);
    // One task and 150 percent would leave no room, for ECS as for the sandbox.
    let room = json!({ "service": "web", "deploymentConfiguration": { "maximumPercent": 200 } });
    stage.call("UpdateService", room);
    stage.deploy();
    stage.pass(1400.0);
    assert_eq!(stage.release()["status"], "SUCCESSFUL", "seed {seed}: {}", stage.release());
    let service = stage.service();
    assert_eq!(service["runningCount"], service["desiredCount"], "seed {seed}");
    service
}

#[test]
fn service_comes_through_any_weather() {
    for seed in 0..12 {
        weather(seed);
    }
}

#[test]
fn clock_moves_on_when_nothing_takes_time() {
    let none = r#"{"schedule":0,"pending":0,"provisioning":0,"pull":0,"activating":0,"unhealthy":0,"targetHealth":0,
        "draining":0,"stopping":0,"deprovisioning":0,"settle":0,"hookRetry":0,"throttle":0,"throttleLimit":0,"minute":0}"#;
    let mut stage = Stage::new();
    stage.plane.set_pace(serde_json::from_str(none).unwrap());
    stage.register("web", json!({}));
    stage.plane.set_fates(vec![Rule { times: Some(20), ..Rule::new(Fate::ExitCode { code: 1, after: 0.0 }) }]);
    stage.create(2, json!({}));
    stage.rest();
    assert_eq!(stage.primary()["rolloutState"], "COMPLETED");
}

#[test]
fn weather_repeats_itself() {
    assert_eq!(weather(3), weather(3));
}
