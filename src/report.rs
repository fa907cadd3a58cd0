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
    /// How far a deployment is, told after every look at it, whether anything changed or not.
    Rollout(Rollout),
    /// Something that happened while a deployment was watched; `source` is `service` (an event of the service's) or
    /// `task` (one that stopped).
    Remark {
        service: String,
        #[serde(rename = "seconds", serialize_with = "seconds")]
        elapsed: Duration,
        source: &'static str,
        /// It bodes ill.
        trouble: bool,
        text: String,
    },
    /// A deployment needs no more watching. Others that are watched beside it go on.
    Verdict {
        service: String,
        #[serde(rename = "seconds", serialize_with = "seconds")]
        elapsed: Duration,
        outcome: Outcome,
        text: String,
    },
    /// What becomes of tasks that run once, by the last parts of their ARNs.
    Task {
        tasks: Vec<String>,
        #[serde(rename = "seconds", serialize_with = "seconds")]
        elapsed: Duration,
        text: String,
    },
    /// One line that a container wrote, made harmless; `source` says which container, and which task where there are
    /// several.
    Log { task: String, source: String, text: String },
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

/// The picture of a deployment under way at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rollout {
    pub service: String,
    pub cluster: String,
    /// Since the watch began.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub elapsed: Duration,
    /// Where a deployment that shifts traffic is: `BAKE_TIME`, or CodeDeploy's `Install`.
    pub stage: Option<String>,
    /// What is deployed first, then what was there before.
    pub versions: Vec<Version>,
    /// The same in one line.
    pub text: String,
}

/// The tasks of one revision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Version {
    /// `web:8`
    pub revision: String,
    /// This is what is being deployed.
    pub new: bool,
    pub desired: i64,
    pub running: i64,
    pub pending: i64,
    pub failed: i64,
    /// Percent of the production traffic, where it is shifted.
    pub traffic: Option<f64>,
}

fn seconds<S: serde::Serializer>(duration: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u64(duration.as_secs())
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

/// What a sentence of AWS's says, whichever task or target it says it of: without ids, numbers and addresses. A service
/// whose health checks fail says the same of every task that it starts, for as long as it is left to.
pub fn gist(sentence: &str) -> String {
    let plain = |word: &str| if word.contains(|c: char| c.is_ascii_digit()) { "#".to_owned() } else { word.to_owned() };
    sentence.split_whitespace().map(plain).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::gist;

    #[test]
    fn gist_is_what_is_said_of_every_task() {
        let said = |task: &str, port: u16| format!("(service web) (task {task}) (port {port}) is unhealthy");
        assert_eq!(gist(&said("05a2e1", 80)), gist(&said("b0eb09", 8080)));
        assert_ne!(gist(&said("05a2e1", 80)), gist("(service web) (task 05a2e1) (port 80) is healthy"));
    }
}
