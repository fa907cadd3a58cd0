//! The one that writes to stdout and stderr. It listens to events while the work goes on and tells its end.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use anstream::adapter::strip_str;
use serde_json::{Map, Value, json};

use super::bars::{Bars, Quarters};
use super::github::{END_OF_GROUP, annotation, group};
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
            (_, Event::Warning { text, hint }) if self.folds() => {
                let hint = hint.as_ref().map(|hint| self.brush().labelled(line::HINT, "hint", hint));
                self.annotate("warning", text, &hint.unwrap_or_default());
            }
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

    /// The end of a run that came to one: result to stdout, summary to stderr, exports to the CI system's files. Who
    /// wants it quiet wants to hear of a failure, and to see the plan that was asked for.
    pub fn report(&self, report: &Report) -> io::Result<()> {
        let timeline = self.close(report.outcome == Outcome::Succeeded);
        for text in self.options.sinks.write(report, &timeline) {
            self.tell(&Event::Warning { text, hint: None });
        }
        if self.options.form == Form::Json {
            return self.answer(&pretty(&document(report)));
        }
        let well = matches!(report.outcome, Outcome::Succeeded | Outcome::NothingToDo);
        if (self.options.verbosity > Verbosity::Quiet || !well) && !report.summary.is_empty() {
            self.conclude(report.outcome, &clean(&unmarked(&report.summary)));
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
        if self.folds() {
            return self.annotate("error", &failure.message, &failure.reasons(self.brush()).join("\n"));
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

    /// A verdict: its first line says what became of it.
    fn conclude(&self, outcome: Outcome, summary: &str) {
        let kind = match outcome {
            Outcome::Succeeded | Outcome::NothingToDo | Outcome::Planned => return self.complain(summary),
            Outcome::TimedOut | Outcome::Interrupted => "warning",
            _ => "error",
        };
        if !self.folds() {
            return self.complain(summary);
        }
        let (head, rest) = summary.split_once('\n').unwrap_or((summary, ""));
        self.annotate(kind, head, rest);
    }

    /// What GitHub shows on the run's page as well, and the lines behind it.
    fn annotate(&self, kind: &str, head: &str, rest: &str) {
        if std::mem::take(&mut self.streams().grouped) {
            self.write(END_OF_GROUP);
        }
        self.write(&annotation(kind, head));
        if !rest.is_empty() {
            self.complain(rest);
        }
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
            _ if self.folds() => {
                let (head, rest) = plain.split_once('\n').unwrap_or((&plain, ""));
                self.annotate("error", head.strip_prefix("error: ").unwrap_or(head), rest.trim_start_matches('\n'));
            }
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
mod tests;
