//! What people and programs get to see. The form is chosen once: a terminal with colours and progress bars, plain
//! lines for CI logs, or JSON. stdout holds the result and nothing else, for the next program; everything told on
//! the way goes to stderr. Text that came from elsewhere is freed of control characters, and on GitHub of workflow
//! commands, before it is printed. This room alone prints.

mod bars;
mod circleci;
mod failure;
mod github;
mod line;
mod printer;
mod sink;
mod text;

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
    /// The log is read by GitHub's runner, which obeys lines that begin with `::`.
    pub github: bool,
    pub sinks: Sinks,
}

/// Whether people watch stderr.
pub fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    pub fn options(form: Form) -> Options {
        Options { form, colour: false, verbosity: Verbosity::Normal, github: false, sinks: Sinks::default() }
    }
}
