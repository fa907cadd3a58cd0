//! What came of a release: a line for each part, then what has to be known of those that did not go well. The outcome
//! of the whole is the worst of all, and so is the exit code.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{End, Part, Release};
use crate::deploy::edit::short;
use crate::deploy::plan::Step;
use crate::deploy::rollout::undo;
use crate::deploy::summary::spelled;
use crate::report::{Explain, Export, Outcome, Report};

/// Step by step, each part and its end.
pub type Ends = Vec<Vec<(Part, End)>>;

/// From the worst to the best: what is broken, what nobody knows, what is as before, what is well.
const WORST: [Outcome; 8] = [
    Outcome::Interrupted,
    Outcome::Failed,
    Outcome::TimedOut,
    Outcome::Replaced,
    Outcome::RolledBack,
    Outcome::Succeeded,
    Outcome::Planned,
    Outcome::NothingToDo,
];

pub fn report(ends: &Ends) -> Report {
    let all = || ends.iter().flatten();
    let outcome = worst(all().filter_map(|(_, end)| end.outcome()));
    let revisions: Vec<String> = all().filter_map(|(_, end)| revision(end)).map(str::to_owned).collect();
    Report {
        outcome,
        document: json!({"services": numbered(ends).map(|(step, part, end)| document(step, part, end)).collect::<Vec<_>>()}),
        exports: exports(&revisions),
        lines: revisions,
        summary: summary(ends, outcome),
    }
}

/// The report of a dry run: all plans, and no effect.
pub fn planned(release: &Release) -> Report {
    let (mut services, mut text) = (Vec::new(), String::new());
    for (index, part) in
        release.steps.iter().enumerate().flat_map(|(index, step)| step.iter().map(move |part| (index, part)))
    {
        let mut members = head(index + 1, part, Outcome::Planned.word());
        members.extend(part.plan.document().as_object().cloned().unwrap_or_default());
        services.push(Value::Object(members));
        let _ = writeln!(text, "**Step {}, {}**\n{}", index + 1, part.name, part.plan);
    }
    Report {
        outcome: Outcome::Planned,
        lines: Vec::new(),
        document: json!({"services": services}),
        exports: Vec::new(),
        summary: text,
    }
}

fn worst(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let rank = |outcome: &Outcome| WORST.iter().position(|other| other == outcome);
    outcomes.min_by_key(rank).unwrap_or(Outcome::NothingToDo)
}

fn numbered(ends: &Ends) -> impl Iterator<Item = (usize, &Part, &End)> {
    ends.iter().enumerate().flat_map(|(index, step)| step.iter().map(move |(part, end)| (index + 1, part, end)))
}

fn revision(end: &End) -> Option<&str> {
    match end {
        End::Told(report) => report.lines.first().map(String::as_str),
        _ => None,
    }
}

fn exports(revisions: &[String]) -> Vec<Export> {
    vec![Export { name: "deployed-revisions", variables: &[], value: revisions.join(" ") }]
}

fn word(end: &End) -> &'static str {
    end.outcome().map_or("not-started", Outcome::word)
}

fn head(step: usize, part: &Part, outcome: &str) -> Map<String, Value> {
    let head = json!({"step": step, "name": part.name, "outcome": outcome});
    head.as_object().cloned().unwrap_or_default()
}

/// As of a run of its own, and what tells it from the others.
fn document(step: usize, part: &Part, end: &End) -> Value {
    let mut members = head(step, part, word(end));
    let more = match end {
        End::Told(report) => report.document.clone(),
        End::Broke(why) => {
            let deploy = part.plan.deploy.as_ref();
            let (cluster, service) = (deploy.map(|deploy| &deploy.cluster), deploy.map(|deploy| &deploy.service));
            json!({"cluster": cluster, "service": service, "message": told(why), "advice": why.hint()})
        }
        End::NotStarted => Value::Null,
    };
    members.extend(more.as_object().cloned().unwrap_or_default());
    members.into()
}

/// The error and what lies behind it, in one line.
fn told(why: &dyn std::error::Error) -> String {
    let mut text = why.to_string();
    for cause in std::iter::successors(why.source(), |cause| cause.source()).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn summary(ends: &Ends, outcome: Outcome) -> String {
    let mut text = format!("{}\n\n```\n{}```\n", tally(ends), table(ends));
    let is_well = |end: &End| matches!(end.outcome(), Some(Outcome::Succeeded | Outcome::NothingToDo));
    for (_, part, end) in numbered(ends).filter(|(_, _, end)| !is_well(end)) {
        let _ = match end {
            End::Told(report) => write!(text, "\n{}", report.summary),
            End::Broke(why) => {
                let hint = why.hint().map(|hint| format!("{hint}\n")).unwrap_or_default();
                write!(text, "\n**{}**: {}\n{hint}", part.name, told(why))
            }
            End::NotStarted => Ok(()),
        };
    }
    if !matches!(outcome, Outcome::Succeeded | Outcome::NothingToDo) {
        text.push_str(&what_stays(ends));
    }
    text
}

/// `3 services: 1 succeeded, 1 failed, 1 not-started`
fn tally(ends: &Ends) -> String {
    let words: Vec<&str> = numbered(ends).map(|(_, _, end)| word(end)).collect();
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for word in &words {
        match counts.iter_mut().find(|(other, _)| other == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    format!("**{} services**: {}", words.len(), counts.join(", "))
}

fn table(ends: &Ends) -> String {
    let mut rows = vec![["step", "service", "revision", "outcome", "took"].map(str::to_owned)];
    for (step, part, end) in numbered(ends) {
        let took = match end {
            End::Told(report) => report.document["seconds"].as_u64().map(Duration::from_secs),
            _ => None,
        };
        let revision = revision(end).map_or("-", short).to_owned();
        let took = took.map_or("-".into(), spelled);
        rows.push([step.to_string(), part.name.clone(), revision, word(end).to_owned(), took]);
    }
    let widths: Vec<usize> =
        (0..5).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &[String; 5]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// What this run deployed before it went wrong runs on; here is how it is undone.
fn what_stays(ends: &Ends) -> String {
    let stays: Vec<String> = numbered(ends)
        .filter(|(_, _, end)| end.outcome() == Some(Outcome::Succeeded))
        .filter_map(|(_, part, end)| {
            let deploy = part.plan.deploy.as_ref()?;
            let ours = matches!(deploy.step, Step::Update(_));
            Some(format!("  {}\n", undo(deploy, short(revision(end)?)))).filter(|_| ours)
        })
        .collect();
    match stays.is_empty() {
        true => String::new(),
        false => format!("\nWhat is deployed stays; to undo it as well:\n{}", stays.concat()),
    }
}
