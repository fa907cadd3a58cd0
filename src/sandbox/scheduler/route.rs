//! Which operation a path is, and the members of its input that are in the path and in the query.

use hyper::Method;
use serde_json::{Map, Value};

/// A call whose body is still to come.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub operation: &'static str,
    members: Map<String, Value>,
}

impl Call {
    pub fn of(method: &Method, path: &str, query: &str) -> Option<Self> {
        let mut parts = path.strip_prefix('/')?.splitn(2, '/');
        let (kind, rest) = (parts.next()?, parts.next().filter(|rest| !rest.is_empty()));
        let operation = operation(method, kind, rest.is_some())?;
        let mut members = Map::new();
        if let Some(rest) = rest {
            let member = if kind == "tags" { "ResourceArn" } else { "Name" };
            members.insert(member.into(), decode(rest).into());
        }
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            add(&mut members, &name, value.into_owned());
        }
        Some(Call { operation, members })
    }

    /// All members of the input: the body's, and those that were elsewhere.
    pub fn input(&self, mut body: Value) -> Value {
        if let Some(members) = body.as_object_mut() {
            members.extend(self.members.clone());
        }
        body
    }
}

fn operation(method: &Method, kind: &str, named: bool) -> Option<&'static str> {
    Some(match (method.as_str(), kind, named) {
        ("POST", "schedules", true) => "CreateSchedule",
        ("PUT", "schedules", true) => "UpdateSchedule",
        ("GET", "schedules", true) => "GetSchedule",
        ("DELETE", "schedules", true) => "DeleteSchedule",
        ("GET", "schedules", false) => "ListSchedules",
        ("POST", "schedule-groups", true) => "CreateScheduleGroup",
        ("GET", "schedule-groups", true) => "GetScheduleGroup",
        ("DELETE", "schedule-groups", true) => "DeleteScheduleGroup",
        ("GET", "schedule-groups", false) => "ListScheduleGroups",
        ("POST", "tags", true) => "TagResource",
        ("DELETE", "tags", true) => "UntagResource",
        ("GET", "tags", true) => "ListTagsForResource",
        _ => return None,
    })
}

/// The query's names are not all the members' own.
fn add(members: &mut Map<String, Value>, name: &str, value: String) {
    match name {
        "groupName" | "ScheduleGroup" => drop(members.insert("GroupName".into(), value.into())),
        "clientToken" => drop(members.insert("ClientToken".into(), value.into())),
        "MaxResults" => {
            let number = value.parse::<u64>().map_or_else(|_| Value::from(value), Value::from);
            members.insert("MaxResults".into(), number);
        }
        "TagKeys" => {
            let keys = members.entry("TagKeys").or_insert_with(|| Value::Array(Vec::new()));
            keys.as_array_mut().into_iter().for_each(|keys| keys.push(value.clone().into()));
        }
        other => drop(members.insert(other.into(), value.into())),
    }
}

/// A part of a path: `+` is itself there.
fn decode(part: &str) -> String {
    let escaped = part.replace('+', "%2B");
    url::form_urlencoded::parse(format!("p={escaped}").as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn path_and_query_become_members() {
        let call = Call::of(&Method::GET, "/schedules", "ScheduleGroup=a&MaxResults=5&NamePrefix=n").unwrap();
        assert_eq!(call.operation, "ListSchedules");
        assert_eq!(call.input(json!({})), json!({ "GroupName": "a", "MaxResults": 5, "NamePrefix": "n" }));
        let call = Call::of(&Method::PUT, "/schedules/nightly", "").unwrap();
        assert_eq!(call.input(json!({ "State": "ENABLED" })), json!({ "State": "ENABLED", "Name": "nightly" }));
        let arn = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/a";
        let path = format!("/tags/{}", arn.replace(':', "%3A").replace('/', "%2F"));
        let call = Call::of(&Method::DELETE, &path, "TagKeys=a&TagKeys=b").unwrap();
        assert_eq!(call.input(json!({})), json!({ "ResourceArn": arn, "TagKeys": ["a", "b"] }));
    }

    #[test]
    fn other_paths_are_none_of_its() {
        for (method, path) in
            [(Method::POST, "/"), (Method::POST, "/schedules"), (Method::GET, "/v2/"), (Method::GET, "/tags")]
        {
            assert_eq!(Call::of(&method, path, ""), None, "{method} {path}");
        }
    }
}
