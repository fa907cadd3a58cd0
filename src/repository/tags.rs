//! Resource tags: which of them a repository lacks, and the call that gives them. TagResource adds and replaces; tags
//! that nobody named stay.

use serde_json::{Value, json};

use super::{Call, Plan, Seen, Tags};
use crate::aws::ecr::Operation;

/// One call at most: the tags that are not so already.
pub fn plan_tags(arn: &str, name: &str, wanted: &Tags, seen: &Seen<Tags>) -> Plan {
    let lacking = missing(wanted, seen);
    let calls = if lacking.is_empty() { vec![] } else { vec![tag_call(arn, name, &lacking, seen)] };
    let shown = Some(json!({ "repositoryArn": arn }));
    Plan { name: name.to_owned(), calls, differences: vec![], shown }
}

/// Those that are not there, or have another value; all where nobody may look.
pub(super) fn missing(wanted: &Tags, seen: &Seen<Tags>) -> Tags {
    match seen {
        Seen::Known(known) => wanted.iter().filter(|tag| !known.contains(tag)).cloned().collect(),
        Seen::Denied(_) => wanted.clone(),
    }
}

pub(super) fn tag_call(arn: &str, name: &str, tags: &Tags, seen: &Seen<Tags>) -> Call {
    let text = format!("Tagging {name} with {}{}", written(tags), seen.unseen());
    Call { operation: Operation::TagResource, body: json!({ "resourceArn": arn, "tags": listed(tags) }), text }
}

/// As the API takes them.
pub(super) fn listed(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// As people read them.
pub(super) fn written(tags: &[(String, String)]) -> String {
    tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn tags_that_are_so_send_nothing() {
        let wanted = tags(&[("team", "web shop"), ("stage", "prod")]);
        let known = Seen::Known(tags(&[("stage", "prod"), ("team", "web shop"), ("other", "x")]));
        assert_eq!(plan_tags("arn", "web", &wanted, &known).calls, []);
    }

    #[test]
    fn tags_that_differ_are_sent_alone() {
        let wanted = tags(&[("team", "web shop"), ("stage", "prod")]);
        let calls = plan_tags("arn", "web", &wanted, &Seen::Known(tags(&[("stage", "prod"), ("team", "db")]))).calls;
        assert_eq!(calls[0].body, json!({ "resourceArn": "arn", "tags": [{ "Key": "team", "Value": "web shop" }] }));
    }

    #[test]
    fn tags_that_nobody_may_read_are_all_sent_and_that_is_said() {
        let denied = Seen::Denied("ecr:ListTagsForResource".into());
        let calls = plan_tags("arn", "web", &tags(&[("team", "web")]), &denied).calls;
        assert_eq!(calls[0].text, "Tagging web with team=web, unseen: ecr:ListTagsForResource is denied");
    }
}
