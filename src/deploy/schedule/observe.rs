//! The reads: all targets of a rule, page by page, and whether it is enabled; or a schedule.

use serde_json::{Value, json};

use super::{Error, Place};
use crate::aws::{EVENTS, Error as CallError, Remote, SCHEDULER, Session};

/// What is there, as AWS described it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    pub documents: Documents,
    /// None if it could not be learned.
    pub enabled: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Documents {
    Targets(Vec<Value>),
    Schedule(Value),
}

pub async fn observe(place: &Place, session: &Session) -> Result<Observed, Error> {
    match place {
        Place::Rule { name, bus } => {
            let events = session.service(&EVENTS);
            let named = |member: &str| on_bus(json!({ member: name }), bus.as_deref());
            let (targets, rule) =
                futures_util::join!(targets(&events, named("Rule")), events.json("DescribeRule", named("Name")));
            let targets = targets.map_err(|why| missing(place, why))?;
            // The right to look at the rule itself is no condition: the targets are what matters.
            let state = rule.ok().and_then(|rule| rule.body["State"].as_str().map(str::to_owned));
            let enabled = state.map(|state| state != "DISABLED");
            Ok(Observed { documents: Documents::Targets(targets), enabled })
        }
        Place::Schedule { name, group } => {
            let group = group.as_deref().map(|group| ("groupName", group));
            let remote = session.service(&SCHEDULER);
            let answer = remote.rest("GetSchedule", "GET", &["schedules", name], group.as_slice(), None).await;
            let schedule = answer.map_err(|why| missing(place, why))?.body;
            let enabled = schedule["State"].as_str().map(|state| state != "DISABLED");
            Ok(Observed { documents: Documents::Schedule(schedule), enabled })
        }
    }
}

async fn targets(events: &Remote, body: Value) -> Result<Vec<Value>, CallError> {
    let (mut targets, mut ask) = (Vec::new(), body);
    loop {
        let mut page = events.json("ListTargetsByRule", ask.clone()).await?.body;
        if let Some(more) = page["Targets"].as_array_mut() {
            targets.append(more);
        }
        match page["NextToken"].as_str() {
            Some(token) => ask["NextToken"] = token.into(),
            None => return Ok(targets),
        }
    }
}

/// The default bus needs no name.
pub fn on_bus(mut body: Value, bus: Option<&str>) -> Value {
    if let Some(bus) = bus {
        body["EventBusName"] = bus.into();
    }
    body
}

fn missing(place: &Place, why: CallError) -> Error {
    match why.is_not_found() {
        true => Error::Missing { place: Box::new(place.clone()), source: Box::new(why) },
        false => Box::new(why).into(),
    }
}
