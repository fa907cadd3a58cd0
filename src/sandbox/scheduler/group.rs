//! Schedule groups and their tags. `default` is always there. AWS deletes a group and its schedules after a while; here
//! it happens at once.

use serde_json::{Value, json};

use super::{DEFAULT, Scheduler, conflict, not_found};
use crate::sandbox::Refusal;
use crate::sandbox::timetable::{Answer, Change, Group, Input, Schedule, invalid, page};

impl Scheduler<'_> {
    pub(super) fn create_group(&self, input: Input) -> Answer {
        let name = input.name("Name")?;
        if name == DEFAULT || self.table.groups.contains_key(name) {
            return Err(conflict(format!("Schedule group {name} already exists.")));
        }
        let mut document = self.shown_group(name);
        (document["CreationDate"], document["LastModificationDate"]) = (json!(self.now), json!(self.now));
        let tags = input.value("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
        let answer = json!({ "ScheduleGroupArn": document["Arn"] });
        Ok((answer, vec![Change::Group(name.into(), Some(Group { document, tags }))]))
    }

    pub(super) fn get_group(&self, input: Input) -> Answer {
        match input.name("Name")? {
            DEFAULT => Ok((self.shown_group(DEFAULT), Vec::new())),
            name => Ok((self.known_group(name)?.document.clone(), Vec::new())),
        }
    }

    pub(super) fn delete_group(&self, input: Input) -> Answer {
        let name = input.name("Name")?;
        if name == DEFAULT {
            return Err(invalid("The default schedule group cannot be deleted.")); // our wording
        }
        self.known_group(name)?;
        let within = self.table.schedules.values().filter(|schedule| schedule.group == name);
        let schedules = within.map(|schedule| Change::Schedule(schedule.key(), None::<Schedule>));
        Ok((json!({}), schedules.chain([Change::Group(name.into(), None)]).collect()))
    }

    pub(super) fn list_groups(&self, input: Input) -> Answer {
        let prefix = input.optional_text("NamePrefix")?.unwrap_or_default();
        let others = self.table.groups.iter().map(|(name, group)| (name.clone(), group.document.clone()));
        let mut groups: Vec<_> = others.chain([(DEFAULT.to_owned(), self.shown_group(DEFAULT))]).collect();
        groups.retain(|(name, _)| name.starts_with(prefix));
        groups.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok((page(input, "MaxResults", "ScheduleGroups", groups)?, Vec::new()))
    }

    pub(super) fn tags(&self, input: Input) -> Answer {
        let (_, group) = self.tagged(input)?;
        Ok((json!({ "Tags": group.tags }), Vec::new()))
    }

    pub(super) fn tag(&self, input: Input) -> Answer {
        let (name, mut group) = self.tagged(input)?;
        for tag in input.list("Tags", 200)? {
            group.tags.retain(|known| known["Key"] != tag["Key"]);
            group.tags.push(tag.clone());
        }
        Ok((json!({}), vec![Change::Group(name, Some(group))]))
    }

    pub(super) fn untag(&self, input: Input) -> Answer {
        let (name, mut group) = self.tagged(input)?;
        let keys = input.list("TagKeys", 50)?;
        group.tags.retain(|tag| !keys.contains(&tag["Key"]));
        Ok((json!({}), vec![Change::Group(name, Some(group))]))
    }

    /// Only groups have tags.
    fn tagged(&self, input: Input) -> Result<(String, Group), Refusal> {
        let arn = input.text("ResourceArn")?;
        let name = arn.split_once(":schedule-group/").map_or(arn, |(_, name)| name);
        Ok((name.to_owned(), self.known_group(name)?.clone()))
    }

    fn known_group(&self, name: &str) -> Result<&Group, Refusal> {
        let found = self.table.groups.get(name);
        found.ok_or_else(|| not_found(format!("Schedule group {name} does not exist.")))
    }

    fn shown_group(&self, name: &str) -> Value {
        json!({ "Name": name, "Arn": self.arn(&format!("schedule-group/{name}")), "State": "ACTIVE" })
    }
}
