//! The live table: a block for each service whose deployment is watched, with a picture of its tasks and of the traffic.
//! Where the window is too low for that, a line each.

use std::time::{Duration, SystemTime};

use anstyle::{AnsiColor, Style};

use super::line::{ERROR, STEP, WARNING, name, without_service};
use super::screen::{Line, Size, columns};
use super::text::{clock, one_line};
use crate::report::{Event, Outcome, Rollout, Version};

const NEW: Style = AnsiColor::Green.on_default();
const OLD: Style = AnsiColor::Blue.on_default();
const FAINT: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default();

/// Columns of a bar, at most and at least.
const BAR: (usize, usize) = (30, 8);

#[derive(Debug, Default)]
pub struct Table(Vec<Row>);

#[derive(Debug)]
struct Row {
    rollout: Rollout,
    seen: SystemTime,
    /// What happened last, and whether it bodes ill.
    remark: Option<(String, bool)>,
    end: Option<(Outcome, String)>,
}

impl Table {
    pub fn see(&mut self, event: &Event, now: SystemTime) {
        match event {
            Event::Rollout(rollout) => self.move_on(rollout, now),
            // What bodes ill stays above the table.
            Event::Remark { service, text, trouble: false, .. } => {
                let text = one_line(without_service(text, service));
                self.of(service).into_iter().for_each(|row| row.remark = Some((text.clone(), false)));
            }
            Event::Verdict { service, outcome, text, elapsed } => {
                if let Some(row) = self.of(service) {
                    row.end = Some((*outcome, one_line(text)));
                    row.rollout.elapsed = *elapsed;
                }
            }
            _ => {}
        }
    }

    fn of(&mut self, service: &str) -> Option<&mut Row> {
        self.0.iter_mut().find(|row| row.rollout.service == service)
    }

    fn move_on(&mut self, rollout: &Rollout, now: SystemTime) {
        match self.of(&rollout.service) {
            // A look that showed nothing does not take the picture away.
            Some(row) if rollout.versions.is_empty() && row.end.is_none() => {
                row.remark = Some((one_line(&rollout.text), true));
            }
            Some(row) => {
                row.rollout = rollout.clone();
                row.seen = now;
                row.end = None;
            }
            None => self.0.push(Row { rollout: rollout.clone(), seen: now, remark: None, end: None }),
        }
    }

    pub fn frame(&self, size: Size, now: SystemTime) -> Vec<Line> {
        let blocks: Vec<Vec<Line>> = self.0.iter().map(|row| row.block(size.width, now)).collect();
        let room = size.height.saturating_sub(2);
        if blocks.iter().map(Vec::len).sum::<usize>() <= room {
            return blocks.concat();
        }
        let mut lines: Vec<Line> = self.0.iter().map(|row| row.line(size.width, now)).collect();
        if lines.len() > room {
            let left_out = lines.len() + 1 - room.max(1);
            lines.truncate(room.saturating_sub(1));
            lines.push(Line::default().add(FAINT, format!("… and {left_out} more")));
        }
        lines
    }
}

impl Row {
    fn elapsed(&self, now: SystemTime) -> String {
        let since = if self.end.is_some() { Duration::ZERO } else { now.duration_since(self.seen).unwrap_or_default() };
        clock(self.rollout.elapsed + since)
    }

    fn block(&self, width: usize, now: SystemTime) -> Vec<Line> {
        if self.end.is_some() {
            return vec![self.line(width, now)];
        }
        let rollout = &self.rollout;
        let stage = rollout.stage.as_ref().map(|stage| format!("{}  ", one_line(stage))).unwrap_or_default();
        let head = Line::default()
            .add(STEP, one_line(name(&rollout.service)))
            .text(format!(" in {}", one_line(&rollout.cluster)));
        let mut lines = vec![head.right(&format!("{stage}{}", self.elapsed(now)), width.min(100).saturating_sub(1))];
        let (scale, bar, names) = (self.scale(), bar(width), self.names());
        lines.extend(rollout.versions.iter().map(|version| tasks(version, scale, bar, names)));
        lines.extend(traffic(&rollout.versions, bar, names));
        if rollout.versions.is_empty() {
            lines.push(Line::default().text("  ").add(FAINT, one_line(&rollout.text)));
        }
        if let Some((text, trouble)) = &self.remark {
            lines.push(Line::default().text("  ").add(if *trouble { WARNING } else { FAINT }, text.clone()));
        }
        lines
    }

    fn line(&self, width: usize, now: SystemTime) -> Line {
        let (mark, style) = match &self.end {
            Some((Outcome::Succeeded, _)) => ("✓", NEW),
            Some(_) => ("✗", ERROR),
            None => ("·", FAINT),
        };
        let line = Line::default().add(style, mark).add(STEP, format!(" {}", one_line(name(&self.rollout.service))));
        let Some((_, text)) = &self.end else { return self.short(line, bar(width) / 2, now) };
        line.text(format!("  {}  {text}", self.elapsed(now)))
    }

    fn short(&self, line: Line, bar: usize, now: SystemTime) -> Line {
        let line = line.text(format!("  {}", self.elapsed(now)));
        let scale = self.scale();
        let line = self.rollout.versions.iter().fold(line, |line, version| {
            let counts = format!(" {}/{}", version.running, version.desired);
            counted(line.text(format!("  {} ", one_line(&version.revision))), version, scale, bar).text(counts)
        });
        let stage = self.rollout.stage.as_ref().map(|stage| format!("  {}", one_line(stage))).unwrap_or_default();
        line.text(stage)
    }

    /// How many tasks a whole bar stands for.
    fn scale(&self) -> i64 {
        let most = |version: &Version| version.desired.max(version.running + version.pending);
        self.rollout.versions.iter().map(most).max().unwrap_or(1).max(1)
    }

    /// Columns of the longest name.
    fn names(&self) -> usize {
        self.rollout.versions.iter().map(|version| columns(&version.revision)).max().unwrap_or_default().clamp(3, 40)
    }
}

fn bar(width: usize) -> usize {
    (width / 3).clamp(BAR.1, BAR.0)
}

/// `  new web:8  ██████▒▒▒░░░  2 of 4 running, 1 pending`
fn tasks(version: &Version, scale: i64, bar: usize, names: usize) -> Line {
    let role = if version.new { "new" } else { "old" };
    let line = Line::default().text(format!("  {role} {:<names$}  ", one_line(&version.revision)));
    let mut counts = match version.new && version.desired > 0 {
        true => format!("  {} of {} running", version.running, version.desired),
        false => format!("  {} running", version.running),
    };
    if version.pending > 0 {
        counts += &format!(", {} pending", version.pending);
    }
    let line = counted(line, version, scale, bar).text(counts);
    match version.failed {
        0 => line,
        failed => line.text(", ").add(BAD, format!("{failed} failed")),
    }
}

/// A bar of running, pending and missing tasks.
fn counted(line: Line, version: &Version, scale: i64, bar: usize) -> Line {
    let wide = |count: i64| (count.max(0) * bar as i64 / scale) as usize;
    let style = if version.new { NEW } else { OLD };
    let running = wide(version.running).max(usize::from(version.running > 0)).min(bar);
    let pending =
        (wide(version.running + version.pending).max(running + usize::from(version.pending > 0)).min(bar)) - running;
    let wanted = wide(version.desired).max(running + pending).min(bar) - running - pending;
    let line = line.add(style, "█".repeat(running)).add(style, "▒".repeat(pending)).add(FAINT, "░".repeat(wanted));
    line.text(" ".repeat(bar - running - pending - wanted))
}

/// `  traffic    ━━━━━━──────  25 % new, 75 % old`
fn traffic(versions: &[Version], bar: usize, names: usize) -> Option<Line> {
    let new = versions.iter().find(|version| version.new)?.traffic?;
    let columns = ((new / 100.0 * bar as f64).round().max(0.0) as usize).min(bar);
    let line = Line::default().text(format!("  {:<1$}  ", "traffic", names + 4));
    let line = line.add(NEW, "━".repeat(columns)).add(OLD, "━".repeat(bar - columns));
    Some(line.text(format!("  {new} % new, {} % old", 100.0 - new)))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{remark, rollout, verdict, version};
    use super::*;
    use crate::output::line::Brush;
    use crate::output::screen::Screen;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn pictured(service: &str, stage: Option<&str>, versions: Vec<Version>) -> Event {
        let Event::Rollout(plain) = rollout(service, 60, "x") else { unreachable!() };
        Event::Rollout(Rollout { stage: stage.map(str::to_owned), versions, ..plain })
    }

    /// What people see.
    fn shown(events: &[Event], width: usize, height: usize) -> String {
        let mut table = Table::default();
        events.iter().for_each(|event| table.see(event, at(0)));
        let size = Size { width, height };
        let text = Screen::default().draw(&table.frame(size, at(12)), size, Brush(false));
        let text = text.replace("\x1b[?2026h", "").replace("\x1b[?2026l", "").replace("\x1b[J", "");
        text.replace("\x1b[K", "").replace("\r", "")
    }

    #[test]
    fn table_is_a_picture_of_a_rolling_update() {
        let versions = vec![version("web:8", true, 4, 2, 1), version("web:7", false, 0, 3, 0)];
        let events =
            [pictured("web", None, versions), remark("web", 61, "(service web) has started 1 tasks: (task ab).")];
        let wanted = "\
web in production                                          1:12
  new web:8  ██████████▒▒▒▒▒░░░░░░  2 of 4 running, 1 pending
  old web:7  ███████████████        3 running
  has started 1 tasks: (task ab).";
        assert_eq!(shown(&events, 64, 24), wanted);
    }

    #[test]
    fn table_shows_how_traffic_is_shared() {
        let new = Version { traffic: Some(25.0), ..version("web:8", true, 2, 2, 0) };
        let old = Version { traffic: Some(75.0), failed: 1, ..version("web:7", false, 2, 2, 0) };
        let wanted = "\
web in production               BAKE_TIME  1:12
  new web:8  ████████████████  2 of 2 running
  old web:7  ████████████████  2 running, 1 fa…
  traffic    ━━━━━━━━━━━━━━━━  25 % new, 75 % …";
        assert_eq!(shown(&[pictured("web", Some("BAKE_TIME"), vec![new, old])], 48, 24), wanted);
    }

    #[test]
    fn table_has_a_line_for_what_is_over() {
        let versions = vec![version("web:8", true, 2, 1, 1)];
        let events = [pictured("api", None, versions.clone()), pictured("web", None, versions), verdict("web", 71)];
        assert_eq!(shown(&events, 80, 24).lines().last(), Some("✓ web  1:11  web:8 is deployed"));
    }

    #[test]
    fn table_is_a_line_each_in_a_low_window() {
        let versions = || vec![version("web:8", true, 4, 2, 1), version("web:7", false, 0, 3, 0)];
        let events: Vec<Event> = (1..=6).map(|n| pictured(&format!("web-{n}"), None, versions())).collect();
        let six = shown(&events, 80, 8);
        assert_eq!(six.lines().count(), 6);
        assert!(six.starts_with("· web-1  1:12  web:8 ██████▒▒▒░░░░ 2/4  web:7"), "{six}");
        let few = shown(&events, 80, 6);
        assert_eq!((few.lines().count(), few.lines().last()), (4, Some("… and 3 more")));
    }

    #[test]
    fn table_keeps_its_picture_when_a_look_shows_nothing() {
        let versions = vec![version("web:8", true, 2, 1, 1)];
        let text = shown(&[pictured("web", None, versions), rollout("web", 65, "ECS does not say: throttled")], 80, 24);
        assert!(text.contains("1 of 2 running") && text.contains("ECS does not say"), "{text}");
    }

    #[test]
    fn table_shows_foreign_text_as_text() {
        let events = [
            pictured("web", Some("A\x1b[2J"), vec![version("x\x1b[31m", true, 1, 1, 0)]),
            remark("web", 1, "a\x1b[1A\nb\r\u{9b}c"),
        ];
        let text = shown(&events, 120, 24);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert_eq!(text.lines().count(), 3);
    }
}
