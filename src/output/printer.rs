//! The one that writes to stdout and stderr. It listens to events while the work goes on and tells its end.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use anstream::adapter::strip_str;
use serde_json::{Map, Value, json};

use super::bars::{Bars, Quarters};
use super::github::{END_OF_GROUP, group};
use super::line::{self, Brush};
use super::live::Live;
use super::screen::Size;
use super::story::Story;
use super::text::{clean, clean_json, disarm, unmarked};
use super::timeline::Timeline;
use super::{Failure, Form, Options, Verbosity};
use crate::clock::{self, Clock};
use crate::report::{Event, Events, Outcome, Report, Rollout};

/// How often the table is drawn anew, and a log's silence is looked at.
const BEAT: Duration = Duration::from_secs(1);

/// Clones write to the same streams.
#[derive(Clone)]
pub struct Printer {
    options: Arc<Options>,
    streams: Arc<Mutex<Streams>>,
    clock: Clock,
}

struct Streams {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    bars: Option<Bars>,
    live: Option<Live>,
    quarters: Quarters,
    story: Story,
    timeline: Timeline,
    /// On GitHub: lines of a rollout are being folded.
    grouped: bool,
    beats: bool,
}

impl Printer {
    pub fn new(options: Options) -> Self {
        let watched = options.form == Form::Terminal && options.verbosity > Verbosity::Quiet;
        let live = watched.then(|| Live::new(Brush(options.colour), Size::now));
        let (out, err) = (Box::new(io::stdout()), Box::new(io::stderr()));
        Printer::over(options, Clock::Real, out, err, watched.then(Bars::new), live)
    }

    fn over(
        options: Options,
        clock: Clock,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        bars: Option<Bars>,
        live: Option<Live>,
    ) -> Self {
        let streams = Streams {
            out,
            err,
            bars,
            live,
            quarters: Quarters::default(),
            story: Story::default(),
            timeline: Timeline::default(),
            grouped: false,
            beats: false,
        };
        Printer { options: Arc::new(options), streams: Arc::new(Mutex::new(streams)), clock }
    }

    /// What the working rooms talk to.
    pub fn events(&self) -> Events {
        let printer = self.clone();
        Events::new(move |event| printer.tell(&event))
    }

    fn tell(&self, event: &Event) {
        let news = self.streams().hear(event, self.clock.now());
        let shown = news && line::verbosity(event) <= self.options.verbosity;
        match (self.options.form, event) {
            _ if !shown => {}
            (Form::Json, Event::Progress { .. }) => {}
            (Form::Json, _) => self.complain_json(&serde_json::to_string(event).unwrap_or_default()),
            (_, Event::Progress { digest, sent, size }) => self.advance(digest, *sent, *size),
            (Form::Terminal, Event::Rollout(_) | Event::Verdict { .. } | Event::Remark { trouble: false, .. }) => {}
            // The report begins with it.
            (_, Event::Verdict { .. }) if !self.streams().story.goes_on() => {}
            (_, event) => {
                if let Event::Blob { digest, .. } = event {
                    self.streams().bars.iter_mut().for_each(|bars| bars.finish(digest));
                }
                line::render(event, self.brush()).iter().for_each(|line| self.complain_about(event, line));
            }
        }
        if let Event::Rollout(_) | Event::Remark { .. } | Event::Verdict { .. } = event {
            self.keep_beating();
            self.redraw();
        }
    }

    /// From the first picture of a rollout to the end of the run.
    fn keep_beating(&self) {
        let begun = std::mem::replace(&mut self.streams().beats, true);
        if begun || self.options.verbosity == Verbosity::Quiet || !matches!(self.clock, Clock::Real) {
            return;
        }
        let (options, clock, streams) = (self.options.clone(), self.clock.clone(), Arc::downgrade(&self.streams));
        clock::every(BEAT, move || {
            let Some(streams) = streams.upgrade() else { return false };
            Printer { options: options.clone(), streams, clock: clock.clone() }.beat()
        });
    }

    /// Answers whether there is to be another one.
    fn beat(&self) -> bool {
        self.redraw();
        let silent = self.streams().story.sign_of_life(self.clock.now());
        silent.iter().filter(|_| self.options.form != Form::Terminal).for_each(|rollout| self.reassure(rollout));
        self.streams().beats
    }

    fn reassure(&self, rollout: &Rollout) {
        let event = Event::Rollout(rollout.clone());
        match self.options.form {
            Form::Json => self.complain_json(&serde_json::to_string(&event).unwrap_or_default()),
            _ => self.complain_about(&event, &line::still(rollout, self.brush())),
        }
    }

    fn redraw(&self) {
        let mut streams = self.streams();
        let frame = streams.live.as_mut().map(|live| live.draw(self.clock.now())).unwrap_or_default();
        streams.write_raw(&frame);
    }

    /// The end of all that goes on meanwhile; the timeline of it.
    fn close(&self, went_well: bool) -> String {
        let mut streams = self.streams();
        streams.beats = false;
        streams.story = Story::default();
        streams.bars.iter_mut().for_each(Bars::clear);
        let wipe = streams.live.take().map(|mut live| live.end()).unwrap_or_default();
        streams.write_raw(&wipe);
        streams.timeline.markdown(!went_well)
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
        let timeline = self.close(report.outcome == Outcome::Succeeded);
        for text in self.options.sinks.write(report, &timeline) {
            self.tell(&Event::Warning { text, hint: None });
        }
        if self.options.form == Form::Json {
            return self.answer(&pretty(&document(report)));
        }
        if self.options.verbosity > Verbosity::Quiet && !report.summary.is_empty() {
            self.complain(&clean(&unmarked(&report.summary)));
        }
        let obeyed = self.options.form == Form::Plain;
        report.lines.iter().map(|line| clean(line)).try_for_each(|line| match obeyed {
            true => self.answer(&disarm(&line)),
            false => self.answer(&line),
        })
    }

    /// The end of a run that failed. JSON goes to stdout, where the result would have been, and to the event stream.
    pub fn failure(&self, failure: &Failure, exit_code: u8) {
        let timeline = self.close(false);
        if let Some(text) = self.options.sinks.write_failure(failure, &timeline) {
            self.tell(&Event::Warning { text, hint: None });
        }
        if self.options.form != Form::Json {
            return self.complain(&failure.render(self.brush()));
        }
        let error = failure.document(exit_code);
        let mut event = json!({"event": "error"});
        event.as_object_mut().expect("an object").extend(error.as_object().cloned().unwrap_or_default());
        self.complain_json(&event.to_string());
        self.answer(&pretty(&json!({"error": error}))).ok(); // nobody is left to tell
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

    fn answer(&self, text: &str) -> io::Result<()> {
        let mut streams = self.streams();
        let written = writeln!(streams.out, "{text}").and_then(|()| streams.out.flush());
        match written {
            // Whoever read has read enough.
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// A line about something that goes on: on GitHub those of a rollout are folded.
    fn complain_about(&self, event: &Event, text: &str) {
        let service = match event {
            Event::Rollout(Rollout { service, .. }) => service,
            Event::Remark { service, .. } | Event::Verdict { service, .. } => service,
            _ => return self.complain(text),
        };
        if self.folds() && !std::mem::replace(&mut self.streams().grouped, true) {
            self.write(&group(&format!("Rollout of {}", line::name(service))));
        }
        self.write(&self.harmless(text));
    }

    fn complain(&self, text: &str) {
        if std::mem::take(&mut self.streams().grouped) {
            self.write(END_OF_GROUP);
        }
        self.write(&self.harmless(text));
    }

    fn complain_json(&self, json: &str) {
        self.write(&clean_json(json));
    }

    fn folds(&self) -> bool {
        self.options.github && self.options.form == Form::Plain
    }

    /// Logs are read by machines, also where those cannot be seen: a container in a job knows nothing of its runner.
    fn harmless<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        if self.options.form == Form::Plain { disarm(text) } else { text.into() }
    }

    fn write(&self, text: &str) {
        let now = self.clock.now();
        self.streams().write_line(text, now);
    }

    fn brush(&self) -> Brush {
        Brush(self.options.colour)
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Streams {
    /// Takes note of an event; answers whether it is news.
    fn hear(&mut self, event: &Event, now: SystemTime) -> bool {
        let news = self.story.is_news(event, now);
        if news {
            self.timeline.note(event, now);
        }
        self.live.iter_mut().for_each(|live| live.see(event, now));
        news
    }

    fn write_line(&mut self, text: &str, now: SystemTime) {
        self.story.wrote(now);
        let text = match &mut self.live {
            Some(live) => live.above(text, now),
            None => format!("{text}\n"),
        };
        self.write_raw(&text);
    }

    fn write_raw(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let Streams { err, bars, .. } = self;
        let mut write = || err.write_all(text.as_bytes()).and_then(|()| err.flush());
        let written = match bars {
            Some(bars) => bars.aside(write),
            None => write(),
        };
        written.ok(); // there is no other place to tell it
    }
}

fn pretty(document: &Value) -> String {
    clean_json(&format!("{document:#}"))
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
    use super::super::fixture::{options, remark, rollout, verdict, version};
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

    fn start() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    const SIZE: Size = Size { width: 60, height: 24 };

    /// What `work` leaves on stdout and stderr.
    fn streams(options: Options, work: impl FnOnce(&Printer)) -> (String, String) {
        let (out, err) = (Page::default(), Page::default());
        let live = (options.form == Form::Terminal).then(|| Live::new(Brush(false), || SIZE));
        let pages = (Box::new(out.clone()), Box::new(err.clone()));
        work(&Printer::over(options, Clock::fake(start()), pages.0, pages.1, None, live));
        let read = |page: Page| String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        (read(out), read(err))
    }

    /// A fake clock does not beat by itself.
    fn pass(printer: &Printer, seconds: u64) {
        let Clock::Fake(time) = &printer.clock else { panic!("a fake clock is wanted") };
        *time.lock().unwrap() += Duration::from_secs(seconds);
        printer.beat();
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
        events.emit(rollout("web", 5, "::error::x\x1b[2J"));
        events.emit(rollout("web", 6, "::error::x\x1b[2J"));
        events.emit(Event::Progress { digest: "sha256:1".into(), sent: 1, size: 2 });
        events.emit(Event::Retry { what: "PUT".into(), why: "503".into(), wait: std::time::Duration::from_secs(1) });
        events.warn("Careful.", Some("Look.".into()));
        printer.report(&report()).unwrap();
    }

    #[test]
    fn printer_plain_keeps_stdout_for_the_result() {
        let (out, err) = streams(options(Form::Plain), events);
        assert_eq!(out, "host/shop@sha256:12\n");
        assert_eq!(
            err,
            "Building\n  0:05  web  ::error::x\\u{1b}[2J\nwarning: Careful.\nhint: Look.\nAll tags exist.\n"
        );
    }

    /// A rollout that is told of by somebody who means ill, in every kind of text that comes from elsewhere.
    fn evil(printer: &Printer) {
        let evil = "::error::x\n::set-env name=A::b ##[group]c ##vso[d]e\r\x1b]0;t\x07\u{9b}2J\u{202e}\n\t::f::";
        let events = printer.events();
        events.step(evil);
        events.emit(rollout(evil, 1, evil));
        events.emit(remark(evil, 2, evil));
        pass(printer, 60);
        events.emit(Event::Manifest { reference: evil.into(), digest: "sha256:1".into(), how: "sent" });
        events.emit(Event::Layer { name: evil.into(), digest: "sha256:1".into(), size: 1, how: "packed" });
        events.emit(Event::Request { method: "GET".into(), url: evil.into(), status: None, took: Duration::ZERO });
        events.emit(Event::Retry { what: evil.into(), why: evil.into(), wait: Duration::ZERO });
        let (tasks, text) = (vec![evil.into()], evil.to_owned());
        events.emit(Event::Log { task: evil.into(), source: evil.into(), text: text.clone() });
        events.emit(Event::Task { tasks, elapsed: Duration::ZERO, text });
        events.emit(verdict(evil, 3));
        events.warn(evil, Some(evil.into()));
        let (text, document) = (evil.to_owned(), json!({"a": evil}));
        let report =
            Report { lines: vec![evil.into()], document, summary: format!("{text}\n```\n{text}\n```"), ..report() };
        printer.report(&report).unwrap();
        let (causes, hint) = (vec![evil.into()], Some(evil.into()));
        printer.failure(&Failure { message: evil.into(), causes, hint, kind: Kind::Failed }, 1);
    }

    #[test]
    fn printer_obeys_nobody() {
        for form in [Form::Plain, Form::Json] {
            for github in [false, true] {
                let dir = tempfile::tempdir().unwrap();
                let summary = dir.path().join("summary");
                let sinks = crate::output::Sinks { github_summary: Some(summary.clone()), ..Default::default() };
                let options = Options { github, sinks, verbosity: Verbosity::Verbose, ..options(form) };
                let (out, err) = streams(options, evil);
                let markdown = std::fs::read_to_string(summary).unwrap();
                for text in [&out, &err, &markdown] {
                    assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
                    assert!(!text.contains('\u{202e}'), "{text:?}");
                    assert!(text.contains(": :error::x") || text.contains("::error::x"), "{text}");
                }
                for line in [out, err].concat().lines() {
                    let ours = line.starts_with("::group::") || line == END_OF_GROUP;
                    assert!(github && ours || !line.trim_start().starts_with("::"), "{line}");
                    assert!(ours || !line.contains("##[") && !line.contains("##vso["), "{line}");
                }
            }
        }
    }

    #[test]
    fn printer_on_a_terminal_obeys_nobody() {
        let (_, err) = streams(Options { verbosity: Verbosity::Verbose, ..options(Form::Terminal) }, evil);
        let ours = ["\x1b[?2026h", "\x1b[?2026l", "\x1b[J", "\x1b[K", "\x1b[1A", "\x1b[2A", "\x1b[3A", "\r"];
        let text = ours.iter().fold(err, |text, ours| text.replace(ours, ""));
        assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
    }

    #[test]
    fn printer_on_github_folds_the_lines_of_a_rollout() {
        let (_, err) = streams(Options { github: true, ..options(Form::Plain) }, |printer| {
            let events = printer.events();
            events.emit(rollout("web", 1, "0 of 2"));
            events.emit(remark("web", 2, "(service web) is up"));
            events.warn("Careful.", None);
            events.emit(rollout("web", 3, "1 of 2"));
            events.emit(verdict("web", 4));
            printer.report(&report()).unwrap();
        });
        let wanted = "\
::group::Rollout of web
  0:01  web  0 of 2
  0:02  web  is up
::endgroup::
warning: Careful.
::group::Rollout of web
  0:03  web  1 of 2
::endgroup::
All tags exist.
";
        assert_eq!(err, wanted);
    }

    #[test]
    fn printer_tells_of_each_service_but_the_last_when_it_is_done() {
        let (_, err) = streams(options(Form::Plain), |printer| {
            let events = printer.events();
            ["web", "api"].iter().for_each(|service| events.emit(rollout(service, 1, "0 of 2")));
            events.emit(verdict("web", 4));
            events.emit(verdict("api", 5));
        });
        assert_eq!(err, "  0:01  web  0 of 2\n  0:01  api  0 of 2\n  0:04  web  web:8 is deployed\n");
    }

    #[test]
    fn printer_breaks_a_long_silence() {
        let silent = |form| {
            streams(options(form), |printer| {
                printer.events().emit(rollout("web", 5, "0 of 2"));
                (0..150).for_each(|_| pass(printer, 1));
                printer.report(&report()).unwrap();
                (0..150).for_each(|_| pass(printer, 1));
            })
        };
        let wanted = "  0:05  web  0 of 2\n  1:05  web  still 0 of 2\n  2:05  web  still 0 of 2\nAll tags exist.\n";
        assert_eq!(silent(Form::Plain).1, wanted);
        let seconds: Vec<u64> = silent(Form::Json)
            .1
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["seconds"].as_u64().unwrap())
            .collect();
        assert_eq!(seconds, [5, 65, 125]);
    }

    #[test]
    fn printer_on_a_terminal_draws_a_table_and_takes_it_away() {
        let (_, err) = streams(options(Form::Terminal), |printer| {
            let events = printer.events();
            events.step("deploying web:8 to web");
            events.emit(rollout("web", 5, "0 of 2"));
            pass(printer, 1);
            printer.report(&report()).unwrap();
        });
        let frame =
            |time: &str| format!("web in production{}{time}\x1b[K\n  0 of 2\x1b[K\x1b[J\r\x1b[?2026l", " ".repeat(38));
        let (first, second) = (frame("0:05"), frame("0:06"));
        let wanted = format!(
            "deploying web:8 to web\n\x1b[?2026h{first}\x1b[?2026h\r\x1b[1A{second}\r\x1b[1A\x1b[JAll tags exist.\n"
        );
        assert_eq!(err, wanted);
    }

    #[test]
    fn printer_json_names_its_members() {
        let version = crate::report::Version { traffic: Some(25.0), ..version("web:8", true, 2, 1, 1) };
        let Event::Rollout(plain) = rollout("web", 5, "1 of 2") else { unreachable!() };
        let rollout = Rollout { stage: Some("BAKE_TIME".into()), versions: vec![version], ..plain };
        let (_, err) = streams(options(Form::Json), |printer| {
            let events = printer.events();
            events.emit(Event::Rollout(rollout));
            events.emit(remark("web", 6, "x"));
            events.emit(verdict("web", 7));
        });
        let wanted = r#"{"event":"rollout","service":"web","cluster":"production","seconds":5,"stage":"BAKE_TIME","versions":[{"revision":"web:8","new":true,"desired":2,"running":1,"pending":1,"failed":0,"traffic":25.0}],"text":"1 of 2"}
{"event":"remark","service":"web","seconds":6,"source":"service","trouble":false,"text":"x"}
{"event":"verdict","service":"web","seconds":7,"outcome":"succeeded","text":"web:8 is deployed"}
"#;
        assert_eq!(err, wanted);
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
