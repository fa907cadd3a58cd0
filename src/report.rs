//! The narrow types that the working rooms hand upwards: what happens (`Event`), what came of it
//! (`Report`), and how a failure explains itself (`Explain`). Domains fill them in, `output` renders
//! them, `cli::exit` turns them into an exit code. Nothing here prints, waits or reads.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// Something that happened, told while the work goes on. Sizes are bytes.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A step of the work begins.
    Step { text: String },
    /// A layer's digest is known: packed now, or remembered from an earlier build.
    Layer { name: String, digest: String, size: u64, how: &'static str },
    /// A blob's fate at the target: `present`, `mounted` or `sent`.
    Blob { digest: String, size: u64, how: &'static str },
    /// Bytes of a blob went out; `sent` counts from its beginning.
    Progress { digest: String, sent: u64, size: u64 },
    /// A manifest now answers to this reference; `how` is `present` or `sent`.
    Manifest { reference: String, digest: String, how: &'static str },
    /// One line of a rollout's story: counts moved, an event arrived, a task stopped.
    Rollout { text: String },
    /// One HTTP exchange, without query, headers or bodies.
    Request {
        method: String,
        url: String,
        status: Option<u16>,
        #[serde(serialize_with = "millis")]
        took: Duration,
    },
    /// An attempt failed and will be made again after `wait`.
    Retry {
        what: String,
        why: String,
        #[serde(serialize_with = "millis")]
        wait: Duration,
    },
    /// Not fatal, but the user should know.
    Warning { text: String, hint: Option<String> },
}

fn millis<S: serde::Serializer>(duration: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u64(duration.as_millis() as u64)
}

/// Where events go. Cheap to clone; may be called from any thread.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    pub fn new(listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Events(Arc::new(listener))
    }

    /// Drops every event.
    pub fn none() -> Self {
        Events::new(|_| {})
    }

    pub fn emit(&self, event: Event) {
        (self.0)(event)
    }

    pub fn step(&self, text: impl Into<String>) {
        self.emit(Event::Step { text: text.into() })
    }

    pub fn warn(&self, text: impl Into<String>, hint: Option<String>) {
        self.emit(Event::Warning { text: text.into(), hint })
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

/// How a run ended. The word is the same in JSON, in summaries and in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Succeeded,
    /// Everything asked for was already so.
    NothingToDo,
    /// `--dry-run`: the plan was shown, nothing was changed.
    Planned,
    /// The deployment failed and was left as it is.
    Failed,
    /// The deployment failed and ECS went back to the version before.
    RolledBack,
    /// A newer deployment took this one's place.
    Replaced,
    /// Time ran out while the deployment was still going on.
    TimedOut,
    Interrupted,
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::NothingToDo => "nothing-to-do",
            Outcome::Planned => "planned",
            Outcome::Failed => "failed",
            Outcome::RolledBack => "rolled-back",
            Outcome::Replaced => "replaced",
            Outcome::TimedOut => "timed-out",
            Outcome::Interrupted => "interrupted",
        }
    }
}

/// A value for the CI steps that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Name in `$GITHUB_OUTPUT`, kebab-case: `image-digest`.
    pub name: &'static str,
    /// Names in `$BASH_ENV`, the orb's own ones included.
    pub variables: &'static [&'static str],
    pub value: String,
}

/// What a command has to say when it is done.
#[derive(Debug, Clone)]
pub struct Report {
    pub outcome: Outcome,
    /// For stdout and the next program, one a line: references, ARNs.
    pub lines: Vec<String>,
    /// The same and more, for `--output json`; `outcome` is added by `output`.
    pub document: Value,
    pub exports: Vec<Export>,
    /// One screen for a person (stderr), and the body of the GitHub step summary. Markdown that reads well as text.
    pub summary: String,
}

/// What sort of failure it was; `cli::exit` gives each its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The input cannot be right, and nothing was done.
    Input,
    /// It went wrong while it was done.
    Failed,
    Interrupted,
}

/// An error that a person can act upon. `Display` says what failed and where, in one line.
pub trait Explain: std::error::Error {
    /// The cure, as a full sentence, or nothing if none is known.
    fn hint(&self) -> Option<String> {
        None
    }

    fn kind(&self) -> Kind {
        Kind::Failed
    }
}
