//! DescribeTargetHealth: how the load balancer finds the tasks behind it, with a code and a sentence for all that is
//! not healthy.

use serde_json::{Value, json};

use super::Elb;
use crate::sandbox::Refusal;
use crate::sandbox::ecs::TargetHealth;

impl Elb<'_> {
    pub(super) fn describe_health(&self, input: &Value) -> Result<Value, Refusal> {
        let missing = || {
            let at = "1 validation error detected: Value null at 'targetGroupArn' failed to satisfy constraint";
            Refusal::new("ValidationError", format!("{at}: Member must not be null"))
        };
        let arn = input["TargetGroupArn"].as_str().ok_or_else(missing)?;
        if !arn.contains(":targetgroup/") {
            return Err(Refusal::new("ValidationError", format!("'{arn}' is not a valid target group ARN")));
        }
        if !self.groups.contains_key(arn) {
            return Err(Refusal::new("TargetGroupNotFound", format!("Target groups '{arn}' not found")));
        }
        let targets = (self.targets)(arn)?;
        let wanted = input["Targets"].as_array();
        let shown: Vec<Value> = match wanted {
            None => targets.iter().map(show).collect(),
            Some(wanted) => wanted.iter().map(|wanted| asked(wanted, &targets)).collect(),
        };
        Ok(json!({ "TargetHealthDescriptions": shown }))
    }
}

fn show(target: &TargetHealth) -> Value {
    let mut health = json!({ "State": target.state });
    if let Some((code, words)) = &target.reason {
        health["Reason"] = json!(code);
        health["Description"] = json!(words);
    }
    json!({
        "Target": { "Id": target.address, "Port": target.port },
        "HealthCheckPort": target.port.to_string(),
        "TargetHealth": health,
    })
}

/// One that was asked for by its address may not be there.
fn asked(wanted: &Value, targets: &[TargetHealth]) -> Value {
    let same = |target: &&TargetHealth| {
        wanted["Id"] == target.address && wanted["Port"].as_i64().is_none_or(|port| port == target.port)
    };
    let missing = || {
        let health = json!({ "State": "unused", "Reason": "Target.NotRegistered",
            "Description": "Target is not registered to the target group" });
        json!({ "Target": wanted, "TargetHealth": health })
    };
    targets.iter().find(same).map_or_else(missing, show)
}
