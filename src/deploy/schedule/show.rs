//! A plan as people and dry runs see it: each target's difference, and the calls exactly as they would be made, but for
//! values that look secret.

use std::fmt;

use serde_json::{Value, json};

use super::{Move, Place, Plan};
use crate::deploy::edit::short;
use crate::deploy::mask;

/// What stands for the ARN of a revision that is not registered yet.
const NEW_REVISION: &str = "(the revision registered above)";

impl Plan {
    fn revision(&self) -> &str {
        self.wanted.arn.as_deref().unwrap_or(NEW_REVISION)
    }

    /// Operation and body, fit to be shown.
    fn calls(&self) -> Vec<(&'static str, Value)> {
        let operation = match self.place {
            Place::Rule { .. } => "PutTargets",
            Place::Schedule { .. } => "UpdateSchedule",
        };
        self.bodies(self.revision()).into_iter().map(|body| (operation, shown(body))).collect()
    }

    /// Each target of the family with what it starts and what it is to start.
    pub fn targets(&self) -> Value {
        let target = |target: &Move| json!({ "id": target.id, "from": target.from, "to": self.wanted.arn });
        self.moves.iter().map(target).collect()
    }

    /// The same as a document, for `--output json`.
    pub fn document(&self) -> Value {
        let calls = self.calls().into_iter().map(|(operation, body)| json!({ "operation": operation, "body": body }));
        json!({
            "place": self.place.to_string(),
            "targets": self.targets(),
            "calls": calls.collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }
}

/// One screen: what changes, what to know, which calls.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.place)?;
        for target in &self.moves {
            match self.wanted.arn.as_ref() == Some(&target.from) {
                true => writeln!(f, "    {}: {}", target.id, short(&target.from))?,
                false => writeln!(f, "  ~ {}: {} -> {}", target.id, short(&target.from), short(self.revision()))?,
            }
        }
        if self.others > 0 {
            writeln!(f, "    left alone: {} of other families or kinds", self.others)?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))?;
        for (operation, body) in self.calls() {
            let body = serde_json::to_string_pretty(&body).map_err(|_| fmt::Error)?;
            writeln!(f, "\n{operation} {body}")?;
        }
        Ok(())
    }
}

/// The overrides of a target are a text of JSON, and may hold the values of variables.
fn shown(body: Value) -> Value {
    match body {
        Value::Array(items) => items.into_iter().map(shown).collect(),
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| match value {
                Value::String(text) if name == "Input" || name == "InputTemplate" => (name, overrides(&text).into()),
                other => (name, shown(other)),
            };
            Value::Object(members.into_iter().map(member).collect())
        }
        other => other,
    }
}

fn overrides(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(document) => mask::shown(&document).to_string(),
        Err(_) => mask::MASK.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_are_shown_without_their_secrets() {
        let environment = json!([{ "name": "API_TOKEN", "value": "geheim" }, { "name": "MODE", "value": "fast" }]);
        let input = json!({ "containerOverrides": [{ "name": "web", "environment": environment }] }).to_string();
        let body = json!({ "Targets": [{ "Id": "1", "Input": input }, { "InputTransformer": { "InputTemplate": "<geheim>" } }] });
        let text = shown(body).to_string();
        assert!(text.contains("fast") && text.contains("***") && !text.contains("geheim"), "{text}");
    }
}
