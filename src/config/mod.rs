//! What the command line did not say: the environment, what the CI system knows, and which of them wins. A flag
//! wins over a variable, a variable over what CI says, and each value remembers where it came from, so that an
//! error can name the place to mend. This room alone reads the environment.

pub mod ci;
mod env;
mod operator;
mod pattern;
mod settings;
mod substitute;

pub use ci::Ci;
pub use env::{Env, VARIABLES, Variable};
pub use settings::{Given, Origin, Setting, Settings};
pub use substitute::substitute;

use crate::report::{Explain, Kind};

/// Why a setting cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("variable {0} is not set")]
    Unset(String),
    /// `${NAME:?words}`: the words are the user's own.
    #[error("variable {name}: {words}")]
    Demanded { name: String, words: String },
    #[error("'{0}' is not understood")]
    Unsupported(String),
    #[error("'${{' is never closed")]
    Unclosed,
    #[error("{origin} names {count} regions, and this command works in one")]
    Regions { origin: String, count: usize },
    #[error("no region is given")]
    NoRegion,
    #[error("{origin}: '{value}' is not a region")]
    Region { origin: String, value: String },
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Error::Unset(name) => {
                format!("Set {name}, or write ${{{name}:-VALUE}} if it may be missing; $$ is a dollar sign.")
            }
            Error::Demanded { name, .. } => format!("Set {name} in the environment of this step."),
            Error::Unsupported(_) => {
                "Understood are $NAME, ${NAME}, ${NAME:-default}, ${NAME:+instead}, ${NAME:?message}, \
                 ${NAME:offset:length}, ${NAME#pattern}, ${NAME%pattern}, ${NAME/pattern/text}, ${NAME^}, ${NAME,} and \
                 $$ for a dollar sign. A shell may do the rest: put the value in double quotes."
                    .into()
            }
            Error::Unclosed => "Add the missing '}', or write $$ for a dollar sign.".into(),
            Error::Regions { .. } => "Give one region with --region.".into(),
            Error::NoRegion => "Give --region, or set AWS_REGION.".into(),
            Error::Region { .. } => "A region looks like eu-central-1.".into(),
        })
    }

    fn kind(&self) -> Kind {
        Kind::Input
    }
}
