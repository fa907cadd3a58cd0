//! The calls. PutTargets answers HTTP 200 even if it took none of its entries, so what failed is counted and named.

use serde_json::Value;

use super::{Error, Place, Plan};

use crate::aws::{EVENTS, SCHEDULER, Session};
use crate::deploy::edit::short;
use crate::report::Events;

/// What was done.
#[derive(Debug, Clone)]
pub struct Applied {
    /// ARN of the revision that is started from now on.
    pub revision: String,
    /// It was registered for this.
    pub registered: bool,
}

pub async fn apply(plan: &Plan, applied: &Applied, session: &Session, events: &Events) -> Result<(), Error> {
    plan.warnings.iter().for_each(|warning| events.warn(warning.clone(), None));
    let bodies = plan.bodies(&applied.revision);
    if bodies.is_empty() {
        return Ok(());
    }
    events.step(format!("pointing {} at {}", plan.place, short(&applied.revision)));
    let done = match &plan.place {
        Place::Rule { .. } => put(plan, bodies, session).await,
        Place::Schedule { name, .. } => update(name, bodies, session).await,
    };
    done.map_err(|why| match applied.registered {
        true => Error::Undeployed {
            registered: applied.revision.clone(),
            place: Box::new(plan.place.clone()),
            source: Box::new(why),
        },
        false => why,
    })
}

async fn put(plan: &Plan, bodies: Vec<Value>, session: &Session) -> Result<(), Error> {
    let (remote, mut failed) = (session.service(&EVENTS), Vec::new());
    for body in bodies {
        let answer = remote.json("PutTargets", body).await.map_err(Box::new)?.body;
        failed.extend(refused(&answer)?);
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Error::Refused { place: Box::new(plan.place.clone()), of: plan.due().count(), failed }),
    }
}

/// One sentence for each entry that was not taken.
fn refused(answer: &Value) -> Result<Vec<String>, Error> {
    let entries = answer["FailedEntries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |entry: &Value, member: &str| entry[member].as_str().unwrap_or("(nothing)").to_owned();
    let sentence = |entry: &Value| {
        format!("{}: {}: {}", text(entry, "TargetId"), text(entry, "ErrorCode"), text(entry, "ErrorMessage"))
    };
    match answer["FailedEntryCount"].as_u64() {
        Some(count) if count as usize > entries.len() => {
            Err(Error::Answer { operation: "PutTargets", member: "FailedEntries, though it counts some" })
        }
        _ => Ok(entries.iter().map(sentence).collect()),
    }
}

async fn update(name: &str, bodies: Vec<Value>, session: &Session) -> Result<(), Error> {
    let remote = session.service(&SCHEDULER);
    for body in bodies {
        let answer = remote.rest("UpdateSchedule", "PUT", &["schedules", name], &[], Some(body)).await;
        answer.map_err(Box::new)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_that_failed_are_named_each() {
        let entry = |id: &str| json!({ "TargetId": id, "ErrorCode": "InternalException", "ErrorMessage": "later" });
        let answer = json!({ "FailedEntryCount": 2, "FailedEntries": [entry("a"), entry("b")] });
        assert_eq!(refused(&answer).unwrap(), ["a: InternalException: later", "b: InternalException: later"]);
        assert!(refused(&json!({ "FailedEntryCount": 0, "FailedEntries": [] })).unwrap().is_empty());
        assert!(refused(&json!({ "FailedEntryCount": 1, "FailedEntries": [] })).is_err());
    }
}
