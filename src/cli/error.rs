//! What can be wrong with a command line beyond what its grammar says.

use std::path::PathBuf;

use crate::report::{Explain, Kind};
use crate::{config, image, source, store};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{flag}: {why}")]
    Setting { flag: String, why: config::Error },
    #[error("{flag}: {why}")]
    Image { flag: &'static str, why: image::Error },
    #[error("--repo: '{0}' is no name of a repository")]
    Repository(String),
    #[error("{flag}: {why}")]
    Store { flag: &'static str, why: store::Error },
    #[error(transparent)]
    Source(source::Error),
    #[error("{path}: {why}", path = path.display())]
    File { path: PathBuf, why: std::io::Error },
    #[error("{path}: not valid JSON: {why}", path = path.display())]
    Document { path: PathBuf, why: serde_json::Error, comment: bool },
    #[error("{path}: not {what}: {why}", path = path.display())]
    Policy { path: PathBuf, what: &'static str, why: String },
    #[error("{path}: {why}", path = path.display())]
    Steps { path: PathBuf, why: String },
    #[error("{flag}: begins like JSON but is not {wanted}")]
    Json { flag: String, wanted: &'static str },
    /// Says nothing of the value, which may be a secret.
    #[error("{flag}: {why}")]
    Pair { flag: String, why: &'static str },
    #[error("{flag}: {why}")]
    Tags { flag: &'static str, why: String, hint: Option<String> },
    #[error("{flag}: '{value}' is not {wanted}")]
    Value { flag: &'static str, value: String, wanted: &'static str },
    #[error("{what}")]
    Missing { what: String, hint: &'static str },
    #[error("{0}")]
    Conflict(String),
    #[error("cannot write the result")]
    Output(#[source] std::io::Error),
    #[error("cannot start the runtime")]
    Runtime(#[source] std::io::Error),
    /// `untouched` says what was not done yet, where that is sure.
    #[error("interrupted{}", because(untouched))]
    Interrupted { untouched: Option<&'static str> },
    #[error("not done after {:#}, the limit that --timeout set{}", jiff::SignedDuration::try_from(*limit).unwrap_or_default(), because(untouched))]
    TimedOut { limit: std::time::Duration, untouched: Option<&'static str> },
}

fn because(untouched: &Option<&'static str>) -> String {
    untouched.map(|untouched| format!(": {untouched}")).unwrap_or_default()
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::Setting { why, .. } => why.hint(),
            Error::Image { why, .. } => why.hint(),
            Error::Repository(_) => {
                Some("Write small letters and digits, with single . _ - between them and / between parts: team/web.".into())
            }
            Error::Store { why, .. } => why.hint(),
            Error::Source(why) => why.hint(),
            Error::Json { wanted, .. } => {
                Some(format!("Write {wanted}; inside double quotes, a double quote is \\\"."))
            }
            Error::Pair { .. } => {
                Some(r#"Write NAME=VALUE and repeat the flag, or write a JSON object: {"NAME":"VALUE"}."#.into())
            }
            Error::Document { comment: true, .. } => Some("JSON has no comments: take them out.".into()),
            Error::Document { why, .. } if why.to_string().starts_with("trailing comma") => {
                Some("JSON allows no comma after the last entry: take it out.".into())
            }
            Error::Tags { hint, .. } => hint.clone(),
            Error::Missing { hint, .. } => Some((*hint).into()),
            Error::Policy { why, .. } if why.starts_with("not valid JSON") => {
                Some("Mend the file, for example with `python3 -m json.tool FILE`.".into())
            }
            Error::Policy { what, .. } => Some(policy_form(what)),
            Error::Steps { .. } => Some(
                r#"Write {"cluster": "production", "steps": [{"deploy": {"service-name": "worker", "image": "$IMAGE"}}]}."#
                    .into(),
            ),
            Error::TimedOut { untouched: Some(_), .. } => Some("Raise --timeout to wait longer.".into()),
            Error::TimedOut { .. } => {
                Some("What AWS was already asked to do goes on; raise --timeout to wait longer.".into())
            }
            _ => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Error::Interrupted { .. } => Kind::Interrupted,
            Error::Output(_) | Error::Runtime(_) | Error::TimedOut { .. } => Kind::Failed,
            _ => Kind::Input,
        }
    }
}

/// How a policy is written, by its kind.
fn policy_form(what: &str) -> String {
    let form = match what.contains("lifecycle") {
        true => r#"{"rules": [{"rulePriority": 1, "selection": {…}, "action": {"type": "expire"}}]}"#,
        false => r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": …, "Action": […]}]}"#,
    };
    format!("Write {form}.")
}
