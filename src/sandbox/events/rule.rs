//! Rules. PutRule replaces all of a rule but its targets and tags; what it leaves out is gone.

use serde_json::{Map, Value, json};

use super::{DEFAULT, Events};
use crate::sandbox::Refusal;
use crate::sandbox::timetable::{Answer, Change, Course, Input, Rule, invalid, key, page};

const STATES: [&str; 3] = ["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];

impl Events<'_> {
    pub(super) fn put_rule(&self, input: Input) -> Answer {
        let (bus, name) = (self.bus(input)?, input.name("Name")?);
        let state = input.word("State", &STATES)?.unwrap_or("ENABLED");
        let schedule = self.schedule(input, bus)?;
        let arn = self.rule_arn(bus, name);
        let mut document = Map::from_iter([("Name".to_owned(), json!(name)), ("Arn".to_owned(), json!(arn))]);
        for member in ["EventPattern", "ScheduleExpression", "Description", "RoleArn"] {
            if let Some(text) = input.optional_text(member)? {
                document.insert(member.into(), text.into());
            }
        }
        document.insert("State".into(), state.into());
        document.insert("EventBusName".into(), bus.into());
        document.insert("CreatedBy".into(), self.account.into());
        let known = self.table.rules.get(&key(bus, name));
        // Tags are for a new rule; of one that is there they are ignored (API reference, PutRule).
        let new = || input.value("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
        let rule = Rule {
            bus: bus.into(),
            name: name.into(),
            document: document.into(),
            targets: known.map_or_else(Vec::new, |rule| rule.targets.clone()),
            tags: known.map_or_else(new, |rule| rule.tags.clone()),
            course: schedule.filter(|_| state != "DISABLED"),
        };
        Ok((json!({ "RuleArn": arn }), vec![Change::Rule(rule.key(), Some(rule))]))
    }

    fn schedule(&self, input: Input, bus: &str) -> Result<Option<Course>, Refusal> {
        let pattern = input.optional_text("EventPattern")?.filter(|pattern| !pattern.is_empty());
        let expression = input.optional_text("ScheduleExpression")?.filter(|expression| !expression.is_empty());
        if pattern.is_some_and(|pattern| !serde_json::from_str(pattern).is_ok_and(|value: Value| value.is_object())) {
            let wrong = "Event pattern is not valid. Reason: Filter is not an object";
            return Err(Refusal::new("InvalidEventPatternException", wrong));
        }
        match expression {
            None if pattern.is_none() => {
                Err(invalid("Parameter(s) EventPattern or ScheduleExpression must be specified."))
            }
            None => Ok(None),
            Some(_) if bus != DEFAULT => Err(invalid("ScheduleExpression is supported only on the default event bus.")),
            Some(expression) => self.course(expression).map(Some),
        }
    }

    /// Rules know rates and cron, not single times.
    fn course(&self, expression: &str) -> Result<Course, Refusal> {
        let course = Course::begin(expression, "UTC", None, None, self.now);
        let course = course.filter(|_| !expression.starts_with("at("));
        course.ok_or_else(|| invalid("Parameter ScheduleExpression is not valid."))
    }

    pub(super) fn describe_rule(&self, input: Input) -> Answer {
        Ok((self.rule(input, "Name")?.document.clone(), Vec::new()))
    }

    pub(super) fn list_rules(&self, input: Input) -> Answer {
        let bus = self.bus(input)?;
        let prefix = input.optional_text("NamePrefix")?.unwrap_or_default();
        let fitting = self.table.rules.values().filter(|rule| rule.bus == bus && rule.name.starts_with(prefix));
        let shown = |rule: &Rule| {
            let mut document = rule.document.clone();
            document.as_object_mut().map(|members| members.shift_remove("CreatedBy"));
            (rule.name.clone(), document)
        };
        Ok((page(input, "Limit", "Rules", fitting.map(shown).collect())?, Vec::new()))
    }

    /// A rule that is not there counts as deleted.
    pub(super) fn delete_rule(&self, input: Input) -> Answer {
        let (bus, name) = (self.bus(input)?, input.name("Name")?);
        match self.table.rules.get(&key(bus, name)) {
            Some(rule) if !rule.targets.is_empty() => Err(invalid("Rule can't be deleted since it has targets.")),
            Some(rule) => Ok((json!({}), vec![Change::Rule(rule.key(), None)])),
            None => Ok((json!({}), Vec::new())),
        }
    }

    pub(super) fn switch_rule(&self, input: Input, state: &str) -> Answer {
        let mut rule = self.rule(input, "Name")?.clone();
        let schedule = rule.document["ScheduleExpression"].as_str().filter(|_| state == "ENABLED");
        let begun = schedule.map(|expression| self.course(expression)).transpose()?;
        // Enabling what is enabled disturbs nothing.
        rule.course = if state == "ENABLED" { rule.course.or(begun) } else { None };
        rule.document["State"] = state.into();
        Ok((json!({}), vec![Change::Rule(rule.key(), Some(rule))]))
    }

    pub(super) fn list_rule_names(&self, input: Input) -> Answer {
        let (bus, arn) = (self.bus(input)?, input.text("TargetArn")?);
        let leads_there = |rule: &&Rule| rule.bus == bus && rule.targets.iter().any(|target| target["Arn"] == arn);
        let names = self.table.rules.values().filter(leads_there);
        let names = names.map(|rule| (rule.name.clone(), json!(rule.name))).collect();
        Ok((page(input, "Limit", "RuleNames", names)?, Vec::new()))
    }
}
