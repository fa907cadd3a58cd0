//! Lifecycle policies, read and evaluated. All rules look at all images; an image then belongs to the first rule, by
//! priority, whose tags fit it, and no later rule may touch it. Images that an index lists go with the index, and
//! referrers with their subject, so neither is expired by a rule of its own.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::image::Digest;
use crate::sandbox::catalog::{Image, Repository, matches};

#[derive(Debug)]
pub(super) struct Policy(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    priority: u64,
    tags: Tags,
    count: Count,
    /// `expire`, or `transition` to the archive.
    expires: bool,
}

#[derive(Debug)]
enum Tags {
    Any,
    Untagged,
    /// Every pattern has to fit one of the image's tags.
    Tagged(Vec<String>),
}

#[derive(Debug)]
enum Count {
    MoreThan(u64),
    /// Seconds.
    SincePushed(f64),
    SincePulled(f64),
}

/// What a policy would do to one image.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) digest: Digest,
    pub(super) priority: u64,
    pub(super) expires: bool,
}

const DAY: f64 = 24.0 * 3600.0;

impl Policy {
    /// A sentence says what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text).map_err(|why| format!("it is not JSON: {why}"))?;
        let rules = document.get("rules").and_then(Value::as_array).ok_or("it has no list 'rules'")?;
        if rules.is_empty() || rules.len() > 50 {
            return Err("it has 1 to 50 rules".into());
        }
        let mut rules: Vec<Rule> = rules.iter().map(Rule::parse).collect::<Result<_, _>>()?;
        rules.sort_by_key(|rule| rule.priority);
        let distinct: BTreeSet<u64> = rules.iter().map(|rule| rule.priority).collect();
        if distinct.len() < rules.len() {
            return Err("two rules have the same rulePriority".into());
        }
        let early = rules.iter().position(|rule| matches!(rule.tags, Tags::Any)).is_some_and(|at| at + 1 < rules.len());
        if early {
            return Err("a rule with tagStatus 'any' must have the highest rulePriority and be the only one".into());
        }
        if rules.iter().filter(|rule| matches!(rule.tags, Tags::Untagged) && rule.expires).count() > 1 {
            return Err("there may be only one rule with tagStatus 'untagged'".into());
        }
        Ok(Policy(rules))
    }

    /// What becomes of the images at this moment (epoch seconds), oldest first.
    pub(super) fn evaluate(&self, repository: &Repository, now: f64) -> Vec<Verdict> {
        let free = |(digest, image): &(&Digest, &Image)| image.subject.is_none() && !repository.is_child(digest);
        let mut images: Vec<_> = repository.images.iter().filter(free).collect();
        images.sort_by(|(a, x), (b, y)| x.pushed_at.total_cmp(&y.pushed_at).then_with(|| a.cmp(b)));
        let mut left = images.clone();
        let mut verdicts = Vec::new();
        for rule in &self.0 {
            let fits = |digest: &Digest| rule.tags.fit(&repository.tags_of(digest));
            let mine: Vec<_> = images.iter().filter(|(digest, _)| fits(digest)).collect();
            let marked =
                mine.iter().enumerate().filter(|(at, (_, image))| rule.count.marks(mine.len() - at, image, now));
            let marked: BTreeSet<&Digest> = marked.map(|(_, (digest, _))| *digest).collect();
            let (decided, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(|(digest, _)| fits(digest));
            let hit = decided.into_iter().filter(|(digest, _)| marked.contains(digest));
            verdicts.extend(hit.map(|(digest, _)| Verdict {
                digest: digest.clone(),
                priority: rule.priority,
                expires: rule.expires,
            }));
            left = rest;
        }
        verdicts
    }
}

impl Rule {
    fn parse(rule: &Value) -> Result<Self, String> {
        let priority = rule.get("rulePriority").and_then(Value::as_u64).filter(|priority| *priority > 0);
        let priority = priority.ok_or("a rule has no rulePriority of 1 or more")?;
        let wrong = |what: &str| format!("rule {priority}: {what}");
        let selection = rule.get("selection").and_then(Value::as_object).ok_or_else(|| wrong("it has no selection"))?;
        let action = rule.pointer("/action/type").and_then(Value::as_str);
        let expires = match action {
            Some("expire") => true,
            Some("transition") => false,
            _ => return Err(wrong("action.type is neither 'expire' nor 'transition'")),
        };
        let (tags, count) = (tags(selection).map_err(wrong)?, count(selection).map_err(wrong)?);
        Ok(Rule { priority, tags, count, expires })
    }
}

fn tags(selection: &Map<String, Value>) -> Result<Tags, &'static str> {
    let list = |name: &str| -> Vec<String> {
        let list = selection.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (patterns, prefixes) = (list("tagPatternList"), list("tagPrefixList"));
    match selection.get("tagStatus").and_then(Value::as_str) {
        Some("any") => Ok(Tags::Any),
        Some("untagged") => Ok(Tags::Untagged),
        Some("tagged") if patterns.is_empty() == prefixes.is_empty() => {
            Err("tagStatus 'tagged' goes with either tagPatternList or tagPrefixList")
        }
        Some("tagged") if patterns.iter().any(|pattern| pattern.matches('*').count() > 4) => {
            Err("a pattern has more than four '*'")
        }
        Some("tagged") => {
            let prefixes = prefixes.into_iter().map(|prefix| prefix + "*");
            Ok(Tags::Tagged(patterns.into_iter().chain(prefixes).collect()))
        }
        _ => Err("tagStatus is none of 'tagged', 'untagged', 'any'"),
    }
}

fn count(selection: &Map<String, Value>) -> Result<Count, &'static str> {
    let number = selection.get("countNumber").and_then(Value::as_u64).filter(|number| *number > 0);
    let number = number.ok_or("countNumber is not a number of 1 or more")?;
    let days = selection.get("countUnit").and_then(Value::as_str) == Some("days");
    match selection.get("countType").and_then(Value::as_str) {
        Some("imageCountMoreThan") if !days => Ok(Count::MoreThan(number)),
        Some("imageCountMoreThan") => Err("countUnit does not go with imageCountMoreThan"),
        Some("sinceImagePushed") if days => Ok(Count::SincePushed(number as f64 * DAY)),
        Some("sinceImagePulled") if days => Ok(Count::SincePulled(number as f64 * DAY)),
        Some("sinceImagePushed" | "sinceImagePulled") => Err("countUnit must be 'days'"),
        _ => Err("countType is not known here"),
    }
}

impl Tags {
    fn fit(&self, tags: &[&str]) -> bool {
        match self {
            Tags::Any => true,
            Tags::Untagged => tags.is_empty(),
            Tags::Tagged(patterns) => patterns.iter().all(|pattern| tags.iter().any(|tag| matches(pattern, tag))),
        }
    }
}

impl Count {
    /// `place` counts from the newest image, which is 1.
    fn marks(&self, place: usize, image: &Image, now: f64) -> bool {
        match self {
            Count::MoreThan(number) => place as u64 > *number,
            Count::SincePushed(seconds) => now - image.pushed_at > *seconds,
            Count::SincePulled(seconds) => now - image.pulled_at.unwrap_or(image.pushed_at) > *seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Images named by their age in days, the oldest first, with their tags.
    fn repository(images: &[(u32, &[&str])]) -> Repository {
        let mut repository = Repository::default();
        for (age, tags) in images {
            let digest = Digest::of(age.to_string().as_bytes());
            let image = Image { pushed_at: -f64::from(*age) * DAY, ..Image::default() };
            repository.images.insert(digest.clone(), image);
            tags.iter().for_each(|tag| drop(repository.tags.insert((*tag).into(), digest.clone())));
        }
        repository
    }

    fn rule(priority: u64, selection: Value) -> Value {
        json!({ "rulePriority": priority, "selection": selection, "action": { "type": "expire" } })
    }

    fn expired(rules: Vec<Value>, repository: &Repository) -> Vec<(u32, u64)> {
        let policy = Policy::parse(&json!({ "rules": rules }).to_string()).unwrap();
        let age = |digest: &Digest| (0..100u32).find(|age| Digest::of(age.to_string().as_bytes()) == *digest).unwrap();
        policy.evaluate(repository, 0.0).iter().map(|verdict| (age(&verdict.digest), verdict.priority)).collect()
    }

    #[test]
    fn images_beyond_a_number_go_oldest_first() {
        let repository = repository(&[(3, &["a"]), (2, &[]), (1, &["b"])]);
        let any = json!({ "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1 });
        assert_eq!(expired(vec![rule(1, any)], &repository), [(3, 1), (2, 1)]);
    }

    #[test]
    fn untagged_images_go_by_age() {
        let repository = repository(&[(20, &[]), (15, &["kept"]), (14, &[]), (1, &[])]);
        let old =
            json!({ "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14 });
        assert_eq!(expired(vec![rule(1, old)], &repository), [(20, 1)]);
    }

    #[test]
    fn image_that_an_earlier_rule_keeps_is_safe_from_later_ones() {
        // Both rules would keep one image; the middle one is kept by the first, so the second may not have it.
        let repository = repository(&[(3, &["prod-1", "beta-1"]), (2, &["prod-2", "beta-2"]), (1, &["beta-3"])]);
        let keep_one = |prefix: &str| json!({ "tagStatus": "tagged", "tagPrefixList": [prefix], "countType": "imageCountMoreThan", "countNumber": 1 });
        assert_eq!(expired(vec![rule(1, keep_one("prod")), rule(2, keep_one("beta"))], &repository), [(3, 1)]);
    }

    #[test]
    fn several_patterns_have_to_fit_together() {
        let repository = repository(&[(2, &["alpha-1"]), (1, &["alpha-2", "x-beta"])]);
        let both = json!({ "tagStatus": "tagged", "tagPatternList": ["alpha*", "*beta"], "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1 });
        assert_eq!(expired(vec![rule(1, both)], &repository), []);
    }

    #[test]
    fn child_of_an_index_goes_only_with_it() {
        let mut repository = repository(&[(9, &[]), (8, &["index"])]);
        let (child, index) = (Digest::of(b"9"), Digest::of(b"8"));
        repository.images.get_mut(&index).unwrap().children.push(child);
        let old =
            json!({ "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1 });
        assert_eq!(expired(vec![rule(1, old)], &repository), []);
    }

    #[test]
    fn policy_that_makes_no_sense_is_refused() {
        let any = json!({ "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1 });
        let with = |name: &str, value: Value| {
            let mut selection = any.clone();
            selection[name] = value;
            vec![rule(1, selection)]
        };
        for rules in [
            vec![],
            vec![rule(0, any.clone())],
            vec![rule(1, any.clone()), rule(1, any.clone())],
            vec![rule(1, any.clone()), rule(2, any.clone())],
            with("tagStatus", json!("tagged")),
            with("countNumber", json!(0)),
            with("countType", json!("sinceImagePushed")),
            with("countUnit", json!("days")),
        ] {
            let text = json!({ "rules": rules }).to_string();
            assert!(Policy::parse(&text).is_err(), "{text}");
        }
    }
}
