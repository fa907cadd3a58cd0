//! Tags of rules and buses, which are named by ARN.

use serde_json::{Value, json};

use super::{DEFAULT, Events, not_found};
use crate::sandbox::Refusal;
use crate::sandbox::timetable::{Answer, Bus, Change, Input, Rule, key};

/// The change that gives something other tags.
type Retag = Box<dyn FnOnce(Vec<Value>) -> Change>;

impl Events<'_> {
    pub(super) fn tags(&self, input: Input) -> Answer {
        let (tags, _) = self.tagged(input)?;
        Ok((json!({ "Tags": tags }), Vec::new()))
    }

    pub(super) fn tag(&self, input: Input) -> Answer {
        let (mut tags, with) = self.tagged(input)?;
        for tag in input.list("Tags", 50)? {
            tags.retain(|known| known["Key"] != tag["Key"]);
            tags.push(tag.clone());
        }
        Ok((json!({}), vec![with(tags)]))
    }

    pub(super) fn untag(&self, input: Input) -> Answer {
        let (mut tags, with) = self.tagged(input)?;
        let keys = input.list("TagKeys", 50)?;
        tags.retain(|tag| !keys.contains(&tag["Key"]));
        Ok((json!({}), vec![with(tags)]))
    }

    /// The tags of what the ARN names, and the change that gives it others.
    fn tagged(&self, input: Input) -> Result<(Vec<Value>, Retag), Refusal> {
        let arn = input.text("ResourceARN")?;
        match arn.split_once(":rule/") {
            Some((_, name)) => self.tagged_rule(name),
            None => self.tagged_bus(arn.split_once(":event-bus/").map_or(arn, |(_, name)| name)),
        }
    }

    fn tagged_rule(&self, name: &str) -> Result<(Vec<Value>, Retag), Refusal> {
        let (bus, name) = name.rsplit_once('/').unwrap_or((DEFAULT, name));
        let rule = self.table.rules.get(&key(bus, name)).cloned();
        let rule = rule.ok_or_else(|| not_found(format!("Rule {name} does not exist on EventBus {bus}.")))?;
        let tags = rule.tags.clone();
        Ok((tags, Box::new(move |tags| Change::Rule(rule.key(), Some(Rule { tags, ..rule })))))
    }

    fn tagged_bus(&self, name: &str) -> Result<(Vec<Value>, Retag), Refusal> {
        let bus = self.table.buses.get(name).cloned();
        let bus = bus.ok_or_else(|| not_found(format!("Event bus {name} does not exist.")))?;
        let name = name.to_owned();
        Ok((bus.tags.clone(), Box::new(move |tags| Change::Bus(name, Some(Bus { tags, ..bus })))))
    }
}
