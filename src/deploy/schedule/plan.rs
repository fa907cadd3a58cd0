//! From what is there to what is sent. Pure: which targets are of the family, which of them already start the
//! revision, and what is refused before anything is changed.

use serde_json::{Map, Value, json};

use super::observe::{Documents, Observed, on_bus};
use super::revision::family;
use super::{Error, Place, Wanted};
use crate::deploy::edit::short;

/// What will be changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub place: Place,
    pub wanted: Wanted,
    /// Every target of the family.
    pub moves: Vec<Move>,
    /// Targets that are left alone.
    pub others: usize,
    pub warnings: Vec<String>,
}

/// A target of the family.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// The target's id; a schedule's name.
    pub id: String,
    /// The ARN that it starts now.
    pub from: String,
    /// The whole target or schedule, as it is.
    document: Value,
}

/// Members of a schedule that GetSchedule answers and UpdateSchedule does not take, or takes in its path. Whatever else
/// there is, today or tomorrow, goes back as it came.
const READ_ONLY: [&str; 4] = ["Arn", "CreationDate", "LastModificationDate", "Name"];

/// PutTargets takes no more at a time (EventBridge API reference and quotas).
const BATCH: usize = 10;

pub fn plan(place: &Place, observed: Observed, wanted: Wanted) -> Result<Plan, Error> {
    let documents = match observed.documents {
        Documents::Targets(targets) => targets,
        Documents::Schedule(schedule) => vec![schedule],
    };
    let count = documents.len();
    let starting: Vec<Move> = documents.into_iter().filter_map(|document| Move::of(place, document)).collect();
    let mut found: Vec<String> = starting.iter().map(|target| family(&target.from).to_owned()).collect();
    let moves: Vec<Move> = starting.into_iter().filter(|target| family(&target.from) == wanted.family).collect();
    if moves.is_empty() {
        found.sort();
        found.dedup();
        return Err(Error::OtherFamilies { place: Box::new(place.clone()), family: wanted.family, found });
    }
    let mut warnings: Vec<String> = moves.iter().filter_map(Move::unpinned).collect();
    if observed.enabled == Some(false) {
        warnings.push(format!("{place} is disabled: it starts nothing until it is enabled"));
    }
    Ok(Plan { place: place.clone(), others: count - moves.len(), wanted, moves, warnings })
}

impl Move {
    /// None if it starts no task of ECS.
    fn of(place: &Place, document: Value) -> Option<Self> {
        let (id, target) = match place {
            Place::Rule { .. } => (document["Id"].as_str()?, &document),
            Place::Schedule { name, .. } => (name.as_str(), &document["Target"]),
        };
        let from = target["EcsParameters"]["TaskDefinitionArn"].as_str()?.to_owned();
        Some(Move { id: id.to_owned(), from, document })
    }

    /// An ARN without a revision means the latest active one, whichever that is when the task starts.
    fn unpinned(&self) -> Option<String> {
        let followed = !short(&self.from).contains(':');
        followed.then(|| format!("{} followed the latest revision by itself, and is pinned from now on", self.id))
    }

    /// The document that makes it start this revision: the same but for one ARN.
    fn starting(&self, place: &Place, arn: &str) -> Value {
        let mut document = self.document.clone();
        let target = match place {
            Place::Rule { .. } => &mut document,
            Place::Schedule { .. } => &mut document["Target"],
        };
        target["EcsParameters"]["TaskDefinitionArn"] = arn.into();
        document
    }
}

impl Plan {
    /// The targets that do not start the revision yet: all of them, if it is not registered yet.
    pub fn due(&self) -> impl Iterator<Item = &Move> {
        self.moves.iter().filter(|target| self.wanted.arn.as_ref() != Some(&target.from))
    }

    /// The bodies of the calls that change something.
    pub fn bodies(&self, arn: &str) -> Vec<Value> {
        let documents: Vec<Value> = self.due().map(|target| target.starting(&self.place, arn)).collect();
        match &self.place {
            Place::Rule { name, bus } => {
                let body = |batch: &[Value]| on_bus(json!({ "Rule": name, "Targets": batch }), bus.as_deref());
                documents.chunks(BATCH).map(body).collect()
            }
            Place::Schedule { .. } => documents.into_iter().map(writable).collect(),
        }
    }
}

fn writable(schedule: Value) -> Value {
    let Value::Object(members) = schedule else { return schedule };
    Value::Object(members.into_iter().filter(|(name, _)| !READ_ONLY.contains(&name.as_str())).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(name: &str) -> String {
        format!("arn:aws:ecs:eu-central-1:123456789012:task-definition/{name}")
    }

    fn target(id: &str, definition: &str) -> Value {
        json!({ "Id": id, "Arn": "arn:c", "RoleArn": "arn:r", "FutureMember": [1.50],
            "EcsParameters": { "TaskDefinitionArn": arn(definition), "LaunchType": "FARGATE", "TaskCount": 2 } })
    }

    fn rule() -> Place {
        Place::Rule { name: "nightly".into(), bus: None }
    }

    fn planned(targets: Vec<Value>, enabled: Option<bool>, to: &str) -> Result<Plan, Error> {
        plan(&rule(), Observed { documents: Documents::Targets(targets), enabled }, Wanted::of_arn(&arn(to)))
    }

    #[test]
    fn plan_touches_targets_of_the_family_alone_and_one_arn_of_them() {
        let queue = json!({ "Id": "queue", "Arn": "arn:aws:sqs:::q" });
        let targets = vec![target("a", "shop:1"), target("b", "shopping:1"), queue, target("c", "shop:2")];
        let plan = planned(targets, Some(true), "shop:2").unwrap();
        assert_eq!((plan.moves.len(), plan.others, plan.warnings.len()), (2, 2, 0));
        let mut changed = target("a", "shop:1");
        changed["EcsParameters"]["TaskDefinitionArn"] = arn("shop:2").into();
        let wanted = json!({ "Rule": "nightly", "Targets": [changed] });
        assert_eq!(plan.bodies(&arn("shop:2")).iter().map(Value::to_string).collect::<Vec<_>>(), [wanted.to_string()]);
    }

    #[test]
    fn plan_with_nothing_to_change_has_no_calls() {
        let plan = planned(vec![target("a", "shop:2")], None, "shop:2").unwrap();
        assert_eq!(plan.bodies(&arn("shop:2")), Vec::<Value>::new());
    }

    #[test]
    fn plan_of_many_targets_goes_in_batches() {
        let targets = (0..23).map(|number| target(&number.to_string(), "shop:1")).collect();
        let bodies = planned(targets, None, "shop:2").unwrap().bodies(&arn("shop:2"));
        assert_eq!(
            bodies.iter().map(|body| body["Targets"].as_array().unwrap().len()).collect::<Vec<_>>(),
            [10, 10, 3]
        );
    }

    #[test]
    fn plan_without_a_target_of_the_family_names_those_that_are() {
        let other =
            planned(vec![target("a", "worker:1"), target("b", "cart:3"), target("c", "cart:4")], None, "shop:2");
        let why = "rule nightly starts nothing of 'shop': its targets are of cart, worker";
        assert_eq!(other.unwrap_err().to_string(), why);
        let none = planned(vec![json!({ "Id": "q", "Arn": "arn:q" })], None, "shop:2").unwrap_err().to_string();
        assert_eq!(none, "rule nightly starts nothing of 'shop': it has no target that starts a task");
    }

    #[test]
    fn plan_warns_of_what_is_disabled_and_of_what_followed_the_latest() {
        let plan = planned(vec![target("a", "shop")], Some(false), "shop:2").unwrap();
        let followed = "a followed the latest revision by itself, and is pinned from now on";
        assert_eq!(plan.warnings, [followed, "rule nightly is disabled: it starts nothing until it is enabled"]);
    }

    #[test]
    fn schedule_goes_back_whole_but_for_what_is_read_only() {
        let place = Place::Schedule { name: "nightly".into(), group: Some("batch".into()) };
        let text = r#"{"ActionAfterCompletion":"DELETE","Description":"d","EndDate":1.9E9,"FlexibleTimeWindow":{"Mode":"OFF"},
            "GroupName":"batch","KmsKeyArn":"arn:k","ScheduleExpression":"rate(1 day)","ScheduleExpressionTimezone":
            "Europe/Berlin","StartDate":1767225600.25,"State":"DISABLED","FutureMember":{"kept":true},"Target":{"Arn":"arn:c",
            "RoleArn":"arn:r","Input":"{}","RetryPolicy":{"MaximumRetryAttempts":3},"EcsParameters":{"TaskDefinitionArn":"OLD",
            "TaskCount":1}}}"#;
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let mut shown = read(&text.replace("OLD", &arn("shop:1")));
        let sent = read(&text.replace("OLD", &arn("shop:2")));
        for (member, value) in [("Arn", json!("arn:s")), ("CreationDate", json!(1)), ("LastModificationDate", json!(2))]
        {
            shown[member] = value;
        }
        shown["Name"] = "nightly".into();
        let observed = Observed { documents: Documents::Schedule(shown), enabled: Some(false) };
        let plan = plan(&place, observed, Wanted::of_arn(&arn("shop:2"))).unwrap();
        assert_eq!(plan.bodies(&arn("shop:2"))[0].to_string(), sent.to_string());
        assert_eq!(plan.warnings, ["schedule nightly of batch is disabled: it starts nothing until it is enabled"]);
    }

    #[test]
    fn revision_to_come_moves_every_target() {
        let wanted = Wanted { family: "shop".into(), arn: None };
        let observed = Observed { documents: Documents::Targets(vec![target("a", "shop:1")]), enabled: None };
        let plan = plan(&rule(), observed, wanted).unwrap();
        assert_eq!(plan.due().count(), 1);
    }
}
