//! One field of a cron expression that is a set of numbers: `*`, `5`, `1-5`, `0/15`, `MON`, and lists of these.

use std::ops::RangeInclusive;

/// In order.
#[derive(Debug, Clone, PartialEq)]
pub struct Set(Vec<Steps>);

/// From, to, and how far apart.
#[derive(Debug, Clone, PartialEq)]
struct Steps(RangeInclusive<u16>, u16);

impl Set {
    pub fn has(&self, number: u16) -> bool {
        self.0.iter().any(|steps| steps.0.contains(&number) && (number - steps.0.start()).is_multiple_of(steps.1))
    }

    pub fn iter(&self) -> impl Iterator<Item = u16> {
        let least = self.0.iter().map(|steps| *steps.0.start()).min().unwrap_or(0);
        let most = self.0.iter().map(|steps| *steps.0.end()).max().unwrap_or(0);
        (least..=most).filter(|number| self.has(*number))
    }
}

/// `names` stand for the numbers from the least on.
pub fn parse(text: &str, bounds: (u16, u16), names: &[&str]) -> Option<Set> {
    let parts = text.split(',').map(|part| steps(part, bounds, names));
    parts.collect::<Option<Vec<_>>>().map(|parts| Set(parts.into_iter().flatten().collect()))
}

pub fn number(text: &str, (least, most): (u16, u16), names: &[&str]) -> Option<u16> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text)).map(|place| least + place as u16);
    let digits = || text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    named.or_else(digits).filter(|number| (least..=most).contains(number))
}

/// Days and months, which have names, may go round: FRI-MON.
fn steps(part: &str, bounds: (u16, u16), names: &[&str]) -> Option<Vec<Steps>> {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(number(step, (1, bounds.1), &[])?)),
        None => (part, None),
    };
    let (least, most) = bounds;
    let (from, to) = match range.split_once('-') {
        _ if range == "*" => bounds,
        Some((from, to)) => (number(from, bounds, names)?, number(to, bounds, names)?),
        // `5/15` goes on to the end.
        None => number(range, bounds, names).map(|from| (from, if step.is_some() { most } else { from }))?,
    };
    let step = step.unwrap_or(1);
    match from <= to {
        true => Some(vec![Steps(from..=to, step)]),
        false if names.is_empty() => None,
        false => Some(vec![Steps(from..=most, step), Steps(least..=to, step)]),
    }
}
