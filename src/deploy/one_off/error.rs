//! What can keep a task from being started or watched. How a started task ends is no error but an outcome.

use crate::deploy;
use crate::deploy::ecs::CallError;
use crate::report::{Explain, Kind};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Request(#[from] Box<deploy::Error>),
    #[error("there is no service '{service}' in cluster '{cluster}' to take the settings from")]
    NoService { service: String, cluster: String, why: String },
    #[error("{0} was deregistered: nothing can be started from it")]
    Inactive(String),
    #[error("{tasks} was started and goes on, but cannot be watched: {source}")]
    Unwatched { tasks: String, source: Box<CallError> },
}

impl From<deploy::Error> for Error {
    fn from(error: deploy::Error) -> Self {
        Box::new(error).into()
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        deploy::Error::from(error).into()
    }
}

pub fn input(what: &'static str, why: impl Into<String>, hint: impl Into<String>) -> Error {
    deploy::Error::input(what, why, hint).into()
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::Request(error) => error.hint(),
            Error::NoService { why, .. } => {
                Some(format!("ECS says {why}. Check the service's name, the cluster, the region and the account."))
            }
            Error::Inactive(_) => Some("Name an active revision, or register one.".into()),
            Error::Unwatched { source, .. } => source.hint(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Error::Request(error) => error.kind(),
            Error::NoService { .. } | Error::Inactive(_) => Kind::Input,
            Error::Unwatched { .. } => Kind::Failed,
        }
    }
}
