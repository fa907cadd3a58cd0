//! Which container of a task may start now: `dependsOn`, its conditions, and `startTimeout`, which is the time that a
//! container has to fulfil what others wait for. Pure: how far the containers have come goes in, a verdict comes out.
//!
//! What can never come about ends the waiting container with code 143, and the task with it if it is essential;
//! otherwise the task goes on without it (amazon-ecs-agent#3218). `START` holds once a container has started, even if
//! it is over again (amazon-ecs-agent#3927).

use std::time::Duration;

use serde_json::Value;

/// A container that another one waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub on: String,
    pub condition: Condition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Start,
    Complete,
    Success,
    Healthy,
}

/// How far a container has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Waiting,
    /// For so long.
    Running {
        age: Duration,
        healthy: bool,
    },
    Over {
        code: i32,
    },
}

/// A container as others see it who wait for it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub name: &'a str,
    pub start_timeout: Option<Duration>,
    pub stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Start,
    Wait,
    /// In ECS's words.
    Never(String),
}

/// The code of a container that never got its turn.
pub const NEVER: i32 = 143;

pub fn needs(definition: &Value) -> Vec<Need> {
    let rows = definition["dependsOn"].as_array().into_iter().flatten();
    rows.map(|row| {
        let condition = match row["condition"].as_str().unwrap_or_default() {
            "COMPLETE" => Condition::Complete,
            "SUCCESS" => Condition::Success,
            "HEALTHY" => Condition::Healthy,
            _ => Condition::Start,
        };
        Need { on: row["containerName"].as_str().unwrap_or_default().to_owned(), condition }
    })
    .collect()
}

/// Whether the container of this name may start.
pub fn judge(name: &str, needs: &[Need], all: &[Seen]) -> Verdict {
    let mut verdict = Verdict::Start;
    for need in needs {
        let Some(seen) = all.iter().find(|seen| seen.name == need.on) else {
            return never(name, need, "does not exist.");
        };
        match (seen.stage, need.condition) {
            (Stage::Over { code }, Condition::Success) if code != 0 => return unsuccessful(name, need),
            (Stage::Over { .. }, Condition::Healthy) => return unsuccessful(name, need),
            (Stage::Over { .. }, _) => {}
            (Stage::Running { .. }, Condition::Start) => {}
            (Stage::Running { healthy: true, .. }, Condition::Healthy) => {}
            (Stage::Running { age, .. }, _) if seen.start_timeout.is_some_and(|limit| age >= limit) => {
                return never(name, need, "has timed out.");
            }
            (Stage::Running { .. } | Stage::Waiting, _) => verdict = Verdict::Wait,
        }
    }
    verdict
}

fn never(name: &str, need: &Need, why: &str) -> Verdict {
    Verdict::Never(format!(
        "CannotStartContainerError: dependency graph: container ordering dependency [{}] for target [{name}] {why}",
        need.on
    ))
}

fn unsuccessful(name: &str, need: &Need) -> Verdict {
    Verdict::Never(format!(
        "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [{}] for target \
         [{name}] as dependency did not exit successfully.",
        need.on
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn verdict(condition: Condition, stage: Stage) -> Verdict {
        let seen = Seen { name: "db", start_timeout: Some(10 * SECOND), stage };
        judge("web", &[Need { on: "db".into(), condition }], &[seen])
    }

    fn reason(condition: Condition, stage: Stage) -> String {
        let Verdict::Never(why) = verdict(condition, stage) else { panic!("{condition:?} {stage:?}") };
        why
    }

    #[test]
    fn container_waits_until_its_condition_holds() {
        let (young, well) =
            (Stage::Running { age: SECOND, healthy: false }, Stage::Running { age: 20 * SECOND, healthy: true });
        let over = Stage::Over { code: 0 };
        let waits = [
            (Condition::Start, vec![Stage::Waiting], vec![young, well, over, Stage::Over { code: 1 }]),
            (Condition::Complete, vec![Stage::Waiting, young], vec![over, Stage::Over { code: 1 }]),
            (Condition::Success, vec![Stage::Waiting, young], vec![over]),
            (Condition::Healthy, vec![Stage::Waiting, young], vec![well]),
        ];
        for (condition, before, then) in waits {
            before.iter().for_each(|stage| assert_eq!(verdict(condition, *stage), Verdict::Wait, "{condition:?}"));
            then.iter().for_each(|stage| assert_eq!(verdict(condition, *stage), Verdict::Start, "{condition:?}"));
        }
    }

    #[test]
    fn what_cannot_come_about_is_told() {
        assert!(reason(Condition::Success, Stage::Over { code: 3 }).ends_with("did not exit successfully."));
        assert!(reason(Condition::Healthy, Stage::Over { code: 0 }).contains("[db] for target [web]"));
        let late = Stage::Running { age: 10 * SECOND, healthy: false };
        for condition in [Condition::Complete, Condition::Success, Condition::Healthy] {
            assert!(reason(condition, late).ends_with("has timed out."));
        }
        let missing = judge("web", &[Need { on: "db".into(), condition: Condition::Start }], &[]);
        assert!(matches!(missing, Verdict::Never(why) if why.ends_with("does not exist.")));
    }

    #[test]
    fn container_waits_for_all_it_needs() {
        let seen = |name, stage| Seen { name, start_timeout: None, stage };
        let needs = ["a", "b"].map(|on| Need { on: on.into(), condition: Condition::Complete });
        let all = [seen("a", Stage::Over { code: 1 }), seen("b", Stage::Running { age: 99 * SECOND, healthy: true })];
        assert_eq!(judge("web", &needs, &all), Verdict::Wait);
        assert_eq!(judge("web", &needs[..1], &all), Verdict::Start);
    }
}
