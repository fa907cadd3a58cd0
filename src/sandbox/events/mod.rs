//! The API of EventBridge as far as schedules need it: buses, rules, targets, tags. Names, errors and wording are AWS's;
//! an operation that is not here answers like one that AWS does not have. Deciding is pure: the timetable and a request
//! in, an answer and changes out.

mod bus;
mod rule;
mod tag;
mod target;

use serde_json::Value;

use super::Refusal;
use super::fault::Failing;
use super::timetable::{Answer, Input, Rule, Timetable, key};

/// One call.
pub struct Events<'a> {
    pub account: &'a str,
    pub region: &'a str,
    pub table: &'a Timetable,
    /// Epoch seconds.
    pub now: f64,
    /// Which entries of a request fail, and how, by order of the faults.
    pub failing: Option<&'a Failing>,
}

const DEFAULT: &str = "default";

impl Events<'_> {
    pub fn call(&self, operation: &str, input: &Value) -> Answer {
        let input = Input::new(input);
        match operation {
            "PutRule" => self.put_rule(input),
            "DescribeRule" => self.describe_rule(input),
            "ListRules" => self.list_rules(input),
            "DeleteRule" => self.delete_rule(input),
            "EnableRule" => self.switch_rule(input, "ENABLED"),
            "DisableRule" => self.switch_rule(input, "DISABLED"),
            "ListRuleNamesByTarget" => self.list_rule_names(input),
            "PutTargets" => self.put_targets(input),
            "ListTargetsByRule" => self.list_targets(input),
            "RemoveTargets" => self.remove_targets(input),
            "CreateEventBus" => self.create_bus(input),
            "DescribeEventBus" => self.describe_bus(input),
            "ListEventBuses" => self.list_buses(input),
            "DeleteEventBus" => self.delete_bus(input),
            "TagResource" => self.tag(input),
            "UntagResource" => self.untag(input),
            "ListTagsForResource" => self.tags(input),
            _ => Err(Refusal::unknown_operation()),
        }
    }

    fn arn(&self, resource: &str) -> String {
        format!("arn:aws:events:{}:{}:{resource}", self.region, self.account)
    }

    /// Rules of other buses carry the bus's name in their ARN.
    fn rule_arn(&self, bus: &str, name: &str) -> String {
        let bus = if bus == DEFAULT { String::new() } else { format!("{bus}/") };
        self.arn(&format!("rule/{bus}{name}"))
    }

    /// The bus that a request means, by name or ARN, which must exist.
    fn bus<'a>(&self, input: Input<'a>) -> Result<&'a str, Refusal> {
        let named = input.optional_text("EventBusName")?.unwrap_or(DEFAULT);
        let name = named.split_once(":event-bus/").map_or(named, |(_, name)| name);
        match name == DEFAULT || self.table.buses.contains_key(name) {
            true => Ok(name),
            false => Err(not_found(format!("Event bus {name} does not exist."))),
        }
    }

    /// The rule that a request means, by the member that names it.
    fn rule(&self, input: Input, member: &str) -> Result<&Rule, Refusal> {
        let (bus, name) = (self.bus(input)?, input.name(member)?);
        let found = self.table.rules.get(&key(bus, name));
        found.ok_or_else(|| not_found(format!("Rule {name} does not exist on EventBus {bus}.")))
    }
}

fn not_found(message: String) -> Refusal {
    Refusal::new("ResourceNotFoundException", message)
}
