//! What made ECS give a deployment up other than its tasks: an alarm that fired, a lifecycle hook that said no or was
//! not answered. ECS's record of the deployment names them.

use serde::Serialize;
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trigger {
    Alarm {
        name: String,
    },
    Hook {
        /// The ARN of its function; nothing for a PAUSE.
        target: Option<String>,
        /// FAILED or TIMED_OUT.
        status: String,
    },
}

impl Trigger {
    pub fn words(&self) -> String {
        match self {
            Trigger::Alarm { name } => format!("alarm {name} fired"),
            Trigger::Hook { target: Some(arn), status } => {
                format!("lifecycle hook {} {}", function(arn), course(status))
            }
            Trigger::Hook { target: None, status } if status == "TIMED_OUT" => {
                "a PAUSE hook was not answered in time".into()
            }
            Trigger::Hook { target: None, .. } => "a PAUSE hook was answered with a rollback".into(),
        }
    }

    pub fn cure(&self) -> Option<&'static str> {
        Some(match self {
            Trigger::Alarm { .. } => {
                "Look at the alarm's metric since the deployment began: the new version is likely to be its cause."
            }
            Trigger::Hook { target: Some(_), .. } => {
                "Read the function's own log in CloudWatch Logs, and check that its role may be assumed by ECS and may invoke it."
            }
            Trigger::Hook { target: None, status } if status == "TIMED_OUT" => {
                "Answer a pause with `dockless continue` before its time is up, or raise the hook's timeoutInMinutes."
            }
            Trigger::Hook { .. } => return None,
        })
    }
}

fn course(status: &str) -> &'static str {
    if status == "TIMED_OUT" { "did not answer in time" } else { "failed" }
}

/// `check` of `arn:aws:lambda:eu-west-1:1:function:check`, with its version if there is one.
fn function(arn: &str) -> &str {
    arn.split_once(":function:").map_or(arn, |(_, name)| name)
}

/// Those of a service deployment, as DescribeServiceDeployments shows it.
pub fn read(record: &Value) -> Vec<Trigger> {
    let alarms = record["alarms"]["triggeredAlarmNames"].as_array().into_iter().flatten();
    let alarms = alarms.filter_map(Value::as_str).map(|name| Trigger::Alarm { name: name.to_owned() });
    let hooks = record["lifecycleHookDetails"].as_array().into_iter().flatten().filter_map(|hook| {
        let status = hook["status"].as_str().filter(|status| ["FAILED", "TIMED_OUT"].contains(status))?;
        Some(Trigger::Hook { target: hook["targetArn"].as_str().map(str::to_owned), status: status.to_owned() })
    });
    let mut found: Vec<Trigger> = Vec::new();
    for trigger in alarms.chain(hooks) {
        if !found.contains(&trigger) {
            found.push(trigger);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn alarms_and_hooks_are_read_from_the_record() {
        let arn = "arn:aws:lambda:eu-west-1:1:function:smoke";
        let record = json!({
            "alarms": { "status": "TRIGGERED", "alarmNames": ["5xx", "cpu"], "triggeredAlarmNames": ["5xx"] },
            "lifecycleHookDetails": [
                { "targetType": "AWS_LAMBDA", "targetArn": arn, "status": "FAILED" },
                { "targetType": "AWS_LAMBDA", "targetArn": arn, "status": "FAILED" },
                { "targetType": "AWS_LAMBDA", "targetArn": "x", "status": "SUCCEEDED" },
                { "targetType": "PAUSE", "status": "TIMED_OUT" },
            ],
        });
        let words: Vec<String> = read(&record).iter().map(Trigger::words).collect();
        assert_eq!(words, ["alarm 5xx fired", "lifecycle hook smoke failed", "a PAUSE hook was not answered in time"]);
        assert!(read(&json!({ "alarms": { "status": "DISABLED" } })).is_empty());
    }
}
