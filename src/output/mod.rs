//! What people and programs get to see. The form is chosen once: a terminal with colours, progress bars and a live
//! table of rollouts, plain lines for CI logs, or JSON. stdout holds the result and nothing else, for the next program; everything told on
//! the way goes to stderr. Text that came from elsewhere is freed of control characters, and on GitHub of workflow
//! commands, before it is printed. This room alone prints.

mod bars;
mod circleci;
mod failure;
mod github;
mod line;
mod live;
mod printer;
mod screen;
mod sink;
mod story;
mod table;
mod text;
mod timeline;

pub use failure::Failure;
pub use printer::Printer;
pub use sink::Sinks;
pub use text::size;

use std::io::IsTerminal;

/// How things are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Terminal,
    Plain,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings and errors.
    Quiet,
    Normal,
    /// Requests and retries too.
    Verbose,
}

/// What a printer needs to know, decided before anything is printed.
#[derive(Debug, Clone)]
pub struct Options {
    pub form: Form,
    pub colour: bool,
    pub verbosity: Verbosity,
    /// The log is read by GitHub's runner, which folds groups of lines.
    pub github: bool,
    pub sinks: Sinks,
}

/// Whether people watch stderr.
pub fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

#[cfg(test)]
pub(crate) mod fixture {
    use std::time::Duration;

    use super::*;
    use crate::report::{Event, Outcome, Rollout, Version};

    pub fn rollout(service: &str, seconds: u64, text: &str) -> Event {
        Event::Rollout(Rollout {
            service: service.into(),
            cluster: "production".into(),
            elapsed: Duration::from_secs(seconds),
            stage: None,
            versions: vec![],
            text: text.into(),
        })
    }

    pub fn version(revision: &str, new: bool, desired: i64, running: i64, pending: i64) -> Version {
        Version { revision: revision.into(), new, desired, running, pending, failed: 0, traffic: None }
    }

    pub fn remark(service: &str, seconds: u64, text: &str) -> Event {
        let (service, text, elapsed) = (service.into(), text.into(), Duration::from_secs(seconds));
        Event::Remark { service, elapsed, source: "service", trouble: false, text }
    }

    pub fn verdict(service: &str, seconds: u64) -> Event {
        let (text, elapsed) = ("web:8 is deployed".into(), Duration::from_secs(seconds));
        Event::Verdict { service: service.into(), elapsed, outcome: Outcome::Succeeded, text }
    }

    pub fn options(form: Form) -> Options {
        Options { form, colour: false, verbosity: Verbosity::Normal, github: false, sinks: Sinks::default() }
    }
}
