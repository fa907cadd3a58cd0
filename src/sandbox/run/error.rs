//! Why tasks cannot run on this machine, or one of them cannot start.

use std::path::{Path, PathBuf};

use crate::report::{Explain, Kind};
use crate::sandbox::ecs::image_not_found;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("tasks cannot have a network namespace of their own here: {why}")]
    NoNetwork { why: String },
    #[error("tasks cannot have a root directory of their own here: {why}")]
    NoRoot { why: String },
    #[error("{}: {why}", path.display())]
    File { path: PathBuf, why: std::io::Error },
    #[error("{what}: {why}")]
    Child { what: &'static str, why: String },
    /// This and the next two are in the words of a task's `stoppedReason`.
    #[error("{}", image_not_found(image))]
    Missing { image: String },
    #[error("CannotPullContainerError: {image}: {why}")]
    Pull { image: String, why: String },
    #[error("CannotStartContainerError: {container}: {why}")]
    Start { container: String, why: String },
    #[error("{0}")]
    Initialization(String),
    #[error("{}: {why}", path.display())]
    Secrets { path: PathBuf, why: String },
}

impl Error {
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let path = path.to_owned();
        |why| Error::File { path, why }
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::NoNetwork { .. } => Some(
                "Run as root or allow user namespaces; or say --host-network: tasks then share this machine's network, \
                 and what they bind may be reached from outside."
                    .into(),
            ),
            Error::NoRoot { .. } => {
                Some("Run as root or allow user namespaces, or leave out --run-tasks: tasks are then simulated.".into())
            }
            Error::Secrets { path, .. } => Some(format!(
                "Write {{\"VALUE-FROM\": \"VALUE\"}} into it, the ARNs and names that task definitions use, and say \
                 chmod 600 {}.",
                path.display()
            )),
            _ => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Error::NoNetwork { .. } | Error::NoRoot { .. } | Error::Secrets { .. } => Kind::Input,
            _ => Kind::Failed,
        }
    }
}
