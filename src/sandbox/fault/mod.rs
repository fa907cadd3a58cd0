//! Faults on request. A document names requests and says what is to befall them; tests and rehearsals then see
//! throttling, refusals, broken connections and expired logins exactly when they want them. `form` has how everything
//! in it is written, with examples; README, "Faults", explains it to people.
//!
//! `on` matches an operation (`PutImage`), an IAM action (`ecr:PutImage`, which the registry's requests have too)
//! or a method and path; `*` stands for anything. `fates` (with the lines that a container writes),
//! `lag` (seconds by which answers are behind), `alarms` (those that are in ALARM, or will be in a deployment) and
//! `hooks` (what a Lambda answers, found by a part of its ARN) belong to the ECS plane and are handed to it as they are.

mod form;
mod operation;
mod read;
mod rule;
mod script;

use std::collections::BTreeSet;

use serde_json::Value;

pub use rule::{Effect, Failing, Rule};
pub use script::{Orders, Script};

use self::read::Wrong;
use super::Error;
use super::ecs::AlarmPlan;

/// A document of faults.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    pub rules: Vec<Rule>,
    pub fates: Option<Value>,
    pub lag: Option<Value>,
    pub alarms: Option<Alarms>,
    pub hooks: Option<Value>,
}

#[derive(Debug, Clone, Default)]
pub struct Alarms {
    /// Those in ALARM; all others are OK.
    pub firing: BTreeSet<String>,
    /// Those that go off in deployments.
    pub planned: Vec<AlarmPlan>,
}

impl Faults {
    /// `what` names the document in errors.
    pub fn parse(bytes: &[u8], what: &str) -> Result<Self, Error> {
        let refuse = |Wrong { why, hint }| Error::Faults { what: what.into(), why, hint };
        let given =
            serde_json::from_slice(bytes).map_err(|why| refuse(wrong(why.to_string(), form::DOCUMENT_EXAMPLE)))?;
        Faults::read(&given).map_err(refuse)
    }

    fn read(given: &Value) -> Result<Self, Wrong> {
        let mut document = read::document(given)?;
        let entries = |value: Option<Value>| value.and_then(|value| value.as_array().cloned()).unwrap_or_default();
        let rules = entries(document.remove("rules")).into_iter().enumerate().map(|(at, rule)| {
            let read: Result<Rule, _> = serde_json::from_value(rule);
            let refuse = |why: String| wrong(format!("rules[{at}]: {why}"), form::RULE_EXAMPLE);
            let rule = read.map_err(|why| refuse(why.to_string()))?;
            rule.check().map_err(|why| refuse(why.into()))?;
            Ok(rule)
        });
        let rules = rules.collect::<Result<Vec<_>, Wrong>>()?;
        let alarms = document.contains_key("alarms").then(|| Alarms::of(entries(document.remove("alarms"))));
        let (fates, lag, hooks) = (document.remove("fates"), document.remove("lag"), document.remove("hooks"));
        Ok(Faults { rules, fates, lag, alarms: alarms.transpose()?, hooks })
    }
}

impl Alarms {
    fn of(entries: Vec<Value>) -> Result<Self, Wrong> {
        let mut alarms = Alarms::default();
        for (at, entry) in entries.into_iter().enumerate() {
            match entry {
                Value::String(name) => drop(alarms.firing.insert(name)),
                plan => alarms.planned.push(
                    serde_json::from_value(plan)
                        .map_err(|why| wrong(format!("alarms[{at}]: {why}"), form::ALARM_EXAMPLE))?,
                ),
            }
        }
        Ok(alarms)
    }
}

fn wrong(why: String, example: &str) -> Wrong {
    Wrong { why, hint: read::hint(example) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::form::*;
    use super::*;
    use crate::report::{Explain as _, Kind};
    use crate::sandbox::ecs;

    fn parse(document: &str) -> Result<Faults, Error> {
        Faults::parse(document.as_bytes(), "faults.json")
    }

    fn refusal(document: &str) -> (String, String) {
        let error = parse(document).expect_err(document);
        assert_eq!(error.kind(), Kind::Input);
        (error.to_string(), error.hint().unwrap())
    }

    /// Both directions: what the tables have is taken by the types, and the types have no variant that they have not.
    #[test]
    fn every_form_is_taken_in_its_example() {
        for form in EFFECTS {
            let faults = parse(&format!(r#"{{"rules": [{}]}}"#, form.example)).unwrap();
            let name = serde_json::to_value(&faults.rules[0].then).unwrap();
            let name = name.as_str().map(str::to_owned).or_else(|| Some(name.as_object()?.keys().next()?.clone()));
            assert_eq!(name.as_deref(), Some(form.name));
        }
        for form in FATES {
            let faults = parse(&format!(r#"{{"fates": [{}]}}"#, form.example)).unwrap();
            serde_json::from_value::<Vec<ecs::Rule>>(faults.fates.unwrap()).unwrap();
        }
        let alarms = parse(&format!(r#"{{"alarms": ["a", {ALARM_EXAMPLE}]}}"#)).unwrap().alarms.unwrap();
        assert_eq!((alarms.firing.len(), alarms.planned[0].after), (1, 1.0));
        let rest = parse(&format!(r#"{{"hooks": {HOOKS_EXAMPLE}, "lag": {LAG_EXAMPLE}}}"#)).unwrap();
        serde_json::from_value::<ecs::Lag>(rest.lag.unwrap()).unwrap();
        // serde lists what it knows.
        let known = |why: serde_json::Error| why.to_string().matches('`').count() / 2 - 1;
        assert_eq!(known(serde_json::from_str::<Effect>(r#""?""#).unwrap_err()), EFFECTS.len());
        let with_external = FATES.len() + 1;
        assert_eq!(known(serde_json::from_str::<ecs::Fate>(r#""?""#).unwrap_err()), with_external);
    }

    #[test]
    fn both_spellings_and_both_forms_are_taken() {
        let faults = parse(
            r#"{"rules": [{"then": "throttle"}, {"then": {"loseAnswer": {}}}, {"then": {"slow": {"bytesPerSecond": 5}}}],
                "fates": [{"fate": "elb_health_check_fails"}, {"fate": {"healthCheckFails": {}}}, {"fate": "out_of_memory"}],
                "hooks": {"a": "failed"}, "lag": {"new_task": 1}}"#,
        )
        .unwrap();
        assert_eq!(faults.rules[0].then, Effect::Throttle { retry_after: None });
        assert_eq!(faults.rules[1].then, Effect::LoseAnswer);
        assert_eq!(faults.rules[2].then, Effect::Slow { milliseconds: 0, bytes_per_second: Some(5) });
        let fates: Vec<ecs::Rule> = serde_json::from_value(faults.fates.unwrap()).unwrap();
        assert_eq!(fates[0].fate, ecs::Fate::ElbHealthCheckFails { reason: None });
        assert_eq!(
            (&fates[1].fate, &fates[2].fate),
            (&ecs::Fate::HealthCheckFails, &ecs::Fate::OutOfMemory { after: 0.0 })
        );
        assert_eq!(faults.hooks.unwrap()["a"], serde_json::json!(["FAILED"]));
        assert_eq!(serde_json::from_value::<ecs::Lag>(faults.lag.unwrap()).unwrap().new_task, 1.0);
    }

    #[test]
    fn mistake_is_told_with_its_place_and_its_cure() {
        let cases = [
            (
                r#"{"rules": [{"then": "deny"}, {"then": "trottle"}]}"#,
                "rules[1].then: there is no effect 'trottle', but 'throttle'",
                EFFECTS[0].example,
            ),
            (
                r#"{"rules": [{"onn": "*", "then": "deny"}]}"#,
                "rules[0]: there is no member 'onn', but 'on'",
                RULE_EXAMPLE,
            ),
            (r#"{"rules": [{"on": "*"}]}"#, "rules[0]: 'then' is missing", RULE_EXAMPLE),
            (r#"{"rules": [{"then": "status"}]}"#, "rules[0].then.status is not a whole number", EFFECTS[1].example),
            (r#"{"rules": [{"then": "cut"}]}"#, "rules[0].then.cut: 'after' is missing", EFFECTS[3].example),
            (
                r#"{"rules": [{"then": {"throttle": {"retry_after": "1"}}}]}"#,
                r#"rules[0].then.throttle.retry_after "1" is not a whole number"#,
                EFFECTS[0].example,
            ),
            (
                r#"{"rules": [{"on": "ecs:UpdateServce", "then": "deny"}]}"#,
                "rules[0].on: the sandbox has no operation 'ecs:UpdateServce'",
                "ecs:UpdateService",
            ),
            (r#"{"rules": {}}"#, "rules is not a list", RULE_EXAMPLE),
            (
                r#"{"fates": [{"fate": "external"}]}"#,
                "fates[0].fate: there is no fate 'external'; there are healthy, failPull",
                "exitCode",
            ),
            (
                r#"{"fates": [{"fate": {"exitCode": {}}}]}"#,
                "fates[0].fate.exitCode: 'code' is missing",
                FATES[2].example,
            ),
            (
                r#"{"fates": [{"fate": {"neverStarts": {"after": 1}}}]}"#,
                "fates[0].fate.neverStarts has no members",
                "neverStarts",
            ),
            (r#"{"alarms": [{"family": "shop"}]}"#, "alarms[0]: 'name' is missing", ALARM_EXAMPLE),
            (r#"{"hooks": {"smoke": ["MAYBE"]}}"#, r#"hooks.smoke "MAYBE" is none of SUCCEEDED"#, HOOKS_EXAMPLE),
            (r#"{"lag": {"newTask": -1}}"#, "lag.newTask -1 is not a number of seconds", LAG_EXAMPLE),
            (r#"{"rule": []}"#, "the document: there is no member 'rule', but 'rules'", DOCUMENT_EXAMPLE),
            ("{\n\"rules\": [}", "line 2", DOCUMENT_EXAMPLE),
        ];
        for (document, why, hint) in cases {
            let (told, cure) = refusal(document);
            assert!(told.starts_with("faults.json: ") && told.contains(why), "{told}");
            assert!(cure.contains(hint), "{told}: {cure}");
        }
    }

    /// What people read is whole, and what they copy is taken.
    #[test]
    fn readme_names_everything_and_its_examples_are_taken() {
        let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
        let (_, section) = readme.split_once("\n### Faults\n").expect("README has a section on faults");
        let section = section.split("\n## ").next().unwrap();
        let help = include_str!("../../cli/sandbox/args.rs");
        let forms = EFFECTS.iter().chain(FATES);
        let members = [DOCUMENT, RULE, FATE, ALARM, LAG].into_iter().flatten();
        let members = members.chain(forms.clone().flat_map(|form| form.members())).map(|member| member.name);
        forms.clone().for_each(|form| assert!(help.contains(form.name), "--help: {}", form.name));
        for name in members.chain(forms.map(|form| form.name)).chain(HOOK_ANSWERS.iter().copied()) {
            assert!(section.contains(&format!("`{name}`")) || section.contains(&format!("\"{name}\"")), "{name}");
        }
        let fences = section.split("```json\n").skip(1).map(|fence| fence.split("```").next().unwrap());
        let documents: Vec<_> =
            fences.map(|document| parse(document).unwrap_or_else(|why| panic!("{document}{why}"))).collect();
        assert!(documents.len() > 3, "{}", documents.len());
        let quoted = section.split('`').filter(|text| text.starts_with("{\""));
        let wrapped = quoted.map(|text| match text {
            _ if text.contains("\"then\"") => format!("{{\"rules\": [{text}]}}"),
            _ if text.contains("\"fate\"") => format!("{{\"fates\": [{text}]}}"),
            _ => text.to_owned(),
        });
        let rows: Vec<_> = wrapped.map(|text| parse(&text).unwrap_or_else(|why| panic!("{text}{why}"))).collect();
        assert!(rows.len() >= EFFECTS.len() + FATES.len(), "{}", rows.len());
    }
}
