//! A plan as people and dry runs see it: the differences, and the calls exactly as they would be made.
//! Secret values are masked in both.

use std::fmt::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::{Plan, Step};
use crate::deploy::edit::{Change, short};
use crate::deploy::mask;

/// What stands for the ARN of a revision that is not registered yet.
const NEW_REVISION: &str = "(the revision registered above)";

/// A call that the plan will make.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Call {
    pub operation: &'static str,
    pub body: Value,
}

impl Plan {
    /// The calls that change something, in order, fit to be shown.
    pub fn calls(&self) -> Vec<Call> {
        let register = self.register.as_ref().map(|body| ("RegisterTaskDefinition", mask::shown(body)));
        let deploy = self.deploy.iter().flat_map(|deploy| match &deploy.step {
            Step::Update(body) => vec![("UpdateService", Value::Object(body.clone()))],
            Step::Create(body) => vec![("CreateService", Value::Object(body.clone()))],
            Step::Order(order) => order.bodies.iter().map(|body| (order.operation.name(), body.clone())).collect(),
            Step::CodeDeploy(handover) => {
                if let Some(id) = &handover.join {
                    return handover.word.map(|word| word.call(id)).into_iter().collect();
                }
                let revision = if self.register.is_some() { NEW_REVISION } else { &self.base };
                let scale = handover.scale.clone().map(|body| ("UpdateService", body));
                scale.into_iter().chain([("CreateDeployment", handover.shown(revision))]).collect()
            }
            Step::Join { .. } | Step::Nothing => Vec::new(),
        });
        let deploy = deploy.map(|(operation, mut body)| {
            if self.register.is_some() && body.get("taskDefinition").is_some() {
                body["taskDefinition"] = NEW_REVISION.into();
            }
            (operation, body)
        });
        register.into_iter().chain(deploy).map(|(operation, body)| Call { operation, body }).collect()
    }

    /// The same as a document, for `--output json`.
    pub fn document(&self) -> Value {
        json!({
            "base": self.base,
            "changes": self.changes,
            "calls": self.calls(),
            "notes": self.notes,
            "warnings": self.warnings,
        })
    }
}

/// One screen: what changes, what to know, which calls.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Starting from {}", short(&self.base))?;
        self.changes.iter().try_for_each(|change| writeln!(f, "{change}"))?;
        if self.changes.is_empty() && self.register.is_none() {
            writeln!(f, "  no changes")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))?;
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))?;
        for call in self.calls() {
            let body = serde_json::to_string_pretty(&call.body).map_err(|_| fmt::Error)?;
            writeln!(f, "\n{} {body}", call.operation)?;
        }
        if self.changes.iter().any(|change| change.secret) {
            f.write_str("\nValues whose name or look says secret are shown as ")?;
            f.write_str(mask::MASK)?;
            f.write_char('\n')?;
        }
        Ok(())
    }
}

/// `Debug` shows what `Display` does, so a secret cannot slip out of a failed assertion or a log.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One line, whatever the values hold: a line break in one would be a line of its own to whoever reads the log, and
/// could end the block that a page shows the changes in.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match (&self.old, &self.new) {
            (None, _) => '+',
            (_, None) => '-',
            _ => '~',
        };
        let place = self.container.as_ref().map(|container| format!("{container} ")).unwrap_or_default();
        let values = match (&self.old, &self.new) {
            (Some(old), Some(new)) => format!("{old} -> {new}"),
            (old, new) => old.as_ref().or(new.as_ref()).cloned().unwrap_or_default(),
        };
        let line = format!("{place}{}: {values}", self.what);
        let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        write!(f, "  {sign} {}", line.chars().map(shown).collect::<String>())
    }
}
