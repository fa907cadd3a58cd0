//! Log groups: made, listed, removed.

use serde_json::{Value, json};

use super::input::{group_name, no_group, text};
use super::page::page;
use super::{Answer, Change, Logs, book};
use crate::sandbox::Refusal;

impl Logs<'_> {
    pub(super) fn create_group(&self, input: &Value) -> Answer {
        let name = group_name(input, "logGroupName")?;
        if self.book.groups.contains_key(name) {
            return Err(Refusal::new("ResourceAlreadyExistsException", "The specified log group already exists"));
        }
        let class = text(input, "logGroupClass")?.map(String::from);
        Ok((json!({}), vec![Change::Group { name: name.into(), class, at: self.now }]))
    }

    pub(super) fn delete_group(&self, input: &Value) -> Answer {
        let name = group_name(input, "logGroupName")?;
        match self.book.groups.contains_key(name) {
            true => Ok((json!({}), vec![Change::GroupGone { name: name.into() }])),
            false => Err(no_group()),
        }
    }

    pub(super) fn describe_groups(&self, input: &Value) -> Answer {
        let prefix = text(input, "logGroupNamePrefix")?.unwrap_or_default();
        let part = input["logGroupNamePattern"].as_str().unwrap_or_default().to_lowercase();
        let wanted = |name: &str| name.starts_with(prefix) && name.to_lowercase().contains(&part);
        let groups = self.book.groups.iter().filter(|(name, _)| wanted(name));
        let shown = groups.map(|(name, group)| (name.as_str(), self.show_group(name, group))).collect();
        Ok((page(input, "logGroups", shown)?, Vec::new()))
    }

    fn show_group(&self, name: &str, group: &book::Group) -> Value {
        let bytes: usize = group.streams.values().map(book::Stream::bytes).sum();
        let arn = self.group_arn(name);
        json!({
            "logGroupName": name,
            "creationTime": group.created,
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "storedBytes": bytes,
            "logGroupClass": group.class.as_deref().unwrap_or("STANDARD"),
            "logGroupArn": arn,
        })
    }
}
