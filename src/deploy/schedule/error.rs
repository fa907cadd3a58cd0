//! Everything that can keep a schedule from its new revision, each with its cure.

use super::Place;
use crate::aws::Error as CallError;
use crate::deploy::edit::short;
use crate::report::{Explain, Kind};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no {place}")]
    Missing { place: Box<Place>, source: Box<CallError> },
    #[error("{place} starts nothing of '{family}': {}", starts(.found))]
    OtherFamilies { place: Box<Place>, family: String, found: Vec<String> },
    #[error("there is no task definition '{name}'")]
    NoDefinition { name: String, source: Box<CallError> },
    #[error("{arn} was deregistered: nothing can be started from it", arn = short(.0))]
    Inactive(String),
    #[error("{place} refused {} of {} targets: {}", .failed.len(), .of, .failed.join("; "))]
    Refused { place: Box<Place>, of: usize, failed: Vec<String> },
    #[error("the answer of {operation} has no {member}")]
    Answer { operation: &'static str, member: &'static str },
    #[error("{} was registered, but {place} does not start it: {source}", short(.registered))]
    Undeployed { registered: String, place: Box<Place>, source: Box<Error> },
    #[error(transparent)]
    Call(#[from] Box<CallError>),
}

fn starts(found: &[String]) -> String {
    match found {
        [] => "it has no target that starts a task".into(),
        found => format!("its targets are of {}", found.join(", ")),
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::Missing { place, .. } => Some(match **place {
                Place::Rule { .. } => "Check its name, the event bus, the region and the account.".into(),
                Place::Schedule { .. } => "Check its name, the schedule group, the region and the account.".into(),
            }),
            Error::OtherFamilies { found, .. } if found.is_empty() => {
                Some("Give it a target with EcsParameters first: this command changes targets, it makes none.".into())
            }
            Error::OtherFamilies { .. } => {
                Some("Name the rule or schedule of this family, or a revision of the family that it starts.".into())
            }
            Error::NoDefinition { .. } => {
                Some("Register the revision first, or check its name, the region and the account.".into())
            }
            Error::Inactive(_) => Some("Name an active revision, or register one.".into()),
            Error::Refused { of, failed, .. } => {
                let others = if failed.len() < *of { "The other targets were changed. " } else { "" };
                Some(format!("{others}Mend what is said of each, and run the command again."))
            }
            Error::Answer { .. } => Some("Is a proxy or another service answering in its place?".into()),
            Error::Undeployed { source, .. } => {
                let again = "Then run the same command again: the revision is found and not registered twice.";
                Some(source.hint().map_or(again.into(), |hint| format!("{hint} {again}")))
            }
            Error::Call(error) => error.hint(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Error::Missing { .. } | Error::OtherFamilies { .. } | Error::NoDefinition { .. } | Error::Inactive(_) => {
                Kind::Input
            }
            _ => Kind::Failed,
        }
    }
}
