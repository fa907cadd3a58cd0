//! Where two task definitions differ in what they mean. What ECS fills in by itself, order where it says nothing,
//! and empty members count for nothing; what this program does not know counts as it stands.

use serde_json::{Map, Value};

use super::edit::{Change, What};
use super::updates::Size;

#[cfg(test)]
mod tests;

/// Members of an object with the value that ECS takes where they are missing. A container's health check:
/// API reference, HealthCheck; the others as DescribeTaskDefinition shows them.
const HEALTH_CHECK: [(&str, i64); 4] = [("interval", 30), ("timeout", 5), ("retries", 3), ("startPeriod", 0)];

/// A leaf of a document and the way to it.
type Leaf = (Vec<String>, Value);

/// What changes from one registration body to another.
pub fn differences(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<Change> {
    let (old, new) = (leaves(&plain(old)), leaves(&plain(new)));
    let find = |leaves: &[Leaf], path: &[String]| leaves.iter().find(|leaf| leaf.0 == path).map(|leaf| leaf.1.clone());
    let changed = new.iter().map(|(path, value)| (path, find(&old, path), Some(value.clone())));
    let gone = old.iter().filter(|(path, _)| find(&new, path).is_none());
    let gone = gone.map(|(path, value)| (path, Some(value.clone()), None));
    let differs = |(_, old, new): &(&Vec<String>, Option<Value>, Option<Value>)| old != new;
    changed.chain(gone).filter(differs).map(|(path, old, new)| change(path, old, new)).collect()
}

fn change(path: &[String], old: Option<Value>, new: Option<Value>) -> Change {
    let spelled = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (container, path) = match path {
        [member, container, path @ ..] if member == "containerDefinitions" => (Some(container.clone()), path),
        path => (None, path),
    };
    let (old, new) = (old.map(spelled), new.map(spelled));
    Change { what: what(container.is_some(), path), container, old, new, secret: false }.masked()
}

fn what(contained: bool, path: &[String]) -> What {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match (contained, path.as_slice()) {
        (true, ["image"]) => What::Image,
        (true, ["command"]) => What::Command,
        (true, ["environment", name, "value"]) => What::Variable((*name).into()),
        (true, ["secrets", name, "valueFrom"]) => What::Secret((*name).into()),
        (true, ["dockerLabels", name]) => What::Label((*name).into()),
        (_, ["cpu"]) => What::Cpu,
        (_, ["memory"]) => What::Memory,
        (false, ["taskRoleArn"]) => What::TaskRole,
        (false, ["executionRoleArn"]) => What::ExecutionRole,
        (false, ["tags", key, "value"]) => What::Tag((*key).into()),
        (_, path) => What::Member(path.join(".")),
    }
}

/// Without what ECS fills in.
fn plain(body: &Map<String, Value>) -> Value {
    let mut body = body.clone();
    for size in [Size::Cpu, Size::Memory] {
        let text = body.get(size.member()).and_then(Value::as_str);
        if let Some(amount) = text.and_then(|text| size.read(text)) {
            body.insert(size.member().into(), amount.to_string().into());
        }
    }
    let shared = ["awsvpc", "host"].iter().any(|mode| body.get("networkMode").is_some_and(|own| own == mode));
    forget(&mut body, "networkMode", &"bridge".into());
    forget(&mut body, "enableFaultInjection", &false.into());
    for container in objects(body.get_mut("containerDefinitions")) {
        plain_container(container, shared);
    }
    for volume in objects(body.get_mut("volumes")) {
        if let Some(efs) = volume.get_mut("efsVolumeConfiguration").and_then(Value::as_object_mut) {
            forget(efs, "rootDirectory", &"/".into());
        }
    }
    without_empty(Value::Object(body))
}

fn plain_container(container: &mut Map<String, Value>, shared: bool) {
    forget(container, "cpu", &0.into());
    forget(container, "essential", &true.into());
    if let Some(check) = container.get_mut("healthCheck").and_then(Value::as_object_mut) {
        HEALTH_CHECK.iter().for_each(|(member, usual)| forget(check, member, &(*usual).into()));
    }
    for port in objects(container.get_mut("portMappings")) {
        forget(port, "protocol", &"tcp".into());
        forget(port, "hostPort", &0.into());
        if let Some(inside) = port.get("containerPort").cloned().filter(|_| shared) {
            forget(port, "hostPort", &inside);
        }
    }
}

fn objects(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    list.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn forget(object: &mut Map<String, Value>, member: &str, usual: &Value) {
    if object.get(member) == Some(usual) {
        object.shift_remove(member);
    }
}

/// Members that are null or empty are as good as missing; an empty entry of a list is none of these.
fn without_empty(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(without_empty).collect(),
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (name, without_empty(value)));
            Value::Object(members.filter(|(_, value)| !is_empty(value)).collect())
        }
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn leaves(value: &Value) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    walk(&mut Vec::new(), value, &mut leaves);
    leaves
}

/// A list of plain values is one leaf: their order and number mean something.
fn walk(path: &mut Vec<String>, value: &Value, leaves: &mut Vec<Leaf>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(name, value)| step(path, name.clone(), value, leaves));
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                match identity(items, item) {
                    Some((name, rest)) => step(path, name, &rest, leaves),
                    None => step(path, index.to_string(), item, leaves),
                }
            }
        }
        leaf => leaves.push((path.clone(), leaf.clone())),
    }
}

fn step(path: &mut Vec<String>, name: String, value: &Value, leaves: &mut Vec<Leaf>) {
    path.push(name);
    walk(path, value, leaves);
    path.pop();
}

/// What an entry is known by, if it is known by it alone, and the rest of it.
fn identity(items: &[Value], item: &Value) -> Option<(String, Value)> {
    let key = ["name", "key"].into_iter().find(|key| item[*key].is_string())?;
    let alone = items.iter().filter(|other| other[key] == item[key]).count() == 1;
    let name = item[key].as_str().filter(|_| alone)?.to_owned();
    let mut rest = item.as_object()?.clone();
    rest.shift_remove(key);
    Some((name, Value::Object(rest)))
}
