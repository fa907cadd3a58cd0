//! One event, one line. What is shown at which verbosity is decided here, and nowhere else.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::Verbosity;
use super::text::{clean, clock, one_line, short, size, time};
use crate::report::{Event, Rollout};

pub const STEP: Style = Style::new().bold();
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
pub const HINT: Style = AnsiColor::Cyan.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// Paints, or does not.
#[derive(Debug, Clone, Copy)]
pub struct Brush(pub bool);

impl Brush {
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// `word: text`, the further lines of the text indented.
    pub fn labelled(self, style: Style, word: &str, text: &str) -> String {
        let text = clean(text.trim()).lines().collect::<Vec<_>>().join("\n  ");
        format!("{} {text}", self.paint(style, &format!("{word}:")))
    }
}

/// The least verbosity at which the event is told.
pub fn verbosity(event: &Event) -> Verbosity {
    match event {
        Event::Warning { .. } => Verbosity::Quiet,
        Event::Request { .. } | Event::Retry { .. } => Verbosity::Verbose,
        _ => Verbosity::Normal,
    }
}

/// The event's line, or lines where there is a hint. Progress has none: it is a matter of bars.
pub fn render(event: &Event, brush: Brush) -> Option<String> {
    Some(match event {
        Event::Step { text } => brush.paint(STEP, &one_line(text)),
        Event::Layer { name, digest, size: bytes, how } => {
            format!("layer  {}  {}  {}  {how}", one_line(name), short(digest), size(*bytes))
        }
        Event::Blob { digest, size: bytes, how } => format!("blob   {}  {}  {how}", short(digest), size(*bytes)),
        Event::Progress { .. } => return None,
        Event::Manifest { reference, digest, how } => format!("image  {}  {digest}  {how}", one_line(reference)),
        Event::Rollout(Rollout { service, elapsed, text, .. })
        | Event::Remark { service, elapsed, text, .. }
        | Event::Verdict { service, elapsed, text, .. } => watched(service, *elapsed, text, brush),
        Event::Task { elapsed, text, .. } => {
            format!("{}  {}", brush.paint(FAINT, &format!("{:>6}", clock(*elapsed))), one_line(text))
        }
        Event::Log { source, text, .. } => {
            format!("{} {}", brush.paint(FAINT, &format!("{} |", one_line(source))), one_line(text))
        }
        Event::Request { method, url, status, took } => {
            let status = status.map_or("no answer".into(), |status| status.to_string());
            brush.paint(FAINT, &format!("{method} {} {status} in {}", one_line(url), time(*took)))
        }
        Event::Retry { what, why, wait } => {
            brush.paint(FAINT, &format!("again in {}: {}: {}", time(*wait), one_line(what), one_line(why)))
        }
        Event::Warning { text, hint } => {
            let hint = hint.as_ref().map(|hint| format!("\n{}", brush.labelled(HINT, "hint", hint)));
            brush.labelled(WARNING, "warning", text) + &hint.unwrap_or_default()
        }
    })
}

/// `  1:05  web  web:8 1 of 2 running`: foreign text never begins a line.
fn watched(service: &str, elapsed: Duration, text: &str, brush: Brush) -> String {
    let elapsed = brush.paint(FAINT, &format!("{:>6}", clock(elapsed)));
    format!("{elapsed}  {}  {}", one_line(name(service)), one_line(without_service(text, service)))
}

/// A sign of life: nothing has changed.
pub fn still(rollout: &Rollout, brush: Brush) -> String {
    watched(&rollout.service, rollout.elapsed, &format!("still {}", rollout.text), brush)
}

/// Of a service that was given by its ARN.
pub fn name(service: &str) -> &str {
    service.rsplit('/').next().unwrap_or(service)
}

/// ECS begins its events with `(service web) `, which a line has said already.
pub fn without_service<'a>(text: &'a str, service: &str) -> &'a str {
    let prefix = text.strip_prefix("(service ").and_then(|rest| rest.strip_prefix(name(service)));
    prefix.and_then(|rest| rest.strip_prefix(") ")).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{remark, rollout};

    use super::*;

    #[test]
    fn line_for_each_event() {
        let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
        let request = Event::Request {
            method: "GET".into(),
            url: "https://x/v2/".into(),
            status: Some(200),
            took: Duration::from_millis(12),
        };
        for (event, wanted) in [
            (Event::Step { text: "Building shop".into() }, "Building shop"),
            (
                Event::Layer { name: "classes".into(), digest: digest.clone(), size: 1_500, how: "packed" },
                "layer  classes  sha256:0123456789ab  1.5 kB  packed",
            ),
            (
                Event::Blob { digest: digest.clone(), size: 10, how: "present" },
                "blob   sha256:0123456789ab  10 B  present",
            ),
            (rollout("web", 65, "1 of 2\nrunning\x1b[2J"), "  1:05  web  1 of 2 running\\u{1b}[2J"),
            (remark("arn:x/main/web", 5, "(service web) is\n::error::x"), "  0:05  web  is ::error::x"),
            (remark("web", 5, "(service web-2) is up"), "  0:05  web  (service web-2) is up"),
            (
                Event::Task {
                    tasks: vec!["0123".into()],
                    elapsed: Duration::from_secs(65),
                    text: "task 0123: RUNNING".into(),
                },
                "  1:05  task 0123: RUNNING",
            ),
            (
                Event::Log { task: "0123".into(), source: "web".into(), text: "::error::\nx".into() },
                "web | ::error:: x",
            ),
            (request, "GET https://x/v2/ 200 in 12 ms"),
            (
                Event::Retry { what: "PUT blob".into(), why: "503".into(), wait: Duration::from_secs(2) },
                "again in 2.0 s: PUT blob: 503",
            ),
            (
                Event::Warning { text: "two\nlines".into(), hint: Some("Do this.".into()) },
                "warning: two\n  lines\nhint: Do this.",
            ),
        ] {
            assert_eq!(render(&event, Brush(false)).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn line_is_painted_only_when_asked() {
        let step = Event::Step { text: "x".into() };
        assert_eq!(render(&step, Brush(true)).unwrap(), "\x1b[1mx\x1b[0m");
    }

    #[test]
    fn line_verbosity() {
        assert_eq!(verbosity(&Event::Warning { text: String::new(), hint: None }), Verbosity::Quiet);
        assert_eq!(verbosity(&Event::Step { text: String::new() }), Verbosity::Normal);
        let retry = Event::Retry { what: String::new(), why: String::new(), wait: Duration::ZERO };
        assert_eq!(verbosity(&retry), Verbosity::Verbose);
    }
}
