//! What came of it, for people and for the steps that follow.

use serde_json::json;

use super::{Applied, Place, Plan};
use crate::deploy::edit::short;
use crate::report::{Export, Outcome, Report};

pub fn report(plan: &Plan, applied: &Applied) -> Report {
    let changed = plan.due().count();
    let idle = changed == 0 && !applied.registered;
    let (revision, place) = (short(&applied.revision), &plan.place);
    let start = |count: usize| if count == 1 { "1 target starts".to_owned() } else { format!("{count} targets start") };
    let summary = match (place, changed) {
        (_, 0) => format!("**{place}**: already starts {revision}, nothing to do\n"),
        (Place::Rule { .. }, changed) => format!("**{place}**: {} {revision} from now on\n", start(changed)),
        (Place::Schedule { .. }, _) => format!("**{place}**: starts {revision} from now on\n"),
    };
    let variables: &[&str] = &["CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN"];
    Report {
        outcome: if idle { Outcome::NothingToDo } else { Outcome::Succeeded },
        lines: vec![applied.revision.clone()],
        document: json!({
            "task_definition_arn": applied.revision,
            "registered": applied.registered,
            "place": place.to_string(),
            "targets": plan.targets(),
            "changed": changed,
            "warnings": plan.warnings,
        }),
        exports: vec![Export { name: "task-definition-arn", variables, value: applied.revision.clone() }],
        summary,
    }
}

/// The report of a dry run: the plan itself, and no effect. A revision that is to be registered first has a plan of
/// its own.
pub fn planned(plan: &Plan, registration: Option<&crate::deploy::Plan>) -> Report {
    let first = registration.map(crate::deploy::planned);
    let mut document = plan.document();
    if let Some(first) = &first {
        document["registration"] = first.document.clone();
    }
    let before = first.map(|first| format!("{}\n", first.summary)).unwrap_or_default();
    Report {
        outcome: Outcome::Planned,
        lines: Vec::new(),
        document,
        exports: Vec::new(),
        summary: format!("{before}{plan}"),
    }
}
