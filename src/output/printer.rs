//! The one that writes to stdout and stderr. It listens to events while the work goes on and tells its end.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex};

use anstream::adapter::strip_str;
use serde_json::{Map, Value, json};

use super::bars::{Bars, Quarters};
use super::line::{self, Brush};
use super::text::{clean, disarm, unmarked};
use super::{Failure, Form, Options, Verbosity};
use crate::report::{Event, Events, Report};

/// Clones write to the same streams.
#[derive(Clone)]
pub struct Printer {
    options: Arc<Options>,
    streams: Arc<Mutex<Streams>>,
}

struct Streams {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    bars: Option<Bars>,
    quarters: Quarters,
}

impl Printer {
    pub fn new(options: Options) -> Self {
        let bars = (options.form == Form::Terminal && options.verbosity > Verbosity::Quiet).then(Bars::new);
        Printer::over(options, Box::new(io::stdout()), Box::new(io::stderr()), bars)
    }

    fn over(options: Options, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, bars: Option<Bars>) -> Self {
        let streams = Streams { out, err, bars, quarters: Quarters::default() };
        Printer { options: Arc::new(options), streams: Arc::new(Mutex::new(streams)) }
    }

    /// What the working rooms talk to.
    pub fn events(&self) -> Events {
        let printer = self.clone();
        Events::new(move |event| printer.tell(&event))
    }

    fn tell(&self, event: &Event) {
        let shown = line::verbosity(event) <= self.options.verbosity;
        match (self.options.form, event) {
            (Form::Json, Event::Progress { .. }) => {}
            (Form::Json, _) if shown => self.complain(&serde_json::to_string(event).unwrap_or_default()),
            (Form::Json, _) => {}
            (_, Event::Progress { digest, sent, size }) if shown => self.advance(digest, *sent, *size),
            (_, event) if shown => {
                if let Event::Blob { digest, .. } = event {
                    self.streams().bars.iter_mut().for_each(|bars| bars.finish(digest));
                }
                line::render(event, self.brush()).iter().for_each(|line| self.complain(line));
            }
            _ => {}
        }
    }

    fn advance(&self, digest: &str, sent: u64, size: u64) {
        let mut streams = self.streams();
        if let Some(bars) = &mut streams.bars {
            return bars.advance(digest, sent, size);
        }
        let line = streams.quarters.advance(digest, sent, size);
        drop(streams);
        line.iter().for_each(|line| self.complain(line));
    }

    /// The end of a run that came to one: result to stdout, summary to stderr, exports to the CI system's files.
    pub fn report(&self, report: &Report) -> io::Result<()> {
        self.streams().bars.iter_mut().for_each(Bars::clear);
        for text in self.options.sinks.write(report) {
            self.tell(&Event::Warning { text, hint: None });
        }
        if self.options.form == Form::Json {
            return self.answer(&self.pretty(&document(report)));
        }
        if self.options.verbosity > Verbosity::Quiet && !report.summary.is_empty() {
            self.complain(&clean(&unmarked(&report.summary)));
        }
        report.lines.iter().try_for_each(|line| self.answer(&self.harmless(line)))
    }

    /// The end of a run that failed. JSON goes to stdout, where the result would have been, and to the event stream.
    pub fn failure(&self, failure: &Failure, exit_code: u8) {
        self.streams().bars.iter_mut().for_each(Bars::clear);
        if self.options.form != Form::Json {
            return self.complain(&failure.render(self.brush()));
        }
        let error = failure.document(exit_code);
        let mut event = json!({"event": "error"});
        event.as_object_mut().expect("an object").extend(error.as_object().cloned().unwrap_or_default());
        self.complain(&event.to_string());
        self.answer(&self.pretty(&json!({"error": error}))).ok(); // nobody is left to tell
    }

    /// Text of our own, with ANSI colours in it, for stdout: help and the like.
    pub fn page(&self, text: &str) -> io::Result<()> {
        let text = text.trim_end();
        if self.options.colour && io::stdout().is_terminal() {
            self.answer(text)
        } else {
            self.answer(&strip_str(text).to_string())
        }
    }

    /// Why a command line was refused, in the parser's own words; those of `styled` have ANSI colours.
    pub fn usage(&self, styled: &str, exit_code: u8) {
        let plain = strip_str(styled.trim_end()).to_string();
        match (self.options.form, self.options.colour) {
            (Form::Json, _) => self.failure(&Failure::usage(&plain), exit_code),
            (_, true) => self.complain(styled.trim_end()),
            (_, false) => self.complain(&plain),
        }
    }

    /// The runner reads stdout too, and a line may quote what others wrote.
    fn harmless<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.options.github { disarm(text) } else { text.into() }
    }

    fn pretty(&self, document: &Value) -> String {
        let text = format!("{document:#}");
        if self.options.github { text.replace("##[", r"\u0023#[") } else { text }
    }

    fn answer(&self, text: &str) -> io::Result<()> {
        let mut streams = self.streams();
        let written = writeln!(streams.out, "{text}").and_then(|()| streams.out.flush());
        match written {
            // Whoever read has read enough.
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    fn complain(&self, text: &str) {
        let text = self.harmless(text);
        let Streams { err, bars, .. } = &mut *self.streams();
        let mut write = || writeln!(err, "{text}").and_then(|()| err.flush());
        let written = match bars {
            Some(bars) => bars.aside(write),
            None => write(),
        };
        written.ok(); // there is no other place to tell it
    }

    fn brush(&self) -> Brush {
        Brush(self.options.colour)
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// `outcome` first, then what the command has to say.
fn document(report: &Report) -> Value {
    let mut whole = Map::from_iter([("outcome".to_owned(), report.outcome.word().into())]);
    match &report.document {
        Value::Object(members) => whole.extend(members.clone()),
        Value::Null => {}
        other => whole.extend([("result".to_owned(), other.clone())]),
    }
    whole.into()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::options;
    use super::*;
    use crate::report::{Kind, Outcome};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `work` leaves on stdout and stderr.
    fn streams(options: Options, work: impl FnOnce(&Printer)) -> (String, String) {
        let (out, err) = (Page::default(), Page::default());
        work(&Printer::over(options, Box::new(out.clone()), Box::new(err.clone()), None));
        let read = |page: Page| String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        (read(out), read(err))
    }

    fn report() -> Report {
        Report {
            outcome: Outcome::NothingToDo,
            lines: vec!["host/shop@sha256:12".into()],
            document: json!({"digest": "sha256:12"}),
            exports: vec![],
            summary: "All tags exist.\n".into(),
        }
    }

    fn events(printer: &Printer) {
        let events = printer.events();
        events.step("Building");
        events.emit(Event::Rollout { text: "::error::x\x1b[2J".into() });
        events.emit(Event::Progress { digest: "sha256:1".into(), sent: 1, size: 2 });
        events.emit(Event::Retry { what: "PUT".into(), why: "503".into(), wait: std::time::Duration::from_secs(1) });
        events.warn("Careful.", Some("Look.".into()));
        printer.report(&report()).unwrap();
    }

    #[test]
    fn printer_plain_keeps_stdout_for_the_result() {
        let (out, err) = streams(options(Form::Plain), events);
        assert_eq!(out, "host/shop@sha256:12\n");
        assert_eq!(err, "Building\n::error::x\\u{1b}[2J\nwarning: Careful.\nhint: Look.\nAll tags exist.\n");
    }

    #[test]
    fn printer_on_github_disarms_foreign_commands() {
        let (_, err) = streams(Options { github: true, ..options(Form::Plain) }, events);
        assert!(err.contains("\n: :error::x"), "{err}");
        let quoting = Report { lines: vec![" ::error::x".into()], ..report() };
        let told = |printer: &Printer| printer.report(&quoting).unwrap();
        assert_eq!(streams(Options { github: true, ..options(Form::Plain) }, told).0, " : :error::x\n");
    }

    #[test]
    fn printer_verbosity() {
        let at = |verbosity| streams(Options { verbosity, ..options(Form::Plain) }, events);
        assert_eq!(at(Verbosity::Quiet), ("host/shop@sha256:12\n".into(), "warning: Careful.\nhint: Look.\n".into()));
        assert!(at(Verbosity::Verbose).1.contains("again in 1.0 s: PUT: 503\n"));
    }

    #[test]
    fn printer_json_is_one_document_and_a_stream_of_events() {
        let (out, err) = streams(options(Form::Json), events);
        assert_eq!(out, "{\n  \"outcome\": \"nothing-to-do\",\n  \"digest\": \"sha256:12\"\n}\n");
        let names: Vec<String> =
            err.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].to_string()).collect();
        assert_eq!(names, [r#""step""#, r#""rollout""#, r#""warning""#]);
    }

    #[test]
    fn printer_json_failure_is_told_twice() {
        let failure = Failure { message: "no".into(), causes: vec![], hint: None, kind: Kind::Failed };
        let (out, err) = streams(options(Form::Json), |printer| printer.failure(&failure, 1));
        let out: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(out["error"]["exit_code"], 1);
        let err: Value = serde_json::from_str(&err).unwrap();
        assert_eq!((&err["event"], &err["message"]), (&json!("error"), &json!("no")));
    }

    #[test]
    fn printer_strips_colours_from_pages() {
        let (out, err) = streams(options(Form::Plain), |printer| {
            printer.page("\x1b[1mUsage\x1b[0m\n\n").unwrap();
            printer.usage("\x1b[1merror: x\x1b[0m", 2);
        });
        assert_eq!((out.as_str(), err.as_str()), ("Usage\n", "error: x\n"));
    }
}
