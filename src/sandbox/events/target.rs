//! Targets of rules. PutTargets and RemoveTargets may fail for some entries and answer with HTTP 200 all the same:
//! `FailedEntryCount` says so, and a client that does not look takes nothing for something.

use serde_json::{Value, json};

use super::Events;
use crate::sandbox::Refusal;
use crate::sandbox::fault::Failing;
use crate::sandbox::timetable::{Answer, Change, Input, Rule, invalid, page};

/// A rule's targets at most, and a request's.
const MOST: usize = 5;
const ENTRIES: usize = 100;

impl Events<'_> {
    pub(super) fn put_targets(&self, input: Input) -> Answer {
        let mut rule = self.rule(input, "Rule")?.clone();
        let mut failed = Vec::new();
        for target in input.list("Targets", ENTRIES)? {
            let id = check(target)?;
            match self.failing(id).or_else(|| wrong(target)) {
                Some(failing) => failed.push(entry(id, &failing)),
                None => put(&mut rule, id, target),
            }
        }
        if rule.targets.len() > MOST {
            let much = "The requested resource exceeds the maximum number allowed.";
            return Err(Refusal::new("LimitExceededException", much));
        }
        Ok(answer(rule, failed))
    }

    pub(super) fn list_targets(&self, input: Input) -> Answer {
        let rule = self.rule(input, "Rule")?;
        let named = |target: &Value| (target["Id"].as_str().unwrap_or_default().to_owned(), target.clone());
        let mut targets: Vec<_> = rule.targets.iter().map(named).collect();
        targets.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok((page(input, "Limit", "Targets", targets)?, Vec::new()))
    }

    pub(super) fn remove_targets(&self, input: Input) -> Answer {
        let mut rule = self.rule(input, "Rule")?.clone();
        let mut failed = Vec::new();
        for id in input.list("Ids", ENTRIES)?.iter().filter_map(Value::as_str) {
            let gone = || Failing {
                target: None,
                code: "ResourceNotFoundException".into(),
                message: format!("Target {id} does not exist."),
            };
            let known = rule.targets.iter().any(|target| target["Id"] == id);
            match self.failing(id).or_else(|| (!known).then(gone)) {
                Some(failing) => failed.push(entry(id, &failing)),
                None => rule.targets.retain(|target| target["Id"] != id),
            }
        }
        Ok(answer(rule, failed))
    }

    fn failing(&self, id: &str) -> Option<Failing> {
        self.failing.filter(|failing| failing.target.as_deref().is_none_or(|target| target == id)).cloned()
    }
}

fn answer(rule: Rule, failed: Vec<Value>) -> (Value, Vec<Change>) {
    let answer = json!({ "FailedEntryCount": failed.len(), "FailedEntries": failed });
    (answer, vec![Change::Rule(rule.key(), Some(rule))])
}

fn entry(id: &str, failing: &Failing) -> Value {
    json!({ "TargetId": id, "ErrorCode": failing.code, "ErrorMessage": failing.message })
}

fn put(rule: &mut Rule, id: &str, target: &Value) {
    match rule.targets.iter_mut().find(|known| known["Id"] == id) {
        Some(known) => *known = target.clone(),
        None => rule.targets.push(target.clone()),
    }
}

/// What is wrong with one target refuses the whole request. How EventBridge words the want of EcsParameters is not
/// known; the sentence is ours.
fn check(target: &Value) -> Result<&str, Refusal> {
    let input = Input::new(target);
    let (id, arn) = (input.name("Id")?, input.text("Arn")?);
    if !arn.starts_with("arn:") {
        return Err(invalid(format!("Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.")));
    }
    if is_cluster(arn) {
        if input.value("RoleArn").is_none() {
            return Err(invalid(format!("RoleArn is required for target {arn}.")));
        }
        if input.value("EcsParameters").is_none() {
            return Err(invalid(format!("Parameter(s) EcsParameters must be specified for target: {id}.")));
        }
        let ecs = input.object("EcsParameters")?;
        ecs.text("TaskDefinitionArn")?;
        ecs.number("TaskCount", (1, u64::MAX))?;
        ecs.word("LaunchType", &["EC2", "FARGATE", "EXTERNAL"])?;
    }
    Ok(id)
}

/// What is wrong with one target and leaves the others alone.
fn wrong(target: &Value) -> Option<Failing> {
    let definition = target["EcsParameters"]["TaskDefinitionArn"].as_str()?;
    let is_arn = definition.starts_with("arn:") && definition.contains(":task-definition/");
    (!is_arn).then(|| Failing {
        target: None,
        code: "ValidationException".into(),
        message: format!("Parameter {definition} is not valid. Reason: Provided Arn is not in correct format."),
    })
}

fn is_cluster(arn: &str) -> bool {
    arn.contains(":ecs:") && arn.contains(":cluster/")
}
