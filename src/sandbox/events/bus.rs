//! Event buses. `default` is always there; schedules belong to it alone, so the others hold rules with patterns, which
//! nothing here ever matches.

use serde_json::{Value, json};

use super::{DEFAULT, Events, not_found};
use crate::sandbox::Refusal;
use crate::sandbox::timetable::{Answer, Bus, Change, Input, invalid, page};

impl Events<'_> {
    pub(super) fn create_bus(&self, input: Input) -> Answer {
        let name = input.text("Name")?;
        if name == DEFAULT || self.table.buses.contains_key(name) {
            let there = format!("Event bus {name} already exists.");
            return Err(Refusal::new("ResourceAlreadyExistsException", there));
        }
        let mut answer = json!({ "EventBusArn": self.arn(&format!("event-bus/{name}")) });
        let mut document = self.shown_bus(name);
        (document["CreationTime"], document["LastModifiedTime"]) = (json!(self.now), json!(self.now));
        for member in ["Description", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig"] {
            if let Some(value) = input.value(member) {
                (answer[member], document[member]) = (value.clone(), value.clone());
            }
        }
        let tags = input.value("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok((answer, vec![Change::Bus(name.into(), Some(Bus { document, tags }))]))
    }

    pub(super) fn describe_bus(&self, input: Input) -> Answer {
        let named = input.optional_text("Name")?.unwrap_or(DEFAULT);
        let name = named.split_once(":event-bus/").map_or(named, |(_, name)| name);
        let known = self.table.buses.get(name).map(|bus| bus.document.clone());
        let document = known.or_else(|| (name == DEFAULT).then(|| self.shown_bus(name)));
        document
            .map(|document| (document, Vec::new()))
            .ok_or_else(|| not_found(format!("Event bus {name} does not exist.")))
    }

    pub(super) fn list_buses(&self, input: Input) -> Answer {
        const SHOWN: [&str; 6] = ["Name", "Arn", "Description", "Policy", "CreationTime", "LastModifiedTime"];
        let prefix = input.optional_text("NamePrefix")?.unwrap_or_default();
        let others = self.table.buses.iter().map(|(name, bus)| (name.clone(), bus.document.clone()));
        let mut buses: Vec<_> = others.chain([(DEFAULT.to_owned(), self.shown_bus(DEFAULT))]).collect();
        buses.retain(|(name, _)| name.starts_with(prefix));
        buses.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (_, document) in &mut buses {
            document.as_object_mut().into_iter().for_each(|all| all.retain(|name, _| SHOWN.contains(&name.as_str())));
        }
        Ok((page(input, "Limit", "EventBuses", buses)?, Vec::new()))
    }

    /// A bus that is not there counts as deleted.
    pub(super) fn delete_bus(&self, input: Input) -> Answer {
        let name = input.text("Name")?;
        if name == DEFAULT {
            return Err(invalid("Cannot delete event bus default."));
        }
        if self.table.rules.values().any(|rule| rule.bus == name) {
            return Err(invalid(format!("Cannot delete event bus {name} since it has rules.")));
        }
        Ok((json!({}), vec![Change::Bus(name.into(), None)]))
    }

    fn shown_bus(&self, name: &str) -> Value {
        json!({ "Name": name, "Arn": self.arn(&format!("event-bus/{name}")) })
    }
}
