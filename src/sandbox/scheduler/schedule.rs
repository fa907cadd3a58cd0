//! Schedules. UpdateSchedule replaces the whole of one: what a request leaves out goes back to its default, however it
//! was set before, which is what catches clients that send only what they change. A flexible window begins at the time
//! that the expression names, and the task starts right then.

use serde_json::{Map, Value, json};

use super::{DEFAULT, Scheduler, conflict, not_found};
use crate::sandbox::Refusal;
use crate::sandbox::timetable::{Answer, Change, Course, Input, Schedule, invalid, key, page};

/// Members of a request that are kept as they came. The group and the name are kept besides.
const KEPT: [&str; 8] = [
    "ActionAfterCompletion",
    "Description",
    "FlexibleTimeWindow",
    "KmsKeyArn",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "State",
    "Target",
];
const STATES: [&str; 2] = ["ENABLED", "DISABLED"];

impl Scheduler<'_> {
    pub(super) fn create_schedule(&self, input: Input) -> Answer {
        let (group, name) = (self.group(input)?, input.name("Name")?);
        if self.table.schedules.contains_key(&key(group, name)) {
            return Err(conflict(format!("Schedule {name} already exists.")));
        }
        self.put(input, group, name, self.now)
    }

    pub(super) fn update_schedule(&self, input: Input) -> Answer {
        let known = self.schedule(input)?;
        let created = known.document["CreationDate"].as_f64().unwrap_or(self.now);
        self.put(input, &known.group, &known.name, created)
    }

    fn put(&self, input: Input, group: &str, name: &str, created: f64) -> Answer {
        let course = self.course(input)?;
        check_target(input.object("Target")?)?;
        let arn = self.arn(&format!("schedule/{group}/{name}"));
        let mut document = Map::new();
        let own = [("Arn", json!(arn)), ("GroupName", json!(group)), ("Name", json!(name))];
        let times = [("CreationDate", json!(created)), ("LastModificationDate", json!(self.now))];
        document.extend(own.into_iter().chain(times).map(|(name, value)| (name.to_owned(), value)));
        for member in KEPT.into_iter().chain(["StartDate", "EndDate"]) {
            if let Some(value) = input.value(member) {
                document.insert(member.into(), value.clone());
            }
        }
        for (member, usual) in
            [("ActionAfterCompletion", "NONE"), ("ScheduleExpressionTimezone", "UTC"), ("State", "ENABLED")]
        {
            document.entry(member).or_insert_with(|| usual.into());
        }
        if let Some(target) = document["Target"].as_object_mut() {
            let usual = json!({ "MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185 });
            target.entry("RetryPolicy").or_insert(usual);
        }
        let enabled = document["State"] == "ENABLED";
        let (group, name, document) = (group.into(), name.into(), document.into());
        let schedule = Schedule { group, name, document, course: enabled.then_some(course) };
        Ok((json!({ "ScheduleArn": arn }), vec![Change::Schedule(schedule.key(), Some(schedule))]))
    }

    fn course(&self, input: Input) -> Result<Course, Refusal> {
        input.word("State", &STATES)?;
        input.word("ActionAfterCompletion", &["NONE", "DELETE"])?;
        let window = input.object("FlexibleTimeWindow")?;
        window.text("Mode")?;
        let flexible = window.word("Mode", &["OFF", "FLEXIBLE"])? == Some("FLEXIBLE");
        if window.number("MaximumWindowInMinutes", (1, 1440))?.is_some() != flexible {
            // Our wording.
            return Err(invalid("MaximumWindowInMinutes goes with the mode FLEXIBLE, and with that alone."));
        }
        let expression = input.text("ScheduleExpression")?;
        let zone = input.optional_text("ScheduleExpressionTimezone")?.unwrap_or("UTC");
        let date = |member| input.value(member).and_then(Value::as_f64);
        if Course::begin("rate(1 day)", zone, None, None, self.now).is_none() {
            return Err(invalid(format!("Invalid ScheduleExpressionTimezone {zone}."))); // our wording
        }
        let course = Course::begin(expression, zone, date("StartDate"), date("EndDate"), self.now);
        course.ok_or_else(|| invalid(format!("Invalid Schedule Expression {expression}.")))
    }

    pub(super) fn get_schedule(&self, input: Input) -> Answer {
        Ok((self.schedule(input)?.document.clone(), Vec::new()))
    }

    pub(super) fn delete_schedule(&self, input: Input) -> Answer {
        Ok((json!({}), vec![Change::Schedule(self.schedule(input)?.key(), None)]))
    }

    pub(super) fn list_schedules(&self, input: Input) -> Answer {
        let group = input.value("GroupName").map(|_| self.group(input)).transpose()?;
        let prefix = input.optional_text("NamePrefix")?.unwrap_or_default();
        let state = input.word("State", &STATES)?;
        let fits = |schedule: &&Schedule| {
            group.is_none_or(|group| schedule.group == group)
                && schedule.name.starts_with(prefix)
                && state.is_none_or(|state| schedule.document["State"] == state)
        };
        let shown = self.table.schedules.values().filter(fits).map(|schedule| (schedule.key(), brief(schedule)));
        Ok((page(input, "MaxResults", "Schedules", shown.collect())?, Vec::new()))
    }

    fn schedule(&self, input: Input) -> Result<&Schedule, Refusal> {
        let (group, name) = (self.group(input)?, input.name("Name")?);
        let found = self.table.schedules.get(&key(group, name));
        found.ok_or_else(|| not_found(format!("Schedule {name} does not exist.")))
    }

    /// The group that a request means, which must exist.
    fn group<'a>(&self, input: Input<'a>) -> Result<&'a str, Refusal> {
        let name = if input.value("GroupName").is_some() { input.name("GroupName")? } else { DEFAULT };
        match name == DEFAULT || self.table.groups.contains_key(name) {
            true => Ok(name),
            false => Err(not_found(format!("Schedule group {name} does not exist."))),
        }
    }
}

fn brief(schedule: &Schedule) -> Value {
    let mut shown = schedule.document.clone();
    let members = ["Arn", "CreationDate", "GroupName", "LastModificationDate", "Name", "State", "Target"];
    if let Some(all) = shown.as_object_mut() {
        all.retain(|name, _| members.contains(&name.as_str()));
    }
    shown["Target"] = json!({ "Arn": schedule.document["Target"]["Arn"] });
    shown
}

fn check_target(target: Input) -> Result<(), Refusal> {
    let arn = target.text("Arn")?;
    target.text("RoleArn")?;
    if !arn.starts_with("arn:") {
        return Err(invalid(format!("Provided Arn {arn} is not in correct format."))); // our wording
    }
    if arn.contains(":ecs:") && arn.contains(":cluster/") {
        let ecs = target.object("EcsParameters")?;
        ecs.text("TaskDefinitionArn")?;
        ecs.number("TaskCount", (1, 10))?;
        ecs.word("LaunchType", &["EC2", "FARGATE", "EXTERNAL"])?;
    }
    Ok(())
}
