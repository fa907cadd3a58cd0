//! The cause of a failure on one screen. What matters most comes first and has room first: what made ECS give up, why
//! tasks stopped, their last lines, the load balancer's reasons, what could not be learned, what the service said.

use std::fmt::Write as _;

use super::logs::Log;
use super::{Cause, Evidence, cure};
use crate::report::gist;

/// Lines of a screen.
const SCREEN: usize = 24;

/// How many causes are told, and how many target groups, alarms and hooks: as many as there is room for.
const PORTIONS: [(usize, usize); 3] = [(3, 2), (2, 1), (1, 1)];

/// Lines of the service's complaints; they repeat themselves.
const COMPLAINTS: usize = 5;

/// Log lines that are always shown, however much else there is to say.
const LEAST: usize = 3;

/// Characters of a log line.
const WIDE: usize = 160;

/// The hint that a log makes superfluous.
const SEE_LOG: &str = "The reason is in the container's log.";

/// All of it as Markdown, where `used` lines of the screen are taken already.
pub fn screen(causes: &[Cause], evidence: &Evidence, trouble: &[String], used: usize) -> String {
    let least = evidence.log.as_ref().map_or(0, |log| 3 + log.lines.len().min(LEAST));
    let portion = |(most, few): (usize, usize)| {
        let head = [triggers(evidence, few), tasks(causes, evidence, most)].concat();
        (head, [targets(evidence, few), notes(evidence)].concat())
    };
    let fits = |(head, tail): &(String, String)| used + lines(head) + lines(tail) + least <= SCREEN;
    let (head, tail) = PORTIONS.into_iter().map(portion).find(fits).unwrap_or_else(|| portion(PORTIONS[2]));
    let left = SCREEN.saturating_sub(used + lines(&head) + lines(&tail));
    let log = evidence.log.as_ref().map(|log| quoted(log, left)).unwrap_or_default();
    let explained = !causes.is_empty() || !evidence.targets.is_empty() || !evidence.triggers.is_empty();
    let said = complaints(trouble, explained, left.saturating_sub(lines(&log)));
    [head, log, tail, said].concat()
}

fn lines(text: &str) -> usize {
    text.lines().filter(|line| *line != "```").count()
}

fn indented(hint: Option<&str>) -> String {
    hint.map(|hint| format!("  {hint}\n")).unwrap_or_default()
}

fn triggers(evidence: &Evidence, most: usize) -> String {
    let told = evidence.triggers.iter().take(most);
    let text: String = told.map(|trigger| format!("- {}\n{}", trigger.words(), indented(trigger.cure()))).collect();
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn tasks(causes: &[Cause], evidence: &Evidence, most: usize) -> String {
    let mut text = String::new();
    for (place, cause) in causes.iter().take(most).enumerate() {
        let tasks = if cause.count == 1 { "1 task".to_owned() } else { format!("{} tasks", cause.count) };
        let blank = if place == 0 && evidence.triggers.is_empty() { "\n" } else { "" };
        let _ = writeln!(text, "{blank}- {tasks}: {}", cause.text);
        let hint = cause.hint.filter(|hint| *hint != SEE_LOG || evidence.log.is_none());
        // What the load balancer says is nearer to the point.
        let hint = hint.filter(|_| evidence.targets.is_empty() || !cause.text.contains("ELB health checks"));
        text.push_str(&indented(hint));
        let newest: Vec<&str> = cause.tasks.iter().rev().take(3).map(String::as_str).collect();
        if !newest.is_empty() {
            let _ = writeln!(text, "  ({})", newest.join(", "));
        }
    }
    let more = causes.len().saturating_sub(most);
    if more > 0 {
        let _ = writeln!(text, "- and {more} more");
    }
    text
}

fn quoted(log: &Log, room: usize) -> String {
    let head = format!("\nThe last lines of {} ({}, {}):\n```\n", log.container, log.group, log.stream);
    let count = room.saturating_sub(lines(&head) + usize::from(log.hint.is_some())).max(LEAST).min(log.lines.len());
    let last = &log.lines[log.lines.len() - count..];
    // The bar keeps a line from ending the quotation, and from beginning with anything that is obeyed.
    let quoted: String = last.iter().map(|line| format!("| {}\n", cut(line))).collect();
    head + &quoted + "```\n" + &indented(log.hint)
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn targets(evidence: &Evidence, most: usize) -> String {
    let mut text = String::new();
    for ailing in evidence.targets.iter().take(most) {
        let _ = writeln!(text, "- {}", ailing.words());
        text.push_str(&indented(ailing.cure()));
    }
    text
}

fn notes(evidence: &Evidence) -> String {
    evidence.notes.iter().map(|note| format!("- {note}\n")).collect()
}

/// What the service said; with a cure only where nothing else has told the cause.
fn complaints(trouble: &[String], explained: bool, room: usize) -> String {
    let head = "\nThe service's events:\n";
    let room = room.saturating_sub(lines(head)).min(COMPLAINTS);
    if trouble.is_empty() || room == 0 {
        return String::new();
    }
    let mut said: Vec<String> = Vec::new();
    let mut gists: Vec<String> = Vec::new();
    for event in trouble.iter().rev() {
        let gist = gist(event);
        if gists.contains(&gist) {
            continue;
        }
        let times = match trouble.iter().filter(|other| self::gist(other) == gist).count() {
            1 => String::new(),
            many => format!(" (the last of {many})"),
        };
        let text = format!("- {event}{times}\n{}", indented(cure(event).filter(|_| !explained)));
        if said.iter().map(|text| lines(text)).sum::<usize>() + lines(&text) > room {
            break;
        }
        gists.push(gist);
        said.push(text);
    }
    said.reverse();
    if said.is_empty() { String::new() } else { head.to_owned() + &said.concat() }
}
