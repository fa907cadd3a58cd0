//! A plan as people and dry runs see it: what would be started, and RunTask's body exactly as it would be sent, but
//! for values that look secret and the token that a repeated call is known by.

use std::fmt;

use serde_json::{Value, json};

use super::Plan;
use crate::deploy::mask;
use crate::report::{Outcome, Report};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = if self.count == 1 { "1 task".to_owned() } else { format!("{} tasks", self.count) };
        let like = self.like.as_ref().map(|service| format!(", as {service} runs")).unwrap_or_default();
        writeln!(f, "{tasks} of {} in {}{like}", self.revision, self.cluster)?;
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))?;
        let body = serde_json::to_string_pretty(&shown(self)).map_err(|_| fmt::Error)?;
        writeln!(f, "\nRunTask {body}")
    }
}

fn shown(plan: &Plan) -> Value {
    mask::shown(&Value::Object(plan.body.clone()))
}

/// The report of a dry run: the plan itself, and no effect.
pub fn planned(plan: &Plan) -> Report {
    let calls = json!([{ "operation": "RunTask", "body": shown(plan) }]);
    Report {
        outcome: Outcome::Planned,
        lines: Vec::new(),
        document: json!({ "task_definition_arn": plan.arn, "calls": calls, "warnings": plan.warnings }),
        exports: Vec::new(),
        summary: plan.to_string(),
    }
}
