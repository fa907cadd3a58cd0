//! Events in, text out, in every form; and one hostile text through all of them.

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
    assert_eq!(err, "Building\n  0:05  web  ::error::x\\u{1b}[2J\nwarning: Careful.\nhint: Look.\nAll tags exist.\n");
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
                let ours = ["::group::", "::error::", "::warning::"].iter().any(|command| line.starts_with(command))
                    || line == END_OF_GROUP;
                assert!(github && ours || !line.trim_start().starts_with("::"), "{line}");
                assert!(line.starts_with("::group::") || !line.contains("##[") && !line.contains("##vso["), "{line}");
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
::warning::Careful.
::group::Rollout of web
  0:03  web  1 of 2
::endgroup::
All tags exist.
";
    assert_eq!(err, wanted);
}

#[test]
fn printer_on_github_marks_what_went_wrong() {
    let failed = Report { outcome: Outcome::RolledBack, summary: "**web**: failed, 100%\n\ncause".into(), ..report() };
    let hint = Some("Make one.".to_owned());
    let failure = Failure { message: "no service".into(), causes: vec!["why".into()], hint, kind: Kind::Input };
    let (_, err) = streams(Options { github: true, ..options(Form::Plain) }, |printer| {
        printer.events().warn("Careful.", Some("Look.".into()));
        printer.report(&failed).unwrap();
        printer.failure(&failure, 2);
        printer.usage("error: no such flag\n\nUsage: x", 2);
    });
    let wanted = "\
::warning::Careful.
hint: Look.
::error::web: failed, 100%25

cause
::error::no service
  why
hint: Make one.
::error::no such flag
Usage: x
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
