//! A status as a page: one table of all services, then whatever there is to say of each. A service that was asked for
//! by name is told in full; of the others only what deserves a second look.

use std::fmt::Write;
use std::time::SystemTime;

use serde_json::json;

use super::Status;
use super::read::{Deployment, Image, Newest, State};
use super::time::Moment;
use crate::report::{Outcome, Report};

const HEAD: [&str; 6] = ["SERVICE", "REVISION", "RUNNING", "ROLLOUT", "AGE", "IMAGE"];

/// Characters of a digest that tell it from others: `sha256:` and twelve.
const DIGEST: usize = 19;

pub fn report_status(request: &Status, states: &[State], now: SystemTime) -> Report {
    let page = match states {
        [] => format!("there are no services in cluster '{}'", request.cluster),
        states => page(states, !request.services.is_empty(), now),
    };
    Report {
        outcome: Outcome::Succeeded,
        lines: page.lines().map(str::to_owned).collect(),
        document: json!({"services": states}),
        exports: Vec::new(),
        summary: String::new(),
    }
}

pub fn page(states: &[State], full: bool, now: SystemTime) -> String {
    let mut page = table(states, now);
    for state in states {
        let told = if full { details(state, now) } else { remarks(state) };
        if !told.is_empty() {
            let _ = write!(page, "\n{} in {}{}\n{told}", state.service, state.cluster, habits(state, full));
        }
    }
    page
}

fn table(states: &[State], now: SystemTime) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for state in states {
        let first = state.deployments.first().map(|one| row(&state.service, one, now));
        rows.push(first.unwrap_or_else(|| empty(state)));
        rows.extend(state.deployments.iter().skip(1).map(|one| row("", one, now)));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(service: &str, one: &Deployment, now: SystemTime) -> [String; 6] {
    let images: Vec<String> = one.images.iter().map(brief).collect();
    let age = one.since.map_or_else(|| "-".into(), |since| since.age(now));
    [service.to_owned(), one.revision.clone(), tally(one), rollout(one), age, images.join(", ")]
}

/// A service that runs nothing yet.
fn empty(state: &State) -> [String; 6] {
    let tally = format!("{} of {}", state.running, state.desired);
    [state.service.clone(), "-".into(), tally, state.status.to_lowercase(), "-".into(), String::new()]
}

/// `1 of 2, 1 pending`
fn tally(one: &Deployment) -> String {
    let mut tally = format!("{} of {}", one.running, one.desired);
    for (count, word) in [(one.pending, "pending"), (one.failed, "failed")] {
        if count > 0 {
            let _ = write!(tally, ", {count} {word}");
        }
    }
    tally
}

/// Without a state of its own there is its place in the list: `primary`.
fn rollout(one: &Deployment) -> String {
    words(one.rollout.as_deref().unwrap_or(&one.status))
}

/// `IN_PROGRESS` as people say it.
fn words(state: &str) -> String {
    state.to_lowercase().replace('_', " ")
}

/// `web shop:v2 sha256:0123456789ab`, with an exclamation mark where there are several.
fn brief(image: &Image) -> String {
    let name = image.image.rsplit('/').next().unwrap_or_default();
    let name = name.split('@').next().unwrap_or_default();
    let digest = image.running.first().map(|one| one.digest.as_str()).or(image.resolved.as_deref());
    let digest = digest.map(|digest| format!(" {}", digest.get(..DIGEST).unwrap_or(digest))).unwrap_or_default();
    let more = if image.running.len() > 1 { " (!)" } else { "" };
    format!("{} {name}{digest}{more}", image.container)
}

/// `: ACTIVE, rolling, circuit breaker on, goes back by itself`
fn habits(state: &State, full: bool) -> String {
    if !full {
        return String::new();
    }
    let how = match &state.strategy {
        Some(strategy) => words(strategy).replace("blue green", "blue/green"),
        None => format!("deployed by {}", state.controller),
    };
    let breaker = match (state.circuit_breaker.enabled, state.circuit_breaker.rollback) {
        _ if state.strategy.is_none() => "",
        (true, true) => ", circuit breaker with rollback",
        (true, false) => ", circuit breaker without rollback",
        (false, _) => ", no circuit breaker",
    };
    format!(": {}, {how}{breaker}", words(&state.status))
}

fn details(state: &State, now: SystemTime) -> String {
    let mut text: String = state.deployments.iter().map(|one| deployment(one, now)).collect();
    if let Some(newest) = &state.last_deployment {
        let _ = writeln!(text, "  {}", last(newest, now));
    }
    text.push_str(&remarks(state));
    if !state.events.is_empty() {
        text.push_str("  events\n");
    }
    for event in &state.events {
        let at = event.at.map(|at| format!("{at}  ")).unwrap_or_default();
        let _ = writeln!(text, "    {at}{}", event.message);
    }
    text
}

fn remarks(state: &State) -> String {
    let mut text = String::new();
    for remark in &state.remarks {
        let _ = writeln!(text, "  ! {}", remark.text);
    }
    for gap in &state.unknown {
        let _ = writeln!(text, "  ? {}: unknown ({})", gap.what, gap.why);
    }
    text
}

/// A moment and how long ago it was.
fn since(moment: Moment, now: SystemTime) -> String {
    format!("{moment} ({} ago)", moment.age(now))
}

fn deployment(one: &Deployment, now: SystemTime) -> String {
    let began = one.since.map(|at| format!(" since {}", since(at, now))).unwrap_or_default();
    let by = one.registered_by.as_ref().map(|by| format!(" by {}", person(by))).unwrap_or_default();
    let registered = one.registered_at.map(|at| format!(", registered {at}{by}")).unwrap_or_default();
    let oldest = one.tasks_since.map(|at| format!(", oldest task {at}")).unwrap_or_default();
    let mut text = format!("  {} {}{began}{registered}{oldest}\n", one.revision, one.status.to_lowercase());
    for image in &one.images {
        let _ = writeln!(text, "    {} {}{}", image.container, image.image, running(image));
    }
    text
}

/// `assumed-role/ci/build-41` of its ARN.
fn person(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or(arn)
}

fn running(image: &Image) -> String {
    match (&image.running[..], &image.resolved) {
        ([], Some(digest)) => format!("\n      would run {digest}"),
        (running, _) => running.iter().map(|one| format!("\n      runs {one}")).collect(),
    }
}

/// `deployment of shop:2 in progress for 12 s at SCALE_UP, traffic shop:2 10 %, shop:1 90 %; 0 of 3 failures`
fn last(newest: &Newest, now: SystemTime) -> String {
    let of = newest.revision.as_ref().map(|revision| format!(" of {revision}")).unwrap_or_default();
    let mut text = match newest.is_under_way() {
        true => format!("deployment{of}: {}", words(&newest.status)),
        false => format!("last deployment{of}: {}", words(&newest.status)),
    };
    match (newest.is_under_way(), newest.created_at, newest.finished_at) {
        (true, Some(at), _) => text.push_str(&format!(" for {}", at.age(now))),
        (false, _, Some(at)) => text.push_str(&format!(", {}", since(at, now))),
        _ => {}
    }
    if newest.is_under_way() {
        text.push_str(&course(newest));
    }
    text
}

fn course(newest: &Newest) -> String {
    let mut text = newest.stage.as_ref().map(|stage| format!(" at {stage}")).unwrap_or_default();
    let shares = newest.traffic.iter().map(|share| format!("{} {} %", share.revision, share.percent));
    let shares = shares.collect::<Vec<_>>().join(", ");
    if !shares.is_empty() {
        let _ = write!(text, ", traffic {shares}");
    }
    if let (Some(failures), Some(threshold)) = (newest.failures, newest.threshold) {
        let _ = write!(text, ", circuit breaker at {failures} of {threshold} failures");
    }
    text
}
