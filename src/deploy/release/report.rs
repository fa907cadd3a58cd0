//! What came of a release: a line for each part, then what has to be known of those that did not go well. The outcome
//! of the whole is the worst of all, and so is the exit code.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{End, Part, Release, Step, task};
use crate::deploy::edit::short;
use crate::deploy::rollout::undo;
use crate::deploy::summary::{self, spelled};
use crate::deploy::{one_off, plan};
use crate::report::{Explain, Export, Outcome, Report};

/// A part, or a task, and its end.
pub struct Row {
    step: usize,
    name: String,
    /// Where it was to go, if it is a service's.
    place: Option<(String, String)>,
    /// The command that undoes it.
    undo: Option<String>,
    strict: bool,
    task: bool,
    end: End,
}

impl Row {
    pub fn of(number: usize, step: Step, ends: Vec<End>) -> Vec<Row> {
        match step {
            Step::Deploy(parts) => parts.iter().zip(ends).map(|(part, end)| Row::of_part(number, part, end)).collect(),
            Step::Task(plan) => {
                let row = |end| Row {
                    step: number,
                    name: task::name(&plan),
                    place: None,
                    undo: None,
                    strict: true,
                    task: true,
                    end,
                };
                ends.into_iter().map(row).collect()
            }
        }
    }

    fn of_part(step: usize, part: &Part, end: End) -> Row {
        let deploy = part.plan.deploy.as_ref();
        let ours = deploy.filter(|deploy| matches!(deploy.step, plan::Step::Update(_)));
        let undo = ours.zip(revision(&end)).map(|(deploy, revision)| undo(deploy, short(revision)));
        let place = deploy.map(|deploy| (deploy.cluster.clone(), deploy.service.clone()));
        Row { step, name: part.name.clone(), place, undo, strict: part.strict, task: false, end }
    }

    /// Whether the steps behind it may not begin.
    pub fn stops(&self) -> bool {
        match self.end.outcome() {
            Some(Outcome::TimedOut) => self.strict,
            _ => !self.end.is_well(),
        }
    }
}

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

pub fn report(rows: &[Row]) -> Report {
    let outcome = worst(rows.iter().filter_map(|row| row.end.outcome()));
    let deployed = rows.iter().filter(|row| !row.task);
    let revisions: Vec<String> = deployed.filter_map(|row| deployed_revision(&row.end)).map(str::to_owned).collect();
    Report {
        outcome,
        document: json!({"parts": rows.iter().map(document).collect::<Vec<_>>()}),
        exports: vec![Export { name: "deployed-revisions", variables: &[], value: revisions.join(" ") }],
        lines: revisions,
        summary: summary(rows, outcome),
    }
}

/// The report of a dry run: all plans, and no effect.
pub fn planned(release: &Release) -> Report {
    let (mut parts, mut text) = (Vec::new(), String::new());
    for (index, step) in release.steps.iter().enumerate() {
        let plans: Vec<Report> = match step {
            Step::Deploy(parts) => parts.iter().map(|part| summary::planned(&part.plan)).collect(),
            Step::Task(plan) => vec![one_off::planned(plan)],
        };
        for (name, plan) in step.names().iter().zip(plans) {
            let mut members = head(index + 1, name, Outcome::Planned.word());
            members.extend(plan.document.as_object().cloned().unwrap_or_default());
            parts.push(Value::Object(members));
            let _ = writeln!(text, "**Step {}, {name}**\n{}", index + 1, plan.summary);
        }
    }
    Report {
        outcome: Outcome::Planned,
        lines: Vec::new(),
        document: json!({"parts": parts}),
        exports: Vec::new(),
        summary: text,
    }
}

fn worst(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let rank = |outcome: &Outcome| WORST.iter().position(|other| other == outcome);
    outcomes.min_by_key(rank).unwrap_or(Outcome::NothingToDo)
}

fn revision(end: &End) -> Option<&str> {
    match end {
        End::Told(report) => report.document["task_definition_arn"].as_str(),
        _ => None,
    }
}

/// What runs now: after a rollback that is not what was brought. Of a revision that is only registered, itself.
fn deployed_revision(end: &End) -> Option<&str> {
    match end {
        End::Told(report) => report.document["deployed_revision"].as_str().or(revision(end)),
        _ => None,
    }
}

fn word(end: &End) -> &'static str {
    end.outcome().map_or("not-started", Outcome::word)
}

fn head(step: usize, name: &str, outcome: &str) -> Map<String, Value> {
    let head = json!({"step": step, "name": name, "outcome": outcome});
    head.as_object().cloned().unwrap_or_default()
}

/// As of a run of its own, and what tells it from the others.
fn document(row: &Row) -> Value {
    let mut members = head(row.step, &row.name, word(&row.end));
    let (cluster, service) = row.place.as_ref().map(|(cluster, service)| (cluster, service)).unzip();
    let more = match &row.end {
        End::Told(report) => report.document.clone(),
        End::Broke(why) => {
            json!({"cluster": cluster, "service": service, "message": told(&**why), "advice": why.hint()})
        }
        End::NotStarted => json!({"cluster": cluster, "service": service}),
    };
    members.extend(more.as_object().cloned().unwrap_or_default());
    members.into()
}

/// The error and what lies behind it, in one line.
fn told(why: &dyn Explain) -> String {
    let mut text = why.to_string();
    for cause in std::iter::successors(why.source(), |cause| cause.source()).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn summary(rows: &[Row], outcome: Outcome) -> String {
    let mut text = format!("{}\n\n```\n{}```\n", tally(rows), table(rows));
    for row in rows.iter().filter(|row| !row.end.is_well()) {
        let _ = match &row.end {
            End::Told(report) => write!(text, "\n{}", report.summary),
            End::Broke(why) => {
                let hint = why.hint().map(|hint| format!("{hint}\n")).unwrap_or_default();
                write!(text, "\n**{}**: {}\n{hint}", row.name, told(&**why))
            }
            End::NotStarted => Ok(()),
        };
    }
    if !matches!(outcome, Outcome::Succeeded | Outcome::NothingToDo) {
        text.push_str(&what_stays(rows));
    }
    text
}

/// `**Release of 3**: 1 succeeded, 1 failed, 1 not-started`
fn tally(rows: &[Row]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for word in rows.iter().map(|row| word(&row.end)) {
        match counts.iter_mut().find(|(other, _)| *other == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    format!("**Release of {}**: {}", rows.len(), counts.join(", "))
}

fn table(rows: &[Row]) -> String {
    let mut lines = vec![["step", "what", "revision", "outcome", "took"].map(str::to_owned)];
    for Row { step, name, end, .. } in rows {
        let took = match end {
            End::Told(report) => report.document["seconds"].as_u64().map(Duration::from_secs),
            _ => None,
        };
        let revision = revision(end).map_or("-", short).to_owned();
        let took = took.map_or("-".into(), spelled);
        lines.push([step.to_string(), name.clone(), revision, word(end).to_owned(), took]);
    }
    let widths: Vec<usize> =
        (0..5).map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)).collect();
    let line = |line: &[String; 5]| {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    lines.iter().map(line).collect()
}

/// What this run deployed before it went wrong runs on; here is how it is undone.
fn what_stays(rows: &[Row]) -> String {
    let well = rows.iter().filter(|row| row.end.outcome() == Some(Outcome::Succeeded));
    let stays: Vec<String> = well.filter_map(|row| Some(format!("  {}\n", row.undo.as_ref()?))).collect();
    match stays.is_empty() {
        true => String::new(),
        false => format!("\nWhat is deployed stays; to undo it as well:\n{}", stays.concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: usize, name: &str, outcome: Option<Outcome>, strict: bool) -> Row {
        let report = |outcome| Report {
            outcome,
            lines: Vec::new(),
            document: json!({"task_definition_arn": format!("arn:aws:ecs:r:1:task-definition/{name}:2"), "seconds": 65}),
            exports: Vec::new(),
            summary: format!("{name} in full\n"),
        };
        let end = outcome.map_or(End::NotStarted, |outcome| End::Told(Box::new(report(outcome))));
        let undo = Some(format!("dockless rollback {name}"));
        Row { step, name: name.into(), place: None, undo, strict, task: false, end }
    }

    #[test]
    fn report_shows_each_and_ends_with_the_worst() {
        use Outcome::*;
        let rows =
            [row(1, "db", Some(Succeeded), true), row(2, "worker", Some(RolledBack), true), row(3, "web", None, true)];
        let report = report(&rows);
        assert_eq!(report.outcome, RolledBack);
        let shown = "**Release of 3**: 1 succeeded, 1 rolled-back, 1 not-started\n\n```\n\
                     step  what    revision  outcome      took\n\
                     1     db      db:2      succeeded    1 min 5 s\n\
                     2     worker  worker:2  rolled-back  1 min 5 s\n\
                     3     web     -         not-started  -\n```\n\
                     \nworker in full\n\
                     \nWhat is deployed stays; to undo it as well:\n  dockless rollback db\n";
        assert_eq!(report.summary, shown);
        assert_eq!(
            report.document["parts"][2],
            json!({"step": 3, "name": "web", "outcome": "not-started", "cluster": null, "service": null})
        );
        let order = [Interrupted, Failed, TimedOut, Replaced, RolledBack, Succeeded, NothingToDo];
        for pair in order.windows(2) {
            assert_eq!((worst([pair[1], pair[0]].into_iter()), worst(pair.iter().copied())), (pair[0], pair[0]));
        }
    }

    #[test]
    fn row_stops_the_steps_behind_it_unless_it_is_well_or_forgiven() {
        use Outcome::*;
        let stops = |outcome, strict| row(1, "web", outcome, strict).stops();
        assert!(!stops(Some(Succeeded), true) && !stops(Some(NothingToDo), true) && !stops(Some(TimedOut), false));
        for outcome in [Interrupted, Failed, TimedOut, Replaced, RolledBack] {
            assert!(stops(Some(outcome), true), "{outcome:?}");
        }
        assert!(stops(None, false));
    }
}
