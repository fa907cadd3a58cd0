//! Policies as texts: whether one can be meant, and whether two mean the same. ECR gives a policy back laid out anew,
//! and IAM writes one thing in several ways: a single action with or without a list, an account by its number or by
//! its root's ARN (IAM, "JSON policy elements: Principal"), actions in any case. Such texts are equal here.

use serde_json::{Map, Value, json};

/// ECR's API: `RepositoryPolicyText` and `LifecyclePolicyText`.
const LONGEST_POLICY: usize = 10_240;
const LONGEST_LIFECYCLE: usize = 30_720;

/// What is wrong with a repository policy, as far as that is sure before ECR has seen it.
pub fn check_policy(text: &str) -> Result<(), String> {
    check(text, "Statement", LONGEST_POLICY)
}

/// The same of a lifecycle policy.
pub fn check_lifecycle(text: &str) -> Result<(), String> {
    check(text, "rules", LONGEST_LIFECYCLE)
}

fn check(text: &str, member: &str, longest: usize) -> Result<(), String> {
    let document: Value = serde_json::from_str(text).map_err(|why| format!("not valid JSON: {why}"))?;
    let has = |value: &Value| value.is_array() || value.is_object() && member == "Statement";
    if !document.get(member).is_some_and(has) {
        return Err(format!("it has no \"{member}\""));
    }
    match text.chars().count() {
        length if length > longest => Err(format!("it has {length} characters, and ECR takes {longest}")),
        _ => Ok(()),
    }
}

/// Whether two repository policies allow the same.
pub fn same_policy(one: &str, other: &str) -> bool {
    same(one, other, policy)
}

/// Whether two lifecycle policies expire the same. The rules' order is in their priorities.
pub fn same_lifecycle(one: &str, other: &str) -> bool {
    same(one, other, |mut document| {
        if let Some(Value::Array(rules)) = document.get_mut("rules") {
            sort(rules);
        }
        document
    })
}

fn same(one: &str, other: &str, normal: impl Fn(Value) -> Value) -> bool {
    let read = |text: &str| serde_json::from_str(text).ok().map(ordered).map(&normal).map(ordered);
    read(one).is_some_and(|one| Some(one) == read(other))
}

fn policy(mut document: Value) -> Value {
    if let Some(members) = document.as_object_mut() {
        members.entry("Version").or_insert_with(|| json!("2008-10-17"));
    }
    if let Some(statements) = document.get_mut("Statement") {
        let mut all: Vec<Value> = several(statements.take()).into_iter().map(statement).map(ordered).collect();
        sort(&mut all);
        *statements = Value::Array(all);
    }
    document
}

fn statement(mut statement: Value) -> Value {
    for (name, value) in statement.as_object_mut().into_iter().flatten() {
        *value = match name.as_str() {
            "Action" | "NotAction" => set(value.take(), |action| action.to_ascii_lowercase()),
            "Principal" | "NotPrincipal" => principal(value.take()),
            "Condition" => condition(value.take()),
            _ => continue,
        };
    }
    statement
}

fn principal(value: Value) -> Value {
    let everybody = json!({ "AWS": "*" });
    let Value::Object(kinds) = (if value == "*" { everybody } else { value }) else { return Value::Null };
    kinds.into_iter().map(|(kind, names)| (kind, set(names, account))).collect::<Map<_, _>>().into()
}

/// The number of an account that is named by its root.
fn account(name: &str) -> String {
    let root = || name.strip_prefix("arn:")?.split_once(":iam::")?.1.strip_suffix(":root");
    root().unwrap_or(name).to_owned()
}

fn condition(mut value: Value) -> Value {
    for operator in value.as_object_mut().into_iter().flat_map(Map::values_mut) {
        for values in operator.as_object_mut().into_iter().flat_map(Map::values_mut) {
            *values = set(values.take(), str::to_owned);
        }
    }
    value
}

/// One text or a list of them, in any order.
fn set(value: Value, normal: impl Fn(&str) -> String) -> Value {
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), &normal);
    let mut texts: Vec<String> = several(value).into_iter().map(text).collect();
    texts.sort();
    texts.dedup();
    json!(texts)
}

fn several(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        one => vec![one],
    }
}

fn sort(items: &mut [Value]) {
    items.sort_by_cached_key(Value::to_string);
}

/// With the members of every object in order, so that equal values are equal texts.
fn ordered(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(ordered).collect(),
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().map(|(name, value)| (name, ordered(value))).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members.into_iter().collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [
        {"Sid": "pull", "Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::1:role/x"]},
         "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]},
        {"Sid": "all", "Effect": "Allow", "Principal": "*", "Action": "ecr:DescribeImages",
         "Condition": {"Bool": {"aws:SecureTransport": true}}}]}"#;

    #[test]
    fn policy_written_otherwise_is_the_same() {
        let other = r#"{"Statement":[
            {"Condition":{"Bool":{"aws:SecureTransport":["true"]}},"Action":["ECR:DescribeImages"],"Principal":{"AWS":"*"},"Effect":"Allow","Sid":"all"},
            {"Action":["ecr:GetDownloadUrlForLayer","ecr:BatchGetImage"],"Effect":"Allow","Sid":"pull",
             "Principal":{"AWS":["arn:aws:iam::1:role/x","111122223333"]}}],"Version":"2012-10-17"}"#;
        assert!(same_policy(POLICY, other));
    }

    #[test]
    fn policy_that_allows_something_else_is_not_the_same() {
        for (from, to) in [
            ("Allow", "Deny"),
            ("111122223333", "111122223334"),
            ("ecr:BatchGetImage", "ecr:*"),
            (r#""Principal": "*""#, r#""Principal": {"Service": "*"}"#),
            ("true", "false"),
            ("2012-10-17", "2008-10-17"),
            (r#""Sid": "all""#, r#""Sid": "any""#),
        ] {
            assert!(POLICY.contains(from) && !same_policy(POLICY, &POLICY.replacen(from, to, 1)), "{from}");
        }
        assert!(!same_policy(POLICY, "{") && !same_policy("{", "{"));
    }

    #[test]
    fn lifecycle_rules_have_their_order_in_them() {
        let one = r#"{"rules":[{"rulePriority":1,"action":{"type":"expire"}},{"rulePriority":2}]}"#;
        let other = r#"{ "rules": [ {"rulePriority": 2}, {"action": {"type": "expire"}, "rulePriority": 1} ] }"#;
        assert!(same_lifecycle(one, other));
        assert!(!same_lifecycle(one, &other.replace('2', "3")));
    }

    #[test]
    fn policy_that_cannot_be_meant_is_refused() {
        let said = |text: &str| check_policy(text).unwrap_err();
        assert!(said("{").starts_with("not valid JSON"));
        assert_eq!(said(r#"{"rules": []}"#), r#"it has no "Statement""#);
        assert!(said(&format!(r#"{{"Statement": [], "Id": "{}"}}"#, "x".repeat(10_240))).contains("10240"));
        assert!(check_policy(POLICY).is_ok() && check_policy(r#"{"Statement": {}}"#).is_ok());
        assert!(check_lifecycle(r#"{"rules": []}"#).is_ok() && check_lifecycle(r#"{"rules": {}}"#).is_err());
    }
}
