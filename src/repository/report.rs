//! What is said in the end of a plan, and of what came of it.

use serde_json::{Value, json};

use super::{Applied, Plan};
use crate::report::{Outcome, Report};

/// A dry run: each call exactly as it would be made, and what would stay different.
pub fn planned(plan: &Plan) -> Report {
    let mut lines = vec![match plan.calls.len() {
        0 => format!("Nothing to do for {}.", plan.name),
        1 => format!("Would make 1 call for {}.", plan.name),
        count => format!("Would make {count} calls for {}.", plan.name),
    }];
    lines.extend(plan.differences.iter().map(|difference| format!("- {}, and is left so", difference.text())));
    for call in &plan.calls {
        let body = serde_json::to_string_pretty(&call.body).expect("plain JSON");
        lines.push(format!("\n{} {body}", call.operation.name()));
    }
    let calls = plan.calls.iter().map(|call| json!({ "operation": call.operation.name(), "body": call.body }));
    let mut document = about(plan, plan.shown.as_ref());
    document["calls"] = calls.collect();
    Report { outcome: Outcome::Planned, lines: vec![], document, exports: vec![], summary: lines.join("\n") }
}

/// With the repository's address on stdout, where it is known.
pub fn report(plan: &Plan, applied: &Applied) -> Report {
    let mut document = about(plan, applied.shown.as_ref());
    document["created"] = json!(applied.created);
    document["done"] = plan.calls.iter().map(|call| json!(call.operation.name())).collect();
    let (outcome, summary) = match plan.calls.as_slice() {
        [] if plan.differences.is_empty() => {
            (Outcome::NothingToDo, format!("Nothing to do: {} is as it was asked for.", plan.name))
        }
        [] => (Outcome::NothingToDo, format!("{} exists, and was left as it is.", plan.name)),
        _ if applied.created => (Outcome::Succeeded, format!("Repository {} was created.", plan.name)),
        _ if plan.differences.is_empty() => (Outcome::Succeeded, format!("{} is now as it was asked for.", plan.name)),
        _ => (Outcome::Succeeded, format!("{} was changed; what differs besides was left as it is.", plan.name)),
    };
    let uri = document["uri"].as_str().map(str::to_owned);
    Report { outcome, lines: uri.into_iter().collect(), document, exports: vec![], summary }
}

fn about(plan: &Plan, shown: Option<&Value>) -> Value {
    let differences = plan.differences.iter();
    let differences = differences.map(|d| json!({ "what": d.what, "asked": d.wanted, "found": d.found.known() }));
    let of = |member: &str| shown.map_or(Value::Null, |shown| shown[member].clone());
    json!({
        "repository": plan.name,
        "uri": of("repositoryUri"),
        "arn": of("repositoryArn"),
        "differences": differences.collect::<Vec<_>>(),
    })
}
