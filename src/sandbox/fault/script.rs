//! The rules at work: each counts the requests that it matches, and says of every request what is to befall it.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{Effect, Failing, Rule};
use crate::sandbox::catalog::matches;
use crate::sandbox::skew::Skew;

#[derive(Default)]
pub struct Script {
    since: Option<SystemTime>,
    rules: Vec<Armed>,
}

struct Armed {
    rule: Rule,
    matched: u64,
    hit: u64,
}

/// What befalls one request; the rules that hit it are merged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Orders {
    /// Some: throttled, and how many seconds to wait, if that is to be said.
    pub throttle: Option<Option<u64>>,
    pub status: Option<u16>,
    pub deny: bool,
    pub cut_after: Option<u64>,
    pub lose_answer: bool,
    pub wait: Duration,
    pub bytes_per_second: Option<u64>,
    pub expire_token: bool,
    pub expire_credentials: bool,
    pub clock: Skew,
    pub ecr_strict: bool,
    pub replace_deployment: bool,
    pub fail_entries: Option<Failing>,
}

impl Script {
    pub fn new(rules: Vec<Rule>, now: SystemTime) -> Self {
        let rules = rules.into_iter().map(|rule| Armed { rule, matched: 0, hit: 0 }).collect();
        Script { since: Some(now), rules }
    }

    /// `names` are all the names of a request.
    pub fn orders(&mut self, names: &[String], now: SystemTime) -> Orders {
        let age = self.since.and_then(|since| now.duration_since(since).ok()).unwrap_or_default();
        let mut orders = Orders::default();
        let named = |rule: &Rule| names.iter().any(|name| matches(&rule.on, name));
        for armed in self.rules.iter_mut().filter(|armed| named(&armed.rule)) {
            if armed.in_turn(age) {
                orders.add(&armed.rule.then);
            }
        }
        orders
    }

    /// The rules and how often each has matched and hit.
    pub fn show(&self) -> Value {
        let rules = self.rules.iter().map(|armed| {
            let mut shown = serde_json::to_value(&armed.rule).expect("a rule is plain JSON");
            shown["matched"] = json!(armed.matched);
            shown["hit"] = json!(armed.hit);
            shown
        });
        json!({ "rules": rules.collect::<Vec<_>>() })
    }
}

impl Armed {
    fn in_turn(&mut self, age: Duration) -> bool {
        self.matched += 1;
        let late = self.rule.seconds.is_some_and(|seconds| age.as_secs_f64() > seconds);
        if late || self.matched <= self.rule.skip || self.hit >= self.rule.limit() {
            return false;
        }
        let hit = (self.matched - self.rule.skip).is_multiple_of(self.rule.every.unwrap_or(1));
        self.hit += u64::from(hit);
        hit
    }
}

impl Orders {
    fn add(&mut self, effect: &Effect) {
        match effect {
            Effect::Throttle { retry_after } => self.throttle = Some(*retry_after),
            Effect::Status(status) => self.status = Some(*status),
            Effect::Deny => self.deny = true,
            Effect::Cut { after } => self.cut_after = Some(*after),
            Effect::LoseAnswer => self.lose_answer = true,
            Effect::Slow { milliseconds, bytes_per_second } => {
                self.wait += Duration::from_millis(*milliseconds);
                self.bytes_per_second = bytes_per_second.or(self.bytes_per_second);
            }
            Effect::ExpireToken => self.expire_token = true,
            Effect::ExpireCredentials => self.expire_credentials = true,
            Effect::Clock { ahead } => self.clock = Skew::new(*ahead),
            Effect::EcrStrict => self.ecr_strict = true,
            Effect::ReplaceDeployment => self.replace_deployment = true,
            Effect::FailEntries(failing) => self.fail_entries = Some(failing.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Faults;
    use super::*;

    fn script(rule: &str) -> Script {
        let text = format!(r#"{{"rules": [{rule}]}}"#);
        Script::new(Faults::parse(text.as_bytes(), "test").unwrap().rules, SystemTime::UNIX_EPOCH)
    }

    fn hits(script: &mut Script, names: &[&str], second: u64) -> Vec<bool> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let hit = |name: &&str| script.orders(&[(*name).to_owned(), format!("ecr:{name}")], now) != Orders::default();
        names.iter().map(hit).collect()
    }

    #[test]
    fn rule_counts_what_it_matches() {
        let mut script =
            script(r#"{"on": "ecr:PutImage", "skip": 1, "every": 2, "times": 2, "then": {"status": 500}}"#);
        let hits = hits(
            &mut script,
            &["PutImage", "PutImage", "ListImages", "PutImage", "PutImage", "PutImage", "PutImage", "PutImage"],
            0,
        );
        assert_eq!(hits, [false, false, false, true, false, true, false, false]);
        assert_eq!((&script.show()["rules"][0]["matched"], &script.show()["rules"][0]["hit"]), (&json!(7), &json!(2)));
    }

    #[test]
    fn rule_with_seconds_ends() {
        let mut script = script(r#"{"on": "*Image", "seconds": 10, "then": "deny"}"#);
        assert_eq!(hits(&mut script, &["PutImage"], 9), [true]);
        assert_eq!(hits(&mut script, &["PutImage"], 11), [false]);
    }

    #[test]
    fn expiry_happens_once() {
        for effect in ["expire_token", "expire_credentials"] {
            let mut script = script(&format!(r#"{{"then": "{effect}"}}"#));
            assert_eq!(hits(&mut script, &["A", "B"], 0), [true, false]);
        }
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        for rule in [
            r#"{"then": "explode"}"#,
            r#"{"on": "*", "then": {"status": 200}}"#,
            r#"{"every": 0, "then": "deny"}"#,
            r#"{"onn": "*", "then": "deny"}"#,
            r#"{"then": {"slow": {"bytes_per_second": 0}}}"#,
            r#"{"then": {"clock": {"ahead": 1e12}}}"#,
            r#"{"then": {"clock": {"ahead": 9999999999}}}"#,
        ] {
            assert!(Faults::parse(format!(r#"{{"rules": [{rule}]}}"#).as_bytes(), "test").is_err(), "{rule}");
        }
    }
}
